# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The project's own rules on Python files: headers, lengths, imports, and suppressions that give their reason."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_LINES = 400
FUNCTION_LINES = 40
MODULE_CODE = 40
HEADER = (
    "# Copyright: the mailops.exchange authors",
    "# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "# SPDX-License-Identifier: GPL-3.0-or-later",
)
# Which package brings an import of another name.
PROVIDERS = {
    "azure": "azure-identity",
    "cryptography": "azure-identity",
    "dns": "dnspython",
    "urllib3": "requests",
    "winrm": "pywinrm",
}
# What the sandbox must not import.
APART = {"ansible", "ansible_collections", "differential", "fakes", "harness", "programs", "rehearsal", "states", "story", "tools"}
SUPPRESSION = re.compile(
    r"#\s*(?:noqa(?::\s*[A-Z]+[0-9]+(?:,\s*[A-Z]+[0-9]+)*)?|type:\s*ignore(?:\[[\w,\s-]+\])?|pylint:\s*disable=[\w,-]+)(.*)$"
)
REASON = re.compile(r"[a-z]{2,}\W+[a-z]{2,}", re.IGNORECASE)
REMINDER = re.compile(r"\b([T]ODO|[F]IXME|[X]XX)\b|raise [N]otImplementedError")


def _header(lines: list[str]) -> Iterator[str]:
    start = 1 if lines and lines[0].startswith("#!") else 0
    if tuple(lines[start : start + 3]) != HEADER:
        yield "1: the three lines of copyright and licence do not stand first"


def _lines(lines: list[str]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        found = SUPPRESSION.search(line)
        if found and not REASON.search(found[1]):
            yield f"{number}: a suppression without its reason on the line"
        if REMINDER.search(line):
            yield f"{number}: a stub or a reminder"


def _functions(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{node.lineno}: {node.name} has {length} lines, {FUNCTION_LINES} are allowed"


def _names(tree: ast.Module) -> Iterator[str]:
    """ansible-test refuses the name in every file, and takes a minute to say so."""
    for node in ast.walk(tree):
        bound = node.arg if isinstance(node, ast.arg) else node.id if isinstance(node, ast.Name) else ""
        if bound == "_" and isinstance(node, ast.arg | ast.Name):
            yield f"{node.lineno}: the name _; call it _unused, or by what it is"


def _is_table(node: ast.stmt) -> bool:
    """An assignment to an upper-case name: documentation, SPEC, a table of properties."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return bool(targets) and all(isinstance(target, ast.Name) and target.id.isupper() for target in targets)


def module_code(text: str) -> int:
    """The lines of a module file that are neither documentation, nor a table, nor blank, nor comment."""
    lines = text.splitlines()
    outside = set(range(1, len(lines) + 1))
    for node in ast.parse(text).body:
        if _is_table(node):
            outside -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return sum(1 for number in outside if lines[number - 1].strip() and not lines[number - 1].lstrip().startswith("#"))


def _imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and full name of every import from outside of Python itself; relative ones are left out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and not getattr(node, "level", False):
            for name in [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]:
                if name.partition(".")[0] not in sys.stdlib_module_names:
                    yield node.lineno, name


def _imports(tree: ast.Module) -> Iterator[str]:
    """Modules and module_utils run where nothing but Python and Ansible's own module_utils is certain."""
    for line, name in _imported(tree):
        if not name.startswith(("ansible.module_utils", "ansible_collections.mailops.exchange.plugins.module_utils")):
            yield f"{line}: imports {name}, which is neither standard library nor module_utils"


def _apart(tree: ast.Module) -> Iterator[str]:
    """The sandbox is written apart from what it is held against: it knows neither Ansible, nor the collection, nor the tests."""
    for line, name in _imported(tree):
        if name.partition(".")[0] in APART:
            yield f"{line}: imports {name}, with which the sandbox shares no code"


def _requirements(tree: ast.Module, listed: str) -> Iterator[str]:
    """What the rest of the plugins import comes with Ansible or with a package that requirements.txt names."""
    for line, name in _imported(tree):
        top = name.partition(".")[0]
        if top not in {"ansible", "ansible_collections"} and not re.search(rf"^{PROVIDERS.get(top, top)}\b", listed, re.MULTILINE):
            yield f"{line}: imports {name}, whose package requirements.txt does not name"


def problems(name: str, text: str, listed: str = "") -> list[str]:
    """What a file breaks, one line each. name: its path in the checkout; listed: the text of requirements.txt."""
    lines = text.splitlines()
    tree = ast.parse(text)
    found = [*_lines(lines), *_functions(tree), *_names(tree)]
    if lines and name.endswith("/__init__.py") and name.startswith(("plugins/", "tests/unit/")):
        found.append("1: an __init__.py must be empty here")
    elif lines:
        found += _header(lines)
    if name.startswith(("plugins/modules/", "plugins/module_utils/")):
        found += _imports(tree)
    elif name.startswith("plugins/"):
        found += _requirements(tree, listed)
    if name.startswith("tests/sandbox/"):
        found += _apart(tree)
    if name.startswith("plugins/modules/"):
        code = module_code(text)
        if code > MODULE_CODE:
            found.append(f"1: {code} lines of code outside documentation and tables, {MODULE_CODE} are allowed")
    elif len(lines) > FILE_LINES:
        found.append(f"1: {len(lines)} lines, {FILE_LINES} are allowed")
    return [f"{name}:{problem}" for problem in found]


def is_script(path: Path) -> bool:
    """A Python program without the suffix, as tests/sandbox/serve."""
    return (
        not path.suffix
        and path.is_file()
        and path.read_bytes()[:60].splitlines()[:1] in ([b"#!/usr/bin/env python"], [b"#!/usr/bin/env python3"])
    )


def check(root: Path) -> list[str]:
    """The problems of every Python file under plugins and tests."""
    found = []
    listed = (root / "requirements.txt").read_text(encoding="utf-8")
    for top in ("plugins", "tests"):
        for path in sorted((root / top).rglob("*")):
            if path.suffix == ".py" or is_script(path):
                found += problems(str(path.relative_to(root)), path.read_text(encoding="utf-8"), listed)
    return found
