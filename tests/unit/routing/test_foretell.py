# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tools that only look and predict: what they say, and that a snapshot does as well as a tenant."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._foretell import check_info, route_info, snapshot_info
from ansible_collections.mailops.exchange.plugins.module_utils._routing._delivery import OTHERWISE
from ansible_collections.mailops.exchange.plugins.module_utils._routing._marks import Line
from ansible_collections.mailops.exchange.plugins.module_utils._routing._words import ACTING
from ansible_collections.mailops.exchange.plugins.module_utils._runner import InputError

from .tenant import DOMAINS, NOW, OPTIONS, RULE, domain, group, mailbox, rule
from .test_tools import PEOPLE, Tenant, context, tenant

ASKED = {"addresses": None, "all": False, "sender": None, "origin": None, "kind": "mail", "limit": 10}
LISTED = "address,kind,owner,home\n" + "".join(f"{name}@example.com,mailbox,,source\n" for name in ("anna", "bert", "noobj"))
AT_SOURCE = {"mx": {"example.com": "source"}, "forwards": {"anna@example.com": "anna@contoso.mail.onmicrosoft.com"}}


@pytest.fixture
def listed(tmp_path: Path) -> str:
    """A source list."""
    path = tmp_path / "source.csv"
    path.write_text(LISTED)
    return str(path)


def session() -> Tenant:
    """A finished set-up; anna has moved, bert has not, cleo has no mailbox at the source."""
    found = tenant(PEOPLE[:1], rules=[rule(WhenChanged="2026-02-20T08:00:00")])
    found.rows["AcceptedDomain"] = [*DOMAINS[:2], domain("example.com", "InternalRelay"), *DOMAINS[3:]]
    return found


def asked(source_file: str, **more: Any) -> dict[str, Any]:
    return {**OPTIONS, **ASKED, "source_file": source_file, "known": AT_SOURCE, **more}


def said(found: Tenant, source_file: str, address: str, origin: str, **more: Any) -> dict[str, Any]:
    (route,) = route_info(asked(source_file, addresses=[address], origin=origin, **more), context(found))["routes"]
    return dict(route)


def test_one_address_is_told_in_one_sentence(listed: str) -> None:
    route = said(session(), listed, "Bert@example.com", "tenant")
    assert route["text"] == (
        "bert@example.com, from a colleague in the tenant: goes to the foreign host (delivered: where the user reads) because "
        "rule 'Coexistence' sends it to connector 'shared name space with external entity trsc': RecipientDomainIs example.com; "
        "no exception holds: SentToMemberOf migrated@example.com, since 2026-02-20T08:00:00Z, "
        "since 2026-02-20T08:00:00Z (rule 'Coexistence' was changed last)."
    )
    assert route["ways"][0]["way"][-1] == "the source: has bert@example.com (mailbox)"
    assert route["will_change"] == []


def test_what_is_under_way_is_told_with_its_time_and_both_ways(listed: str) -> None:
    found = session()
    found.rows["TransportRule"] = [rule(WhenChanged="2026-03-01T11:50:00")]
    route = said(found, listed, "bert@example.com", "tenant")
    assert [(way["outcome"], way["if"]) for way in route["ways"]] == [
        ("split", "rule 'Coexistence' still acts as before its change"),
        (
            "delivered",
            f"rule 'Coexistence' {ACTING['after']} or rule 'Coexistence' {ACTING[OTHERWISE]}",
        ),
    ]
    assert route["will_change"] == [f"2026-03-01T12:50:00Z, when rule '{RULE}' surely acts as it reads"]
    assert "two ways are possible, the worst is split" in route["text"]


def test_a_membership_and_an_mx_record_under_way_are_told(listed: str) -> None:
    known: dict[str, Any] = {**AT_SOURCE, "moving": {"bert@example.com": "2026-03-01T13:00:00Z"}}
    known["mx"] = {"example.com": {"holder": "tenant", "before": "source", "until": "2026-03-02T00:00:00Z"}}
    found = session()
    found.rows["DistributionGroupMember"] = PEOPLE[:2]
    route = said(found, listed, "bert@example.com", "internet", known=known)
    assert route["will_change"] == [
        "2026-03-01T13:00:00Z, when the membership of bert@example.com surely acts",
        "2026-03-02T00:00:00Z, when nobody holds the former MX of example.com any more",
    ]
    assert len(route["ways"]) == 2
    assert {"early", "delivered"} == {way["outcome"] for way in route["ways"]}


def test_a_membership_that_changed_lately_shows_both_ways_to_whoever_may_have_joined_or_left(listed: str) -> None:
    def asked_of(name: str, moved: str) -> dict[str, Any]:
        found = session()
        found.rows["DistributionGroup"] = [group(Line({"example.com": "Authoritative"}, moved=moved))]
        known = {**AT_SOURCE, "facts": {"recipient_address_type": "resolved"}}
        return said(found, listed, f"{name}@example.com", "tenant", known=known)

    acts = "2026-03-01T12:30:00Z, when the membership of {}@example.com surely acts"
    anna = asked_of("anna", "2026-03-01T11:30:00Z")
    assert [(way["outcome"], way["if"]) for way in anna["ways"]] == [
        ("loop", "the changed membership of anna@example.com does not act yet"),
        ("delivered", "the changed membership of anna@example.com acts"),
    ]
    assert anna["will_change"] == [acts.format("anna")]
    bert = asked_of("bert", "2026-03-01T11:30:00Z")
    assert (len(bert["ways"]), bert["will_change"]) == (2, [acts.format("bert")]), "who left the group is not noted"
    for name in ("anna", "bert"):
        assert len(asked_of(name, "2026-03-01T10:59:00Z")["ways"]) == 1
        assert len(asked_of(name, "")["ways"]) == 1


def test_everybody_is_counted_with_members_that_may_not_act_yet(listed: str) -> None:
    found = session()
    found.rows["DistributionGroup"] = [group(Line({"example.com": "Authoritative"}, moved="2026-03-01T11:30:00Z"))]
    inside = route_info(asked(listed, all=True), context(found))["origins"]["tenant"]
    assert inside["lists"]["loop"] == ["anna@example.com"]
    assert "bert@example.com" in inside["lists"]["delivered"]


def test_a_bounce_says_who_refuses(listed: str) -> None:
    route = said(session(), listed, "nobody@example.com", "internet")
    assert (route["verdict"], route["hurts"]) == ("bounced", True)
    assert (
        "because it leaves by the MX of example.com, which is the source; there the source does not know nobody@example.com"
        in route["text"]
    )


def test_a_group_says_how_many_it_reaches(listed: str) -> None:
    found = session()
    everyone = {"Name": "Everyone", "Guid": "g", "PrimarySmtpAddress": "all@other.example.net", "RequireSenderAuthenticationEnabled": False}
    found.rows["Recipient"] = [*PEOPLE, {**everyone, "RecipientTypeDetails": "MailUniversalDistributionGroup"}]
    route = said(found, listed, "all@other.example.net", "tenant")
    assert route["verdict"] == "unknown", "its members were not read"


def test_without_an_origin_every_one_is_told_and_a_report_has_no_sender(listed: str) -> None:
    result = route_info(asked(listed, addresses="anna@example.com, bert@example.com", kind="report"), context(session()))
    assert [(route["address"], route["origin"]) for route in result["routes"]][:5] == [
        ("anna@example.com", "internet"),
        ("anna@example.com", "tenant"),
        ("anna@example.com", "source"),
        ("anna@example.com", "program"),
        ("bert@example.com", "internet"),
    ]
    assert {route["sender"] for route in result["routes"]} == {""}
    assert result["hurt"] == sum(route["hurts"] for route in result["routes"])
    assert sum(not line.startswith(" ") for line in result["screen"]) == 8


def test_everybody_is_counted_by_outcome_and_by_class(listed: str) -> None:
    found = session()
    found.rows["Recipient"] = [*PEOPLE, mailbox("folder@example.com", "PublicFolder"), mailbox("other@other.example.net")]
    result = route_info(asked(listed, all=True, limit=1), context(found))
    # Addresses: three people, a folder and one elsewhere, and an address without an object.
    assert result["recipients"] == 6
    assert sum(result["counts"].values()) == 6 * 4
    assert list(result["origins"]) == ["internet", "tenant", "source", "program"]
    inside = result["origins"]["tenant"]
    assert inside["counts"] == {"delivered": 4, "bounced": 2}
    assert inside["places"] == {"bounced": 2, "source": 2, "tenant": 2}
    assert inside["lists"] == {"delivered": ["anna@example.com"], "bounced": ["cleo@example.com"]}
    assert sum(one["recipients"] for one in inside["classes"]) == 6
    assert inside["classes"][0]["outcome"] == "bounced"
    assert "usermailbox, in the group, mailbox at the source" in {one["kind"] for one in inside["classes"]}
    assert result["hurt"] == sum(one["hurt"] for one in result["origins"].values())
    assert result["screen"][0] == "6 recipients"
    assert any(line.startswith("from tenant: 4 delivered, 2 bounced") for line in result["screen"])


@pytest.mark.parametrize("addresses", [[], None, ["no address"], "a@example.com, b@"])
def test_addresses_that_are_none_are_named(listed: str, addresses: Any) -> None:
    with pytest.raises(InputError, match="addresses: "):
        route_info(asked(listed, addresses=addresses), context(session()))


def test_a_snapshot_predicts_what_the_tenant_does(listed: str, tmp_path: Path) -> None:
    found, dest = session(), tmp_path / "snapshot.json"
    taken = snapshot_info(asked(listed, dest=None), context(found))
    assert (taken["changed"], taken["first"], taken["counts"]["recipients"]) == (False, NOW, 3)
    assert "dest" not in taken
    kept = snapshot_info(asked(listed, dest=str(dest)), context(found))
    assert (kept["changed"], kept["dest"]) == (True, str(dest))
    assert "snapshot" not in kept
    assert stat.S_IMODE(dest.stat().st_mode) == 0o600
    assert json.loads(dest.read_text()) == taken["snapshot"]
    assert snapshot_info(asked(listed, dest=str(dest)), context(found))["changed"] is False
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".new")] == []
    live = route_info(asked(listed, all=True), context(found))
    trips = found.trips
    for snapshot in (taken["snapshot"], str(dest)):
        assert route_info(asked(listed, all=True, snapshot=snapshot, known=None), context(found)) == live
    assert found.trips == trips


def test_a_snapshot_in_check_mode_writes_no_file_and_a_bad_place_is_named(listed: str, tmp_path: Path) -> None:
    found, dest = session(), tmp_path / "snapshot.json"
    found.check_mode = True
    assert snapshot_info(asked(listed, dest=str(dest)), context(found))["changed"] is True
    assert not dest.exists()
    found.check_mode = False
    with pytest.raises(InputError, match="cannot be written"):
        snapshot_info(asked(listed, dest=str(tmp_path / "no" / "file")), context(found))


def test_guards_speak_and_never_refuse(listed: str) -> None:
    found = session()
    check = check_info(asked(listed, step="mx"), context(found))
    assert check["refused"] is True
    assert {"U2"} <= {one["id"] for one in check["findings"] if one["blocks"]}
    assert any(line.startswith("refuses: U2 ") for line in check["screen"])
    accepted = check_info(asked(listed, step="mx", accept_risks=["U2"]), context(found))
    assert any(one["accepted"] for one in accepted["findings"])
    assert any(line.startswith("accepted: U2 ") for line in accepted["screen"])
    assert check["summary"]["recipients"] == 3


def test_a_check_tells_who_holds_each_mx_and_refuses_a_tenant_that_takes_no_rules(listed: str) -> None:
    (row,) = check_info(asked(listed, step="preflight"), context(session()))["mx"]
    assert (row["domain"], row["holder"], row["ttl"], row["held"]) == ("example.com", "the source", None, None)
    found = session()
    found.rows["OrganizationConfig"] = [{"Name": "contoso", "IsDehydrated": True}]
    for step in ("preflight", "setup"):
        with pytest.raises(InputError, match="Enable-OrganizationCustomization"):
            check_info(asked(listed, step=step), context(found))
    assert check_info(asked(listed, step="mx"), context(found))["step"] == "mx"


def test_probes_of_earlier_tasks_are_heard(listed: str) -> None:
    def ids(**more: Any) -> set[str]:
        return {
            one["id"]
            for one in check_info(asked(listed, step="enforce", **more), context(tenant(PEOPLE[:1], rules=[])))["findings"]
            if one["blocks"]
        }

    probe = {"origin": "tenant", "sender": "a@example.com", "recipient": "bert@example.com", "result": "arrived", "place": "source"}
    assert "U25" in ids()
    assert "U25" not in ids(probes=[probe])
    forwards = [{"address": "bert@example.com", "routing_address": "bert@contoso.mail.onmicrosoft.com"}]
    assert said(session(), listed, "bert@example.com", "internet", forwards=forwards)["verdict"] == "loop"
    with pytest.raises(InputError, match="forwards: "):
        route_info(asked(listed, all=True, forwards=[{"address": "x"}]), context(session()))


def test_a_forward_that_is_off_is_none_and_a_probe_is_told_by_any_spelling(listed: str) -> None:
    row = {"address": "Bert@example.com", "routing_address": "", "on": False}
    assert said(session(), listed, "bert@example.com", "internet", forwards=[row])["verdict"] == "delivered"
    shown = {"address": "bert@example.com", "routing_address": "bert@contoso.mail.onmicrosoft.com", "on": False}
    assert said(session(), listed, "bert@example.com", "internet", forwards=[shown])["verdict"] == "delivered"
    probe = {"origin": "tenant", "sender": "A@Example.com", "recipient": "Bert@Example.com", "result": "arrived", "place": "source"}
    check = check_info(asked(listed, step="enforce", probes=[probe]), context(tenant(PEOPLE[:1], rules=[])))
    assert "U25" not in {one["id"] for one in check["findings"]}


def test_a_snapshot_lets_the_guards_say_what_they_say_of_the_tenant(listed: str) -> None:
    found = session()
    taken = snapshot_info(asked(listed, dest=None, known=None), context(found))["snapshot"]
    for step in ("preflight", "setup", "enforce", "mx", "mx_back", "status"):
        live = check_info(asked(listed, step=step, known=None), context(found))["findings"]
        kept = check_info(asked(listed, step=step, known=None, snapshot=taken), context(found))["findings"]
        assert kept == live, step
    bare = {name: value for name, value in taken.items() if name != "evidence"}
    old = check_info(asked(listed, step="setup", known=None, snapshot=bare), context(found))["findings"]
    assert any(one["id"] == "U22" and "take a new one" in one["why"] for one in old)


def test_a_snapshot_tells_whose_membership_does_not_act_yet_by_its_own_clock(listed: str) -> None:
    found = session()
    found.rows["DistributionGroup"] = [group(Line({"example.com": "Authoritative"}, moved="2026-03-01T11:55:00Z"))]
    asks = asked(listed, users=["anna@example.com"], known=None)
    taken = snapshot_info({**asks, "dest": None}, context(found))["snapshot"]
    live = check_info({**asks, "step": "forward"}, context(found))["findings"]
    kept = check_info({**asks, "step": "forward", "snapshot": taken}, context(found))["findings"]
    assert any(one["id"] == "U8" and "until 2026-03-01T12:55:00Z" in one["why"] for one in live)
    assert kept == live


def test_a_host_that_is_declared_off_is_heard(listed: str) -> None:
    found = session()
    whole = [one for one in check_info(asked(listed, step="sources_off"), context(found))["findings"] if one["who"] == "the source"]
    assert [one["id"] for one in whole] == ["U13"]
    off = check_info(asked(listed, step="sources_off", known={**AT_SOURCE, "off": "source"}), context(found))["findings"]
    assert not [one for one in off if one["who"] == "the source"]


def test_a_policy_of_a_sender_is_told_and_both_readings_of_its_signature_are_walked(listed: str) -> None:
    known = {**AT_SOURCE, "dmarc": {"sender.invalid": "reject"}, "facts": {"dmarc_domain": "routing", "honor_dmarc": "on"}}
    route = said(session(), listed, "anna@example.com", "internet", known=known)
    assert [(way["outcome"], way["if"]) for way in route["ways"]] == [
        ("bounced", "mail of sender.invalid is not signed with DKIM"),
        ("delivered", "mail of sender.invalid is signed with DKIM"),
    ]


def test_a_step_that_nothing_speaks_against_says_so(listed: str) -> None:
    assert check_info(asked(listed, step="mx_back"), context(session()))["screen"] == ["No guard says anything against the step mx_back."]
