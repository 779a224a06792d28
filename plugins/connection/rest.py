# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connection to Exchange Online through its admin REST API."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rest
short_description: Exchange Online by its admin REST API
version_added: 0.1.0
author:
  - The mailops.exchange authors (!UNKNOWN)
description:
  - Makes an inventory host stand for a tenant of Exchange Online. Set C(ansible_connection=mailops.exchange.rest).
  - The modules of this collection then read and write that tenant. Nothing else runs on such a host, because it would run on the
    controller; set C(gather_facts=false).
  - One process per run of C(ansible-playbook) keeps one session, and one token, for each set of options.
requirements:
  - azure-identity (Python package, on the controller)
  - requests (Python package, on the controller)
  - dnspython (Python package, on the controller, for what is asked of DNS)
notes:
  - The application needs the permission C(Exchange.ManageAsApp) of Office 365 Exchange Online with admin consent, and a role that
    holds the cmdlets, such as Exchange Administrator.
  - Options that are secrets travel over a socket that only the user can open, never by argument, environment or file.
  - The keyword C(environment) does not reach this connection; use the inventory variables.
extends_documentation_fragment:
  - mailops.exchange.connection
options:
  remote_addr:
    description:
      - The host's address after delegation. Names the tenant when O(organization) is not set.
    type: str
    vars:
      - name: ansible_host
  organization:
    description:
      - The tenant's id, or one of its verified domains.
      - By default the host's address as the connection sees it after delegation, if that is a domain or a tenant id.
    type: str
    vars:
      - name: ansible_exchange_organization
    env:
      - name: EXCHANGE_ORGANIZATION
  cloud:
    description:
      - The cloud that holds the tenant. GCC tenants are in V(public).
    type: str
    choices: [public, gcc_high, dod, china]
    default: public
    vars:
      - name: ansible_exchange_cloud
    env:
      - name: EXCHANGE_CLOUD
  endpoint:
    description:
      - The service's base address, in place of the one of O(cloud).
    type: str
    vars:
      - name: ansible_exchange_endpoint
    env:
      - name: EXCHANGE_ENDPOINT
  authority:
    description:
      - The sign-in's base address, in place of the one of O(cloud). It is trusted as given, without discovery.
    type: str
    vars:
      - name: ansible_exchange_authority
    env:
      - name: EXCHANGE_AUTHORITY
  credential:
    description:
      - How to sign in.
      - V(managed_identity) is the identity of the machine that runs the controller.
      - V(workload_identity) reads the token file that E(AZURE_FEDERATED_TOKEN_FILE) names.
      - V(azure_cli) is whoever signed in by C(az login).
    type: str
    choices: [client_secret, certificate, managed_identity, workload_identity, azure_cli]
    default: client_secret
    vars:
      - name: ansible_exchange_credential
    env:
      - name: EXCHANGE_CREDENTIAL
  client_id:
    description:
      - The application's id. Of a user-assigned identity with O(credential=managed_identity).
    type: str
    vars:
      - name: ansible_exchange_client_id
    env:
      - name: EXCHANGE_CLIENT_ID
  client_secret:
    description:
      - The value of the application's secret, for O(credential=client_secret).
    type: str
    vars:
      - name: ansible_exchange_client_secret
    env:
      - name: EXCHANGE_CLIENT_SECRET
  certificate_path:
    description:
      - A file in PEM or PKCS12 form that holds the application's certificate and its RSA key, for O(credential=certificate).
    type: path
    vars:
      - name: ansible_exchange_certificate_path
    env:
      - name: EXCHANGE_CERTIFICATE_PATH
  certificate_password:
    description:
      - The password of O(certificate_path), if it has one.
    type: str
    vars:
      - name: ansible_exchange_certificate_password
    env:
      - name: EXCHANGE_CERTIFICATE_PASSWORD
  submission_user:
    description:
      - The account that hands in test messages from inside the tenant, by authenticated submission (SMTP AUTH).
      - It must be allowed to send as the senders of the test messages.
    type: str
    vars:
      - name: ansible_exchange_submission_user
    env:
      - name: EXCHANGE_SUBMISSION_USER
  submission_password:
    description:
      - The password of O(submission_user). It is sent over TLS only, but for loopback addresses.
    type: str
    vars:
      - name: ansible_exchange_submission_password
    env:
      - name: EXCHANGE_SUBMISSION_PASSWORD
"""

from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils._connection import TenantConnection, organization_of


class Connection(TenantConnection):
    """A tenant of Exchange Online."""

    transport = "mailops.exchange.rest"
    session_options = (
        "organization",
        "cloud",
        "endpoint",
        "authority",
        "credential",
        "client_id",
        "client_secret",
        "certificate_path",
        "certificate_password",
        "submission_user",
        "submission_password",
        "timeout",
        "max_attempts",
        "concurrency",
        "validate_certs",
        "ca_cert",
        "proxy",
    )

    def session(self) -> dict[str, Any]:
        """Every option, the organization completed by the address."""
        options = super().session()
        return {**options, "organization": organization_of(options["organization"], self._address())}
