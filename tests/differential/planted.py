# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors that somebody could make: ten in the predictor, ten in the sandbox's router, some beside it; and the hunt for each in a copy."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
COLLECTION = Path("ansible_collections/mailops/exchange")
WORLDS = 240  # of the generated ones; more are not looked at for one error
SECONDS = 300  # real seconds for one hunt: a bound, not an aim


@dataclass(frozen=True)
class Error:
    """An error. file: below the predictor's folder, or below the sandbox's; right stands there once, wrong in its place is the error.

    seed: a world that is known to show it, with which the hunt begins.
    """

    file: str
    right: str
    wrong: str
    seed: int = 0


PREDICTOR: Mapping[str, Error] = {
    "scope reading b taken for c": Error(
        "_predicates.py", 'reading == "c" or (reading == "b" and known)', 'reading in {"b", "c"}', seed=44
    ),
    "subdomains forgotten": Error(
        "_predicates.py",
        "return any(under(domain, value) for value in predicate.values)\n\n\ndef _sent_to(",
        "return domain in predicate.values\n\n\ndef _sent_to(",
        seed=83,
    ),
    "addresses always as written": Error("_predicates.py", "return seen.written if original else seen.resolved", "return seen.written"),
    "audited rules act": Error("_reads.py", "enabled=thing.enforced", "enabled=thing.enabled"),
    "a rule that stops goes on": Error("_delivery.py", "if state.end or now.stop:", "if state.end:", seed=16),
    "guests leave under their own address": Error(
        "_delivery.py",
        "            return self.party.external\n        return self.primary",
        "            return self.primary\n        return self.primary",
    ),
    "closed groups closed to colleagues": Error(
        "_tenant.py", "if not party.outsiders and not copy.internal:", "if not party.outsiders:", seed=54
    ),
    "kept copies forgotten": Error("_foreign.py", 'if forward.keep or "keep_copy" in source.modes:', "if forward.keep:", seed=124),
    "the former MX forgotten": Error("_route.py", 'return found.before if seen == "old" else found.holder', "return found.holder", seed=22),
    "a changed rule has no past": Error("_world_of.py", "was=replace(rule, enabled=not rule.enabled)", "was=rule", seed=18),
}
SANDBOX: Mapping[str, Error] = {
    "a rule that stops goes on": Error(
        "mail/rules.py", 'if rule.get("StopRuleProcessing") or decision.reject', "if decision.reject", seed=16
    ),
    "subdomains forgotten": Error(
        "mail/addresses.py", 'return domain == parent or domain.endswith("." + parent)', "return domain == parent", seed=83
    ),
    "the edge takes unknown addresses": Error(
        "mail/edge.py", "if domain.authoritative and not _known_at_the_edge(directory, address):", "if False:", seed=21
    ),
    "mail users keep their address": Error(
        "mail/resolve.py", "    yield way.target(address, entry, external)\n", "    yield way.target(address, entry)\n"
    ),
    "leaves as written": Error(
        "mail/router.py", "target.entry.primary if target.entry is not None and target.entry.kind in LOCAL else target.out", "target.out"
    ),
    "nested members always count": Error(
        "mail/predicates.py", "return directory.facts.nested_groups_count and any(_in_group", "return any(_in_group", seed=35
    ),
    "scope reading b asks for a signed-in sender of objects too": Error(
        "mail/predicates.py", "else is_object or (accepted and signed_in)", "else (is_object or accepted) and signed_in", seed=5
    ),
    "an inbound connector does not excuse direct mail": Error(
        "mail/edge.py", "        and inbound_connector(directory, session, sender) is None\n", "", seed=56
    ),
    "a signature alone does not pass DMARC": Error(
        "mail/sender_checks.py", "and not self.spf and not self.dkim", "and not self.spf", seed=71
    ),
    "rules act at once": Error(
        "mail/view.py",
        "rules=list(rules),",
        'rules=sorted(tenant.tables["TransportRule"].rows(), key=lambda row: int(row["Priority"])),',
        seed=18,
    ),
}
# In the sandbox's account of what became of mail, its foreign host and its readers.
BESIDE: Mapping[str, Error] = {
    "everything early": Error("mail/outcomes.py", "EARLY if first.wave else SPLIT", "EARLY"),
    "local mail is forwarded": Error("mail/hoststate.py", '(self.modes.local_only == "own" and own)', "False", seed=9),
    "a loop is a bounce": Error(
        "mail/node.py", 'what = "loop" if failure.status in LOOPS else "bounced"\n            self', 'what = "bounced"\n            self'
    ),
    "a member of a group is forgotten": Error("mail/resolve.py", "for key in group.members:", "for key in group.members[1:]:", seed=13),
    "a member of a list is forgotten": Error(
        "mail/hosts.py", "finals = self.state.expand(address, own=own)", "finals = self.state.expand(address, own=own)[-1:]", seed=10
    ),
    "forwards do not move readers": Error(
        "mail/readers.py", "return TENANT if any(reader in state.forwards for state in self.hosts()) else SOURCE", "return SOURCE", seed=7
    ),
}


def planted(folder: Path, file: Path, error: Error) -> None:
    """Build an error into a copied file; raises ValueError when the file does not hold the place exactly once."""
    path = folder / file
    text = path.read_text(encoding="utf-8")
    if text.count(error.right) != 1:
        raise ValueError(f"{file} holds '{error.right}' {text.count(error.right)} times, not once")
    path.write_text(text.replace(error.right, error.wrong), encoding="utf-8")


def copied(side: str, tree: Path, folder: Path, error: Error | None) -> list[Path]:
    """The path of imports on which one side has an error; the other side is as it is."""
    if side == "predictor":
        shutil.copytree(tree / COLLECTION / "plugins", folder / COLLECTION / "plugins")
        if error:
            planted(folder, COLLECTION / "plugins" / "module_utils" / "_routing" / error.file, error)
        return [TESTS, folder]
    for name in ("sandbox", "differential"):
        shutil.copytree(TESTS / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "fixtures").symlink_to(TESTS / "fixtures")
    if error:
        planted(folder, Path("sandbox") / error.file, error)
    return [folder, tree]


def hunt(side: str, tree: Path, folder: Path, error: Error | None, worlds: int = WORLDS) -> tuple[int, str]:
    """Play worlds from the error's own on until one disagrees: how many, and the disagreement or an empty text."""
    folder.mkdir()
    paths = copied(side, tree, folder / "path", error)
    (folder / "worlds").mkdir()
    done = subprocess.run(
        [sys.executable, "-B", "-m", "differential.hunt", str(folder / "worlds"), str(error.seed if error else 0), str(worlds)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "PYTHONWARNINGS": "ignore"},
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=SECONDS,
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    return int(answer["worlds"]), str(answer["found"])
