# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Under CI a skipped test, a skipped file and an expected failure all fail the run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

SKIPS = {
    "in_a_test": "import pytest\n\n\ndef test_it():\n    pytest.{skip}('no reason is good enough')\n",
    "of_a_file": "import pytest\n\npytest.{skip}('no reason is good enough', allow_module_level=True)\n",
    "by_a_mark": "import pytest\n\n\n@pytest.mark.{skip}\ndef test_it():\n    assert True\n",
    "expected": "import pytest\n\n\n@pytest.mark.{fail}\ndef test_it():\n    assert False\n",
}


def _run(folder: Path, checkout: Path, texts: dict[str, str], **environment: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(checkout / "tests/conftest.py", folder)
    for name, text in texts.items():
        (folder / f"test_{name}.py").write_text(text.format(skip="sk" + "ip", fail="xf" + "ail"), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--continue-on-collection-errors",
        "--rootdir",
        str(folder),
        str(folder),
    ]
    return subprocess.run(command, env=kept | environment, capture_output=True, text=True, cwd=folder, check=False)


def test_every_way_to_skip_fails_under_ci(tmp_path: Path, checkout: Path) -> None:
    done = _run(tmp_path, checkout, SKIPS, CI="true")
    assert done.returncode != 0
    assert done.stdout.count("a skip is a failure under CI") >= len(SKIPS)
    assert "2 failed, 2 errors" in done.stdout
    assert " skipped" not in done.stdout.splitlines()[-1]


def test_a_skip_passes_elsewhere(tmp_path: Path, checkout: Path) -> None:
    done = _run(tmp_path, checkout, {"once": SKIPS["in_a_test"]})
    assert done.returncode == 0
    assert "1 skipped" in done.stdout
