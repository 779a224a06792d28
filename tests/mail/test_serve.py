# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program: its ready line with mail, and that nothing is left when it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("foreign", ["builtin", "postfix"])
def test_serve_with_mail(directory: Path, checkout: Path, foreign: str) -> None:
    command = [sys.executable, str(checkout / "tests/sandbox/serve"), "--tenant", str(directory), "--mail", "--foreign", foreign]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        ready = json.loads(process.stdout.readline())
        place = ready["foreign"][0]["config_directory"]
        assert ready["foreign"][0]["backend"] == foreign
        assert bool(place) == (foreign == "postfix")
        assert ready["dns"].startswith("127.0.0.1:")
        assert ready["tenants"][0]["smtp"] == ready["hosts"]["203.0.113.1"]
        assert ready["hosts"]["192.0.2.10"] == ready["foreign"][0]["smtp"]
        process.send_signal(signal.SIGTERM)
        rest, said = process.communicate(timeout=60)
    assert (process.returncode, rest, said) == (0, "", "")
    assert not place or not Path(place).exists()
