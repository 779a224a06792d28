# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""At a foreign host of either kind: letters wait before its mailboxes while probes pass, and whoever sends a certain probe is ended."""

from __future__ import annotations

import smtplib
import subprocess
import sys
import time

import pytest
from unit.sandbox_mail.flow import OUTSIDER, Flow
from unit.sandbox_mail.test_gate import PROBE, SENDER, held

ORIGINS = ("internet", "source", "local")


def endpoint(flow: Flow, door: str = "smtp") -> list[str]:
    """Host and port of the foreign host's door for strangers (`smtp`) or for its own people (`submission`)."""
    host, _unused, port = str(flow.sandbox.ready["foreign"][0][door]).rpartition(":")
    return [host, port]


def test_letters_wait_before_the_mailboxes_and_probes_pass(flow: Flow) -> None:
    flow.coexist("stub")
    held(flow, letters=True)
    to = [flow.send("noobj", origin=origin) for origin in ORIGINS]
    command = [sys.executable, "-c", SENDER, *endpoint(flow), OUTSIDER, flow.who["noobj"], PROBE]
    assert subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout == "handed over\n"
    end = time.monotonic() + 20
    while not (here := flow.sandbox.ask("GET", f"/mailbox?address={flow.who['noobj']}")) and time.monotonic() < end:
        time.sleep(0.1)
    assert [row["id"] for row in here] == [PROBE]
    under_way = flow.sandbox.ask("GET", "/messages")["messages"]
    assert {row["id"] for row in under_way if row["copies"][0]["outcome"] == "delayed"} == set(to)
    held(flow, letters=False)
    assert [flow.copies(one)[flow.who["noobj"]]["outcome"] for one in to] == ["delivered"] * len(to)


@pytest.mark.parametrize("door", ["smtp", "submission"])
@pytest.mark.parametrize(("phase", "taken"), [("before", 0), ("after", 1)])
def test_whoever_sends_a_certain_probe_to_a_host_is_ended(flow: Flow, door: str, phase: str, taken: int) -> None:
    words = [*endpoint(flow, door), OUTSIDER, flow.who["noobj"], PROBE]
    waiting = f"import sys; sys.stdin.readline(); sys.argv[1:] = {words!r}\n{SENDER}"
    process = subprocess.Popen([sys.executable, "-c", waiting], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    flow.sandbox.faults({"match": {"probes": True, "phase": phase}, "action": {"kill": process.pid}})
    assert process.communicate("go\n", timeout=20)[0] == ""
    assert process.returncode == -9
    fault = flow.sandbox.ask("GET", "/faults")[0]
    assert (fault["seen"], fault["fired"]) == (1, 1)
    assert flow.sums() == ({"delivered": 1} if taken else {})


def test_one_session_hands_over_several_messages_and_hears_refusals(flow: Flow) -> None:
    host, port = endpoint(flow)
    with smtplib.SMTP(host, int(port), timeout=20) as wire:
        assert wire.docmd("HELP")[0] in range(200, 600)
        wire.sendmail(OUTSIDER, [flow.who["noobj"]], f"Message-ID: {PROBE}\r\nSubject: .\r\n\r\n..\r\n.\r\n")
        wire.sendmail(OUTSIDER, [flow.who["noobj"]], "Message-ID: <letter@out.example.org>\r\nSubject: two\r\n\r\nhello\r\n")
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            wire.sendmail(OUTSIDER, [flow.who["nobody"]], "Subject: none\r\n\r\nhello\r\n")
    assert flow.sums() == {"delivered": 2, "bounced": 1}
