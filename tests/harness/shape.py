# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a project looks like: how many shared domains there are, and how many foreign systems keep them."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.coexistence import people, variables
from harness.tenant import generate

FIRST, SECOND = "example.com", "test365.tqhjy.dhs.gov"
# Where recipients of an accepted domain go that becomes the second shared one.
ELSEWHERE = "subdomain.example.com"
# These have no address in the shared domain.
APART = ("other", "guest")
# The map that a role keeps on a Postfix host.
MAP = "migrated"
Row = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """How a project is cut. Every second one of each kind of people is in the second domain; two sources keep one domain each."""

    domains: int = 1
    sources: int = 1

    @property
    def named(self) -> tuple[str, ...]:
        """The shared domains."""
        return (FIRST, SECOND)[: self.domains]

    @property
    def systems(self) -> list[Row]:
        """The foreign systems: name, domains and addresses."""
        if self.sources == 1:
            return [{"name": "source", "domains": list(self.named), "addresses": ["192.0.2.10"]}]
        pairs = enumerate(zip(("old", "older"), self.named, strict=True))
        return [{"name": name, "domains": [domain], "addresses": [f"192.0.2.1{number}"]} for number, (name, domain) in pairs]

    def tenant(self, folder: Path, kinds: Mapping[str, int]) -> Path:
        """Generate a tenant of this shape."""
        made = generate(folder, kinds={kind: max(number, self.domains) for kind, number in kinds.items()})
        if self.domains > 1:
            _spread(made)
        systems = [{**one, "names": [f"mx.{one['name']}.example"]} for one in self.systems]
        (made / "mail.json").write_text(json.dumps({"sources": systems}), encoding="utf-8")
        return made

    def variables(self, folder: Path) -> Row:
        """The extra variables that tell a play of this shape."""
        own = variables(folder)
        if self.domains == 1:
            return own
        known = people(folder, "noobj")
        own |= {"coexistence_domain": "", "coexistence_domains": list(self.named)}
        own |= {"coexistence_validation_recipients": [next(one for one in known if one.endswith(f"@{name}")) for name in self.named]}
        if self.sources == 1:
            return own
        named = [{"name": one["name"], "domains": one["domains"], "smart_hosts": one["addresses"]} for one in self.systems]
        alone: Row = {"coexistence_smart_hosts": [], "coexistence_source_ip_ranges": []}
        return own | alone | {"coexistence_sources": [{**one, "source_ip_ranges": one["smart_hosts"]} for one in named]}


def _spread(folder: Path) -> None:
    """Put every second one of each kind into the second domain, wherever a file of the tenant names them."""
    listed = json.loads((folder / "people.json").read_text(encoding="utf-8"))["people"]
    seen: Counter[str] = Counter()
    renamed: dict[str, str] = {f"@{SECOND}": f"@{ELSEWHERE}"}
    for person in listed:
        seen[person["kind"]] += 1
        if person["kind"] not in APART and seen[person["kind"]] % 2 == 0:
            renamed |= {f"{person['alias']}{mark}@{FIRST}": f"{person['alias']}{mark}@{SECOND}" for mark in ("", ".second", "+news")}
    for path in (*folder.glob("Get-*.json"), *folder.glob("*.csv"), folder / "people.json"):
        text = path.read_text(encoding="utf-8")
        for old, new in renamed.items():
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")


def hands(ready: Row) -> dict[str, Row]:
    """The foreign hosts as an inventory has them: Postfix instances of this machine, each with its map."""
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    return {
        f"mail-{one['name']}": {**local, "postfix_folder": one["config_directory"], "postfix_map": f"{one['config_directory']}/{MAP}"}
        for one in ready["foreign"]
    }


def forwarding(sources: Sequence[Row]) -> Row:
    """The extra variables by which a play switches forwards on those hosts; sources: those that it names, none for the only one."""
    # Where forwards are read back, the ways are in one list; instances of one machine have no path in common, so the first counts.
    way = "(source_forwarding_way | default(source_forwarding_ways | first, true))"
    own: Row = {
        "source_forwarding_path": f"{{{{ hostvars[{way}.host].postfix_map }}}}",
        "source_forwarding_config_directory": f"{{{{ hostvars[{way}.host].postfix_folder }}}}",
        "source_forwarding_type": "hash",
        "coexistence_forwarding_backend": "postfix",
    }
    if not sources:
        return own | {"coexistence_forwarding_host": "mail-source"}
    return own | {"coexistence_sources": [{**one, "forwarding_host": f"mail-{one['name']}"} for one in sources]}
