# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module with every feature of options and results, put into a copy of the installed tree by a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible_collections.mailops.exchange.plugins.module_utils._runner import Context, InputError, Refused, Tool
from ansible_collections.mailops.exchange.plugins.module_utils._runner import main as run
from ansible_collections.mailops.exchange.plugins.module_utils._session import Cmdlet

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True, "aliases": ["title"]},
    "count": {"type": "int", "default": 3},
    "ready": {"type": "bool", "default": False},
    "mode": {"type": "str", "choices": ["one", "two"]},
    "tags": {"type": "list", "elements": "str"},
    "secret": {"type": "str", "no_log": True},
    "old": {
        "type": "str",
        "aliases": ["ancient"],
        "deprecated_aliases": [{"name": "ancient", "version": "9.0.0", "collection_name": "mailops.exchange"}],
    },
    "leaving": {"type": "str", "removed_in_version": "9.0.0", "removed_from_collection": "mailops.exchange"},
    "from_environment": {"type": "str", "fallback": (env_fallback, ["PROBE_VALUE"])},
    "inner": {
        "type": "dict",
        "options": {
            "level": {"type": "int", "required": True},
            "password": {"type": "str", "no_log": True},
            "kind": {"type": "str", "choices": ["a", "b"], "default": "a"},
        },
    },
    "end": {"type": "str", "choices": ["ok", "input", "refused", "service"], "default": "ok"},
}
RULES = {"mutually_exclusive": [["tags", "mode"]], "required_if": [["mode", "two", ["tags"]]]}


def probe(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Return what came in, or fail in the way asked for."""
    context.warn(f"about {params['name']}")
    secret = params["secret"] or (params["inner"] or {}).get("password")
    if params["end"] == "input":
        raise InputError([f"first {secret}", "second"])
    if params["end"] == "refused":
        raise Refused(f"no, {secret}", {"who": [secret]})
    if params["end"] == "service":
        context.session.call(Cmdlet("Get-AcceptedDomain", {"Identity": f"{params['name']}.invalid"}))
    rows = context.session.call(Cmdlet("Get-AcceptedDomain", {"Identity": "example.com"})).rows
    return {
        "changed": params["ready"],
        "seen": dict(params),
        "found": [row["Name"] for row in rows],
        "check": context.check_mode,
        "diff": {"before": {"secret": "none"}, "after": {"secret": secret}},
        "text": f"it is {secret}",
    }


SPEC = Tool(probe, ARGUMENT_SPEC, RULES)


def main() -> None:
    """Run as an ordinary module."""
    run(SPEC)


if __name__ == "__main__":
    main()
