# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing a tenant directory: captured base objects under an organisation's name, and seeded people."""

from __future__ import annotations

import csv
import json
import re
import uuid
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from .catalogue import FIXTURES
from .certificates import client_certificate
from .people import KINDS, ONCE, World, make

CAPTURED = "tqhjy"
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NIL = "00000000-0000-0000-0000-000000000000"
SPACE = uuid.UUID("6f6b8f2e-0c1d-4b53-9a53-2f1f8d1f6a11")
WAVES = 3


def generate(
    directory: Path,
    *,
    seed: int = 1,
    users: int = 40,
    organization: str = "",
    kinds: dict[str, int] | None = None,
    client_id: str = "",
    client_secret: str = "",
    shared: str = "example.com",
    parameters: dict[str, Any] | None = None,
    certificates: bool = True,
) -> dict[str, Any]:
    """Write a tenant directory and return its ``tenant.json``. The same arguments give the same objects; keys are new each time.

    ``kinds`` (kind to number) replaces the default mixture; ``users`` is then ignored.
    """
    directory.mkdir(parents=True, exist_ok=True)
    organization = organization or f"{CAPTURED}.onmicrosoft.com"
    base = _captured(organization)
    tenant_id = str(uuid.uuid5(SPACE, organization))
    domains = [row["DomainName"] for row in base["Get-AcceptedDomain"]["value"]]
    routing = next(row["DomainName"] for row in base["Get-AcceptedDomain"]["value"] if row["IsCoexistenceDomain"])
    others = [name for name in domains if name not in (organization, routing, shared)]
    random = Random(seed)  # noqa: S311 - made-up people, the same for a seed
    world = World(organization, tenant_id, shared, routing, others, random)
    for number, kind in enumerate(_mixture(world.random, users, kinds), 1):
        make(world, number, kind)
    for cmdlet, content in base.items():
        _write(directory / f"{cmdlet}.json", content)
    for noun, found in world.objects.items():
        rows = [{key: value for key, value in row.items() if key != "_inner"} for row in found]
        _write(directory / f"Get-{noun}.json", {"_source": {"generator": "tests/sandbox/generate", "seed": seed}, "value": rows})
    _lists(directory, world)
    about = _about(world, seed, client_id, client_secret, parameters or {})
    _certificates(directory, about, wanted=certificates)
    _write(directory / "tenant.json", about)
    return about


def _certificates(directory: Path, about: dict[str, Any], *, wanted: bool) -> None:
    if wanted:
        client_certificate(directory / "client.pem", about["organization"])
        client_certificate(directory / "expired.pem", about["organization"], expired=True)
    else:
        about["clients"][0]["certificates"] = []


def _captured(organization: str) -> dict[str, Any]:
    """Return the captures by cmdlet; another organisation gets its own name and ids."""
    found: dict[str, Any] = {}
    for path in sorted((FIXTURES / "captures").glob("*.json")):
        text = path.read_text(encoding="utf-8")
        if organization != f"{CAPTURED}.onmicrosoft.com":
            prefix = organization.removesuffix(".onmicrosoft.com")
            text = text.replace(f"{CAPTURED}.mail.onmicrosoft.com", f"{prefix}.mail.onmicrosoft.com")
            text = text.replace(f"{CAPTURED}.onmicrosoft.com", organization)
            text = GUID.sub(
                lambda match: match.group() if match.group() == NIL else str(uuid.uuid5(SPACE, organization + match.group())), text
            )
        content = json.loads(text)
        found[content["_source"]["cmdlet"]] = content
    return found


def _mixture(random: Random, users: int, kinds: dict[str, int] | None) -> list[str]:
    if kinds is not None:
        return [kind for kind, number in kinds.items() for _unused in range(number)]
    first = [kind for kind, (_unused, weight) in KINDS.items() if weight or kind in ONCE for _again in range(2 if kind == "nested" else 1)]
    weights = [weight for _unused, weight in KINDS.values()]
    more = random.choices(list(KINDS), weights, k=max(0, users - len(first)))
    return [*first[:users], *sorted(more, key=list(KINDS).index)]


def _lists(directory: Path, world: World) -> None:
    with (directory / "source.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("address", "kind", "owner", "home"))
        writer.writerows(world.source)
    with (directory / "waves.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("user", "wave"))
        writer.writerows((user, f"wave{1 + number % WAVES}") for number, user in enumerate(world.wave_users))
    _write(directory / "people.json", {"people": world.people, "count": Counter(person["kind"] for person in world.people)})


def _about(world: World, seed: int, client_id: str, client_secret: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        "organization": world.organization,
        "tenant_id": world.tenant_id,
        "shared_domain": world.shared,
        "routing_domain": world.routing,
        "mx": f"{world.shared.replace('.', '-')}.mail.protection.outlook.com",
        "seed": seed,
        "parameters": parameters,
        "identity_header": world.guid("identity-header"),
        "clients": [
            {
                "client_id": client_id or world.guid("client"),
                "client_secret": client_secret or f"secret~{world.guid('secret')}",
                "certificates": ["client.pem", "expired.pem"],
                "federated_token": f"federated.{world.guid('federated')}",
            }
        ],
    }


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
