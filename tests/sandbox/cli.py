# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the executable scripts do."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from pathlib import Path
from typing import Any

from .generator import generate
from .people import KINDS
from .server import serve


def serve_main(arguments: list[str]) -> int:
    """Serve tenants until a signal; print the ready line."""
    parser = argparse.ArgumentParser(prog="serve", description="Serve emulated tenants on loopback.")
    parser.add_argument("--tenant", action="append", required=True, type=Path, metavar="DIR", help="a tenant directory; repeatable")
    parser.add_argument("--port", type=int, default=0, help="HTTPS port (default: a free one)")
    parser.add_argument("--listen", action="append", default=[], metavar="ADDRESS", help="one more loopback address on the same port")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=JSON", help="a parameter of every tenant; repeatable")
    parser.add_argument("--mail", action="store_true", help="with SMTP, DNS and foreign hosts")
    parser.add_argument(
        "--foreign", choices=("builtin", "postfix"), default="builtin", help="what the foreign hosts are (postfix needs root)"
    )
    given = parser.parse_args(arguments)
    parameters: dict[str, Any] = {}
    for entry in given.parameter:
        name, _unused, value = entry.partition("=")
        parameters[name] = json.loads(value)
    asyncio.run(_until_signal(given, parameters))
    return 0


async def _until_signal(given: argparse.Namespace, parameters: dict[str, Any]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await serve(
        given.tenant,
        lambda line: print(json.dumps(line), flush=True),
        stop,
        port=given.port,
        listen=given.listen,
        parameters=parameters,
        mail=given.foreign if given.mail else "",
    )


def generate_main(arguments: list[str]) -> int:
    """Write a tenant directory."""
    parser = argparse.ArgumentParser(prog="generate", description="Write a tenant directory for the sandbox.")
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--users", type=int, default=40, help="how many people (default 40)")
    parser.add_argument(
        "--kind", action="append", default=[], metavar="KIND=N", help=f"instead of a mixture: {', '.join(KINDS)}; repeatable"
    )
    parser.add_argument("--organization", default="", help="initial domain (default: that of the captures)")
    parser.add_argument("--client-id", default="")
    parser.add_argument("--client-secret", default="")
    parser.add_argument("--shared-domain", default="example.com", help="an accepted domain of the captures")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=JSON", help="a disputed fact, as in parameters.py")
    given = parser.parse_args(arguments)
    kinds = {name: int(number) for name, _unused, number in (entry.partition("=") for entry in given.kind)}
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown:
        parser.error(f"unknown kinds: {', '.join(unknown)}")
    parameters = {name: json.loads(value) for name, _unused, value in (entry.partition("=") for entry in given.parameter)}
    about = generate(
        given.directory,
        seed=given.seed,
        users=given.users,
        organization=given.organization,
        kinds=kinds or None,
        client_id=given.client_id,
        client_secret=given.client_secret,
        shared=given.shared_domain,
        parameters=parameters,
    )
    addresses = (given.directory / "source.csv").read_text(encoding="utf-8").count("\n") - 1
    print(f"{given.directory}: {about['organization']}, {addresses} source addresses")
    return 0
