#!/usr/bin/python
# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read accepted domains."""

from __future__ import annotations

DOCUMENTATION = r"""
module: accepted_domain_info
short_description: Read the accepted domains of an Exchange organization
version_added: 0.1.0
description:
  - Reads one accepted domain, or all of them, with C(Get-AcceptedDomain).
author:
  - The mailops.exchange authors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.exchange.attributes
  - mailops.exchange.attributes.info
options:
  identity:
    description:
      - The domain, its name or its GUID. Left out, all domains are read. Parameter C(Identity).
    type: str
  result_size:
    description:
      - The most objects to read, a number or V(Unlimited). Parameter C(ResultSize).
      - Left out, all are read.
    type: str
seealso:
  - module: mailops.exchange.accepted_domain
"""

EXAMPLES = r"""
- name: Read all accepted domains
  mailops.exchange.accepted_domain_info:
  register: domains

- name: Read one
  mailops.exchange.accepted_domain_info:
    identity: example.com
"""

RETURN = r"""
objects:
  description: The domains as the service shows them, none when the one asked for does not exist.
  returned: success
  type: list
  elements: dict
calls:
  description: Always empty, because nothing is written.
  returned: always
  type: list
  elements: dict
"""

from ansible_collections.mailops.exchange.plugins.module_utils._engine import Info
from ansible_collections.mailops.exchange.plugins.module_utils._resource import Property
from ansible_collections.mailops.exchange.plugins.module_utils._runner import main as run

SPEC = Info("AcceptedDomain", (Property("ResultSize"),))


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
