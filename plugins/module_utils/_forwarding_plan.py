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

from . import _forwarding_files as files
from ._forwarding import (
    ABSENT,
    ARGUMENTS,
    EXACT,
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
from ._forwarding_host import Host
from ._forwarding_postfix import OPTIONS as POSTFIX
from ._forwarding_zimbra import OPTIONS as ZIMBRA

# What a step of the coexistence calls a state.
SWITCHES = {"on": PRESENT, "off": ABSENT, "read": READ}
FILES = (files.VENDOR, files.GOOGLE)
FILE: dict[str, Any] = {
    **ARGUMENTS,
    "dest": {"type": "path", "required": True},
    "format": {"type": "str", "choices": list(FILES), "default": files.VENDOR},
    "delta": {"type": "path"},
    "effective": {"type": "str", "default": ""},
}
# Back end: what its module takes.
BACKENDS: dict[str, dict[str, Any]] = {"postfix": POSTFIX, "zimbra": ZIMBRA, "cpanel": CPANEL, "csv": FILE, "google": FILE}
PLAN: dict[str, Any] = {
    **{name: entry for options in (POSTFIX, ZIMBRA, CPANEL) for name, entry in options.items()},
    **{name: {key: value for key, value in entry.items() if key != "required"} for name, entry in FILE.items() if name != "format"},
    "forwards": {"type": "list", "elements": "dict", "default": [], "options": ROW},
    "backend": {"type": "str", "choices": list(BACKENDS)},
    "way": {"type": "dict"},
    "ways": {"type": "list", "elements": "dict", "default": []},
    "list_file": {"type": "path"},
    "dump": {"type": "path"},
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
    return {**params, **own}


def plan(given: Mapping[str, Any], host: Host) -> dict[str, Any]:
    """Judge what is declared, by one way or by several, and return the options of the modules that switch it. Raises ForwardingError."""
    ways = [*([given["way"]] if given.get("way") else []), *(given.get("ways") or [])]
    found = [_one({**given, "way": way}, host) for way in ways or [None]]
    steps = {kind: [entry for one in found for entry in one["plan"][kind]] for kind in found[0]["plan"]}
    return {**found[0], "plan": steps, "declared": sum(one["declared"] for one in found)}


def _one(given: Mapping[str, Any], host: Host) -> dict[str, Any]:
    """The options of the one module that switches one way."""
    params = asked_of(given)
    if not params.get("backend"):
        raise ForwardingError([f"backend is empty; name the kind of source system: {', '.join(BACKENDS)}."])
    backend = str(params["backend"])
    rows = [*params["forwards"], *_listed(params, host)]
    asked = wanted({**params, "forwards": rows})
    problems = []
    if not rows and asked.state != EXACT:
        problems.append("no forward is declared: give forwards, or list_file, which the forwarding list of a wave is.")
    if backend in FILES and not params.get("dest") and not (asked.state == READ and params.get("dump")):
        problems.append(f"the back end {backend} needs dest, the file on the controller that it writes.")
    if problems:
        raise ForwardingError(problems)
    dump = _dump(params, host, asked)
    options = {name: params[name] for name in BACKENDS[backend] if params.get(name) is not None}
    options["forwards"] = [forward.row for forward in asked.forwards]
    if backend in FILES:
        options["format"] = backend
        options["dest"] = params["dump"] if asked.state == READ and params.get("dump") else params["dest"]
    where = str((params.get("way") or {}).get("host") or "")
    options["host"] = where
    kinds = ("postfix", "zimbra", "cpanel")
    steps = {kind: [options] if kind == backend else [] for kind in kinds} | {"file": [options] if backend in FILES else []}
    return {"changed": False, "plan": steps, "host": where, "declared": len(asked.forwards), "dump": dump}


def _text(host: Host, path: str, what: str) -> str:
    text = host.read(path)
    if text is None:
        raise ForwardingError([f"{what}: {path} is not there; name a file on the controller."])
    return text


def _listed(params: Mapping[str, Any], host: Host) -> list[dict[str, Any]]:
    path = params.get("list_file")
    if not path:
        return []
    shown = files.read(_text(host, str(path), "list_file"), str(path))
    return [forward.row for forward in files.as_forwards(shown, str(path), bool(params["keep_copy"])).values()]


def _dump(params: Mapping[str, Any], host: Host, asked: Wanted) -> dict[str, Any]:
    """What the dump says; without one the state is unknown, which never counts as fine. Raises ForwardingError."""
    path = params.get("dump") if asked.state != READ else None
    if not path:
        if params["confirm"] and asked.state != READ:
            raise ForwardingError(["without a dump it is unknown which forwards are on; give dump, or confirm by probes (S14)."])
        return {"known": False, "confirmed": False, "on": [], "missing": [], "strange": []}
    found = files.compare(files.read(_text(host, str(path), "dump"), str(path)), asked)
    wrong = found["on"] if asked.state == ABSENT else found["missing"] + found["strange"]
    if params["confirm"] and wrong:
        names = ", ".join(str(row["address"]) for row in wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
        how = "still on" if asked.state == ABSENT else "not on as declared"
        raise ForwardingError([f"{path} shows {len(wrong)} forwards {how}: {names}; have them set right and a new dump taken."])
    return {"known": True, "confirmed": not wrong, **found}


def write(params: Mapping[str, Any], host: Host) -> dict[str, Any]:
    """Write the full wanted state, and on demand what changed since. Raises ForwardingError, OSError."""
    asked = wanted(params)
    dest, google = str(params["dest"]), params["format"] == files.GOOGLE
    if asked.state == READ:
        return {**_shown(host, dest, asked), "files": {}, "removed": []}
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
            host.move(host.stage(dest, made), dest)
    gone = [before[name].row for name in sorted(set(before) - set(after))]
    return {**report(before, after, asked, dest), "files": told, "removed": gone}


def _shown(host: Host, path: str, asked: Wanted) -> dict[str, Any]:
    """What the file shows: what was asked for last, or a dump of the source. Without it nothing is known. Raises ForwardingError."""
    text = host.read(path)
    if text is None:
        host.warnings.append(f"{path} is not there, so which forwards are on is unknown; give dump, which the source exports (S14).")
        return {**seen(asked, {}, path), "found": []}
    rows = files.read(text, path)
    found = {address: leading(address, sorted(one.targets), asked, keep=bool(one.keep)) for address, one in rows.items()}
    return seen(asked, {address: forward for address, forward in found.items() if forward}, path)


def _delta(before: Mapping[str, Forward], after: Mapping[str, Forward], google: bool, effective: str) -> str:
    fresh = [forward for name, forward in after.items() if before.get(name) != forward]
    gone = [forward for name, forward in before.items() if name not in after]
    return files.google(fresh) if google else files.vendor(fresh, gone, effective)


def _note(path: str, text: str) -> dict[str, Any]:
    """What a covering note says of a file."""
    return {"path": path, "lines": len(text.splitlines()), "sha256": hashlib.sha256(text.encode()).hexdigest()}
