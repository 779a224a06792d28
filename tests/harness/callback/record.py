# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what happened in a run as JSON lines, one a task result, to the file that MAILOPS_RECORD names."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: record
type: aggregate
short_description: Writes task results as JSON lines
description: [Writes task results as JSON lines to the file that the environment variable MAILOPS_RECORD names.]
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]  # core ships no type hints
    """One line a result: event, number of the play, task, action, host, result, ignored."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "record"
    CALLBACK_NEEDS_ENABLED = True
    plays = 0

    def _write(self, **line: Any) -> None:
        with open(os.environ["MAILOPS_RECORD"], "a", encoding="utf-8") as record:
            record.write(json.dumps({"time": time.time(), "play": self.plays, **line}, default=str) + "\n")

    def _result(self, event: str, result: Any, **more: Any) -> None:
        task = result._task
        plain = json.loads(self._dump_results(result._result, keep_invocation=True))
        plain["warnings"] = warnings_of(result)
        self._write(event=event, task=task.get_name(), action=task.action, host=result._host.get_name(), result=plain, **more)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self.plays += 1

    def v2_runner_on_ok(self, result: Any) -> None:
        self._result("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._result("failed", result, ignored=ignore_errors)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._result("unreachable", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._result("skipped", result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        hosts = sorted(stats.processed)
        self._write(event="stats", stats={host: stats.summarize(host) for host in hosts}, custom=getattr(stats, "custom", {}))


def warnings_of(result: Any) -> list[str]:
    """The texts of a result's warnings: plain up to core 2.18, records from 2.19 on, which no longer stand in the result's dict."""
    found = result.warnings if hasattr(result, "warnings") else result._result.get("warnings")
    return [str(entry.event.msg if hasattr(entry, "event") else entry) for entry in found or []]
