# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""What the role source_forwarding hands to the module of its back end, and the files of those who have no module."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from . import _forwarding_files as files
from ._forwarding import (
    ABSENT,
    ARGUMENTS,
    PRESENT,
    READ,
    ROW,
    Forward,
    ForwardingError,
    Wanted,
    leading,
    report,
    seen,
    state_after,
    wanted,
)
from ._forwarding_cpanel import OPTIONS as CPANEL
from ._forwarding_host import Host, Reader
from ._forwarding_postfix import OPTIONS as POSTFIX
from ._forwarding_zimbra import OPTIONS as ZIMBRA
from ._routing._evidence import counted
from ._routing._options import FORWARDING

# What a step of the coexistence calls a state.
SWITCHES = {"on": PRESENT, "off": ABSENT, "read": READ}
FILES = (files.VENDOR, files.GOOGLE)
FILE: dict[str, Any] = {
    **ARGUMENTS,
    "dest": {"type": "path"},
    "format": {"type": "str", "choices": list(FILES), "default": files.VENDOR},
    "delta": {"type": "path"},
    "effective": {"type": "str", "default": ""},
    "dump": {"type": "path"},
}
# What must happen before the forwards of a file act.
TAKEN = {
    files.VENDOR: "once the provider has taken it in",
    files.GOOGLE: "once a person has entered it into the recipient address map, and up to 24 hours later",
}
# The one remedy for not knowing what became of a file.
ASK = "ask for a dump taken after the change and give it as dump (source_forwarding_dump of the role)"
# The files of those who have no module.
PATHS = ("dest", "delta", "dump", "list_file")
# Back end: what its module takes.
BACKENDS: dict[str, dict[str, Any]] = {"postfix": POSTFIX, "zimbra": ZIMBRA, "cpanel": CPANEL, "csv": FILE, "google": FILE}
PLAN: dict[str, Any] = {
    **{name: entry for options in (POSTFIX, ZIMBRA, CPANEL) for name, entry in options.items()},
    **{name: entry for name, entry in FILE.items() if name != "format"},
    "forwards": {"type": "list", "elements": "dict", "default": [], "options": ROW},
    "backend": {"type": "str", "choices": list(BACKENDS)},
    "way": {"type": "dict"},
    "ways": {"type": "list", "elements": "dict", "default": []},
    "list_file": {"type": "path"},
    "confirm": {"type": "bool", "default": False},
}


def asked_of(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters, with what a step of the coexistence says in their place. Raises ForwardingError."""
    way = params.get("way") or {}
    if not way:
        return params
    missing = [name for name in ("backend", "state", "forwards") if name not in way]
    if missing or way["backend"] not in BACKENDS or way["state"] not in SWITCHES:
        raise ForwardingError(["way is no entry of the plan of a step; give one of plan.ways as coexistence_plan_info returned it."])
    own = {"backend": way["backend"], "state": SWITCHES[way["state"]], "forwards": way["forwards"], "list_file": None}
    return {**params, **own, **_options_of(str(way["backend"]), way.get("options") or {})}


def _options_of(backend: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a way says of its own back end, converted. Raises ForwardingError."""
    entries = {name: {**entry, "default": None} for name, entry in BACKENDS[backend].items() if name in FORWARDING[backend]}
    checked = ArgumentSpecValidator(entries).validate(dict(given))
    if checked.error_messages:
        raise ForwardingError([f"options of the way: {text}" for text in checked.error_messages])
    return {name: value for name, value in checked.validated_parameters.items() if name in given}


def plan(given: Mapping[str, Any], host: Reader) -> dict[str, Any]:
    """Judge what is declared, by one way or by several, and return the options of the modules that switch it. Raises ForwardingError."""
    ways = [*([given["way"]] if given.get("way") else []), *(given.get("ways") or [])]
    found = [_one({**given, "way": way}, host) for way in ways or [None]]
    steps = {kind: [entry for one in found for entry in one["plan"][kind]] for kind in found[0]["plan"]}
    forms: dict[str, set[str]] = {}
    for entry in steps["file"]:
        if entry["state"] != READ:
            forms.setdefault(str(entry["dest"]), set()).add(str(entry["format"]))
    double = {dest: " and as ".join(sorted(kinds)) for dest, kinds in forms.items() if len(kinds) > 1}
    if double:
        raise ForwardingError([f"dest {dest} would be written as {kinds}; give each way its own dest." for dest, kinds in double.items()])
    return {**found[0], "plan": steps, "declared": sum(one["declared"] for one in found)}


def _one(given: Mapping[str, Any], host: Reader) -> dict[str, Any]:
    """The options of the one module that switches one way."""
    params = asked_of(given)
    # Told whole, since the next task may begin elsewhere: relative to where this one runs, on the controller that of the command.
    params = {**params, **{name: os.path.abspath(str(params[name])) for name in PATHS if params.get(name)}}
    if not params.get("backend"):
        raise ForwardingError([f"backend is empty; name the kind of source system: {', '.join(BACKENDS)}."])
    backend = str(params["backend"])
    rows = [*params["forwards"], *_listed(params, host)]
    asked = wanted({**params, "forwards": rows})
    problems = []
    if not rows:
        problems.append("no forward is declared: give forwards, or list_file, which the forwarding list of a wave is.")
    if backend in FILES:
        problems += _places(params, asked)
    if problems:
        raise ForwardingError(problems)
    if backend in FILES and asked.state == PRESENT:
        _lost_lines(params, host, asked)
    dump = _dump(params, host, asked)
    options = {name: params[name] for name in BACKENDS[backend] if params.get(name) is not None}
    owners = {name: {"owner": owner} for name, owner in asked.aliases.items()}
    options["forwards"] = [{**forward.row, **owners.get(forward.address, {})} for forward in asked.forwards]
    if backend in FILES:
        options["format"] = backend
        options = {name: value for name, value in options.items() if name != "dump" or (asked.state == READ and value)}
    where = str((params.get("way") or {}).get("host") or "")
    options["host"] = where
    kinds = ("postfix", "zimbra", "cpanel")
    steps = {kind: [options] if kind == backend else [] for kind in kinds} | {"file": [options] if backend in FILES else []}
    return {"changed": False, "plan": steps, "host": where, "declared": len(asked.forwards), "dump": dump}


def _places(params: Mapping[str, Any], asked: Wanted) -> list[str]:
    """What is wrong with the paths of a file: none to write, or one to read back that says only what was asked for."""
    dest, dump = str(params.get("dest") or ""), str(params.get("dump") or "")
    if asked.state != READ and not dest:
        return ["dest is empty; name the file on the controller that csv and google write (source_forwarding_dest of the role)."]
    return [
        f"dump {dump} is the file that is written here ({name}) and shows no forward; give what the source exports (S14)."
        for name in ("dest", "delta")
        if dump and params.get(name) and os.path.realpath(str(params[name])) == os.path.realpath(dump)
    ]


def _lost_lines(params: Mapping[str, Any], host: Reader, asked: Wanted) -> None:
    """Warn of people who were moved before and whose lines the file that is to be written does not have."""
    dest = str(params["dest"])
    known = files.read(host.read(dest) or "", dest)
    lost = [name for name in (params.get("way") or {}).get("standing") or () if name not in known and name not in asked.by_address]
    if lost:
        host.warnings.append(
            f"{dest} has no line for {len(lost)} who are in the group already ({counted(lost, 5)}): if it is taken in whole, their"
            " forwards end. Put the file of the earlier waves there, or run coexistence_reconcile with coexistence_reconcile_fix:"
            " [forwards]."
        )


def _text(host: Reader, path: str, what: str) -> str:
    text = host.read(path)
    if text is None:
        raise ForwardingError([f"{what}: {path} is not there; name a file on the controller."])
    return text


def _listed(params: Mapping[str, Any], host: Reader) -> list[dict[str, Any]]:
    path = params.get("list_file")
    if not path:
        return []
    shown = files.read(_text(host, str(path), "list_file"), str(path))
    return [forward.row for forward in files.as_forwards(shown, str(path), bool(params["keep_copy"])).values()]


def _dump(params: Mapping[str, Any], host: Reader, asked: Wanted) -> dict[str, Any]:
    """What the dump says; without one the state is unknown, which never counts as fine. Raises ForwardingError."""
    path = params.get("dump") if asked.state != READ else None
    if not path:
        if params["confirm"] and asked.state != READ:
            raise ForwardingError(["without a dump it is unknown which forwards are on; give dump, or confirm by probes (S14)."])
        return {"known": False, "confirmed": False, "on": [], "missing": [], "strange": []}
    hidden = _hidden(host, str(path), str(params.get("dest") or ""))
    if hidden and params["confirm"]:
        raise ForwardingError([f"dump: {hidden}; {ASK}."])
    if hidden:
        return {"known": False, "confirmed": False, "on": [], "missing": [], "strange": []}
    found = files.compare(files.dumped(_text(host, str(path), "dump"), str(path)), asked)
    wrong = found["on"] if asked.state == ABSENT else found["missing"] + found["strange"]
    if params["confirm"] and wrong:
        names = counted((str(row["address"]) for row in wrong), 5)
        how = "still on" if asked.state == ABSENT else "not on as declared"
        raise ForwardingError([f"{path} shows {len(wrong)} forwards {how}: {names}; have them set right and a new dump taken."])
    return {"known": True, "confirmed": not wrong, **found}


def write(params: Mapping[str, Any], host: Host) -> dict[str, Any]:
    """Write the full wanted state, and on demand what changed since. Raises ForwardingError, OSError."""
    asked = wanted(params)
    problems = _places(params, asked)
    if problems:
        raise ForwardingError(problems)
    if asked.state == READ:
        return {**_shown(host, str(params.get("dump") or ""), str(params.get("dest") or ""), asked), "files": {}, "removed": []}
    dest, google = str(params["dest"]), params["format"] == files.GOOGLE
    with host.alone(os.path.dirname(dest) or "."):
        text = host.read(dest)
        before = files.as_forwards(files.read(text or "", dest), dest, bool(params["keep_copy"]))
        after = state_after(before, asked)
        effective = str(params["effective"])
        made = files.google(after.values()) if google else files.vendor(after.values(), effective=effective)
        told = {"full": _note(dest, made)}
        if made != text:
            if params.get("delta"):
                changed = _delta(before, after, google, effective)
                host.move(host.stage(str(params["delta"]), changed), str(params["delta"]))
                told["delta"] = _note(str(params["delta"]), changed)
            written = host.changed(dest)
            host.move(host.stage(dest, made), dest)
            # That a file has no line of somebody tells nothing of when their forward was last on: its time is then that of this run.
            if written is not None and before == after and asked.state != ABSENT:
                host.date(dest, written)
    gone = [before[name].row for name in sorted(set(before) - set(after))]
    said = _covering(told, str(params["format"]), ahead=host.check and made != text)
    return {**report(before, after, asked, dest), "files": told, "removed": gone, "msg": said}


def _covering(told: Mapping[str, Mapping[str, Any]], form: str, *, ahead: bool) -> str:
    """What goes along with the files. ahead: they are not written yet."""
    verb = "would have" if ahead else "has"
    parts = [f"{one['path']} {verb} {one['lines']} lines, SHA-256 {one['sha256']}" for one in told.values()]
    return f"{'; '.join(parts)}. The forwards act only {TAKEN[form]}. Then {ASK}."


def _hidden(host: Reader, path: str, dest: str) -> str:
    """Why a dump that is there shows nothing of the forwards: it was taken before the file that was written last."""
    taken, written = host.changed(path), host.changed(dest) if dest else None
    older = taken is not None and written is not None and taken < written
    return f"{path} is older than {dest}, by the files' times, and cannot show what came of it" if older else ""


def _shown(host: Host, path: str, dest: str, asked: Wanted) -> dict[str, Any]:
    """What a dump of the source shows. Without one nothing is known: our own file says what was asked for, not what came of it."""
    text = host.read(path) if path else None
    total = len(asked.by_address)
    why = _hidden(host, path, dest) if text is not None else f"{path} is not there" if path else "the file that was written shows no effect"
    if text is None or why:
        said = f"Whether {total} addresses are forwarded is unknown, since {why}: {ASK} (S14)."
        host.warnings.append(said)
        told = seen(asked, {}, path)
        counts = {**told["counts"], "unchanged": 0, "unknown": total}
        return {**told, "found": [], "counts": counts, "msg": said}
    rows = files.dumped(text, path)
    now = {address: leading(address, sorted(one.targets), asked, keep=bool(one.keep)) for address, one in rows.items()}
    told = seen(asked, {address: forward for address, forward in now.items() if forward}, path)
    on = sum(1 for one in told["found"] if one["on"])
    counts = {**told["counts"], "unknown": 0}
    return {**told, "counts": counts, "msg": f"{path} shows {on} of {total} addresses forwarded."}


def _delta(before: Mapping[str, Forward], after: Mapping[str, Forward], google: bool, effective: str) -> str:
    fresh = [forward for name, forward in after.items() if before.get(name) != forward]
    gone = [forward for name, forward in before.items() if name not in after]
    return files.google(fresh) if google else files.vendor(fresh, gone, effective)


def _note(path: str, text: str) -> dict[str, Any]:
    """What a covering note says of a file."""
    return {"path": path, "lines": len(text.splitlines()), "sha256": hashlib.sha256(text.encode()).hexdigest()}
