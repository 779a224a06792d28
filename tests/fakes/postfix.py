# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""postmap, postconf and postfix, as far as a map of forwards needs them: NAME STATE [arguments]. STATE is a folder.

hash: the index is PATH.db, written in place, as the real one is. `running` in the folder: the mail system runs; `reloads` counts.
`die` in the folder: postmap ends in the middle of its work.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import NoReturn

TYPES = ("btree", "hash", "texthash")
DEFAULTS = {"virtual_alias_maps": "$virtual_maps", "virtual_maps": "", "default_database_type": "hash"}


def fatal(program: str, text: str) -> NoReturn:
    print(f"{program}: fatal: {text}", file=sys.stderr)
    raise SystemExit(1)


def logical(text: str) -> list[str]:
    """Lines that begin with white space continue the one before; comments and blank lines do not count."""
    kept = [line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    return re.sub(r"\n[ \t]+", " ", "\n".join(kept)).split("\n") if kept else []


def table(program: str, path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in logical(path.read_text(encoding="utf-8")):
        key, *rest = line.strip().split(None, 1)
        if not rest:
            print(f"{program}: warning: {path}: expected format: key whitespace value", file=sys.stderr)
        elif key.lower() in found:
            print(f'{program}: warning: {path}.db: duplicate entry: "{key.lower()}"', file=sys.stderr)
        else:
            found[key.lower()] = rest[0]
    return found


def opened(program: str, name: str) -> dict[str, str]:
    kind, _colon, path = name.partition(":")
    if kind not in TYPES:
        fatal(program, f"unsupported dictionary type: {kind}. Is the postfix-{kind} package installed?")
    if kind == "texthash":
        return table(program, Path(path))
    try:
        found: dict[str, str] = json.loads(Path(f"{path}.db").read_text(encoding="utf-8"))
    except FileNotFoundError:
        fatal(program, f"open database {path}.db: No such file or directory")
    except ValueError:
        fatal(program, f"open database {path}.db: Invalid argument")
    return found


def postmap(state: Path, arguments: list[str]) -> int:
    if arguments[:2] == ["-q", "-"] and len(arguments) == 3:
        known = opened("postmap", arguments[2])
        asked = [key for key in sys.stdin.read().split("\n") if key]
        hits = [(key, known[key.lower()]) for key in asked if key.lower() in known]
        print("".join(f"{key}\t{value}\n" for key, value in hits), end="")
        return 0 if hits else 1
    if arguments[:1] == ["-s"] and len(arguments) == 2:
        print("".join(f"{key}\t{value}\n" for key, value in opened("postmap", arguments[1]).items()), end="")
        return 0
    if len(arguments) != 1 or arguments[0].startswith("-"):
        fatal("postmap", f"usage: postmap {arguments}")
    kind, _colon, path = arguments[0].partition(":")
    if kind not in TYPES:
        fatal("postmap", f"unsupported dictionary type: {kind}. Is the postfix-{kind} package installed?")
    if kind == "texthash":
        fatal("postmap", "unsupported dictionary type: texthash does not support bulk-mode creation.")
    text = json.dumps(table("postmap", Path(path)))
    with Path(f"{path}.db").open("w", encoding="utf-8") as out:
        out.write(text[: len(text) // 2])
        out.flush()
        if (state / "die").exists():
            raise SystemExit(1)
        out.write(text[len(text) // 2 :])
    return 0


def postconf(folder: Path, arguments: list[str]) -> int:
    if arguments == ["-m"]:
        print("\n".join(TYPES))
        return 0
    values = dict(DEFAULTS, config_directory=str(folder))
    if arguments[:1] != ["-dh"]:
        for line in logical((folder / "main.cf").read_text(encoding="utf-8")):
            name, _equals, value = line.partition("=")
            values[name.strip()] = value.strip()
    if len(arguments) != 2 or arguments[0] not in {"-h", "-dh", "-xh"} or arguments[1] not in values:
        fatal("postconf", f"usage: postconf {arguments}")
    value = values[arguments[1]]
    print(re.sub(r"\$\{?(\w+)\}?", lambda found: values[found[1]], value) if arguments[0] == "-xh" else value)
    return 0


def postfix(state: Path, arguments: list[str]) -> int:
    if arguments not in (["status"], ["reload"]):
        fatal("postfix", f"unknown command: {arguments}")
    if not (state / "running").exists():
        return 1
    if arguments == ["reload"]:
        with (state / "reloads").open("a", encoding="utf-8") as out:
            out.write("reload\n")
    return 0


def call(program: str, state: Path, arguments: list[str]) -> int:
    """One call. Raises SystemExit."""
    if arguments[:1] != ["-c"] or len(arguments) < 3:
        fatal(program, f"this stand-in serves no default instance: {arguments}")
    if program == "postmap":
        return postmap(state, arguments[2:])
    return postconf(Path(arguments[1]), arguments[2:]) if program == "postconf" else postfix(state, arguments[2:])


if __name__ == "__main__":
    raise SystemExit(call(sys.argv[1], Path(sys.argv[2]), sys.argv[3:]))
