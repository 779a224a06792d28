# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What every connection plugin of ours shares: the session's options and socket, and refusals of what would run here."""

from __future__ import annotations

import os
import re
from typing import Any, NoReturn

from ansible.errors import AnsibleError
from ansible.plugins.connection import ConnectionBase
from ansible_collections.mailops.exchange.plugins.plugin_utils._framing import RemoteError
from ansible_collections.mailops.exchange.plugins.plugin_utils._run import RunError
from ansible_collections.mailops.exchange.plugins.plugin_utils._starter import reset_session, session_socket

GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
DOMAIN = re.compile(r"(?=.{4,253}$)([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z][a-zA-Z0-9-]{0,61}[a-zA-Z0-9]")
VARIABLE = "EXCHANGE_ORGANIZATION"
REFUSAL = (
    "{what} is refused on the tenant host '{host}': it would run on the controller. "
    "Use the modules of mailops.exchange here, or delegate_to: localhost; set gather_facts: false for the play."
)


class TenantConnection(ConnectionBase):  # type: ignore[misc]  # ansible carries no type information
    """A host that is a tenant: it has a session, no shell and no files."""

    has_pipelining = False
    supports_persistence = False
    force_persistence = False
    # The names of the options that make a session, all of which enter its key.
    session_options: tuple[str, ...] = ()

    def __init__(self, play_context: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(play_context, *args, **kwargs)
        # Core names the run's process in workers; elsewhere (meta: reset_connection) we are that process.
        self._run_pid = int(kwargs.get("ansible_playbook_pid") or os.getpid())

    @property
    def socket_path(self) -> str:
        """The socket of this host's session, opened when needed. Never cached: the options may change with each loop item."""
        try:
            return session_socket(self._run_pid, self.transport, self.session())
        except (RunError, RemoteError) as error:
            raise AnsibleError(str(error)) from error

    def session(self) -> dict[str, Any]:
        """Every option of the session, plain values only; subclasses complete it."""
        return {name: _plain(self.get_option(name)) for name in self.session_options}

    def _connect(self) -> TenantConnection:
        self._connected = True
        return self

    def close(self) -> None:
        """Nothing to do: the session belongs to the run, not to the task."""
        self._connected = False

    def reset(self) -> None:
        """Close the session; the next task opens a new one with a new token."""
        try:
            reset_session(self._run_pid, self.transport, self.session())
        except (RunError, RemoteError, OSError) as error:
            raise AnsibleError(f"The session of '{self._address()}' could not be closed: {error}") from error
        self._connected = False

    def exec_command(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuse: there is no shell behind this connection."""
        self._refuse("A command")

    def put_file(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuse: there are no files behind this connection."""
        self._refuse("A file transfer")

    def fetch_file(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuse: there are no files behind this connection."""
        self._refuse("A file transfer")

    def _refuse(self, what: str) -> NoReturn:
        raise AnsibleError(REFUSAL.format(what=what, host=self._address()))

    def _address(self) -> str:
        """The address as this connection sees it, after delegation; never inventory_hostname, which stays the play's host's."""
        address = self.get_option("remote_addr") or self._play_context.remote_addr
        return "" if address is None else str(address)


def organization_of(given: Any, address: str) -> str:
    """The tenant's name: the option, or the connection's address if that is a domain or a tenant id. Raises AnsibleError."""
    if given not in (None, ""):
        names = GUID.fullmatch(address) or DOMAIN.fullmatch(address)
        if names and str(given) == os.environ.get(VARIABLE) and str(given).casefold() != address.casefold():
            # A variable that another job left in the environment must not turn one tenant's host into another tenant.
            raise AnsibleError(
                f"The host '{address}' names a tenant itself, and {VARIABLE} of the environment names {given}. "
                f"Unset {VARIABLE}; to reach {given} by this host, set ansible_exchange_organization for it."
            )
        return str(given)
    if GUID.fullmatch(address) or DOMAIN.fullmatch(address):
        return address
    raise AnsibleError(
        f"The host's address '{address}' is neither a domain nor a tenant id, so it does not name a tenant. "
        "Set ansible_exchange_organization to the tenant's id or to one of its verified domains."
    )


def _plain(value: Any) -> Any:
    """A value without Ansible's wrappings, so that equal options give equal keys."""
    if value is None or isinstance(value, bool):
        return value
    return int(value) if isinstance(value, int) else str(value)
