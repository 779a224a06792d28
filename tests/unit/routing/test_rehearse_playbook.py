# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/rehearse.yml hands over every variable that a prediction can depend on."""

from __future__ import annotations

from pathlib import Path

import yaml
from ansible_collections.mailops.exchange.plugins.module_utils._routing._options import VARIABLES

# What only a run that sends mail, writes forwards or waits needs.
ELSEWHERE = ("probe_", "submission_", "effect_", "reconcile_", "mailbox_url", "smtp_", "forwarding_file")


def test_every_variable_that_matters_is_handed_over(installed: Path) -> None:
    (play,) = yaml.safe_load((installed / "playbooks" / "rehearse.yml").read_text(encoding="utf-8"))
    given = play["tasks"][0]["mailops.exchange.rehearsal_info"]
    assert all(value == f"{{{{ coexistence_{name} | default(omit) }}}}" for name, value in given.items())
    assert set(VARIABLES) - set(given) <= {name for name in VARIABLES if name.startswith(ELSEWHERE)}
