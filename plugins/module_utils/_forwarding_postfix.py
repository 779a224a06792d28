# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Forwards in a Postfix map of our own, listed first in virtual_alias_maps, so that nobody else's file is touched."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import _forwarding_tables as tables
from ._forwarding import ARGUMENTS, EXACT, PRESENT, READ, Forward, ForwardingError, Wanted, leading, report, seen, state_after, wanted
from ._forwarding_host import STAGED, Done, Host, lines

# The file that postmap makes of a map, by the map's type; texthash has none. Only types whose index can be read back whole
# (postmap -s): cdb cannot, so that nobody could see what it answers.
INDEX = {"hash": ".db", "btree": ".db", "lmdb": ".lmdb", "texthash": ""}
OPTIONS: dict[str, Any] = {
    **ARGUMENTS,
    "path": {"type": "path", "default": "/etc/postfix/coexistence"},
    "type": {"type": "str", "choices": list(INDEX)},
    "config_directory": {"type": "path"},
    "listed": {"type": "bool", "default": True},
    "reload": {"type": "bool", "default": True},
}


@dataclass(frozen=True)
class Postfix:
    """An instance of Postfix and our map in it."""

    host: Host
    folder: str
    path: str
    kind: str
    flags: tuple[str, ...] = ()
    programs: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The map as main.cf names it."""
        return f"{self.kind}:{self.path}"

    @property
    def index(self) -> str:
        """The file that postmap makes; "" for none."""
        return self.path + INDEX[self.kind] if INDEX[self.kind] else ""

    @property
    def pending(self) -> str:
        """The mark that a reload is still due."""
        return f"{self.path}.reload"

    @property
    def main_cf(self) -> str:
        """The instance's main.cf."""
        return f"{self.folder}/main.cf"

    def words(self, program: str, *arguments: str) -> list[str]:
        """A command line for the instance."""
        return [self.programs[program], *self.flags, *arguments]

    def setting(self, *arguments: str) -> str:
        """What postconf prints, on one line."""
        done = self.host.ask(self.words("postconf", *arguments))
        return " ".join(lines(done, "postconf " + " ".join(arguments), f"mend {self.main_cf} first."))


@dataclass(frozen=True)
class Now:
    """What is there. map: our map's text, None without the file; fresh: whether its index says the same."""

    map: str | None
    main_cf: str
    maps: tuple[str, ...]
    default: str
    fresh: bool
    pending: bool

    @property
    def text(self) -> str:
        """Our map's text."""
        return self.map or ""


@dataclass(frozen=True)
class Plan:
    """What shall be there. map: None when the file goes."""

    map: str | None
    main_cf: str
    rebuild: bool
    orphan: bool
    reload: bool


def instance(params: Mapping[str, Any], host: Host) -> Postfix:
    """The instance that the options name. Raises ForwardingError."""
    path, asked = str(params["path"]), params.get("config_directory")
    if not re.fullmatch(r"/[\w./+@%-]+", path):
        raise ForwardingError([f"path '{path}' is not a full path without blanks, commas and $; main.cf could not name it."])
    flags = ("-c", str(asked)) if asked else ()
    programs = {name: host.program(name) for name in ("postconf", "postmap", "postfix")}
    found = Postfix(host, str(asked or ""), path, "hash", flags, programs)
    folder = str(asked or found.setting("-h", "config_directory"))
    kind = str(params.get("type") or found.setting("-h", "default_database_type"))
    known = found.setting("-m").split()
    if kind not in INDEX or kind not in known:
        usable = ", ".join(name for name in INDEX if name in known)
        other = f"; use one of {usable} (source_forwarding_type of the role)"
        why = f"is not to be had here{other}, or install the package postfix-{kind}" if kind in INDEX else f"cannot be read back{other}"
        raise ForwardingError([f"type {kind} {why}."])
    return Postfix(host, folder, path, kind, flags, programs)


def look(postfix: Postfix) -> Now:
    """Read the map, its index, and where it is listed. Raises ForwardingError."""
    host = postfix.host
    text, main_cf = host.read(postfix.path), host.read(postfix.main_cf)
    if main_cf is None:
        raise ForwardingError([f"{postfix.main_cf} is not there; give config_directory, or configure Postfix first."])
    if text is not None and text.strip() and not text.startswith(tables.MARK):
        raise ForwardingError([f"{postfix.path} was not made by this module and stays as it is; give another path."])
    found = tables.problems(text or "", postfix.path)
    if found:
        raise ForwardingError(found)
    fresh = not postfix.index or (
        os.path.exists(postfix.index) and text is not None and _dump(postfix, postfix.name) == tables.content(text)
    )
    maps = tuple(tables.split(postfix.setting("-xh", tables.PARAMETER)))
    return Now(text, main_cf, maps, postfix.setting("-dh", tables.PARAMETER), fresh, os.path.exists(postfix.pending))


def _dump(postfix: Postfix, name: str) -> dict[str, tuple[str, ...]] | None:
    """Everything that a map answers; None when it cannot be read, which an interrupted postmap leaves behind."""
    done = postfix.host.ask(postfix.words("postmap", "-s", name))
    return None if done.err.strip() else tables.answers(done.out)


def query(postfix: Postfix, name: str, addresses: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What a map answers for addresses. postmap ends with 1 for "not found" and for "fatal" alike: what it says decides."""
    if not addresses:
        return {}
    done = postfix.host.ask(postfix.words("postmap", "-q", "-", name), data="".join(f"{one}\n" for one in addresses))
    if done.err.strip() or done.code > 1:
        raise ForwardingError([f"{name} cannot be asked, so what it says of the users is unknown: {done.why}; mend it first (S14)."])
    return tables.answers(done.out)


def obstacles(postfix: Postfix, now: Now, asked: Wanted) -> list[str]:
    """What others' maps and others' lines in ours say about the addresses that shall be forwarded."""
    found = []
    strange = tables.others(now.text)
    for forward in asked.forwards:
        if forward.address in strange:
            entry = strange[forward.address]
            found.append(f"{forward.address} has a line of another form in {postfix.path}, line {entry.number}; remove it first (S3).")
    if asked.state == "absent":
        return found
    names = [forward.address for forward in asked.forwards]
    for name in now.maps:
        if name == postfix.name:
            continue
        answers = query(postfix, name, names)
        before = postfix.name in now.maps and now.maps.index(name) < now.maps.index(postfix.name)
        if before:
            found += [f"{one} stands in {name}, which comes before {postfix.name} and wins; list ours first." for one in answers]
        elif "S3" not in asked.risks:
            told = tables.strangers(answers, asked.forwards)
            found += [f"{one} is forwarded to {to} by {name}; end that first, or accept_risks: [S3] to go before it." for one, to in told]
    return found


def led(postfix: Postfix, now: Now, asked: Wanted) -> dict[str, str]:
    """Aliases that another map leads on, or a line of others in ours: they need none of ours. To each what is odd of it, or "".

    Postfix asks the maps again for where that leads, and so meets our line for the mailbox. It does not ask again for an alias of
    alias_maps (/etc/aliases) nor for a second address in virtual_mailbox_maps: such a one gets a line of its own.
    """
    names = sorted(asked.aliases.keys() & asked.by_address.keys()) if asked.state in (PRESENT, EXACT) else []
    found = {name: (entry.targets, postfix.path) for name, entry in tables.others(now.text).items() if name in names}
    for map_ in (one for one in now.maps if one != postfix.name):
        for name, targets in query(postfix, map_, [one for one in names if one not in found]).items():
            if set(targets) != {name}:
                found[name] = (targets, map_)
    return {name: _odd(name, asked, *found[name]) for name in sorted(found)}


def _odd(alias: str, asked: Wanted, targets: Sequence[str], where: str) -> str:
    owner, target = asked.aliases[alias], asked.by_address[alias].target
    meant = {owner, target, owner.partition("@")[0]}
    told = (
        f"{alias} is an alias of {owner} by the list, and {where} leads it to {', '.join(targets)}; it stays so: correct one of them (S8)."
    )
    return "" if meant & set(targets) else told


def plan(now: Now, postfix: Postfix, after: Mapping[str, Forward], params: Mapping[str, Any], elsewhere: bool) -> Plan:
    """What shall be there. elsewhere: the map is named outside of what we put into main.cf, so the file must stay."""
    text: str | None = tables.edited(now.text, after)
    main_cf, ours = now.main_cf, bool(after) or not tables.bare(str(text))
    if ours and params["listed"] and postfix.name not in now.maps:
        main_cf = tables.listed(main_cf, postfix.name, now.default)
    elif not ours:
        main_cf = tables.unlisted(main_cf, postfix.name, now.default)
        text = now.map if elsewhere and now.map is not None and tables.bare(now.text) else tables.MARK if elsewhere else None
    changed = text != now.map
    rebuild = text is not None and (changed or not now.fresh)
    reload = bool(params["reload"]) and (now.pending or main_cf != now.main_cf or (changed and not postfix.index and text is not None))
    return Plan(text, main_cf, rebuild, text is None and bool(postfix.index) and os.path.exists(postfix.index), reload)


def _elsewhere(postfix: Postfix, now: Now) -> bool:
    """Whether the map is named in a place that we did not write."""
    without = tables.unlisted(now.main_cf, postfix.name, now.default)
    kept = "\n".join(line for line in without.splitlines() if not line.lstrip().startswith("#"))
    master = postfix.host.read(f"{postfix.folder}/master.cf") or ""
    return f":{postfix.path}" in kept or f":{postfix.path}" in master


def carry_out(postfix: Postfix, now: Now, goal: Plan) -> None:
    """Make it so: the map before it is listed, not listed before it goes; each file is put in place whole."""
    host = postfix.host
    if goal.reload and not now.pending:
        host.note(postfix.pending)
    if goal.rebuild and goal.map is not None:
        _write_map(postfix, goal.map, now.map)
    if goal.main_cf != now.main_cf:
        host.move(host.stage(postfix.main_cf, goal.main_cf), postfix.main_cf)
    if goal.reload:
        _reload(postfix)
        host.forget(postfix.pending)
    if goal.map is None:
        for path in (postfix.index if goal.orphan else "", postfix.path if now.map is not None else ""):
            if path:
                host.remove(path)


def _write_map(postfix: Postfix, text: str, before: str | None) -> None:
    """Build the index beside its place, hold it against the text, and rename both: the index first, as Postfix wants it newer."""
    host = postfix.host
    fresh = host.stage(postfix.path, text)
    if postfix.index:
        built = fresh + INDEX[postfix.kind]
        if not host.check and os.path.exists(built):
            os.unlink(built)
        done = host.do(postfix.words("postmap", f"{postfix.kind}:{fresh}"))
        _built(postfix, done, fresh, text)
        host.move(built, postfix.index)
    if text != before or before is None:
        host.move(fresh, postfix.path)
    elif not host.check:
        # The same text keeps its file, which must not look newer than its index.
        os.unlink(fresh)


def _built(postfix: Postfix, done: Done | None, fresh: str, text: str) -> None:
    if done is None:
        return
    if done.code != 0 or done.err.strip():
        raise ForwardingError([f"postmap {postfix.kind}:{fresh}: {done.why}; the map in use is as it was."])
    if _dump(postfix, f"{postfix.kind}:{fresh}") != tables.content(text):
        raise ForwardingError([f"{postfix.kind}:{fresh} does not answer what its text says; the map in use is as it was."])


def _reload(postfix: Postfix) -> None:
    if postfix.host.ask(postfix.words("postfix", "status")).code != 0:
        postfix.host.warnings.append("Postfix is not running, so nothing was reloaded; the forwards act when it starts.")
        return
    done = postfix.host.do(postfix.words("postfix", "reload"))
    if done is not None and done.code != 0:
        raise ForwardingError([f"postfix reload: {done.why}; the files are in place, run again to reload."])


def verify(postfix: Postfix, asked: Wanted, after: Mapping[str, Forward], goal: Plan) -> None:
    """Ask the map in use for every address that was asked about. Raises ForwardingError."""
    names = [forward.address for forward in asked.forwards]
    found = query(postfix, postfix.name, names) if goal.map is not None else {}
    wrong = []
    for name in names:
        want = tables.content(f"{name} {tables.value(after[name])}\n")[name] if name in after else ()
        if found.get(name, ()) != want:
            wrong.append(f"{postfix.name} answers '{', '.join(found.get(name, ()))}' for {name} and not '{', '.join(want)}'; run again.")
    if goal.map is not None and goal.main_cf and after and postfix.name not in tables.split(postfix.setting("-xh", tables.PARAMETER)):
        postfix.host.warnings.append(f"{tables.PARAMETER} does not name {postfix.name}, so no forward of it acts; list it first.")
    if wrong:
        raise ForwardingError(wrong)


def shown(postfix: Postfix, asked: Wanted) -> dict[str, Forward]:
    """By address what the maps answer, the first of them that knows it, as Postfix does; ours too where main.cf does not name it."""
    names = tables.split(postfix.setting("-xh", tables.PARAMETER))
    unnamed = postfix.name not in names and postfix.host.read(postfix.path) is not None
    answers: dict[str, tuple[str, ...]] = {}
    for name in (*names, *((postfix.name,) if unnamed else ())):
        answers |= query(postfix, name, [address for address in asked.by_address if address not in answers])
    found = {address: leading(address, targets, asked) for address, targets in answers.items()}
    return {address: forward for address, forward in found.items() if forward}


def work(params: Mapping[str, Any], host: Host) -> dict[str, Any]:
    """Switch forwards. Raises ForwardingError, OSError."""
    asked = wanted(params)
    postfix = instance(params, host)
    if asked.state == READ:
        return {**seen(asked, shown(postfix, asked), postfix.path), "others": [], "aliases": [], "map": postfix.name}
    with host.alone(os.path.dirname(postfix.path)):
        for left in (postfix.path, postfix.main_cf, postfix.pending):
            host.forget(left + STAGED)
        host.forget(postfix.path + STAGED + INDEX[postfix.kind])
        now = look(postfix)
        kept = led(postfix, now, asked)
        host.warnings += filter(None, kept.values())
        asked = asked.without(kept)
        found = obstacles(postfix, now, asked)
        if found:
            raise ForwardingError(found)
        before = tables.forwards(now.text)
        after = state_after(before, asked)
        goal = plan(now, postfix, after, params, _elsewhere(postfix, now))
        carry_out(postfix, now, goal)
        if not host.check:
            verify(postfix, asked, after, goal)
    told = report(before, after, asked, postfix.path)
    return {**told, "others": sorted(tables.others(now.text)), "aliases": sorted(kept), "map": postfix.name}
