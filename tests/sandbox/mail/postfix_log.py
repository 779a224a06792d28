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
SENDER = re.compile(r"/qmgr\[\d+\]: (\w+): from=<([^>]*)>")
RECIPIENT = re.compile(r"/\w+\[\d+\]: (\w+): to=<([^>]*)>,(?: orig_to=<([^>]*)>,)? relay=([^,]*),.* dsn=([\d.]+), status=(\w+) \((.*)\)$")
REFUSED = re.compile(r"/smtpd\[\d+\]: NOQUEUE: reject: RCPT from \S*\[([\d.]+)\]: (\d{3}) ([\d.]+) (.*); from=<([^>]*)> to=<([^>]*)>")


@dataclass
class Queued:
    """One queue file."""

    client: str = ""
    message_id: str = ""
    sender: str = ""
    recipients: dict[str, str] = field(default_factory=dict)  # as the sender wrote it: last status


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
        for pattern, name in ((CLIENT, "client"), (MESSAGE, "message_id"), (SENDER, "sender")):
            found = pattern.search(line)
            if found:
                setattr(self._entry(found.group(1)), name, found.group(2))
                return
        found = PICKUP.search(line)
        if found:
            self._entry(found.group(1)).client = "pickup"
        found = RECIPIENT.search(line)
        if found:
            self._entry(found.group(1)).recipients[(found.group(3) or found.group(2)).lower()] = found.group(6)

    def _entry(self, number: str) -> Queued:
        return self.queued.setdefault(number, Queued())
