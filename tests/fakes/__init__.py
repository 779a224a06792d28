# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins for the commands of mail hosts: they keep their state in a file, and refuse every argument that they do not know."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def install(folder: Path, script: str, state: Path, *names: str) -> None:
    """Put a stand-in (a file of this folder) into folder under each name; it is told its own name and where its state is."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or (script,):
        text = f"#!{sys.executable} -IS\nimport runpy, sys\nsys.argv[:1] = [{str(HERE / script)!r}, {name!r}, {str(state)!r}]\n"
        (folder / name).write_text(f"{text}runpy.run_path(sys.argv[0], run_name='__main__')\n", encoding="utf-8")
        (folder / name).chmod(0o755)
