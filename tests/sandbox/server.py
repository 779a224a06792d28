# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting and stopping: the HTTPS site, the control site, the ready line; in this process or in a thread of it."""

from __future__ import annotations

import asyncio
import json
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .api import Api
from .certificates import server_context
from .clock import Clock
from .control import Control
from .faults import Faults
from .journal import Journal
from .ready import HOST, ready_line
from .signin import SignIn
from .tenant import Tenant
from .tokens import Mint

if TYPE_CHECKING:
    from .mail.routes import MailControl

BODY_LIMIT = 64 << 20


async def serve(
    directories: Sequence[Path],
    announce: Callable[[dict[str, Any]], None],
    stop: asyncio.Event,
    *,
    port: int = 0,
    listen: Iterable[str] = (),
    parameters: dict[str, Any] | None = None,
    mail: str = "",
) -> None:
    """Serve tenant directories until ``stop`` is set. ``announce`` gets the ready line; ``listen`` are more loopback addresses.

    ``mail``: with mail, the foreign hosts being ``builtin`` or ``postfix``.
    """
    clock, mint, faults, journal = Clock(), Mint(), Faults(), Journal()
    tenants = _loaded(directories, clock, parameters or {})
    sign_in = SignIn(tenants, mint)
    api = Api(sign_in, mint, clock, faults, journal)
    control = Control(tenants, sign_in, mint, clock, faults, journal, api)
    with tempfile.TemporaryDirectory(prefix="sandbox-") as place, _mail(mail, tenants, clock) as mail_control:
        context, authority = server_context(Path(place))
        main = await _runner([*api.routes(), *sign_in.routes()])
        control.mail = mail_control
        plain = await _runner([*control.routes(), *sign_in.managed_routes(), *(mail_control.routes() if mail_control else [])])
        try:
            bound = await _site(main, HOST, port, context)
            for address in listen:
                await _site(main, address, bound, context)
            control_port = await _site(plain, HOST, 0, None)
            control.ready = ready_line(tenants, bound, control_port, authority, list(listen), Path(place))
            if mail_control is not None:
                _add_mail(control.ready, mail_control, faults)
            announce(control.ready)
            await stop.wait()
        finally:
            faults.replace([])
            for runner in (main, plain):
                _abort(runner)
                await runner.cleanup()
            await asyncio.sleep(0.05)  # transports close in the loop's next rounds


@contextmanager
def _mail(back_end: str, tenants: list[Tenant], clock: Clock) -> Iterator[MailControl | None]:
    """Run the mail side, if it is wanted. Its packages are needed only then."""
    if not back_end:
        yield None
        return
    from .mail.routes import MailControl
    from .mail.start import started

    with started(tenants, clock, back_end) as side:
        yield MailControl(side)


def _add_mail(ready: dict[str, Any], control: MailControl, faults: Faults) -> None:
    """Add the mail side to the ready line, and let control's rules reach its doors."""
    world = control.side.world
    mail, world.gate.faults = world.ready(), faults
    for name in ("dns", "dns_resolver", "hosts", "foreign"):
        ready[name] = mail[name]
    for entry in ready["tenants"]:
        entry["smtp"], entry["submission"] = mail["smtp"][entry["organization"]], mail["submission"][entry["organization"]]


async def _runner(routes: list[web.RouteDef]) -> web.AppRunner:
    app = web.Application(client_max_size=BODY_LIMIT)
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    return runner


def _abort(runner: web.AppRunner) -> None:
    """Cut connections that clients keep open: a polite end of TLS would wait for them."""
    for handler in runner.server.connections if runner.server else ():
        if isinstance(handler.transport, asyncio.Transport):
            handler.transport.abort()


async def _site(runner: web.AppRunner, host: str, port: int, context: Any) -> int:
    site = web.TCPSite(runner, host, port, ssl_context=context, backlog=512)
    await site.start()
    return int(runner.addresses[-1][1])


def _loaded(directories: Sequence[Path], clock: Clock, parameters: dict[str, Any]) -> list[Tenant]:
    """Read the tenants; the parameters hold for all and outlive a reset."""
    tenants = [Tenant(Path(directory), clock) for directory in directories]
    names = [tenant.organization.lower() for tenant in tenants] + [tenant.tenant_id for tenant in tenants]
    if len(set(names)) < len(names):
        raise ValueError("two tenant directories hold the same organization or tenant id")
    for tenant in tenants:
        tenant.about.setdefault("parameters", {}).update(parameters)
        tenant.reset()
    return tenants


class ControlError(Exception):
    """Control refused; the text says why."""


class Sandbox:
    """A running sandbox, seen from the test."""

    def __init__(self, ready: dict[str, Any]) -> None:
        """Keep the ready line."""
        self.ready = ready

    def ask(self, method: str, path: str, content: Any = None) -> Any:
        """Speak to control. Raises ControlError."""
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(self.ready["control"] + path, data=data, method=method)  # noqa: S310 - our own http URL
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own http URL
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise ControlError(f"{method} {path}: {error.code} {error.read().decode()}") from error

    def tenant(self, organization: str = "") -> dict[str, Any]:
        """Return a tenant's entry of the ready line (the first one by default)."""
        entries: list[dict[str, Any]] = self.ready["tenants"]
        return next(entry for entry in entries if organization in ("", entry["organization"]))

    def state(self, organization: str = "") -> dict[str, Any]:
        """Return one tenant's state (the first one's by default)."""
        name = self.tenant(organization)["organization"]
        found: dict[str, Any] = self.ask("GET", f"/state?tenant={name}")["tenants"][name]
        return found

    def calls(self, **filters: Any) -> list[dict[str, Any]]:
        """Return the calls; ``writes=1``, ``tenant=``, ``cmdlet=``, ``since=`` filter."""
        query = "&".join(f"{name}={value}" for name, value in filters.items())
        found: list[dict[str, Any]] = self.ask("GET", f"/calls?{query}")
        return found

    def tokens(self) -> list[dict[str, Any]]:
        """Return the issued tokens."""
        found: list[dict[str, Any]] = self.ask("GET", "/tokens")
        return found

    def faults(self, *rules: dict[str, Any]) -> None:
        """Replace the faults."""
        self.ask("PUT", "/faults", list(rules))

    def parameters(self, organization: str = "", **values: Any) -> None:
        """Change parameters of one tenant, or of all."""
        self.ask("PUT", "/parameters", {**({"tenant": organization} if organization else {}), **values})

    def clock(self, **change: Any) -> dict[str, Any]:
        """Change the clock (``set``, ``advance``, ``rate``) or just read it."""
        found: dict[str, Any] = self.ask("PUT", "/clock", change)
        return found

    def put(self, noun: str, **change: Any) -> None:
        """Change state: ``objects=``, or ``identity=`` with ``set=`` or ``remove=True``; ``tenant=``."""
        self.ask("PUT", "/state", {"noun": noun, **change})

    def reset(self) -> None:
        """Back to the start."""
        self.ask("POST", "/reset", {})


@contextmanager
def running(
    tenants: Sequence[Path | str], *, port: int = 0, listen: Iterable[str] = (), mail: str = "", **parameters: Any
) -> Iterator[Sandbox]:
    """Run a sandbox in a thread. ``parameters`` apply to every tenant and outlive a reset; ``mail``: builtin or postfix, "" without."""
    loop = asyncio.new_event_loop()
    stop, started = asyncio.Event(), threading.Event()
    ready: list[dict[str, Any]] = []
    failures: list[BaseException] = []

    def announce(line: dict[str, Any]) -> None:
        ready.append(line)
        started.set()

    def work() -> None:
        try:
            loop.run_until_complete(
                serve([Path(name) for name in tenants], announce, stop, port=port, listen=listen, parameters=parameters, mail=mail)
            )
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            failures.append(error)
        finally:
            loop.close()
            started.set()

    thread = threading.Thread(target=work, name="sandbox", daemon=True)
    thread.start()
    started.wait()
    if failures:
        raise failures[0]
    try:
        yield Sandbox(ready[0])
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=10)
    if failures:
        raise failures[0]
