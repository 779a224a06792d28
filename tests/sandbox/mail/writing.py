# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending on behalf of people: from the internet, from inside a tenant, from inside a foreign host, or by its local programs."""

from __future__ import annotations

from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from .addresses import domain_of, normal
from .client import Parcel
from .letters import read, write
from .sender_checks import body_hash
from .zone import FRESH, STALE

if TYPE_CHECKING:
    from .world import World

ORIGINS = ("internet", "tenant", "source", "local")
KINDS = {
    "mail": (("Content-Type", "text/plain; charset=utf-8"),),
    "calendar": (("Content-Type", "text/calendar; method=REQUEST; charset=utf-8"),),
    "oof": (("Content-Type", "text/plain; charset=utf-8"), ("Auto-Submitted", "auto-replied")),
    "ndr": (("Content-Type", "multipart/report; report-type=delivery-status; boundary=none"), ("Auto-Submitted", "auto-replied")),
    "journal": (("Content-Type", "text/plain; charset=utf-8"), ("X-MS-Journal-Report", "yes")),
}


def letter(world: World, wanted: dict[str, Any], number: int) -> bytes:
    """Write a message: {sender, recipients, from, to, cc, subject, body, headers, id, kind, dkim}."""
    sender, body = normal(str(wanted.get("sender") or "")), str(wanted.get("body") or f"Message {number}")
    author = str(wanted.get("from") or sender or "postmaster@outside.example")
    headers: list[tuple[str, str]] = [
        ("From", author),
        ("To", ", ".join(wanted.get("to") or wanted["recipients"])),
        *([("Cc", ", ".join(wanted["cc"]))] if wanted.get("cc") else []),
        ("Subject", str(wanted.get("subject") or f"Message {number}")),
        ("Date", format_datetime(world.now())),
        ("Message-ID", str(wanted.get("id") or f"<{number}.{wanted.get('origin', 'internet')}@world.example>")),
        ("MIME-Version", "1.0"),
        *KINDS[str(wanted.get("kind") or "mail")],
        *((str(name), str(value)) for name, value in (wanted.get("headers") or {}).items()),
    ]
    if wanted.get("dkim"):
        domain = domain_of(normal(author))
        headers.insert(0, ("DKIM-Signature", f"v=1; a=stand-in; d={domain}; s=s1; bh={body_hash(body)}"))
    return write(headers, body)


async def post(world: World, wanted: dict[str, Any], number: int) -> str:
    """Send one message and return its id. Raises ValueError for what cannot be asked for."""
    origin = str(wanted.get("origin") or "internet")
    view = str(wanted.get("resolver") or FRESH)
    if origin not in ORIGINS or view not in (FRESH, STALE) or not wanted.get("recipients"):
        raise ValueError(f"origin {origin!r}, resolver {view!r}, recipients {wanted.get('recipients')!r}: not a message that can be sent")
    content = letter(world, wanted, number)
    mail, sender = read(content), normal(str(wanted.get("sender") or ""))
    recipients = [normal(str(address)) for address in wanted["recipients"]]
    world.ledger.register(mail, sender, recipients, origin)
    parcel = Parcel(sender, [(address, address) for address in recipients], content)
    if origin == "internet":
        world.outside.forward(mail, parcel, view)
    elif origin == "tenant":
        node = world.tenant(str(wanted.get("tenant") or domain_of(sender)))
        parcel.user, parcel.password = node.account, node.password
        world.senders.dispatch(mail, parcel, hosts=[world.doors[node.name].endpoint])
    elif origin == "source":
        world.senders.dispatch(mail, parcel, hosts=[host_of(world, wanted, sender).own_door.endpoint])
    else:
        said = await host_of(world, wanted, sender).local(sender, recipients, content)
        for address in recipients if said else ():
            world.ledger.end(mail.id, address, "bounced", "local", said)
    return mail.id


def host_of(world: World, wanted: dict[str, Any], sender: str) -> Any:
    """Return the foreign host that a message starts at: the one named, else the one of the sender's domain."""
    if wanted.get("host"):
        return world.host(str(wanted["host"]))
    return next((host for host in world.hosts if host.state.owns(sender)), None) or world.host()
