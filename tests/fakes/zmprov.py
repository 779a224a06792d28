# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""zmprov, as far as forwards need it: NAME STATE [arguments]. STATE is a JSON file:

{"accounts": {NAME: {ATTRIBUTE: [VALUES]}}, "aliases": {ADDRESS: NAME}, "prompt": bool, "stops": bool, "deaf": [ATTRIBUTES],
 "hidden": [ATTRIBUTES]}

prompt: the batch mode prints its prompt; stops: it ends at the first bad line; deaf: writes of these attributes are lost; hidden: they
cannot be read. A value of several lines is printed as it is.
It notes in "silent" every account whose mail was for a moment neither kept nor forwarded, and in "calls" how often it was started.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

KNOWN = {
    "zimbraMailForwardingAddress",
    "zimbraPrefMailForwardingAddress",
    "zimbraPrefMailLocalDeliveryDisabled",
    "zimbraMailSieveScript",
    "zimbraMailStatus",
    "zimbraMailTransport",
}
FORWARD, LOCAL = "zimbraMailForwardingAddress", "zimbraPrefMailLocalDeliveryDisabled"


class Refused(Exception):
    """A line that the service does not take."""


def account(state: dict[str, Any], name: str) -> str:
    found = state.get("aliases", {}).get(name.lower(), name.lower())
    if found not in state["accounts"]:
        raise Refused(f"ERROR: account.NO_SUCH_ACCOUNT (no such account: {name})")
    return str(found)


def known(attribute: str) -> str:
    if attribute not in KNOWN:
        raise Refused(f"ERROR: account.INVALID_ATTR_NAME (invalid attr name: {attribute})")
    return attribute


def get(state: dict[str, Any], name: str, *attributes: str) -> str:
    found = account(state, name)
    values = state["accounts"][found]
    wanted = [known(attribute) for attribute in attributes] or sorted(values)
    for attribute in set(wanted) & set(state.get("hidden", [])):
        raise Refused(f"ERROR: service.PERM_DENIED (permission denied: cannot get attribute {attribute})")
    lines = [f"{attribute}: {value}" for attribute in wanted for value in values.get(attribute, [])]
    return "\n".join([f"# name {found}", *lines, ""])


def modify(state: dict[str, Any], name: str, *pairs: str) -> str:
    found = account(state, name)
    if not pairs or len(pairs) % 2:
        raise Refused("ERROR: usage: modifyAccount(ma) {name@domain|id} [attr1 value1 [attr2 value2...]]")
    values = state["accounts"][found]
    for sign, value in zip(pairs[::2], pairs[1::2], strict=True):
        attribute = known(sign.lstrip("+-"))
        if attribute in state.get("deaf", []):
            continue
        if len(value) > 256:
            raise Refused(f"ERROR: account.INVALID_ATTR_VALUE ({attribute} value length({len(value)}) larger than max allowed: 256)")
        if sign.startswith("+"):
            values.setdefault(attribute, []).append(value)
        elif sign.startswith("-"):
            values[attribute] = [one for one in values.get(attribute, []) if one != value]
        else:
            values[attribute] = [value] if value else []
        if values.get(LOCAL) == ["TRUE"] and not values.get(FORWARD):
            state.setdefault("silent", []).append(found)
    return ""


def search(state: dict[str, Any], query: str) -> str:
    if query != f"({FORWARD}=*)":
        raise Refused(f"ERROR: service.INVALID_REQUEST (invalid request: {query})")
    return "\n".join(name for name, values in state["accounts"].items() if values.get(FORWARD))


def line(state: dict[str, Any], words: list[str]) -> str:
    verbs: dict[str, Callable[..., str]] = {"ga": get, "ma": modify, "sa": search}
    if not words or words[0] not in verbs or len(words) < 2:
        raise Refused(f"ERROR: unknown command: {' '.join(words)}")
    return verbs[words[0]](state, *words[1:])


def batch(state: dict[str, Any], path: str) -> None:
    for text in Path(path).read_text(encoding="utf-8").splitlines():
        if state.get("prompt"):
            print("prov> ", end="")
        try:
            print(line(state, text.split()))
        except Refused as problem:
            print(problem, file=sys.stderr)
            if state.get("stops"):
                break


def call(_program: str, place: Path, arguments: list[str]) -> int:
    """One call."""
    state = json.loads(place.read_text(encoding="utf-8"))
    state["calls"] = state.get("calls", 0) + 1
    code = 0
    try:
        if arguments[:1] == ["-f"] and len(arguments) == 2:
            batch(state, arguments[1])
        else:
            print(line(state, arguments))
    except Refused as problem:
        print(problem, file=sys.stderr)
        code = 2
    place.write_text(json.dumps(state), encoding="utf-8")
    return code


if __name__ == "__main__":
    raise SystemExit(call(sys.argv[1], Path(sys.argv[2]), sys.argv[3:]))
