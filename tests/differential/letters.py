# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which letters are sent in a world: those that the state's row is about, and others by chance."""

from __future__ import annotations

from random import Random

from ansible_collections.mailops.exchange.plugins.module_utils._routing._states import STATES, Hurt

from .readings import QUESTIONS
from .scenario import OUTSIDER, STRICT, Letter, Scenario

ORIGINS = ("internet", "tenant", "source", "program")
ROWS = {state.id: state.hurts for state in STATES}
OF_THE_ROW, BY_CHANCE = 4, 5


def write(made: Scenario, random: Random) -> None:
    """Write the letters, and choose the reading in which all of them are sent once."""
    lines = [[(kind, origin, what) for kind in hurt.kinds for origin in hurt.origins for what in hurt.mail] for hurt in ROWS[made.state]]
    wanted = [random.choice(line) for line in lines]
    rest = [one for line in lines for one in line if one not in wanted]
    for kind, origin, what in dict.fromkeys([*wanted, *random.sample(rest, max(0, min(len(rest), OF_THE_ROW - len(wanted))))]):
        sender = "" if what == "bounce" else _plain(made, kind, origin)
        made.letters.append(Letter(kind, (made.people[kind][0],), origin, sender, what))
    for _unused in range(BY_CHANCE):
        made.letters.append(_letter(made, random))
    made.reading = {name: random.choice(answers) for name, answers in QUESTIONS.items()}


def _plain(made: Scenario, kind: str, origin: str) -> str:
    """Who writes the row's letters: somebody whom no rule, policy or connector singles out."""
    if origin == "internet":
        return f"boss@{STRICT}" if made.state == "dmarc_reject" else OUTSIDER
    if origin == "tenant":
        return made.people["pilot"][0]
    return made.people["noobj"][0]


def _letter(made: Scenario, random: Random) -> Letter:
    kind = random.choice(list(made.people))
    origin = random.choice(ORIGINS)
    what = random.choice(("mail",) * 12 + ("calendar", "bounce", "oof", "journal"))
    recipients: tuple[str, ...] = (random.choice(made.people[kind]),)
    if what != "bounce" and random.random() < 0.1:
        more = random.choice(made.people[random.choice(list(made.people))])
        recipients = tuple(dict.fromkeys((*recipients, more)))
    sender = "" if what == "bounce" else _sender(made, random, origin)
    return Letter(kind, recipients, origin, sender, what)


def _sender(made: Scenario, random: Random, origin: str) -> str:
    if origin == "internet":
        colleague = made.people["noobj"][0]
        return random.choice((OUTSIDER, OUTSIDER, OUTSIDER, OUTSIDER, f"boss@{STRICT}", colleague))
    if origin == "tenant":
        return random.choice([made.people[kind][0] for kind in ("pilot", "migrated", "other", "room")])
    return random.choice([made.people[kind][0] for kind in ("noobj", "stub", "migrated")])


def hurts(state: str) -> tuple[Hurt, ...]:
    """Who is hurt in a state."""
    return ROWS[state]
