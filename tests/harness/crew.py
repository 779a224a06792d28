# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where playbooks are killed: sandboxes of one small tenant, side by side; and which playbooks, in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from harness.coexistence import ABANDONED, STEPS, people, variables
from harness.crash import ACTS, Crowd, Row, Step, Worker
from harness.excuses import HANDED_OVER, SLIPPED
from harness.foreign import Foreign
from harness.play import Player, host, inventory, outside
from harness.shape import FIRST, forwarding, hands
from harness.tenant import Sandbox, copy, generate

# A small tenant: every write is killed twice, and one member more is a write more.
KINDS = {"stub": 4, "noobj": 1, "pilot": 1, "migrated": 1, "nobody": 1}
WORKERS = 2
# The letters are for people who have not moved, which a teardown sees in the trace; who moved long ago is forwarded to the end.
ALL_THE_SAME = {"coexistence_accept_risks": [*ABANDONED["coexistence_accept_risks"], "U12", "U14"]}
GROUP = "Migrated@example.com"


def brief() -> list[Step]:
    """Set-up, one wave, its rollback and a teardown, without probes: all waits are those by time."""
    return [Step(name, {**more, "coexistence_accept_risks": [*_risks(more), "U8", "U12", "U25"]}) for name, more in STEPS]


def _risks(more: Row) -> list[str]:
    return list(more.get("coexistence_accept_risks", []))


def every(folder: Path) -> list[Step]:
    """Every playbook, the teardown in both orders. folder: of the tenant."""
    wave = {"coexistence_wave": "wave1"}
    mend = {**wave, "coexistence_reconcile_fix": ["members", "forwards"]}
    # Somebody who moved long ago is no longer in the group.
    left = [*people(folder, "pilot"), *of_wave(folder, "wave1")]
    lost = {"noun": "DistributionGroup", "identity": GROUP, "set": {"_members": left}}
    return [
        Step("preflight"),
        Step("rehearse"),
        Step("setup"),
        Step("verify"),
        Step("status"),
        Step("check", {"coexistence_step": "status", "coexistence_inside_probes": [{"recipient": one} for one in people(folder, "pilot")]}),
        Step("cutover", wave),
        Step("reconcile", mend, slips=[lost, {"forwards": []}, {"mx": {"domain": FIRST, "to": "tenant"}}], slipped=(*SLIPPED, HANDED_OVER)),
        Step("reconcile", mend, slips=[{"mx": {"domain": FIRST, "to": "source"}}]),
        Step("rollback", wave),
        Step("teardown", ALL_THE_SAME),
        Step("setup"),
        Step("teardown", {**ALL_THE_SAME, "coexistence_teardown_order": "loop_free"}),
    ]


def of_wave(folder: Path, wave: str) -> list[str]:
    """The users of a wave. folder: of the tenant."""
    rows = [line.split(",") for line in (folder / "waves.csv").read_text(encoding="utf-8").splitlines()]
    return [user for user, own in rows if own == wave]


@contextmanager
def crew(tree: Path, place: Path, *, foreign: str = "builtin", probed: bool = False, acts: Sequence[str] = ACTS) -> Iterator[list[Worker]]:
    """Workers, each with a sandbox of its own of the same tenant. foreign: with `postfix` the roles switch forwards; probed: and probe."""
    first = generate(place / "tenant", kinds=KINDS)
    with ExitStack() as stack:
        sandboxes = []
        for number in range(WORKERS):
            folder = copy(first, place / f"tenant{number}")
            sandboxes.append(stack.enter_context(Sandbox([folder], "--mail", "--foreign", foreign)))
            (place / f"play{number}").mkdir()
        yield [
            _worker(tree, sandbox, place / f"play{number}", foreign=foreign, probed=probed, share=(number, WORKERS, acts))
            for number, sandbox in enumerate(sandboxes)
        ]


def _worker(tree: Path, sandbox: Sandbox, place: Path, *, foreign: str, probed: bool, share: tuple[int, int, Sequence[str]]) -> Worker:
    """One of them; place: for its files; share: its number, of how many, and at what it kills."""
    (folder,), (entry,) = sandbox.folders, sandbox.tenants
    seen = outside(sandbox.ready)
    # Without probes the MX is read all the same: name servers that nobody runs would keep every playbook waiting.
    sight = seen if probed else {"coexistence_name_servers": seen["coexistence_name_servers"]}
    known, extra = inventory({entry["organization"]: host(entry, sandbox.ready["ca_cert"], **sight)}), variables(folder)
    source = None
    if foreign == "postfix":
        known["all"]["hosts"] = hands(sandbox.ready)
        extra |= forwarding([])
        source = Foreign(Path(sandbox.ready["foreign"][0]["config_directory"]), place / "bin")
    player = Player(tree, place, known, source.environment if source else {})
    kinds = {"moving": of_wave(folder, "wave1")}
    kinds["stub"] = [one for one in people(folder, "stub") if one not in kinds["moving"]]
    kinds |= {kind: people(folder, kind) for kind in ("noobj", "pilot", "migrated", "nobody")}
    crowd = Crowd(kinds, *kinds["pilot"], *kinds["noobj"])
    return Worker(sandbox, player, crowd, extra, *share, source)
