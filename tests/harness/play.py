# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-playbook as a user would, and keeps what its tasks returned."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.tenant import Sandbox
from harness.warm import Started

CALLBACKS = Path(__file__).resolve().parent / "callback"
LIMIT = 300  # seconds for one run: a hang bound


@dataclass
class Run:
    """One finished run of ansible-playbook."""

    code: int
    output: str
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def results(self) -> list[dict[str, Any]]:
        """Every task result in order, without the skipped ones."""
        return [event for event in self.events if event["event"] in {"ok", "failed", "unreachable"}]

    @property
    def failures(self) -> list[str]:
        """The messages of failed tasks."""
        return [str(event["result"].get("msg", "")) for event in self.results if event["event"] != "ok"]

    @property
    def warnings(self) -> list[str]:
        """Every warning that a task returned."""
        return [text for event in self.results for text in event["result"].get("warnings", [])]

    @property
    def probes(self) -> set[str]:
        """The ids of the probes that a host took, as the results of all tasks name them."""
        return {str(found["id"]) for event in self.results for found in _accepted(event["result"])}

    @property
    def stats(self) -> dict[str, Any]:
        """Per host: ok, changed, failures, unreachable …"""
        found = [event for event in self.events if event["event"] == "stats"]
        return dict(found[-1]["stats"]) if found else {}

    @property
    def custom(self) -> dict[str, Any]:
        """What the play left by set_stats."""
        found = [event for event in self.events if event["event"] == "stats"]
        return dict(found[-1]["custom"]) if found else {}

    @property
    def changed(self) -> int:
        """How many tasks changed something, over all hosts."""
        return sum(event["result"].get("changed") is True for event in self.results if event["event"] == "ok")

    @property
    def plays(self) -> list[Run]:
        """Each play of a run that went well, as a run of its own."""
        numbers = sorted({event["play"] for event in self.results})
        return [Run(self.code, self.output, [event for event in self.events if event["play"] == number]) for number in numbers]

    @property
    def calls(self) -> list[tuple[str, dict[str, Any]]]:
        """The `calls` of all tasks in order; those of a loop are taken from its items."""
        found: list[tuple[str, dict[str, Any]]] = []
        for event in self.results:
            parts = event["result"].get("results") or [event["result"]]
            for part in parts if isinstance(parts, list) else []:
                found += [(call["cmdlet"], call["parameters"]) for call in part.get("calls") or []]
        return found


def tool(name: str) -> str:
    """A program of the environment that runs the tests."""
    return str(Path(sys.executable).parent / name)


@dataclass
class Player:
    """Runs playbooks with one inventory, as ansible-playbook does once it has imported core and the collection."""

    collections: Path
    folder: Path
    inventory: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def inventory_path(self) -> Path:
        """The inventory as a file; written again by each run."""
        path = self.folder / "inventory.json"
        path.write_text(json.dumps(self.inventory))
        return path

    def environ(self, record: Path | None = None) -> dict[str, str]:
        """The environment of a run: the collection under test, nothing of the user's."""
        keep = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "EXCHANGE_", "PYTEST_"))}
        own = {
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "ANSIBLE_HOME": os.environ.get("ANSIBLE_HOME") or str(self.folder / "home"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_DEPRECATION_WARNINGS": "1",
            "ANSIBLE_INVENTORY_ENABLED": "ansible.builtin.yaml",
            "ANSIBLE_INTERPRETER_PYTHON": sys.executable,
        }
        if record is not None:
            own |= {
                "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
                "ANSIBLE_CALLBACKS_ENABLED": "record",
                "MAILOPS_RECORD": str(record),
            }
        return {**keep, **own, **self.environment}

    def command(self, playbook: str | Path, extra: Mapping[str, Any], *options: str) -> list[str]:
        """The command line of a run."""
        variables = ["-e", json.dumps(extra)] if extra else []
        return [tool("ansible-playbook"), "-i", str(self.inventory_path), str(playbook), *variables, *options]

    def run(self, playbook: str | Path, extra: Mapping[str, Any] | None = None, *options: str) -> Run:
        """Run one playbook to its end; `extra` are extra variables, `options` more of the command line."""
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".jsonl", delete=False) as record:
            path = Path(record.name)
        output = path.with_suffix(".log")
        code = Started(self.command(playbook, extra or {}, *options), self.environ(path), output).wait(LIMIT)
        return Run(code, output.read_text(encoding="utf-8", errors="replace"), read_record(path))

    def chain(self, *playbooks: str) -> Path:
        """A playbook of some of the collection's, one after the other, as a file."""
        return self._book([{"ansible.builtin.import_playbook": f"mailops.exchange.{name}"} for name in playbooks])

    def _book(self, content: Sequence[Mapping[str, Any]]) -> Path:
        with tempfile.NamedTemporaryFile("w", dir=self.folder, suffix=".yml", delete=False) as book:
            book.write(json.dumps(content))
        return Path(book.name)

    def start(self, playbook: str | Path, extra: Mapping[str, Any] | None = None, *options: str) -> Started:
        """Start one playbook in a process group of its own, which a test may end at any moment."""
        return Started(self.command(playbook, extra or {}, *options), self.environ(), Path(os.devnull))

    def tasks(self, tasks: Sequence[Mapping[str, Any]], hosts: str = "all", **play: Any) -> Path:
        """A playbook of these tasks, as a file."""
        return self._book([{"hosts": hosts, "gather_facts": False, **play, "tasks": list(tasks)}])


def _accepted(value: Any) -> Iterator[Mapping[str, Any]]:
    """Whatever a result holds, its task's options left aside, that was handed to a host and taken."""
    if isinstance(value, dict):
        if value.get("stage") == "accepted" and value.get("id"):
            yield value
        value = [item for key, item in value.items() if key != "invocation"]
    for one in value if isinstance(value, list) else ():
        yield from _accepted(one)


def read_record(path: Path) -> list[dict[str, Any]]:
    """The recorded events of a run; a last line cut short by a kill is left out."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def host(entry: Mapping[str, Any], ca_cert: str, **more: Any) -> dict[str, Any]:
    """The inventory variables of one sandbox tenant."""
    return {
        "ansible_connection": "mailops.exchange.rest",
        "ansible_exchange_organization": entry["organization"],
        "ansible_exchange_endpoint": entry["endpoint"],
        "ansible_exchange_authority": entry["authority"],
        "ansible_exchange_client_id": entry["client_id"],
        "ansible_exchange_client_secret": entry["client_secret"],
        "ansible_exchange_ca_cert": ca_cert,
        **more,
    }


def outside(ready: Mapping[str, Any]) -> dict[str, Any]:
    """The inventory variables through which a tenant's tools reach what a sandbox with mail shows of the world outside."""
    if not ready.get("dns"):
        return {}
    entry = ready["tenants"][0]
    submission = entry["submission"]
    host_name, _unused, port = str(submission["endpoint"]).rpartition(":")
    return {
        "ansible_exchange_submission_user": submission["user"],
        "ansible_exchange_submission_password": submission["password"],
        "coexistence_name_servers": [ready["dns"]],
        "coexistence_smtp_overrides": ready["hosts"],
        "coexistence_submission_host": host_name,
        "coexistence_submission_port": port,
        "coexistence_probe_sender": f"probe@{entry['shared_domain']}",
        "coexistence_probe_outside_sender": "probe@outside.example.org",
        "coexistence_mailbox_url": f"{ready['control']}/mailbox",
    }


def inventory(hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """An inventory whose hosts are all in the group that the playbooks run on."""
    return {"all": {"children": {"exchange_tenants": {"hosts": {name: dict(variables) for name, variables in hosts.items()}}}}}


def player_of(sandbox: Sandbox, tree: Path, folder: Path) -> Player:
    """A player for a sandbox's first tenant, with what it shows of the world outside; folder: for its files."""
    entry = sandbox.tenants[0]
    return Player(tree, folder, inventory({entry["organization"]: host(entry, sandbox.ready["ca_cert"], **outside(sandbox.ready))}))
