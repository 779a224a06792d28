# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""The text of a probe: a message of one of three kinds that bears its own mark. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import format_datetime

MAIL, BOUNCE, CALENDAR = "mail", "bounce", "calendar"
KINDS = (MAIL, BOUNCE, CALENDAR)
HEADER = "X-Mailops-Probe"
SUBJECT = "mailops.exchange probe"


def letter(kind: str, mark: str, id_: str, sender: str, recipient: str, now: datetime) -> str:
    """The whole message, lines ended as SMTP wants. mark: unique; sender: of the From header, which a bounce has too."""
    headers = [
        ("From", f"<{sender}>"),
        ("To", f"<{recipient}>"),
        ("Subject", f"{SUBJECT} {mark}"),
        ("Date", format_datetime(now)),
        ("Message-ID", id_),
        (HEADER, mark),
        # Nobody's absence shall be answered to a test.
        ("X-Auto-Response-Suppress", "All"),
        ("MIME-Version", "1.0"),
    ]
    kind_of, body = {MAIL: _plain, BOUNCE: _report, CALENDAR: _invitation}[kind](mark, sender, recipient, now)
    lines = [*(f"{name}: {value}" for name, value in headers), f"Content-Type: {kind_of}", "", *body]
    return "\r\n".join([*lines, ""])


def _words(mark: str) -> list[str]:
    return ["This message tests where mail to this address goes. It can be deleted.", f"Mark: {mark}"]


def _plain(mark: str, _sender: str, _recipient: str, _now: datetime) -> tuple[str, list[str]]:
    return "text/plain; charset=us-ascii", _words(mark)


def _report(mark: str, sender: str, recipient: str, _now: datetime) -> tuple[str, list[str]]:
    """A delivery report about a message that never was."""
    parts = (
        ("text/plain; charset=us-ascii", _words(mark)),
        (
            "message/delivery-status",
            [
                f"Reporting-MTA: dns; {sender.rpartition('@')[2]}",
                "",
                f"Final-Recipient: rfc822; nobody.{mark}@probe.invalid",
                "Action: failed",
                "Status: 5.1.1",
            ],
        ),
        ("text/rfc822-headers", [f"Message-ID: <original.{mark}@probe.invalid>", f"From: <{recipient}>"]),
    )
    body = [line for kind, lines in parts for line in (f"--{mark}", f"Content-Type: {kind}", "", *lines, "")]
    return f'multipart/report; report-type=delivery-status; boundary="{mark}"', [*body, f"--{mark}--"]


def _invitation(mark: str, sender: str, recipient: str, now: datetime) -> tuple[str, list[str]]:
    start, form = now + timedelta(days=1), "%Y%m%dT%H%M%SZ"
    return "text/calendar; method=REQUEST; charset=us-ascii", [
        "BEGIN:VCALENDAR",
        "PRODID:-//mailops.exchange//probe//EN",
        "VERSION:2.0",
        "METHOD:REQUEST",
        "BEGIN:VEVENT",
        f"UID:{mark}",
        f"DTSTAMP:{now.strftime(form)}",
        f"DTSTART:{start.strftime(form)}",
        f"DTEND:{(start + timedelta(minutes=5)).strftime(form)}",
        f"SUMMARY:{SUBJECT} {mark}",
        f"ORGANIZER:mailto:{sender}",
        f"ATTENDEE;RSVP=FALSE:mailto:{recipient}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
