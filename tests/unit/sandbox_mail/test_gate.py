# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What control does at the doors: letters wait while probes pass, and whoever sends a certain probe is ended."""

from __future__ import annotations

import smtplib
import subprocess
import sys

import pytest

from .flow import OUTSIDER, Flow

PROBE = "<probe.0123@out.example.org>"
SENDER = """
import smtplib, sys
host, port, sender, to, id_ = sys.argv[1:]
with smtplib.SMTP(host, int(port), timeout=20) as wire:
    wire.sendmail(sender, [to], f"From: {sender}\\r\\nTo: {to}\\r\\nMessage-ID: {id_}\\r\\nSubject: by hand\\r\\n\\r\\nhello\\r\\n")
print("handed over", flush=True)
"""


def sent(flow: Flow, to: str, id_: str) -> subprocess.Popen[str]:
    """A process that hands one message to the tenant's door."""
    host, _unused, port = flow.sandbox.tenant()["smtp"].rpartition(":")
    command = [sys.executable, "-c", SENDER, host, port, OUTSIDER, to, id_]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)


def held(flow: Flow, *, letters: bool) -> None:
    """Have letters wait, or let them in."""
    flow.mail(door={"tenant": "", "held": letters})


def test_letters_wait_at_the_door_and_probes_pass(flow: Flow) -> None:
    pilot = flow.who["pilot"]
    held(flow, letters=True)
    letter, probe = sent(flow, pilot, "<letter@out.example.org>"), sent(flow, pilot, PROBE)
    assert probe.communicate(timeout=20)[0] == "handed over\n"
    with pytest.raises(subprocess.TimeoutExpired):
        letter.wait(0.5)
    assert [row["id"] for row in flow.sandbox.ask("GET", f"/mailbox?address={pilot}")] == [PROBE]
    held(flow, letters=False)
    assert letter.communicate(timeout=20)[0] == "handed over\n"
    assert flow.sums() == {"delivered": 2}


@pytest.mark.parametrize(("phase", "taken"), [("before", {}), ("after", {"delivered": 1})])
def test_whoever_sends_a_certain_probe_is_ended(flow: Flow, phase: str, taken: dict[str, int]) -> None:
    pilot = flow.who["pilot"]
    first = sent(flow, pilot, PROBE.replace("0123", "0122"))
    first.communicate(timeout=20)
    host, _unused, port = flow.sandbox.tenant()["smtp"].rpartition(":")
    waiting = f"import sys; sys.stdin.readline(); sys.argv[1:] = {[host, port, OUTSIDER, pilot, PROBE]!r}\n{SENDER}"
    command = [sys.executable, "-c", waiting]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    flow.sandbox.faults({"match": {"probes": True, "phase": phase}, "action": {"kill": process.pid}})
    assert process.communicate("go\n", timeout=20)[0] == ""
    assert process.returncode == -9
    assert flow.sandbox.ask("GET", "/faults")[0]["fired"] == 1
    assert flow.sums() == {"delivered": 1 + taken.get("delivered", 0)}


def test_a_letter_is_no_probe_and_a_probe_fault_does_nothing_else(flow: Flow) -> None:
    flow.sandbox.faults({"match": {"probes": True}, "action": {"kill": 0}})
    host, _unused, port = flow.sandbox.tenant()["smtp"].rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=20) as wire:
        wire.sendmail(OUTSIDER, [flow.who["pilot"]], "Subject: none\r\n\r\nhello\r\n")
    assert flow.sandbox.ask("GET", "/faults")[0]["seen"] == 0
    with pytest.raises(Exception, match="nothing else"):
        flow.sandbox.faults({"match": {"probes": True}, "action": {"status": 503}})
