# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the artefact from the checkout's files, installs it offline, and holds its file list against the committed one."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

from tools import environments, interpreters
from tools.environments import ROOT, Environment

LIST = ROOT / "tests" / "artefact.txt"
INSIDE = Path("ansible_collections/mailops/exchange")
# Made by the build itself.
OWN = ("FILES.json", "MANIFEST.json")


def files() -> list[str]:
    """The checkout's files, new ones included, ignored ones not; relative to its root."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return sorted({name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()})


def copy(target: Path) -> Path:
    """A real copy of files() at target, which must not exist; links stay links."""
    for name in files():
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, place, follow_symlinks=False)
    return target


def _galaxy(environment: Environment, work: Path, *arguments: str) -> None:
    command = [str(environment.bin / "ansible-galaxy"), "collection", *arguments]
    done = subprocess.run(command, env=environments.variables(environment, work), capture_output=True, text=True, cwd=work, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{done.stdout}{done.stderr}\n{' '.join(command)} failed.")


def build(environment: Environment, work: Path) -> Path:
    """The tarball, built in work (a folder of this run alone) from a copy of the checkout."""
    shutil.rmtree(work / "source", ignore_errors=True)
    shutil.rmtree(work / "dist", ignore_errors=True)
    copy(work / "source")
    _galaxy(environment, work, "build", str(work / "source"), "--output-path", str(work / "dist"))
    return next((work / "dist").glob("*.tar.gz"))


def install(environment: Environment, work: Path) -> Path:
    """The artefact, built and installed fresh under work/tree; returns work/tree."""
    tree = work / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    _galaxy(environment, work, "install", "--offline", "--force", "-p", str(tree), str(build(environment, work)))
    return tree


def names(tarball: Path) -> list[str]:
    """The files in a tarball, sorted."""
    with tarfile.open(tarball) as archive:
        return sorted(member.name for member in archive.getmembers() if member.isfile())


def compare(listed: set[str], packed: set[str]) -> list[str]:
    """One line for each file that the committed list and the tarball do not share."""
    return [f"{name} is packed but not listed in tests/artefact.txt: `make artefact` lists it" for name in sorted(packed - listed)] + [
        f"{name} is listed in tests/artefact.txt but not packed" for name in sorted(listed - packed)
    ]


def stale(installed: Path) -> list[str]:
    """One line for each installed file that differs from the checkout's, or that the checkout has no more."""
    problems = []
    record = json.loads((installed / "FILES.json").read_text(encoding="utf-8"))
    for entry in record["files"]:
        if entry["ftype"] != "file":
            continue
        source = ROOT / entry["name"]
        if not source.is_file():
            problems.append(f"{entry['name']} is installed, but not in the checkout")
        elif hashlib.sha256((installed / entry["name"]).read_bytes()).digest() != hashlib.sha256(source.read_bytes()).digest():
            problems.append(f"{entry['name']} differs from the checkout")
    return problems


def main() -> None:
    """Writes tests/artefact.txt from a fresh build."""
    work = ROOT / "build" / "artefact"
    work.mkdir(parents=True, exist_ok=True)
    tarball = build(environments.ready(environments.NEWEST_BY_PYTHON[interpreters.at_hand().version]), work)
    LIST.write_text("\n".join(names(tarball)) + "\n", encoding="utf-8")
    print(f"artefact: {len(names(tarball))} files listed in {LIST.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
