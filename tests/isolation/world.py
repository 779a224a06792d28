# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Eight hosts on one endpoint that in turn equal each other in all but one thing, and what each of them may touch."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.tenant import Sandbox, generate

FORMS = ("plain", "delegated", "looped")
OTHER_CLIENT = "22222222-3333-4444-5555-666666666666"
WRONG_SECRET = "another-secret-that-was-never-valid"
# How many items a delegated loop has; a task of it stands for so many calls.
ITEMS = 5


@dataclass(frozen=True)
class Identity:
    """What a host signs in with. works: whether that is valid; if not, the host must never write anything."""

    name: str
    organization: str
    client_id: str
    credential: str
    secret: str
    certificate: str
    authority: str
    works: bool = True

    def variables(self, endpoint: str, ca_cert: str, *, explicit: bool) -> dict[str, Any]:
        """The host's inventory variables. explicit: the organization is named, else the address names it."""
        return {
            "ansible_connection": "mailops.exchange.rest",
            "ansible_exchange_endpoint": endpoint,
            "ansible_exchange_authority": self.authority,
            "ansible_exchange_credential": self.credential,
            "ansible_exchange_client_id": self.client_id,
            "ansible_exchange_client_secret": self.secret,
            "ansible_exchange_certificate_path": self.certificate,
            "ansible_exchange_ca_cert": ca_cert,
            **({"ansible_exchange_organization": self.organization, "ansible_host": "shared.example"} if explicit else {}),
            **({} if explicit or self.name == self.organization else {"ansible_host": self.organization}),
        }


def make_tenants(folder: Path) -> list[Path]:
    """Two tenants that know the same application, secret and certificate; the first knows a second application too."""
    alpha = generate(folder / "alpha", organization="alpha.onmicrosoft.com", users=2)
    beta = generate(folder / "beta", organization="beta.onmicrosoft.com", users=2, seed=2)
    first, second = (json.loads((path / "tenant.json").read_text()) for path in (alpha, beta))
    client = {**first["clients"][0], "certificates": ["client.pem"]}
    first["clients"] = [client, {**client, "client_id": OTHER_CLIENT}]
    second["clients"] = [client]
    shutil.copy(alpha / "client.pem", beta / "client.pem")
    for path, about in ((alpha, first), (beta, second)):
        (path / "tenant.json").write_text(json.dumps(about))
    return [alpha, beta]


def identities(sandbox: Sandbox) -> list[Identity]:
    """The eight hosts. Each differs from the first, or from the first with a certificate, in one thing."""
    alpha, beta = sandbox.tenants
    good, bad = str(alpha["certificate_path"]), str(alpha["expired_certificate_path"])
    first, other = sandbox.ready["authorities"]
    base = Identity(alpha["organization"], alpha["organization"], alpha["client_id"], "client_secret", alpha["client_secret"], good, first)
    certificate = replace(base, name="certificate.example", credential="certificate")
    return [
        base,
        replace(base, name=beta["organization"], organization=beta["organization"]),
        replace(base, name="client-id.example", client_id=OTHER_CLIENT),
        replace(base, name="secret.example", secret=WRONG_SECRET, works=False),
        replace(base, name="authority.example", authority=other),
        certificate,
        replace(certificate, name="wrong-certificate.example", certificate=bad, works=False),
        replace(certificate, name="beta-certificate.example", organization=beta["organization"]),
    ]


def play(hosts: Sequence[Identity], count: int) -> list[dict[str, Any]]:
    """Tasks of one play: each form `count` times a host, the forms taking turns. An object's name says who wrote it, and where."""
    names = [host.name for host in hosts]
    tasks: list[dict[str, Any]] = [_FIRST]
    for number in range(count):
        # Each time another host, so that every pair meets.
        step = 1 + number % (len(names) - 1)
        target = f"{{{{ hosts_by_place[(place + {step}) % {len(names)}] }}}}"
        tasks.append(_write(f"plain {number}", "{{ inventory_hostname }}", str(number)))
        tasks.append({**_write(f"delegated {number}", target, str(number)), "delegate_to": target})
        if number % ITEMS == 0:
            shifted = f"{{{{ hosts_by_place[(place + {step} + item) % {len(names)}] }}}}"
            looped = _write(f"looped {number}", shifted, f"{number}-{{{{ item }}}}")
            tasks.append({**looped, "delegate_to": shifted, "loop": list(range(ITEMS))})
    return tasks


# One host signs in before the others: a session shared by fault is then a valid one, and writes where it must not.
_FIRST = {"name": "the first host signs in", "mailops.exchange.cmdlet": {"cmdlet": "Get-RemoteDomain"}, "when": "place == 0"}


def _write(form: str, target: str, number: str) -> dict[str, Any]:
    kind = form.partition(" ")[0]
    name = f"{kind} {number} by {{{{ place }}}} at {{{{ hosts_by_place.index({target[3:-3]}) }}}}"
    parameters = {"Name": name, "DomainName": f"{kind}-{number}-{{{{ place }}}}-{{{{ hosts_by_place.index({target[3:-3]}) }}}}.example"}
    return {
        "name": form,
        "mailops.exchange.cmdlet": {"cmdlet": "New-RemoteDomain", "parameters": parameters},
        "ignore_errors": True,
    }


def inventory(hosts: Sequence[Identity], sandbox: Sandbox, *, explicit: bool) -> dict[str, Any]:
    """The inventory of the eight."""
    names = [host.name for host in hosts]
    endpoint, ca_cert = str(sandbox.tenants[0]["endpoint"]), str(sandbox.ready["ca_cert"])
    variables = {
        host.name: {**host.variables(endpoint, ca_cert, explicit=explicit), "place": place, "hosts_by_place": names}
        for place, host in enumerate(hosts)
    }
    return {"all": {"hosts": variables}}


def expected(hosts: Sequence[Identity], count: int) -> dict[str, Identity]:
    """Every object that must come to exist, and the identity that must have written it."""
    found: dict[str, Identity] = {}
    total = len(hosts)
    for number in range(count):
        step = 1 + number % (total - 1)
        for place in range(total):
            found[f"plain {number} by {place} at {place}"] = hosts[place]
            target = (place + step) % total
            found[f"delegated {number} by {place} at {target}"] = hosts[target]
            for item in range(ITEMS) if number % ITEMS == 0 else ():
                target = (place + step + item) % total
                found[f"looped {number}-{item} by {place} at {target}"] = hosts[target]
    return {name: identity for name, identity in found.items() if identity.works}


def faults(hosts: Sequence[Identity], count: int, sandbox: Sandbox) -> list[str]:
    """Everything that is not as it must be, one line each; empty when the tenants were kept apart."""
    wanted = expected(hosts, count)
    calls = [call for call in sandbox.calls() if call["cmdlet"] == "New-RemoteDomain"]
    tokens = {token["id"]: token for token in sandbox.control("GET", "/tokens")}
    written = {str(call["parameters"]["Name"]): call for call in calls}
    found = [f"missing: '{name}', which {wanted[name].name} should have written" for name in wanted if name not in written]
    found += [f"written: '{name}', which nobody may write" for name in written if name not in wanted]
    found += [f"twice: '{name}'" for name in written if sum(call["parameters"]["Name"] == name for call in calls) > 1]
    for name, call in written.items():
        if name in wanted:
            found += _differences(name, wanted[name], call, tokens[call["token_id"]])
    return found + _misplaced(wanted, sandbox.state())


def _differences(name: str, identity: Identity, call: Mapping[str, Any], token: Mapping[str, Any]) -> list[str]:
    pairs = {
        "tenant": (call["tenant"], identity.organization),
        "token's tenant": (token["tenant"], identity.organization),
        "token's application": (token["client_id"], identity.client_id),
        "token's credential": (token["credential"], identity.credential),
        "token's authority": (token["authority"], identity.authority),
    }
    return [f"'{name}': {what} is {is_}, not {should}" for what, (is_, should) in pairs.items() if is_ != should]


def _misplaced(wanted: Mapping[str, Identity], state: Mapping[str, Any]) -> list[str]:
    found = []
    for organization, tenant in state["tenants"].items():
        rows = tenant["objects"]["RemoteDomain"]
        for name in (str(row["Name"]) for row in rows if " by " in str(row["Name"])):
            if name not in wanted or wanted[name].organization != organization:
                found.append(f"'{name}' lies in {organization}")
    return found
