# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting by probes: until each shows what it was made for, once where nobody is patient, and never for one that cannot be had."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils import _waiting
from ansible_collections.mailops.exchange.plugins.module_utils._probe_turns import Sight, Steps
from ansible_collections.mailops.exchange.plugins.module_utils._probing import NO_ACCOUNT, Wanted
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Context, InputError
from ansible_collections.mailops.exchange.plugins.module_utils._session import TimedOut
from ansible_collections.mailops.exchange.plugins.module_utils._waiting import settled, told, wait
from unit.routing.test_tools import Clock, tenant

WAIT: dict[str, Any] = {"since": "", "seconds": 0, "reason": "the membership to act", "interval": 60.0, "timeout": 600, "patient": True}
SOURCE = {"result": "arrived", "place": "source"}
TENANT = {"result": "arrived", "place": "tenant"}
MISSING = {"result": "missing", "place": "", "why": "nobody has seen it"}
NONE = {"result": "not probed", "place": "", "why": "there is no submission account"}
REFUSED = {"result": "refused", "place": "", "why": "550 no"}


@dataclass
class Probes:
    """Stands for probes under way: per recipient the results of one after the other; the last one stays. seconds: how long each takes."""

    results: dict[str, list[Mapping[str, Any]]]
    seconds: Mapping[str, float] = field(default_factory=dict)
    made: list[Wanted] = field(default_factory=list)

    def __call__(self, wanted: Wanted, _context: Context, _sight: Sight) -> Steps:
        self.made.append(wanted)
        name = wanted.recipient.partition("@")[0]
        yield self.seconds.get(name, 0.0)
        left = self.results[name]
        found = left.pop(0) if len(left) > 1 else left[0]
        return {"origin": wanted.origin, "recipient": wanted.recipient, **found}

    @property
    def names(self) -> list[str]:
        return [one.recipient.partition("@")[0] for one in self.made]


def one(name: str, place: str = "tenant", **more: Any) -> dict[str, Any]:
    return {"origin": "tenant", "recipient": f"{name}@example.com", "place": place, **more}


def waited(monkeypatch: pytest.MonkeyPatch, results: dict[str, list[Mapping[str, Any]]], *probes: dict[str, Any], **more: Any) -> Any:
    """The result, the probes made, and the clock."""
    made, clock = Probes(results), Clock(tenant())
    monkeypatch.setattr(_waiting, "steps", made)
    return wait({**WAIT, "probes": list(probes), **more}, clock.context()), made, clock


def test_probes_go_on_until_each_shows_the_effect_and_one_that_does_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    results: dict[str, list[Mapping[str, Any]]] = {"anna": [TENANT], "bert": [SOURCE, MISSING, REFUSED, TENANT]}
    done, made, clock = waited(monkeypatch, results, one("anna"), one("bert"))
    assert made.names == ["anna", "bert", "bert", "bert", "bert"]
    assert clock.slept == [60.0, 60.0, 60.0]
    assert [probe["place"] for probe in done["probes"]] == ["tenant", "tenant"]
    assert (done["left"], done["changed"], done["announced"]) == ([], False, False)


def test_a_probe_that_cannot_be_had_delays_nothing_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    done, made, clock = waited(monkeypatch, {"anna": [NONE]}, one("anna"))
    assert (made.names, clock.slept, done["left"]) == (["anna"], [], [])
    assert done["probes"][0]["result"] == "not probed"


@pytest.mark.parametrize(
    ("origin", "variables"),
    [
        ("internet", ["coexistence_probe_outside_sender"]),
        ("source", ["coexistence_probe_sender", "coexistence_probe_outside_sender"]),
    ],
)
def test_a_probe_without_a_sender_is_not_made_and_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, origin: str, variables: list[str]
) -> None:
    done, made, _clock = waited(monkeypatch, {"anna": [TENANT]}, one("anna", origin=origin))
    assert made.names == []
    assert (done["probes"][0]["result"], done["probes"][0]["place"]) == ("not probed", "")
    assert re.findall(r"coexistence_probe_\w+", done["probes"][0]["why"]) == variables


def test_what_was_shown_and_what_could_not_be_probed_is_told_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    heard, clock = list[str](), Clock(tenant())
    monkeypatch.setattr(_waiting, "steps", Probes({"anna": [TENANT], "bert": [NONE], "cleo": [SOURCE]}))
    probes = [one("anna"), one("bert"), one("cleo"), one("dora", origin="internet")]
    wait({**WAIT, "probes": probes, "patient": False}, replace(clock.context(), progress=heard.append))
    assert heard[0] == "shown, the membership to act: by 1 of 4 probes"
    assert sum(text.startswith("not probed, the membership to act: 1 of 4: ") for text in heard) == 2
    assert sum("coexistence_probe_outside_sender" in text for text in heard) == 1
    assert heard[-1].startswith("not shown yet, the membership to act: mail from tenant to cleo@example.com")


def test_what_silence_alone_suggests_is_not_called_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    heard, clock = list[str](), Clock(tenant())
    monkeypatch.setattr(_waiting, "steps", Probes({"anna": [{**SOURCE, "told_by": "silence"}], "bert": [SOURCE]}))
    probes = [one("anna", "source"), one("bert", "source")]
    wait({**WAIT, "probes": probes, "patient": False}, replace(clock.context(), progress=heard.append))
    assert heard == [
        "shown, the membership to act: by 1 of 2 probes",
        "not contradicted, the membership to act: by 1 of 2 probes, which the source took and the tenant has not seen",
    ]


def test_without_patience_each_is_made_once_and_what_it_did_not_show_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    done, made, clock = waited(monkeypatch, {"anna": [REFUSED], "bert": [SOURCE]}, one("anna"), one("bert", "source"), patient=False)
    assert (made.names, clock.slept) == (["anna", "bert"], [])
    assert done["left"] == ["mail from tenant to anna@example.com refused (550 no)"]


def test_the_time_is_up_with_the_probe_that_did_not_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        TimedOut, match=r"1 of 2 probes for the membership to act do not show it: mail from tenant to bert@\S+ arrived at the source"
    ):
        waited(monkeypatch, {"anna": [TENANT], "bert": [SOURCE]}, one("anna"), one("bert"), timeout=120)


def test_the_time_is_waited_for_before_the_first_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    done, made, clock = waited(monkeypatch, {"anna": [TENANT]}, one("anna"), seconds=90)
    assert (clock.slept, made.names, done["waited"]) == ([60.0, 31.0], ["anna"], 91)


def test_a_probe_takes_over_what_leads_outside_and_keeps_its_goal_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = {"name_servers": ["192.0.2.53"], "mailbox_url": "", "submission_host": "smtp.example", "domain": "example.com"}
    _done, made, _clock = waited(monkeypatch, {"anna": [TENANT]}, one("anna", avoid="source", place=""), declared=declared)
    [wanted] = made.made
    assert (wanted.origin, wanted.recipient, wanted.interval, wanted.timeout) == ("tenant", "anna@example.com", 10.0, 300.0)
    assert (wanted.outside.name_servers, wanted.outside.submission_host) == (("192.0.2.53",), "smtp.example")


def test_probes_are_under_way_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three that take five minutes each take five minutes, and a quick one that must be made again does not wait for them."""
    slow = ("anna", "bert", "cleo")
    results: dict[str, list[Mapping[str, Any]]] = {**{name: [TENANT] for name in slow}, "dora": [SOURCE, SOURCE, TENANT]}
    made, clock = Probes(results, dict.fromkeys(slow, 300.0)), Clock(tenant())
    monkeypatch.setattr(_waiting, "steps", made)
    done = wait({**WAIT, "probes": [one(name) for name in (*slow, "dora")]}, clock.context())
    assert sum(clock.slept) == 300
    assert made.names == [*slow, "dora", "dora", "dora"]
    assert (done["left"], [found["recipient"] for found in done["probes"]]) == ([], [f"{name}@example.com" for name in (*slow, "dora")])


def test_how_many_do_not_show_it_yet_is_told_once_an_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    names, clock, heard = [f"user{number}" for number in range(20)], Clock(tenant()), list[str]()
    monkeypatch.setattr(_waiting, "steps", Probes({name: [SOURCE, SOURCE, TENANT] for name in names}))
    wait({**WAIT, "probes": [one(name) for name in names]}, replace(clock.context(), progress=heard.append))
    *waiting, last = [text.partition(": mail")[0] for text in heard]
    assert waiting == ["waiting for the membership to act: 20 of 20 probes do not show it yet"] * 2
    assert last == "shown, the membership to act: by 20 of 20 probes"
    assert sum(clock.slept) == 120


def test_no_probe_outlasts_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    names, clock = ("anna", "bert", "cleo"), Clock(tenant())
    made = Probes({name: [MISSING] for name in names}, dict.fromkeys(names, 300.0))
    monkeypatch.setattr(_waiting, "steps", made)
    with pytest.raises(TimedOut, match=r"after 500 s 3 of 3 probes .* mail from tenant to anna@\S+ missing") as raised:
        wait({**WAIT, "probes": [one(name) for name in names], "timeout": 500, "remedy": "Look at the forwards."}, clock.context())
    assert raised.value.remedy == "Look at the forwards."
    assert [probe.timeout for probe in made.made] == [300.0] * 3 + [140.0] * 3, "the second round gets what is left"


@pytest.mark.parametrize("patient", [False, True])
def test_what_was_not_begun_in_time_is_told(monkeypatch: pytest.MonkeyPatch, patient: bool) -> None:
    clock = Clock(tenant())

    def held(wanted: Wanted, own: Context, _sight: Sight) -> Steps:
        """A host that keeps whoever hands over waiting."""
        own.sleep(100)
        yield 0.0
        return {"origin": "tenant", "recipient": wanted.recipient, **MISSING}

    monkeypatch.setattr(_waiting, "steps", held)
    asked = {**WAIT, "probes": [one("anna"), one("bert")], "timeout": 100, "patient": patient}
    if patient:
        with pytest.raises(TimedOut, match="2 of 2 probes"):
            wait(asked, clock.context())
        return
    done = wait(asked, clock.context())
    assert [probe["why"] for probe in done["probes"]] == ["nobody has seen it", "the time was up before it was made"]
    assert [probe["result"] for probe in done["probes"]] == ["missing", "not probed"]
    assert done["left"] == ["mail from tenant to anna@example.com missing (nobody has seen it)"], "what was never sent ended nowhere"


def test_every_bad_probe_is_named_before_the_wait_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    made, clock = Probes({"anna": [TENANT]}), Clock(tenant())
    monkeypatch.setattr(_waiting, "steps", made)
    bad = [{**one("anna"), "recipient": "nobody"}, {**one("anna"), "kind": "letter"}]
    with pytest.raises(InputError) as raised:
        wait({**WAIT, "seconds": 90, "probes": [one("anna"), *bad]}, clock.context())
    assert [text.partition(" is")[0] for text in raised.value.problems] == ["recipient: 'nobody'", "kind: 'letter'"]
    assert (made.made, clock.slept) == ([], [])


@pytest.mark.parametrize("ready", [True, False])
def test_in_check_mode_probes_are_announced_but_those_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch, ready: bool) -> None:
    session, heard, asked = tenant(check_mode=True), list[str](), list[str]()

    def tool(name: str, _parameters: Mapping[str, Any]) -> dict[str, Any]:
        asked.append(name)
        return {"ready": ready, "user": "probe@contoso.example"}

    monkeypatch.setattr(session, "tool", tool)
    context = Context(session, check_mode=True, progress=heard.append)
    nameless = {name: value for name, value in one("bert").items() if name != "sender"}
    done = wait({**WAIT, "probes": [{**one("anna"), "sender": "me@example.com"}, nameless]}, context)
    assert [one["result"] for one in done["probes"]] == ["announced" if ready else "not probed"] * 2
    assert [one.get("sender") for one in done["probes"]] == ["me@example.com", "probe@contoso.example" if ready else None]
    assert (asked, done["until"], done["left"]) == (["account"], "<now>", [])
    announced = "would wait 0 s and make 2 probes for the membership to act; taken as passed"
    missing = f"not probed, the membership to act: 2 of 2: {NO_ACCOUNT}"
    assert heard == [announced if ready else missing]
    outside = [one("anna", origin="internet", sender="me@outside.example"), one("bert", origin="internet")]
    done = wait({**WAIT, "probes": outside}, context)
    assert [one["result"] for one in done["probes"]] == ["announced", "not probed"]
    assert len(asked) == 1, "only mail from the tenant needs the account"


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="is not a time"):
        wait({**WAIT, "since": "yesterday"}, Clock(tenant()).context())


@pytest.mark.parametrize(
    ("wanted", "found", "shows"),
    [
        ({"place": "tenant"}, TENANT, True),
        ({"place": "tenant"}, {**TENANT, "told_by": "filter"}, False),
        ({"avoid": "source"}, {**TENANT, "told_by": "filter"}, False),
        ({"place": "tenant"}, SOURCE, False),
        ({"place": "source"}, SOURCE, True),
        ({"place": "tenant"}, REFUSED, False),
        ({"place": "tenant"}, MISSING, False),
        ({"place": "tenant"}, NONE, True),
        ({"place": "tenant"}, {"result": "announced"}, False),
        ({"avoid": "source"}, SOURCE, False),
        ({"avoid": "source"}, TENANT, True),
        ({"avoid": "source"}, REFUSED, True),
        ({"avoid": "source"}, MISSING, False),
        ({"avoid": "source"}, NONE, True),
    ],
)
def test_what_a_probe_must_show(wanted: dict[str, str], found: dict[str, Any], shows: bool) -> None:
    assert settled(wanted, found) is shows


def test_a_probe_in_words() -> None:
    assert told({"origin": "internet", "recipient": "a@b", **SOURCE}) == "mail from internet to a@b arrived at the source"
