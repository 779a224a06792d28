# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of every kill are held against what must have been done, before they are believed."""

from __future__ import annotations

from collections import Counter

from harness.crash import LETTERS, Figures
from programs.killed import faults

ACTS = {"writes": Counter(setup=6), "probes": Counter(wave=3), "commands": Counter(wave=2)}


def test_whole_figures_have_no_fault() -> None:
    assert faults(Figures(kills=22, acts=ACTS, messages=22 * LETTERS)) == []


def test_what_was_not_done_is_named() -> None:
    assert "no playbook did any of commands" in faults(Figures(kills=18, acts={**ACTS, "commands": Counter()}, messages=18 * LETTERS))
    assert any("21 kills of 11 acts" in line for line in faults(Figures(kills=21, acts=ACTS, messages=21 * LETTERS)))
    assert any("messages of 22 kills" in line for line in faults(Figures(kills=22, acts=ACTS, messages=22 * LETTERS - 1)))
