# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What the answer of Validate-OutboundConnector says. No source shows its shape, so every plausible one is read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ._session import Row
from ._values import fold, is_empty

# Keys and words are compared folded, without blanks, dashes and underscores.
VERDICTS = frozenset(
    {"status", "result", "results", "taskstatus", "taskresult", "validationstatus", "validationresult", "outcome", "state"}
    | {"success", "succeeded", "issuccess", "issuccessful", "issucceeded", "tasksuccessful", "istasksuccessful", "tasksucceeded"}
    | {"passed", "ispassed", "isvalid", "isvalidated", "valid"}
)
FAILURES = frozenset(
    {"failed", "failure", "fail", "error", "unsuccessful", "notsuccessful", "false", "invalid", "rejected", "timedout", "timeout"}
)
SUCCESSES = frozenset({"success", "succeeded", "successful", "passed", "pass", "true", "valid", "validated", "completed", "ok"})
ALARMS = frozenset({"error", "errors", "errormessage", "exception", "failurereason", "failuredetail", "failuredetails"})
SUBJECTS = (
    "smarthost",
    "smarthosts",
    "target",
    "targethost",
    "host",
    "hostname",
    "server",
    "recipient",
    "taskname",
    "task",
    "name",
    "identity",
)
REASONS = (
    *("errormessage", "error", "errors", "exception", "failurereason", "failuredetail", "failuredetails", "reason", "detail", "details"),
    *("taskdetail", "taskdetails", "message", "statusdetail", "statusdescription", "description"),
)


def failures(rows: Sequence[Row]) -> list[str]:
    """One phrase for each part that failed, naming the smart host or task and the service's reason; [] when none did."""
    found: dict[str, None] = {}
    for row in rows:
        for phrase in _failures(row, ""):
            found.setdefault(phrase)
    return list(found)


def shown(rows: Sequence[Row]) -> bool:
    """Whether some part of the answer says that it went well, in a word that is known. An answer of nothing does not."""
    return any(_passed(row) for row in rows)


def _passed(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_passed(item) for item in value)
    if not isinstance(value, Mapping):
        return False
    own = [item for key, item in value.items() if _plain(key) in VERDICTS and not isinstance(item, (list, tuple, Mapping))]
    return any(_plain(item) in SUCCESSES for item in own) or any(_passed(item) for item in value.values())


def _failures(value: Any, subject: str) -> Iterable[str]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _failures(item, subject)
    if not isinstance(value, Mapping):
        return
    plain = {_plain(key): item for key, item in value.items()}
    about = _first(plain, SUBJECTS) or subject
    inner = [phrase for item in value.values() if isinstance(item, (list, tuple, Mapping)) for phrase in _failures(item, about)]
    yield from inner
    if _failed(plain) and not inner:
        yield f"{about or 'the connector'}: {_first(plain, REASONS) or 'the service gave no reason'}"


def _failed(plain: Mapping[str, Any]) -> bool:
    verdicts = [item for key, item in plain.items() if key in VERDICTS and not isinstance(item, (list, tuple, Mapping))]
    if any(item is False or _plain(item) in FAILURES for item in verdicts):
        return True
    alarms = [item for key, item in plain.items() if key in ALARMS]
    return not verdicts and any(not is_empty(item) and not isinstance(item, bool) for item in alarms)


def _first(plain: Mapping[str, Any], names: Sequence[str]) -> str:
    for name in names:
        value = plain.get(name)
        if isinstance(value, (list, tuple)) and value and all(isinstance(item, str) for item in value):
            return ", ".join(value)
        if isinstance(value, str) and not is_empty(value):
            return " ".join(value.split()).rstrip(".")
    return ""


def _plain(value: Any) -> str:
    return fold(value).replace(" ", "").replace("_", "").replace("-", "")
