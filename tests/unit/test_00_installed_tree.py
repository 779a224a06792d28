# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Goes first: what the other tests import is the artefact, installed, and made of the checkout's own files."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path

from tools import artefact


def test_the_imported_collection_is_the_installed_tree(installed: Path, checkout: Path) -> None:
    module = importlib.import_module("ansible_collections.mailops.exchange.plugins.module_utils._session")
    assert Path(str(module.__file__)).resolve() == installed / "plugins/module_utils/_session.py"
    assert not installed.is_symlink()
    assert installed.resolve() != checkout
    assert (installed / "MANIFEST.json").is_file(), "the tree was not installed from an artefact"


def test_the_installed_files_are_those_of_the_checkout(installed: Path) -> None:
    assert artefact.stale(installed) == []


def test_a_stale_file_is_seen(installed: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(installed, tmp_path / "copy"))
    with (other / "plugins/module_utils/_session.py").open("a", encoding="utf-8") as out:
        out.write("# stale\n")
    assert artefact.stale(other) == ["plugins/module_utils/_session.py differs from the checkout"]


def test_nothing_of_the_tests_is_installed(installed: Path) -> None:
    assert sorted(path.name for path in installed.iterdir() if path.name in {"tests", ".ci", "Makefile", "pyproject.toml"}) == []
