#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send one marked message and see where it arrives."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mail_probe
short_description: Send one marked message and see where it arrives
version_added: 0.1.0
description:
  - Sends one message with a mark of its own, from the internet, from the foreign system or from inside the tenant, and follows it by
    the message trace until it arrives, is refused, or the time is up.
  - Where it cannot be sent from there at all, the result says C(not probed) and why; it is never taken for success.
  - A message is handed over once. When the connection breaks after its text was sent, it is followed and not sent again.
  - Nothing in the tenant is changed; in check mode nothing is sent.
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.attributes
options:
  origin:
    description:
      - V(internet) hands the message to the MX of the recipient's domain.
      - V(source) hands it to a host of the foreign system, which must take mail from the controller.
      - V(tenant) hands it in by authenticated submission, as the account of C(ansible_exchange_submission_user).
    type: str
    choices: [internet, source, tenant]
    default: internet
  kind:
    description: An ordinary message, a delivery report with the null sender, or an invitation.
    type: str
    choices: [mail, bounce, calendar]
    default: mail
  sender:
    description: The sender. With O(origin=tenant) it may be left out for the account itself; V(bounce) has none.
    type: str
  recipient:
    description: The one recipient.
    type: str
    required: true
  host:
    description: The host for O(origin=source), by name or address.
    type: str
  port:
    description: The port of the MX or of the foreign host.
    type: int
    default: 25
  smart_hosts:
    description:
      - Hosts of the foreign system, by name or address, for O(origin=source) after O(host), and to tell its mail hosts from others.
      - Without them nobody knows whose a host of another name than the service's is, and mail that it takes is at no known place.
    type: list
    elements: str
  name_servers:
    description: Name servers that tell the MX, each C(address:port); left out, the system's.
    type: list
    elements: str
  smtp_overrides:
    description:
      - Where a host is reached in place of its own name or address and port, a mapping of name or address to C(host:port);
        JSON text, or lines of C(name=host:port), are taken too. For laboratories.
    type: raw
  submission_host:
    description: The host for O(origin=tenant); left empty, C(smtp.office365.com).
    type: str
  submission_port:
    description: Its port; left empty, 587.
    type: str
  mailbox_url:
    description: The address at which a test system tells which mailboxes hold a message; left empty, the trace alone is asked.
    type: str
  timeout:
    description: Seconds, by the controller's clock, after which following gives up.
    type: float
    default: 300.0
  interval:
    description: Seconds between two looks at most; the first looks come sooner.
    type: float
    default: 10.0
  follow:
    description: Whether to follow the message; V(false) returns when it was handed over, with the result C(sent).
    type: bool
    default: true
seealso:
  - module: mailops.exchange.message_trace_info
"""

EXAMPLES = r"""
- name: See where mail from the internet to a moved user arrives
  mailops.exchange.mail_probe:
    origin: internet
    sender: tester@example.net
    recipient: anna@example.com
  register: from_outside

- name: See whether the foreign host takes mail of its own domain from the tenant
  mailops.exchange.mail_probe:
    origin: tenant
    sender: probe@example.com
    recipient: bert@example.com
    smart_hosts: [192.0.2.10]
  register: from_inside
"""

RETURN = r"""
result:
  description:
    - C(arrived), C(refused), C(missing) or C(not probed).
    - Also C(announced) in check mode, and C(sent) where it was not to be followed.
  returned: success
  type: str
why:
  description: The reason, in the words of the system that gave it.
  returned: success
  type: str
place:
  description:
    - C(tenant) or C(source), where it arrived or was refused; empty for anywhere else, and where it is not known.
    - C(tenant) includes the folder of junk, and a message that the service's filter holds.
  returned: success
  type: str
told_by:
  description:
    - What told the result. C(host) is the host that refused it while it was handed over, C(mailbox) a test system's mailbox, C(trace)
      the message trace; empty where nothing told.
    - C(filter) means that the service's filter took it, by the message trace. It is in the tenant, but nothing shows where it would
      have gone, so that it proves no membership and no forward.
    - C(silence) means that a host of the foreign system took it, and that the trace showed nothing until the time was up. Mail that a
      host holds back, or a trace that lags, looks the same.
  returned: success
  type: str
  sample: trace
forwarded:
  description: Whether it reached the tenant through a forward of the source, that is under another address.
  returned: success
  type: bool
places:
  description: The mailboxes that hold it, where a test system tells.
  returned: success
  type: list
  elements: dict
rows:
  description: Its rows of the trace, oldest first, in the service's own spelling; C(Details) holds their events.
  returned: success
  type: list
  elements: dict
id:
  description: Its Message-ID; empty when nothing was sent.
  returned: success
  type: str
host:
  description: The host that it was handed to.
  returned: success
  type: str
stage:
  description: How far the handing over came, C(accepted) at best.
  returned: success
  type: str
  sample: accepted
seconds:
  description: How long it was followed, by the service's clock.
  returned: success
  type: int
origin:
  description: The origin.
  returned: success
  type: str
kind:
  description: The kind.
  returned: success
  type: str
sender:
  description: The sender; empty for the null sender.
  returned: success
  type: str
recipient:
  description: The recipient.
  returned: success
  type: str
calls:
  description: Always empty; nothing is written.
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.mailops.exchange.plugins.module_utils._probing import mail_probe
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Tool
from ansible_collections.mailops.exchange.plugins.module_utils._runner import main as run

LIST = {"type": "list", "elements": "str"}

SPEC = Tool(
    mail_probe,
    {
        "origin": {"type": "str", "choices": ["internet", "source", "tenant"], "default": "internet"},
        "kind": {"type": "str", "choices": ["mail", "bounce", "calendar"], "default": "mail"},
        "sender": {"type": "str"},
        "recipient": {"type": "str", "required": True},
        "host": {"type": "str"},
        "port": {"type": "int", "default": 25},
        "smart_hosts": LIST,
        "name_servers": LIST,
        "smtp_overrides": {"type": "raw"},
        "submission_host": {"type": "str"},
        "submission_port": {"type": "str"},
        "mailbox_url": {"type": "str"},
        "timeout": {"type": "float", "default": 300.0},
        "interval": {"type": "float", "default": 10.0},
        "follow": {"type": "bool", "default": True},
    },
)


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
