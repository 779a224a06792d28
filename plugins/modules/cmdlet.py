#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run any cmdlet: the last resort."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cmdlet
short_description: Run any cmdlet of an Exchange organization, as a last resort
version_added: 0.1.0
description:
  - Runs one cmdlet with the parameters given, where no other module of this collection serves.
  - It knows nothing about the cmdlet. It reads nothing before, so a task that writes reports a change each time; and it reads nothing
    after, so it cannot tell whether the change took.
  - A cmdlet is taken as changing nothing when its verb is C(Get), C(Test) or C(Validate).
  - In check mode only cmdlets of the verb C(Get) are sent.
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.attributes
attributes:
  check_mode:
    support: partial
    description: Only cmdlets of the verb C(Get) are sent; C(calls) tells what would be written.
    details: Any other verb is not sent, so there are no rows.
  diff_mode:
    support: none
    description: The cmdlet's object is not read before and after.
options:
  cmdlet:
    description:
      - The cmdlet's name, as C(Get-RemoteDomain).
    type: str
    required: true
    aliases:
      - name
  parameters:
    description:
      - The cmdlet's parameters, under their own names. A switch is V(true).
      - "A null clears a value. A list replaces. A dictionary as C({Add: [...], Remove: [...]}) edits a list."
    type: dict
    default: {}
  secret_parameters:
    description:
      - More parameters, whose values must not be shown anywhere.
    type: dict
    default: {}
  select:
    description:
      - The properties that the service shall answer, all by default. Makes reads of many objects faster.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Read how the tenant treats a remote domain
  mailops.exchange.cmdlet:
    cmdlet: Get-RemoteDomain
    parameters:
      Identity: Default
  register: remote

- name: Read whether the tenant was ever customised
  mailops.exchange.cmdlet:
    cmdlet: Get-OrganizationConfig
  register: organization

- name: Make the tenant customisable, which some cmdlets need once
  mailops.exchange.cmdlet:
    cmdlet: Enable-OrganizationCustomization
  when: organization.rows[0].IsDehydrated
"""

RETURN = r"""
rows:
  description: What the cmdlet answered, one dictionary an object.
  returned: success
  type: list
  elements: dict
calls:
  description: The cmdlet, if it is one that writes; secret parameters are masked.
  returned: success
  type: list
  elements: dict
date:
  description: The service's clock at the answer, UTC. Empty when the cmdlet was not sent.
  returned: success
  type: str
  sample: "2026-01-31T12:00:00Z"
"""

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.mailops.exchange.plugins.module_utils._runner import MASK, Context, InputError, Tool, report
from ansible_collections.mailops.exchange.plugins.module_utils._runner import main as run
from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, Reply

READING_VERBS = frozenset({"get", "test", "validate"})


def call(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Send the cmdlet, unless check mode forbids it."""
    name, secret = params["cmdlet"].strip(), params["secret_parameters"]
    if not re.fullmatch(r"[A-Za-z]+-[A-Za-z0-9]+", name):
        raise InputError(
            [f"cmdlet is '{params['cmdlet']}', which is not a cmdlet's name; write it as Verb-Noun, for example Get-RemoteDomain."]
        )
    cmdlet = Cmdlet(name, {**params["parameters"], **secret}, tuple(params["select"]))
    changes = cmdlet.verb.casefold() not in READING_VERBS
    reply = context.session.call(cmdlet) if cmdlet.reads or not context.check_mode else Reply()
    for warning in reply.warnings:
        context.warn(f"{name}: {warning}")
    shown = Cmdlet(name, {**params["parameters"], **dict.fromkeys(secret, MASK)})
    return {"changed": changes, "rows": reply.rows, "date": reply.date, "calls": report([shown] if changes else [])}


SPEC = Tool(
    call,
    {
        "cmdlet": {"type": "str", "required": True, "aliases": ["name"]},
        "parameters": {"type": "dict", "default": {}},
        "secret_parameters": {"type": "dict", "default": {}, "no_log": True},
        "select": {"type": "list", "elements": "str", "default": []},
    },
)


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
