# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the documentation site from the installed artefact into build/docs, with no look at the network."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tools import artefact, environments, interpreters, suite
from tools.environments import LINT, ROOT

SITE = ROOT / "build" / "docs"


def _offline(conf: Path) -> None:
    """Foreign inventories would be fetched, and references into them cannot resolve without."""
    text = conf.read_text(encoding="utf-8")
    conf.write_text(f"{text}\nintersphinx_mapping = {{}}\nsuppress_warnings = ['ref.ref']\n", encoding="utf-8")


def site(source: Path, variables: dict[str, str]) -> list[str]:
    """Builds source/build/html from the collection that the variables name; what went wrong, one line each."""
    source.mkdir(mode=0o755)
    initial = [str(LINT.bin / "antsibull-docs"), "sphinx-init", "--use-current", "--dest-dir", str(source), "mailops.exchange"]
    for command in (initial, ["bash", "build.sh"]):
        done = subprocess.run(
            command,
            cwd=source,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            lines = done.stdout.splitlines()
            return [line for line in lines if re.search("WARNING|ERROR", line)] or lines[-20:]
        if command is initial:
            _offline(source / "conf.py")
    return []


def build() -> int:
    """Writes the pages to build/docs; how many they are. A failure ends the program with the builder's own words."""
    environments.ready(LINT)
    work, handle = suite.workplace("docs-work")
    with handle:
        variables = environments.variables(LINT, work) | {"ANSIBLE_COLLECTIONS_PATH": str(artefact.install(LINT, work))}
        shutil.rmtree(work / "site", ignore_errors=True)
        problems = site(work / "site", variables)
        if problems:
            raise SystemExit("\n".join([*problems, f"docs: {len(problems)} problems"]))
        shutil.rmtree(SITE, ignore_errors=True)
        shutil.copytree(work / "site" / "build" / "html", SITE)
    return sum(1 for page in SITE.rglob("*.html"))


if __name__ == "__main__":
    begun = time.monotonic()
    try:
        pages = build()
    except interpreters.Missing as problem:
        sys.exit(str(problem))
    print(f"docs: {pages} pages in {SITE.relative_to(ROOT)}/index.html, {time.monotonic() - begun:.0f} s")
