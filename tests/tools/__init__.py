# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The project's own toolchain: standard library only, run as `PYTHONPATH=tests python3 -m tools.NAME` from the checkout."""

import sys

if sys.version_info < (3, 11):
    raise SystemExit(
        f"Python {sys.version_info[0]}.{sys.version_info[1]} runs `make`, and this project needs 3.11, 3.12 or 3.13: "
        "name one, as in `make test PYTHON=/usr/bin/python3.12`."
    )
