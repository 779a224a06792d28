# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guards are functions of the inputs that they declare: the table of routing facts, nothing beyond it, and nothing missing in silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing import _guards, _hazards
from ansible_collections.mailops.exchange.plugins.module_utils._routing._evidence import Evidence, Full, MxChange, Probe, Published, Trace
from ansible_collections.mailops.exchange.plugins.module_utils._routing._findings import Finding, needed
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import Inbound, Mx, SenderDomain
from ansible_collections.mailops.exchange.plugins.module_utils._session import Row

from .tenant import CONNECTOR, mailbox, rule
from .test_hazards_order import full
from .worlds import HOST, OLD, SHARED, world

# The column "needs" of the guards in the routing facts; SPF is a part of DNS, rule and group times are times.
NEEDED: Mapping[str, str] = {
    "U1": "snapshot, mx",
    "U2": "snapshot, source list, mx",
    "U3": "snapshot, source list",
    "U4": "snapshot, source list",
    "U5": "snapshot",
    "U6": "snapshot, validation recipients",
    "U7": "snapshot, wave",
    "U8": "times, probe",
    "U9": "snapshot",
    "U10": "snapshot",
    "U11": "trace",
    "U12": "trace",
    "U13": "mx history, probe",
    "U14": "snapshot, source list, dns",
    "U15": "snapshot",
    "U16": "snapshot",
    "U17": "snapshot, dns",
    "U18": "snapshot",
    "U19": "snapshot",
    "U20": "times, probe",
    "U21": "snapshot",
    "U22": "snapshot",
    "U23": "snapshot",
    "U24": "snapshot",
    "U25": "probe",
    "U26": "snapshot, probe",
    "U27": "snapshot",
    "U28": "snapshot, source list",
    "U29": "dns",
    "U30": "snapshot",
    "U31": "mx history",
    "U32": "source mode",
}
WAVE = {"users": [f"stub@{SHARED}"]}
STEPS = sorted({step for row in _hazards.TABLE for step in row.steps})
RESTRICTED = Inbound("in", senders=(SHARED,), ranges=(HOST,), restrict="ip")
UNREAD = Evidence(unread={f"{about} {SHARED}": "nobody answered" for about in ("mx", "records", "ipv6")} | {"trace": "nobody answered"})


def test_the_tables_declare_what_the_routing_facts_say() -> None:
    found: dict[str, frozenset[str]] = {}
    rows = [(row.id, row.needs) for row in _guards.TABLE] + [(row.id, row.needs) for row in _hazards.TABLE]
    for guard, needs in rows:
        found[guard] = found.get(guard, frozenset()) | needs
    assert found == {guard: needed(text) for guard, text in NEEDED.items()}


def test_a_word_that_is_no_input_is_none() -> None:
    with pytest.raises(ValueError, match="'weather' is no input"):
        needed("snapshot, weather")


def standing_rules(step: str) -> list[Row]:
    """The rules that a tenant shows as a step begins."""
    return [] if step in {"enforce", "restored"} else [rule()]


def judged(row: _hazards.Hazard, case: Full) -> list[Finding]:
    """What a guard says of a moment."""
    return list(row.function(case))


SEEN: Mapping[str, Evidence] = {
    "probe": Evidence(
        probes=(
            Probe("tenant", f"a@{SHARED}", f"stub@{SHARED}", "arrived", "source"),
            Probe("tenant", f"a@{SHARED}", f"stub@{SHARED}", "arrived", "tenant"),
            Probe("source", f"a@{SHARED}", f"pilot@{SHARED}", "arrived", "tenant"),
            Probe("internet", "a@out.example", f"migrated@{SHARED}", "arrived", "tenant", forwarded=True),
            Probe("tenant", f"a@{SHARED}", f"mailops-probe-of-no-mailbox@{SHARED}", "arrived", "source"),
        )
    ),
    "trace": Evidence(trace=Trace(2, {SHARED: 70}, {CONNECTOR: 3})),
    "dns": Evidence(dns={SHARED: Published(spf={"tenant": False, OLD: True}, others=(), policy="reject")}),
    "mx history": Evidence(mx_changes={SHARED: MxChange("2026-03-01T11:59:00Z", 3600, "tenant", OLD)}),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("about", sorted(SEEN))
def test_a_guard_says_the_same_whatever_is_seen_that_it_does_not_declare(step: str, about: str) -> None:
    held = world(inbound=(RESTRICTED,), members=("migrated", "stub"))
    blind = full(step, held, options=WAVE, members=[mailbox(f"stub@{SHARED}")], recipients=[mailbox(f"stub@{SHARED}")])
    seeing = replace(blind, evidence=SEEN[about])
    for row in _hazards.TABLE:
        if step in row.steps and about not in row.needs:
            assert judged(row, seeing) == judged(row, blind), row.id


@pytest.mark.parametrize("about", sorted(SEEN))
def test_what_is_declared_is_used_by_somebody(about: str) -> None:
    senders = {"out.example": SenderDomain(reject=True)}
    held = world(inbound=(RESTRICTED,), members=("migrated", "stub"), mx={SHARED: Mx("tenant")}, senders=senders)
    moved = []
    for row in _hazards.TABLE:
        for step in sorted(row.steps) if about in row.needs else ():
            blind = full(step, held, options=WAVE, recipients=[mailbox(f"stub@{SHARED}")], rules=standing_rules(step))
            moved += [row.id] if judged(row, replace(blind, evidence=SEEN[about])) != judged(row, blind) else []
    assert set(moved) == {row.id for row in _hazards.TABLE if about in row.needs}


# A guard with an input from outside the tenant, the steps in which it must say that it has none of it, and whether it names the reason.
SILENT_NEVER: list[tuple[str, str, bool]] = [
    ("U1", "preflight setup cutover unforward rollback status", True),
    ("U2", "teardown", False),
    ("U8", "forward", False),
    ("U11", "teardown", True),
    ("U12", "authoritative", True),
    ("U13", "sources_off", True),
    ("U14", "restored", True),
    ("U17", "preflight setup enforce status", False),
    ("U22", "preflight setup status", True),
    ("U25", "enforce", False),
    ("U26", "preflight cutover forward", False),
    ("U29", "preflight setup cutover mx status", True),
    ("U31", "mx mx_back", True),
]


@pytest.mark.parametrize(("guard", "steps", "names"), SILENT_NEVER, ids=[row[0] for row in SILENT_NEVER])
def test_a_guard_without_its_outside_input_says_so(guard: str, steps: str, names: bool) -> None:
    (row,) = [one for one in _hazards.TABLE if one.id == guard]
    held = world(mx={}, inbound=(RESTRICTED,), sources=(replace(world().sources[0], forwards={}),))
    for step in steps.split():
        found = judged(row, full(step, held, UNREAD, options=WAVE, rules=standing_rules(step)))
        assert found, f"{guard} passes the step {step} in silence"
        assert not names or any("nobody answered" in finding.why for finding in found), step


def test_no_guard_with_an_outside_input_is_forgotten_here() -> None:
    outside = needed("mx, mx history, dns, trace, probe")
    # A probe of the stopped rules is made where one can be had; their time alone holds otherwise.
    expected = {row.id for row in _hazards.TABLE if row.needs & outside} - {"U20"}
    assert {row[0] for row in SILENT_NEVER} == expected | {"U22"}
