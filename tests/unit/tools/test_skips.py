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

import pytest

SKIPS = {
    "in a test": "import pytest\n\n\ndef test_it():\n    pytest.{skip}('no reason is good enough')\n",
    "of a file": "import pytest\n\npytest.{skip}('no reason is good enough', allow_module_level=True)\n",
    "by a mark": "import pytest\n\n\n@pytest.mark.{skip}\ndef test_it():\n    assert True\n",
    "expected": "import pytest\n\n\n@pytest.mark.{fail}\ndef test_it():\n    assert False\n",
}


def _run(folder: Path, checkout: Path, text: str, **environment: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(checkout / "tests/conftest.py", folder)
    (folder / "test_it.py").write_text(text.format(skip="sk" + "ip", fail="xf" + "ail"), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    return subprocess.run(command, env=kept | environment, capture_output=True, text=True, cwd=folder, check=False)


@pytest.mark.parametrize("how", SKIPS)
def test_a_skip_fails_under_ci(how: str, tmp_path: Path, checkout: Path) -> None:
    done = _run(tmp_path, checkout, SKIPS[how], CI="true")
    assert done.returncode != 0
    assert "a skip is a failure under CI" in done.stdout


def test_a_skip_passes_elsewhere(tmp_path: Path, checkout: Path) -> None:
    done = _run(tmp_path, checkout, SKIPS["in a test"])
    assert done.returncode == 0
    assert "1 skipped" in done.stdout
