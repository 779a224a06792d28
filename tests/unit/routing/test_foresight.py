# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reading of a prediction: few round trips, nothing taken for absent, what changed meanwhile is read again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._foresight import full, look_ahead, see
from ansible_collections.mailops.exchange.plugins.module_utils._routing._evidence import Evidence, MxChange, Published
from ansible_collections.mailops.exchange.plugins.module_utils._routing._hazards import evaluate
from ansible_collections.mailops.exchange.plugins.module_utils._routing._known import (
    evidence_from,
    evidence_to,
    heard,
    observed_from,
    observed_to,
    told,
)
from ansible_collections.mailops.exchange.plugins.module_utils._routing._predict import predict
from ansible_collections.mailops.exchange.plugins.module_utils._routing._sight import Reading
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import Forward, Mx
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world_of import NAMELESS, Observed, world_of
from ansible_collections.mailops.exchange.plugins.module_utils._runner import InputError
from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet, ExchangeError, Forbidden, NotFound, Reply, Row

from .tenant import GROUP, NOW, OPTIONS, group, inputs, mailbox, rule
from .test_tools import PEOPLE, Tenant, context, tenant

EARLIER, LATER, LATEST = "2026-03-01T11:00:00Z", "2026-03-01T12:00:01Z", "2026-03-01T12:00:02Z"
LIST = {"Name": "Everyone", "Guid": "guid-list", "PrimarySmtpAddress": "everyone@example.com", "EmailAddresses": ["everyone@example.com"]}


def options(**more: Any) -> dict[str, Any]:
    return {**OPTIONS, "source_file": None, **more}


@dataclass
class Moving(Tenant):
    """A tenant in which objects change between two looks: per round trip, what is shown from then on."""

    later: dict[int, dict[str, list[Row]]] = field(default_factory=dict)

    def call_many(self, cmdlets: Any) -> list[Reply | ExchangeError]:
        self.rows.update(self.later.get(self.trips, {}))
        return super().call_many(cmdlets)

    def _answer(self, cmdlet: Cmdlet) -> Reply | ExchangeError:
        asked = str(cmdlet.parameters.get("Identity") or "")
        if asked.startswith("guid-"):
            self.sent.append(cmdlet)
            found = [row for row in self.rows.get(cmdlet.noun, []) if row.get("Guid") == asked]
            return Reply(found, date=self.now) if found else NotFound("gone")
        return super()._answer(cmdlet)


def test_everything_is_read_in_one_round_trip_where_no_further_group_decides() -> None:
    session = tenant(PEOPLE[:1])
    case, rows, members = see(options(), context(session), "status")
    assert session.trips == 1
    assert len(session.sent) == len({(call.name, str(call.parameters)) for call in session.sent}), "no call twice"
    assert len(case.snapshot.recipients) == len(rows["recipients"]) == 3
    assert [member.primary for member in case.snapshot.members] == ["anna@example.com"]
    assert members == {}
    assert case.snapshot.now == NOW


def test_members_of_groups_that_decide_are_one_more_round_trip() -> None:
    session = tenant(PEOPLE[:1], groups=[group(), LIST])
    _case, _rows, members = see(options(), context(session), "status")
    assert (session.trips, list(members)) == (2, ["everyone@example.com"])


CREW = {
    **mailbox("crew@example.com", "DynamicDistributionGroup", routing=False),
    "RecipientType": "DynamicDistributionGroup",
    "RequireSenderAuthenticationEnabled": False,
}


def fate(session: Tenant, origin: str, **more: Any) -> tuple[str, list[str]]:
    """What is predicted for mail to a dynamic group, and what was warned of."""
    heard: list[str] = []
    case, rows, members = see(options(**more), context(session, warn=heard.append), "status")
    seen = Observed(mx={"example.com": Mx("tenant")}, facts={"edge_blocking": "seen"})
    world = world_of(case.snapshot, case.inputs, rows, members, seen)
    world = replace(world, sources=tuple(replace(one, addresses={}) for one in world.sources))
    return predict(world, "anna@example.com" if origin == "tenant" else "sender@outside.example", "crew@example.com", origin).verdict, heard


def test_members_of_dynamic_groups_are_read_by_their_own_cmdlet() -> None:
    session = tenant(PEOPLE[:1])
    session.rows |= {"Recipient": [*PEOPLE, CREW], "DynamicDistributionGroup": [CREW], "DynamicDistributionGroupMember": PEOPLE[:1]}
    assert fate(session, "tenant") == ("delivered", [])
    assert session.trips == 2, "as for the other groups that decide: one round trip more for all their members"
    asked = [call.name for call in session.sent if call.parameters.get("Identity") == "crew@example.com"]
    assert asked == ["Get-DynamicDistributionGroupMember"]


@pytest.mark.parametrize("closed", [True, False])
def test_a_dynamic_group_lets_outsiders_in_as_its_own_row_says(closed: bool) -> None:
    session = tenant(PEOPLE[:1])
    crew = {**CREW, "RequireSenderAuthenticationEnabled": closed}
    session.rows |= {"Recipient": [*PEOPLE, crew], "DynamicDistributionGroup": [crew], "DynamicDistributionGroupMember": PEOPLE[:1]}
    assert fate(session, "internet")[0] == ("bounced" if closed else "delivered")


@pytest.mark.parametrize("cmdlet", ["Get-DynamicDistributionGroup", "Get-DynamicDistributionGroupMember"])
def test_a_dynamic_group_that_must_not_be_read_is_told_and_its_mail_is_unknown(cmdlet: str) -> None:
    session = tenant(PEOPLE[:1])
    session.rows |= {"Recipient": [*PEOPLE, CREW], "DynamicDistributionGroup": [CREW], "DynamicDistributionGroupMember": PEOPLE[:1]}
    session.errors = {cmdlet: Forbidden("no role", cmdlet=cmdlet)}
    for origin in ("tenant", "internet"):
        verdict, (line,) = fate(session, origin)
        assert verdict == "unknown", origin
        assert "could not be read" in line
        assert "no role" in line


def test_a_dynamic_group_that_changed_while_it_must_not_be_read_ends_nothing() -> None:
    moving, heard = Moving(tenant(PEOPLE[:1]).rows), list[str]()
    crew = {**CREW, "WhenChangedUTC": LATER}
    moving.rows |= {"Recipient": [*PEOPLE, crew], "DynamicDistributionGroup": [crew]}
    moving.errors = {"Get-DynamicDistributionGroupMember": Forbidden("no role")}
    found = look_ahead(options(), context(moving, warn=heard.append), "status")
    assert "crew@example.com" not in found.reading.members
    assert ["crew@example.com" in line and "no role" in line for line in heard] == [True]
    asked = [call.name for call in moving.sent].count("Get-DynamicDistributionGroupMember")
    assert asked == 1, "whose members were not read is not asked again for them"


def test_a_policy_that_must_not_be_read_is_told_and_any_other_read_that_fails_ends_it() -> None:
    session, heard = tenant(), list[str]()
    session.errors = {"Get-AntiPhishPolicy": Forbidden("no role")}
    found = look_ahead(options(), context(session, warn=heard.append), "status")
    assert [line.split(" ")[0] for line in heard] == ["Get-AntiPhishPolicy"]
    assert found.reading.open
    for name in ("Get-TransportRule", "Get-Recipient", "Get-Mailbox"):
        session.errors = {name: Forbidden("no role", cmdlet=name)}
        with pytest.raises(Forbidden):
            see(options(), context(session), "status")


def test_what_changed_while_everything_was_read_is_read_again_and_only_that() -> None:
    session = tenant()
    rows = {**session.rows, "TransportRule": [rule(WhenChanged=LATER)], "Recipient": [{**PEOPLE[0], "WhenChanged": EARLIER}, *PEOPLE[1:]]}
    moving = Moving(rows, later={1: {"TransportRule": [rule(WhenChanged=LATER, Priority=7)]}})
    found = look_ahead(options(), context(moving), "status")
    again = [call for call in moving.sent if call.parameters.get("Identity") == f"guid-{rule()['Name']}"]
    assert [call.name for call in again] == ["Get-TransportRule"]
    assert moving.trips == 2
    assert [one.priority for one in found.situation.snapshot.rules] == [7]
    assert found.reading.unsettled == ()


def test_what_was_removed_meanwhile_is_gone() -> None:
    moving = Moving({**tenant().rows, "TransportRule": [rule(WhenChanged=LATER)]}, later={1: {"TransportRule": []}})
    assert look_ahead(options(), context(moving), "status").situation.snapshot.rules == ()


def test_a_group_that_changed_is_read_with_its_members() -> None:
    moving = Moving(tenant().rows, later={1: {"DistributionGroupMember": [PEOPLE[1]]}})
    moving.rows["DistributionGroup"] = [group(WhenChangedUTC=LATER)]
    case, _rows, _members = see(options(), context(moving), "status")
    assert [member.primary for member in case.snapshot.members] == ["bert@example.com"]


def test_what_changes_each_time_is_told_after_three_looks() -> None:
    stamps = [f"2026-03-01T12:00:0{number}Z" for number in range(1, 6)]
    later = {number: {"TransportRule": [rule(WhenChanged=stamp)]} for number, stamp in enumerate(stamps)}
    moving, heard = Moving(tenant().rows, later=later), list[str]()
    found = look_ahead(options(), context(moving, warn=heard.append), "status")
    assert (moving.trips, found.reading.unsettled) == (4, ("Coexistence",))
    assert any("Coexistence" in line for line in heard)


def test_many_changed_objects_are_one_call() -> None:
    people = [{**mailbox(f"p{number}@example.com"), "WhenChangedUTC": LATER} for number in range(60)]
    moving = Moving({**tenant().rows, "Recipient": people})
    see(options(), context(moving), "status")
    assert [call.name for call in moving.sent].count("Get-Recipient") == 2


def test_a_snapshot_that_is_given_back_needs_no_reading(tmp_path: Path) -> None:
    session = tenant(PEOPLE[:1], groups=[group(), LIST])
    first = look_ahead(options(), context(session), "status")
    data = {**first.reading.to_dict(), "observed": observed_to(Observed(synced=frozenset({"anna@example.com"})))}
    file = tmp_path / "snapshot.json"
    file.write_text(json.dumps(data))
    trips = session.trips
    for given in (data, json.dumps(data), str(file)):
        second = look_ahead(options(snapshot=given), context(session), "status")
        assert second.situation.snapshot == first.situation.snapshot
        assert second.reading == first.reading
        assert second.kept is not None
        assert second.kept[0].synced == {"anna@example.com"}
    assert session.trips == trips


@pytest.mark.parametrize(
    "given", [{"form": 99}, {"form": 1, "rows": 3}, "no/such/file", "{broken", 7, {**Reading({}).to_dict(), "observed": {"mx": {"a": 1}}}]
)
def test_what_is_no_snapshot_is_refused_with_one_line(given: Any) -> None:
    with pytest.raises(InputError) as caught:
        look_ahead(options(snapshot=given), context(tenant()), "status")
    assert all("snapshot" in line and "\n" not in line for line in caught.value.problems)


def test_what_was_observed_survives_being_kept() -> None:
    seen = Observed(
        forwards={"a@example.com": Forward("a@x.example", keep=True)},
        mx={"example.com": Mx("tenant", NAMELESS, LATER)},
        moving={"b@example.com": LATER},
        synced=frozenset({"c@example.com"}),
        unsynced=frozenset({"d@example.com"}),
        modes={NAMELESS: frozenset({"relay", "follows_mx", "footer"})},
        facts={"sent_to_scope": "a"},
    )
    assert observed_from(json.loads(json.dumps(observed_to(seen)))) == seen


def test_what_is_told_replaces_what_was_observed() -> None:
    value = {
        "mx": {"Example.com": {"holder": "tenant", "before": "source"}},
        "forwards": [{"address": "A@example.com", "routing_address": "a@x.example"}],
        "synced": "a@example.com, b@example.com",
        "unsynced": ["C@example.com"],
        "off": "source",
        "facts": {"nested_members": "counts"},
        "modes": {"source": ["relay", "Follows_MX", "footer"]},
        "moving": {"a@example.com": LATER},
    }
    for known in (value, json.dumps(value)):
        found = told({"known": known}, inputs(), Observed(mx={"example.com": Mx(NAMELESS)}))
        assert found.mx == {"example.com": Mx("tenant", NAMELESS)}
        assert found.forwards == {"a@example.com": Forward("a@x.example")}
        assert found.off == {NAMELESS}
        assert found.modes == {NAMELESS: frozenset({"relay", "follows_mx", "footer"})}
        assert found.synced == {"a@example.com", "b@example.com"}
        assert found.unsynced == {"c@example.com"}


def test_what_the_guards_need_survives_being_kept() -> None:
    seen = Observed(dns={"example.com": Published(policy="none")})
    evidence = Evidence(
        mx_changes={"example.com": MxChange(LATER, 600, "tenant", NAMELESS, fresh=True)},
        dns=seen.dns,
        ipv6={"example.com": True},
        forwards_off=frozenset({"a@example.com"}),
        unread={"mx b.example": "no answer"},
    )
    assert evidence_from(json.loads(json.dumps(evidence_to(evidence))), inputs(), seen) == evidence
    odd: Any
    for odd in ({"mx_changes": {"example.com": {}}}, {"mx_changes": [1]}, {"ipv6": 3}):
        with pytest.raises(ValueError, match="incomplete"):
            evidence_from(odd, inputs(), seen)


def test_a_snapshot_that_keeps_nothing_for_the_guards_says_that_it_does_not() -> None:
    bare = evidence_from(None, inputs(), Observed())
    assert set(bare.unread) == {"mx example.com", "ipv6 example.com"}
    assert all("take a new one" in why for why in bare.unread.values())
    assert set(evidence_from(None, inputs(), Observed(mx={"example.com": Mx("tenant")})).unread) == {"ipv6 example.com"}


def test_what_is_told_is_heard_by_the_guards() -> None:
    unread = Evidence(unread={"mx example.com": "no answer", "records example.com": "no answer"})
    known = {"known": {"mx": {"example.com": "source"}, "off": "source"}}
    seen = told(known, inputs(), Observed())
    found = heard(known, inputs(), seen, unread)
    assert set(found.unread) == {"records example.com"}
    assert found.off == {NAMELESS}
    assert heard({}, inputs(), Observed(), unread) == unread


def test_certificates_and_policies_of_senders_are_told_and_kept() -> None:
    known = {"certificates": {"source": "MX.host.example"}, "dmarc": {"Outside.example.org": "Reject", "example.com": "none"}}
    found = told({"known": known}, inputs(), Observed())
    assert found.certificates == {NAMELESS: "mx.host.example"}
    assert found.dmarc == {"outside.example.org": "reject", "example.com": "none"}
    assert observed_from(json.loads(json.dumps(observed_to(found)))) == found
    wrong = {"certificates": {"source": ""}, "dmarc": {"no domain": "none", "example.org": "maybe"}}
    with pytest.raises(InputError) as caught:
        told({"known": wrong}, inputs(), Observed())
    assert [line.partition(":")[2].split(":")[0].strip() for line in caught.value.problems] == ["dmarc", "dmarc", "certificates"]


def test_every_host_of_an_mx_is_kept() -> None:
    seen = Observed(mx={"example.com": Mx("tenant", beside=(NAMELESS, "gate.filter.example"))})
    assert observed_from(json.loads(json.dumps(observed_to(seen)))) == seen
    earlier = {"mx": {"example.com": {"holder": "tenant", "before": "", "until": ""}}}
    assert observed_from(earlier).mx == {"example.com": Mx("tenant")}


def test_a_snapshot_of_an_earlier_form_of_what_was_observed_is_read() -> None:
    assert observed_from({"mx": {}}) == Observed()


def test_every_wrong_thing_that_is_told_is_named_at_once() -> None:
    wrong = {
        "mx": {"no domain": ""},
        "forwards": ["x"],
        "synced": "x",
        "unsynced": "y",
        "modes": {"source": "odd"},
        "facts": {"odd": "a"},
        "odd": 1,
    }
    with pytest.raises(InputError) as caught:
        told({"known": wrong}, inputs(), Observed())
    assert len(caught.value.problems) == 7
    for value in ("{broken", [1], 3):
        with pytest.raises(InputError):
            told({"known": value}, inputs(), Observed())


def test_every_guard_of_a_step_can_judge_it() -> None:
    session = tenant(PEOPLE[:1])
    case, rows, members = see(options(), context(session), "status")
    judged = evaluate(full(case, context(session), "status", rows, members))
    assert session.trips == 1
    assert {"U28", "U29"} <= {finding.id for finding in judged.told}
    assert evaluate(full(case, context(session), "mx")).refusing, "without rows everything is read"
    assert session.trips == 2
    world = full(case, context(session), "mx", rows, members).world
    assert world.members[world.by_address[GROUP.casefold()].id] == {"anna@example.com"}


def test_a_guard_hears_what_the_task_knows_better() -> None:
    session = tenant(PEOPLE[:1])
    case, rows, members = see(options(), context(session), "sources_off")
    known = {"known": {"off": "source", "mx": {"example.com": "tenant"}, "certificates": {"source": "mx.host.example"}}}
    deaf, hearing = (full(case, context(session), "sources_off", rows, members, params) for params in (None, known))
    assert (deaf.evidence.off, deaf.world.sources[0].off) == (frozenset(), False)
    assert hearing.evidence.off == {NAMELESS}
    assert (hearing.world.sources[0].off, hearing.world.sources[0].certificate) == (True, "mx.host.example")
    blamed = [{finding.who for finding in evaluate(one).all if finding.id == "U13"} for one in (deaf, hearing)]
    assert ["the source" in names for names in blamed] == [True, False]
