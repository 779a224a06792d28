# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wave switches its forwards where they are kept: on the mail host, or in a file; and its rollback ends them."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fakes import install
from harness.coexistence import CLOCK_RATE
from harness.play import Player, Run
from harness.tenant import Sandbox

HOST = "mail.example.com"
ALIAS = "second.name@example.com"
FORWARD = "zimbraMailForwardingAddress"


def good(run: Run) -> Run:
    """A run that failed shows its output."""
    assert run.code == 0, run.output
    return run


@pytest.fixture
def wave(sandbox: Sandbox) -> list[str]:
    """The users of the first wave."""
    lines = (sandbox.folders[0] / "waves.csv").read_text(encoding="utf-8").splitlines()
    return sorted(line.partition(",")[0] for line in lines if line.endswith(",wave1"))


@pytest.fixture
def plan(sandbox: Sandbox, standing: dict[str, Any]) -> dict[str, Any]:
    """A tenant that is set up, and the variables for its first wave."""
    sandbox.control("PUT", "/clock", {"rate": CLOCK_RATE})
    # Nothing of the sandbox's own foreign host is switched here, so that nothing is to be seen from outside.
    return standing | {"coexistence_wave": "wave1", "coexistence_probe_outside_sender": ""}


def figures(run: Run) -> dict[str, Any]:
    """The figures that the role leaves, by the way's name."""
    (found,) = run.custom["_run"]["source_forwarding"].values()
    return dict(found)


def lines_of(file: Path) -> dict[str, str]:
    """Address and target of every line of a provider's file that sets something."""
    rows = [line.split(",") for line in file.read_text(encoding="utf-8").splitlines()[1:]]
    return {row[0]: row[1] for row in rows if row[3] == "set"}


def test_a_wave_writes_a_providers_file_and_its_rollback_takes_the_lines_out(
    player: Player, sandbox: Sandbox, plan: dict[str, Any], wave: list[str], tmp_path: Path
) -> None:
    file, delta = tmp_path / "forwards.csv", tmp_path / "delta.csv"
    listed = Path(plan["coexistence_source_file"]).read_text(encoding="utf-8")
    (tmp_path / "source.csv").write_text(f"{listed}{ALIAS},alias,{wave[0]},source\n", encoding="utf-8")
    extra = plan | {"coexistence_forwarding_backend": "csv", "coexistence_source_file": str(tmp_path / "source.csv")}
    extra |= {"source_forwarding_dest": str(file), "source_forwarding_delta": str(delta)}
    good(player.run("mailops.exchange.cutover", extra, "--check"))
    assert not file.exists()
    moved = good(player.run("mailops.exchange.cutover", extra))
    assert "loop variable" not in moved.output
    found = lines_of(file)
    assert sorted(found) == sorted([*wave, ALIAS])
    assert found[ALIAS] == found[wave[0]]
    assert len({target.partition("@")[2] for target in found.values()}) == 1
    writes = len(sandbox.writes())
    again = good(player.run("mailops.exchange.cutover", extra))
    assert (again.changed, len(sandbox.writes())) == (0, writes)
    assert f"{file} has {len(found) + 1} lines, SHA-256 {hashlib.sha256(file.read_bytes()).hexdigest()}" in moved.output
    assert "The forwards act only once the provider has taken it in" in moved.output
    whole, dump = file.read_text(encoding="utf-8"), tmp_path / "dump.csv"
    unread = player.run("mailops.exchange.reconcile", extra)
    assert "11 are in the group, and whether they are forwarded is not known" in screen(unread)
    assert "not forwarded (" not in screen(unread), "what was asked for tells nothing of what is on"
    assert "ask for a dump taken after the change and give it as dump (source_forwarding_dump of the role)" in unread.output
    shown = figures(unread)["the source"]
    assert (shown["unknown"], shown["unchanged"], shown["failed"]) == (shown["declared"], 0, False)
    short = "".join(line for line in whole.splitlines(keepends=True) if not line.startswith(wave[0]))
    dump.write_text(short, encoding="utf-8")
    read = extra | {"source_forwarding_dump": str(dump)}
    # Seven live in the tenant since before this project, and stand in nobody's file.
    assert "8 are in the group and not forwarded" in screen(player.run("mailops.exchange.reconcile", read))
    assert (file.read_text(encoding="utf-8"), dump.read_text(encoding="utf-8")) == (whole, short)
    dump.write_text(whole, encoding="utf-8")
    assert "7 are in the group and not forwarded" in screen(player.run("mailops.exchange.reconcile", read))
    # Nobody took the file in, and nothing is probed here, so that somebody has to answer for the forwards being off.
    good(player.run("mailops.exchange.rollback", extra | {"coexistence_accept_risks": ["U8"]}))
    assert lines_of(file) == {}
    assert delta.read_text(encoding="utf-8").count(",remove,") == len(found)


@dataclass
class Zimbra:
    """A mail host whose program is a stand-in with its state in a file."""

    path: Path

    def load(self) -> dict[str, Any]:
        """The host's state."""
        found: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        return found

    def forwarded(self) -> list[str]:
        """Who is forwarded."""
        return sorted(name for name, values in self.load()["accounts"].items() if values.get(FORWARD))

    def forward(self, user: str, *targets: str) -> None:
        """Set somebody's forward by hand."""
        state = self.load()
        state["accounts"][user] |= {FORWARD: list(targets), "zimbraPrefMailLocalDeliveryDisabled": ["FALSE"]}
        self.path.write_text(json.dumps(state), encoding="utf-8")


@pytest.fixture
def zimbra(player: Player, plan: dict[str, Any], wave: list[str], tmp_path: Path) -> Zimbra:
    """The mail host of the source, on which the plan switches forwards."""
    host = Zimbra(tmp_path / "zimbra.json")
    listed = (Path(plan["coexistence_source_file"])).read_text(encoding="utf-8").splitlines()[1:]
    accounts: dict[str, Any] = {}
    for row in (line.split(",") for line in listed):
        there = {FORWARD: [row[0].replace("@example.com", "@" + routing(player))]} if row[3] == "tenant" else {}
        accounts |= {row[0]: {"zimbraMailStatus": ["enabled"], **there}} if row[1] in ("mailbox", "forward") else {}
    assert set(wave) <= set(accounts)
    host.path.write_text(json.dumps({"accounts": accounts, "aliases": {}}), encoding="utf-8")
    install(tmp_path / "bin", "zmprov.py", host.path, "zmprov")
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    player.inventory = {"all": {**player.inventory["all"], "hosts": {HOST: local}}}
    plan |= {"coexistence_forwarding_backend": "zimbra", "coexistence_forwarding_host": HOST}
    plan |= {"source_forwarding_zmprov": str(tmp_path / "bin" / "zmprov")}
    return host


def routing(player: Player) -> str:
    """The tenant's routing domain."""
    (tenant,) = player.inventory["all"]["children"]["exchange_tenants"]["hosts"]
    return str(tenant).replace(".onmicrosoft.com", ".mail.onmicrosoft.com")


def screen(run: Run) -> str:
    """What a reconcile shows."""
    good(run)
    shown = [event["result"]["screen"] for event in run.results if event["result"].get("screen")]
    return "\n".join(shown[-1])


def test_a_wave_switches_the_forwards_on_the_mail_host(
    player: Player, sandbox: Sandbox, plan: dict[str, Any], wave: list[str], zimbra: Zimbra
) -> None:
    before, writes = zimbra.forwarded(), len(sandbox.writes())
    zimbra.forward(wave[0], "somebody@elsewhere.example")
    theirs = zimbra.load()["accounts"]
    stopped = player.run("mailops.exchange.cutover", plan)
    assert stopped.code != 0
    assert f"{wave[0]} is forwarded to somebody@elsewhere.example already; end that first, or accept_risks: [S3]" in stopped.output
    assert (len(sandbox.writes()), zimbra.load()["accounts"]) == (writes, theirs), "neither the group nor the source"
    assert "source_forwarding" not in stopped.custom.get("_run", {}), "what was only asked is no figure of what was switched"
    zimbra.forward(wave[0])
    moved = good(player.run("mailops.exchange.cutover", plan))
    asked, written = (moved.output.index(name) for name in ("Ask the source whether", "Check the whole wave, and move it"))
    assert asked < written
    assert zimbra.forwarded() == sorted([*before, *wave])
    assert zimbra.load().get("silent", []) == []
    assert figures(moved)["the source"]["switched_on"] == len(wave)
    assert good(player.run("mailops.exchange.cutover", plan)).changed == 0
    nobody_leaves_while_the_source_shows_a_forward(player, sandbox, plan, wave, zimbra)
    back = good(player.run("mailops.exchange.rollback", plan))
    assert zimbra.forwarded() == before
    assert figures(back)["the source"]["switched_off"] == len(wave)


def nobody_leaves_while_the_source_shows_a_forward(
    player: Player, sandbox: Sandbox, plan: dict[str, Any], wave: list[str], zimbra: Zimbra
) -> None:
    """By another domain of the tenant than the forwards lead to, they look like somebody else's and stay on."""
    writes, on = len(sandbox.writes()), zimbra.forwarded()
    (tenant,) = player.inventory["all"]["children"]["exchange_tenants"]["hosts"]
    refused = player.run("mailops.exchange.rollback", plan | {"coexistence_routing_domain": tenant})
    assert refused.code != 0
    assert f"is still forwarded at the source to {wave[0].replace('@example.com', f'@{routing(player)}')}" in refused.output
    assert (len(sandbox.writes()), zimbra.forwarded()) == (writes, on)


def test_who_cannot_move_does_not_keep_the_rest_from_asking_the_source(
    player: Player, sandbox: Sandbox, plan: dict[str, Any], wave: list[str], zimbra: Zimbra
) -> None:
    stranger = "nobody.of.the.tenant@example.com"
    some = {name: value for name, value in plan.items() if name != "coexistence_wave"} | {"coexistence_users": [wave[0], stranger]}
    refused = player.run("mailops.exchange.cutover", some)
    assert refused.code != 0
    assert any(stranger in text for text in refused.failures)
    (left,) = refused.custom["_run"]["coexistence_cutover"].values()
    assert [one["user"] for one in left["refused"]] == [stranger]
    good(player.run("mailops.exchange.cutover", some | {"coexistence_accept_risks": ["U7"]}))
    assert set(zimbra.forwarded()) & {wave[0], stranger} == {wave[0]}


def test_reconcile_names_a_forward_that_is_gone_and_mends_it_only_when_told(
    player: Player, sandbox: Sandbox, plan: dict[str, Any], wave: list[str], zimbra: Zimbra
) -> None:
    good(player.run("mailops.exchange.cutover", plan))
    whole, writes = zimbra.forwarded(), len(sandbox.writes())
    later = {name: value for name, value in plan.items() if name != "coexistence_wave"}
    assert "everybody is where" in screen(player.run("mailops.exchange.reconcile", later))
    zimbra.forward(wave[0])
    zimbra.forward(wave[1], "somebody@elsewhere.example")
    seen, kept = player.run("mailops.exchange.reconcile", later), zimbra.load()["accounts"]
    assert f"1 are in the group and not forwarded ({wave[0]}); left as it is" in screen(seen)
    assert f"1 are in the group and forwarded elsewhere ({wave[1]})" in screen(seen)
    assert (seen.changed, len(sandbox.writes()), zimbra.load()["accounts"]) == (0, writes, kept)
    fix = later | {"coexistence_reconcile_fix": "forwards"}
    check = good(player.run("mailops.exchange.reconcile", fix, "--check"))
    assert (check.changed, zimbra.load()["accounts"]) == (1, kept)
    mended = player.run("mailops.exchange.reconcile", fix)
    assert f"({wave[0]}); mended now" in screen(mended)
    assert (mended.changed, zimbra.forwarded(), len(sandbox.writes())) == (1, whole, writes)
    assert zimbra.load()["accounts"][wave[1]][FORWARD] == ["somebody@elsewhere.example"]
    again = player.run("mailops.exchange.reconcile", fix)
    assert (again.changed, "not forwarded" in screen(again)) == (0, False)


def test_a_mail_host_that_cannot_be_reached_hides_nothing_of_the_tenant(
    player: Player, plan: dict[str, Any], wave: list[str], zimbra: Zimbra
) -> None:
    good(player.run("mailops.exchange.cutover", plan))
    task = {"identity": "Migrated@example.com", "members": [wave[0]], "state": "absent", "bypass_security_group_manager_check": True}
    good(player.run(player.tasks([{"mailops.exchange.distribution_group_member": task}], hosts="exchange_tenants")))
    away = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9}
    player.inventory = {"all": {**player.inventory["all"], "hosts": {HOST: away}}}
    later = {name: value for name, value in plan.items() if name != "coexistence_wave"}
    found = player.run("mailops.exchange.reconcile", later)
    assert found.code != 0, "a source that was not read is nothing to be quiet about"
    text = "\n".join([event["result"]["screen"] for event in found.results if event["result"].get("screen")][-1])
    assert "are in the group, and whether they are forwarded is not known" in text
    assert f"({wave[0]}); move them again, or end their forward" in text
    assert any("count as not known" in message for message in found.failures)
    (left,) = found.custom["_run"]["coexistence_reconcile"].values()
    assert (left["found"]["unknown_members"], left["mended"]) == (1, {"lost_members": 0, "missing_forwards": 0})
    assert figures(found)["the source"]["failed"] is True


def test_reconcile_puts_back_who_left_the_group_and_names_who_was_added(
    player: Player, sandbox: Sandbox, plan: dict[str, Any], wave: list[str], zimbra: Zimbra, tmp_path: Path
) -> None:
    good(player.run("mailops.exchange.cutover", plan))
    lines = (sandbox.folders[0] / "waves.csv").read_text(encoding="utf-8").splitlines()
    never, added, *_rest = (line.partition(",")[0] for line in lines[1:] if not line.endswith(",wave1"))
    (tmp_path / "waves.csv").write_text("\n".join(line for line in lines if not line.startswith(added)), encoding="utf-8")
    later = {name: value for name, value in plan.items() if name != "coexistence_wave"}
    later |= {"coexistence_waves_file": str(tmp_path / "waves.csv"), "coexistence_users": [never]}
    for state, who in (("absent", wave[0]), ("present", added)):
        task = {"identity": "Migrated@example.com", "members": [who], "state": state, "bypass_security_group_manager_check": True}
        good(player.run(player.tasks([{"mailops.exchange.distribution_group_member": task}], hosts="exchange_tenants")))
    found = player.run("mailops.exchange.reconcile", later)
    assert f"1 read in the tenant and are not in the group ({wave[0]}); left as it is" in screen(found)
    assert f"somebody else added them ({added})" in screen(found)
    assert never not in screen(found)
    fixed = good(player.run("mailops.exchange.reconcile", later | {"coexistence_reconcile_fix": "members,forwards"}))
    # The member, and the note of when the membership changed.
    assert (fixed.changed, set(zimbra.forwarded()) & {added, never}) == (2, set())
    assert "not in the group" not in screen(player.run("mailops.exchange.reconcile", later))


def test_the_role_by_itself_needs_nothing_but_its_back_end(player: Player, tmp_path: Path) -> None:
    file = tmp_path / "forwards.csv"
    rows = [{"address": "anna@example.com", "routing_address": "anna@contoso.mail.onmicrosoft.com"}]
    names = {"source_forwarding_backend": "csv", "source_forwarding_forwards": rows, "source_forwarding_dest": str(file)}
    local = {"all": {"hosts": {HOST: {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}}}}
    apart = Player(player.collections, tmp_path, local)
    role = [{"include_role": {"name": "mailops.exchange.source_forwarding"}, "vars": names}]
    run = good(apart.run(apart.tasks(role)))
    assert lines_of(file) == {"anna@example.com": "anna@contoso.mail.onmicrosoft.com"}
    assert figures(run)["csv"]["switched_on"] == 1
    for backend, dest in (("csv", file), ("google", tmp_path / "map.csv")):
        own = {**names, "source_forwarding_backend": backend, "source_forwarding_dest": str(dest)}
        end = {**own, "source_forwarding_forwards": [], "source_forwarding_list_file": str(dest), "source_forwarding_state": "absent"}
        run = good(apart.run(apart.tasks([{**role[0], "vars": own}, {**role[0], "vars": end}])))
        assert figures(run)[backend]["switched_off"] == 1, "the file itself names what it ends"
        assert "anna@example.com" not in dest.read_text(encoding="utf-8")
    unnamed = apart.run(apart.tasks([{**role[0], "vars": {**names, "source_forwarding_backend": None}}]))
    assert unnamed.code != 0
    assert any("backend is empty" in text for text in unnamed.failures)


def way(name: str, backend: str, *users: str) -> dict[str, Any]:
    """What a step asks of one source."""
    rows = [{"address": f"{user}@example.com", "routing_address": f"{user}@contoso.mail.onmicrosoft.com"} for user in users]
    return {"name": name, "backend": backend, "host": "", "state": "on", "forwards": rows}


def test_the_figures_of_several_back_ends_add_up_and_those_of_several_ways_stand_apart(player: Player, tmp_path: Path) -> None:
    users = ("anna", "bert", "carl")
    accounts = {f"{name}@example.com": {"zimbraMailStatus": ["enabled"]} for name in users}
    (tmp_path / "zimbra.json").write_text(json.dumps({"accounts": accounts, "aliases": {}}), encoding="utf-8")
    install(tmp_path / "bin", "zmprov.py", tmp_path / "zimbra.json", "zmprov")
    names = {"source_forwarding_zmprov": str(tmp_path / "bin" / "zmprov"), "source_forwarding_dest": str(tmp_path / "forwards.csv")}
    local = {"all": {"hosts": {HOST: {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}}}}
    apart = Player(player.collections, tmp_path, local)

    def role(**more: Any) -> dict[str, Any]:
        return {"include_role": {"name": "mailops.exchange.source_forwarding"}, "vars": {**names, **more}}

    both = role(source_forwarding_ways=[way("one", "zimbra", "anna", "bert"), way("two", "csv", "dora")])
    broken = role(source_forwarding_way=way("four", "zimbra", "nobody"))
    run = apart.run(apart.tasks([both, role(source_forwarding_way=way("three", "zimbra", "carl")), broken]))
    assert run.code != 0
    shown = figures(run)
    assert set(shown) == {"one, two", "three", "four"}
    counted = {name: [one[key] for key in ("switched_on", "unchanged", "declared", "failed")] for name, one in shown.items()}
    assert counted == {"one, two": [3, 0, 3, False], "three": [1, 0, 1, False], "four": [0, 0, 1, True]}
    again = good(apart.run(apart.tasks([both])))
    assert (again.changed, figures(again)["one, two"]["unchanged"], figures(again)["one, two"]["switched_on"]) == (0, 3, 0)


def test_a_cutover_without_its_wave_only_judges(player: Player, sandbox: Sandbox, plan: dict[str, Any], tmp_path: Path) -> None:
    extra = plan | {"coexistence_forwarding_backend": "csv", "source_forwarding_dest": str(tmp_path / "forwards.csv")}
    writes = len(sandbox.writes())
    judged = player.run("mailops.exchange.cutover", extra, "--skip-tags", "coexistence_wave")
    assert "undefined" not in judged.output, judged.output
    # Nobody has joined the group, so that is what the judgement of the forwards says.
    assert "The step forward is refused by U8" in judged.output
    assert len(sandbox.writes()) == writes
    assert not (tmp_path / "forwards.csv").exists()
