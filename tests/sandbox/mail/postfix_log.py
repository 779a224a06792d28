# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Postfix instance wrote into its log: which queue file holds which message, who brought it, whom it refused."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

CLIENT = re.compile(r"/smtpd\[\d+\]: (\w+): client=\S*\[([\d.]+)\]")
PICKUP = re.compile(r"/pickup\[\d+\]: (\w+): uid=\d+ from=<([^>]*)>")
MESSAGE = re.compile(r"/cleanup\[\d+\]: (\w+): message-id=(\S+)")
SENDER = re.compile(r"/qmgr\[\d+\]: (\w+): from=<([^>]*)>, (?:size=|(status=expired))")
REMOVED = re.compile(r"/qmgr\[\d+\]: (\w+): removed$")
RECIPIENT = re.compile(r"/\w+\[\d+\]: (\w+): to=<([^>]*)>,(?: orig_to=<([^>]*)>,)? relay=([^,]*),.* dsn=([\d.]+), status=(\w+) \((.*)\)$")
REFUSED = re.compile(r"/smtpd\[\d+\]: NOQUEUE: reject: RCPT from \S*\[([\d.]+)\]: (\d{3}) ([\d.]+) (.*); from=<([^>]*)> to=<([^>]*)>")


@dataclass
class Queued:
    """One queue file."""

    client: str = ""
    message_id: str = ""
    sender: str = ""
    accepted: bool = False  # the queue manager had it
    expired: bool = False
    removed: bool = False  # by the queue manager: nothing of it is left to do
    # By recipient as it was before and after it was mapped: the last status, its DSN code, and what the other side said.
    branches: dict[tuple[str, str], tuple[str, str, str]] = field(default_factory=dict)

    @property
    def recipients(self) -> list[str]:
        """The recipients that the host was given."""
        return list(dict.fromkeys(original for original, _unused in self.branches))

    def pending(self, original: str, address: str) -> bool:
        """Whether a branch has not come to an end, as far as the log tells."""
        return self.branches.get((original, address), ("deferred",))[0] == "deferred"


@dataclass(frozen=True)
class Refusal:
    """One refused recipient."""

    client: str
    sender: str
    recipient: str
    reply: str


class Log:
    """Reads what is new in the log each time it is asked."""

    def __init__(self, path: Path) -> None:
        """Begin at the start of a file that may not be there yet."""
        self._path, self._offset = path, 0
        self.queued: dict[str, Queued] = {}
        self.refusals: list[Refusal] = []

    def read(self) -> None:
        """Read whole new lines."""
        if not self._path.exists():
            return
        with self._path.open("rb") as stream:
            stream.seek(self._offset)
            content = stream.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.decode("utf-8", "replace").splitlines():
            self._line(line)

    def _line(self, line: str) -> None:
        refused = REFUSED.search(line)
        if refused:
            client, code, status, text, sender, recipient = refused.groups()
            self.refusals.append(Refusal(client, sender, recipient, f"{code} {status} {text}"))
            return
        for pattern, name in ((CLIENT, "client"), (MESSAGE, "message_id")):
            found = pattern.search(line)
            if found:
                setattr(self._entry(found.group(1)), name, found.group(2))
                return
        found = SENDER.search(line)
        if found:
            entry = self._entry(found.group(1))
            entry.sender, entry.accepted, entry.expired = found.group(2), True, entry.expired or bool(found.group(3))
        found = REMOVED.search(line)
        if found:
            self._entry(found.group(1)).removed = True
        found = PICKUP.search(line)
        if found:
            self._entry(found.group(1)).client = "pickup"
        found = RECIPIENT.search(line)
        if found:
            number, address, original, _unused, code, status, text = found.groups()
            self._entry(number).branches[(original or address).lower(), address.lower()] = (status, code, text)

    def _entry(self, number: str) -> Queued:
        return self.queued.setdefault(number, Queued())
