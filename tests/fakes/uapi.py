# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""uapi, as far as forwarders need it: NAME STATE [arguments]. STATE is a JSON file:

{"account": NAME, "deaf": [FUNCTIONS],
 "domains": {DOMAIN: {"forwarders": [[ADDRESS, TARGET]], "boxes": {ADDRESS: PER CENT}, "mxcheck": TEXT}}}

deaf: these functions answer well and do nothing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

PARAMETERS = {
    "list_forwarders": {"domain"},
    "list_pops_with_disk": {"domain"},
    "list_mxs": {"domain"},
    "add_forwarder": {"domain", "email", "fwdopt", "fwdemail"},
    "delete_forwarder": {"address", "forwarder"},
    "set_always_accept": {"domain", "mxcheck"},
}


def quoted(text: str) -> str:
    """A text as the program quotes it, in typographic signs."""
    return f"\N{LEFT DOUBLE QUOTATION MARK}{text}\N{RIGHT DOUBLE QUOTATION MARK}"


class Refused(Exception):
    """A call that the service does not take."""


def domain(state: dict[str, Any], name: str) -> dict[str, Any]:
    if name not in state["domains"]:
        raise Refused(f"You do not own the domain {quoted(name)}.")
    found: dict[str, Any] = state["domains"][name]
    return found


def read(state: dict[str, Any], function: str, name: str) -> list[dict[str, Any]]:
    found = domain(state, name)
    if function == "list_forwarders":
        return [{"dest": address, "forward": target, "html_dest": address} for address, target in found["forwarders"]]
    if function == "list_pops_with_disk":
        return [{"email": address, "diskusedpercent": used, "login": address} for address, used in found["boxes"].items()]
    return [{"domain": name, "mxcheck": found["mxcheck"], "alwaysaccept": int(found["mxcheck"] == "local"), "entries": []}]


def write(state: dict[str, Any], function: str, values: dict[str, str]) -> list[dict[str, Any]]:
    if function in state.get("deaf", []):
        return []
    if function == "set_always_accept":
        if values["mxcheck"] not in {"local", "remote", "secondary", "auto"}:
            raise Refused(f"Invalid mxcheck {quoted(values['mxcheck'])}.")
        domain(state, values["domain"])["mxcheck"] = values["mxcheck"]
    elif function == "add_forwarder":
        if values["fwdopt"] != "fwd" or not values["email"].endswith("@" + values["domain"]):
            raise Refused("Invalid forwarder.")
        domain(state, values["domain"])["forwarders"].append([values["email"], values["fwdemail"]])
    else:
        rows = domain(state, values["address"].rpartition("@")[2])["forwarders"]
        if [values["address"], values["forwarder"]] not in rows:
            raise Refused(f"There is no forwarder {quoted(values['forwarder'])} for {quoted(values['address'])}.")
        rows.remove([values["address"], values["forwarder"]])
    return [{"email": values.get("email", ""), "forward": values.get("fwdemail", "")}]


def answer(state: dict[str, Any], words: list[str]) -> Any:
    """The data of one call."""
    if words[:1] != ["Email"] or len(words) < 2 or words[1] not in PARAMETERS:
        raise Refused(f"The system could not find the function {quoted(' '.join(words[:2]))}.")
    values = {name: unquote(text) for name, _equals, text in (word.partition("=") for word in words[2:])}
    if set(values) != PARAMETERS[words[1]]:
        raise Refused(f"Provide exactly {sorted(PARAMETERS[words[1]])}, not {sorted(values)}.")
    return read(state, words[1], values["domain"]) if words[1].startswith("list_") else write(state, words[1], values)


def call(_program: str, place: Path, arguments: list[str]) -> int:
    """One call."""
    state = json.loads(place.read_text(encoding="utf-8"))
    user = next((word for word in arguments if word.startswith("--user=")), "")
    if "--output=json" not in arguments or user != f"--user={state['account']}":
        print("Usage: uapi --user=<account> --output=json <module> <function> [key=value]", file=sys.stderr)
        return 1
    try:
        result = {"status": 1, "errors": None, "data": answer(state, [word for word in arguments if not word.startswith("--")])}
    except Refused as problem:
        result = {"status": 0, "errors": [str(problem)], "data": None}
    place.write_text(json.dumps(state), encoding="utf-8")
    print(json.dumps({"module": "Email", "apiversion": 3, "result": result}))
    return 0


if __name__ == "__main__":
    raise SystemExit(call(sys.argv[1], Path(sys.argv[2]), sys.argv[3:]))
