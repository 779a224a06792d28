# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the documentation site from the installed artefact into build/docs, with no look at the network."""

from __future__ import annotations

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


def build() -> int:
    """The number of pages built; a failure ends the program with the builder's own words."""
    environments.ready(LINT)
    work, handle = suite.workplace("docs-work")
    with handle:
        variables = environments.variables(LINT, work) | {"ANSIBLE_COLLECTIONS_PATH": str(artefact.install(LINT, work))}
        source = work / "site"
        shutil.rmtree(source, ignore_errors=True)
        source.mkdir(mode=0o755)
        for command in (
            [str(LINT.bin / "antsibull-docs"), "sphinx-init", "--use-current", "--dest-dir", str(source), "mailops.exchange"],
            ["bash", "build.sh"],
        ):
            done = subprocess.run(command, cwd=source, env=variables, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
            if done.returncode != 0:
                raise SystemExit(f"{done.stdout}{done.stderr}\n{' '.join(command)} failed.")
            if (source / "conf.py").is_file() and not (source / "build").exists():
                _offline(source / "conf.py")
        shutil.rmtree(SITE, ignore_errors=True)
        shutil.copytree(source / "build" / "html", SITE)
    return sum(1 for page in SITE.rglob("*.html"))


if __name__ == "__main__":
    begun = time.monotonic()
    try:
        pages = build()
    except interpreters.Missing as problem:
        sys.exit(str(problem))
    print(f"docs: {pages} pages in {SITE.relative_to(ROOT)}/index.html, {time.monotonic() - begun:.0f} s")
