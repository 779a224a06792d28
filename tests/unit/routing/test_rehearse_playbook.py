# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/rehearse.yml hands over every variable that a prediction can depend on, and tells of those that are its own."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from ansible_collections.mailops.exchange.plugins.module_utils._routing._foresight_options import GIVEN
from ansible_collections.mailops.exchange.plugins.module_utils._routing._options import DECLARED, VARIABLES
from tools.roles import ROLE_DEFAULTS

# Variables of this playbook alone, by the module's option.
OWN = {"limit": "coexistence_rehearsal_limit", "known": "coexistence_known", "snapshot": "coexistence_snapshot"}
# What only a run that sends mail, writes forwards or waits needs.
ELSEWHERE = ("probe_", "submission_", "effect_", "reconcile_", "mailbox_url", "smtp_", "forwarding_file")


def test_every_variable_that_matters_is_handed_over(installed: Path) -> None:
    (play,) = yaml.safe_load((installed / "playbooks" / "rehearse.yml").read_text(encoding="utf-8"))
    given = play["tasks"][0]["mailops.exchange.rehearsal_info"]
    variables = {name: OWN.get(name, f"coexistence_{name}") for name in given}
    unset = {name: ROLE_DEFAULTS.get(name, "omit") for name in given}  # it plans what the roles do
    assert given == {name: f"{{{{ {variables[name]} | default({unset[name]}) }}}}" for name in given}
    assert set(VARIABLES) - set(given) <= {name for name in VARIABLES if name.startswith(ELSEWHERE)}
    assert set(GIVEN) | {"limit"} == set(given) | (set(VARIABLES) - set(given)) | set(DECLARED), "no option of the module is out of reach"


def test_the_playbooks_own_variables_are_told_of_in_its_head_and_in_the_module(installed: Path) -> None:
    text = (installed / "playbooks" / "rehearse.yml").read_text(encoding="utf-8")
    head = text[: text.index("- name:")]
    module = (installed / "plugins" / "modules" / "rehearsal_info.py").read_text(encoding="utf-8")
    for variable in OWN.values():
        assert re.search(rf"^# +{variable}: .+", head, re.MULTILINE), variable
        assert variable in module
