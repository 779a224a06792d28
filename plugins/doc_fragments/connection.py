# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that every connection of this collection shares."""

from __future__ import annotations


class ModuleDocFragment:
    """Limits and trust."""

    DOCUMENTATION = r"""
options:
  timeout:
    description:
      - Seconds that one call may take, its attempts and waits included.
    type: int
    default: 600
    vars:
      - name: ansible_exchange_timeout
    env:
      - name: EXCHANGE_TIMEOUT
  max_attempts:
    description:
      - How often one call is sent at most. What the service asks to wait is waited.
      - A write is sent again only where it surely was not applied.
    type: int
    default: 6
    vars:
      - name: ansible_exchange_max_attempts
    env:
      - name: EXCHANGE_MAX_ATTEMPTS
  concurrency:
    description:
      - How many requests one session has under way at most.
    type: int
    default: 4
    vars:
      - name: ansible_exchange_concurrency
    env:
      - name: EXCHANGE_CONCURRENCY
  validate_certs:
    description:
      - Whether the service's certificate is checked. V(false) is for laboratories only.
      - Left empty it is checked, and a word that is neither true nor false is refused.
    type: raw
    default: true
    vars:
      - name: ansible_exchange_validate_certs
    env:
      - name: EXCHANGE_VALIDATE_CERTS
  ca_cert:
    description:
      - A file of certificate authorities, in PEM form, that replaces the system's, E(REQUESTS_CA_BUNDLE) included.
    type: path
    vars:
      - name: ansible_exchange_ca_cert
    env:
      - name: EXCHANGE_CA_CERT
  proxy:
    description:
      - The address of a proxy for the service and the sign-in. By default what E(HTTPS_PROXY) and E(NO_PROXY) say.
    type: str
    vars:
      - name: ansible_exchange_proxy
    env:
      - name: EXCHANGE_PROXY
"""
