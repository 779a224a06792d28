# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Handing one message over: the stage that it reached, the other side's words, and that nothing is sent twice."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._session import ExchangeError, InvalidParameter
from ansible_collections.mailops.exchange.plugins.plugin_utils._keeper import KeptSession
from ansible_collections.mailops.exchange.plugins.plugin_utils._tools import mailbox, smtp
from unit.plugin_utils.service import Answer, Service
from unit.sandbox_mail.flow import OUTSIDER, Flow

from .servers import END, GREETING, MailHost

TEXT = "Message-ID: <probe@example.com>\r\nSubject: probe\r\n\r\n.dot\r\nend\r\n"
ACCOUNT = {"submission_user": "probe@example.com", "submission_password": "a-long-made-up-password"}


def hand(there: MailHost, options: dict[str, Any] | None = None, /, **more: Any) -> dict[str, Any]:
    """One message to a name that the overrides lead to a scripted host."""
    overrides = {"MX.example.": there.endpoint, "smtp.office365.com": there.endpoint}
    asked = {"host": "mx.example", "mail_from": "a@example.com", "recipient": "b@example.net", "message": TEXT, "overrides": overrides}
    return smtp.run({**asked, "timeout": 5, **more}, options or {})


def test_a_message_is_taken_once_and_whole() -> None:
    with MailHost() as host:
        told = hand(host)
    assert told == {"stage": "accepted", "code": 250, "text": "2.0.0 taken", "accepted": True, "uncertain": False, "host": "mx.example"}
    assert host.taken == [TEXT.replace("\r\n.dot", "\r\n..dot").encode()]
    assert host.heard[1:] == ["MAIL FROM:<a@example.com>", "RCPT TO:<b@example.net>", "DATA"]


def test_a_bounce_has_the_null_sender() -> None:
    with MailHost() as host:
        assert hand(host, mail_from="")["accepted"]
    assert "MAIL FROM:<>" in host.heard


@pytest.mark.parametrize(
    ("script", "stage", "code", "text"),
    [
        ({GREETING: "554 no service"}, "connect", 554, "no service"),
        ({"EHLO": "550 who?", "HELO": "550 who?"}, "ehlo", 550, "who?"),
        ({"MAIL": "550 5.7.1 not you"}, "mail", 550, "5.7.1 not you"),
        ({"RCPT": "550-5.1.1 nobody\n550 5.1.1 here"}, "rcpt", 550, "5.1.1 nobody 5.1.1 here"),
        ({"DATA": "451 4.3.0 later"}, "data", 451, "4.3.0 later"),
        ({END: "550 5.7.509 p=reject"}, "data", 550, "5.7.509 p=reject"),
    ],
)
def test_a_refusal_keeps_its_stage_and_words(script: dict[str, str], stage: str, code: int, text: str) -> None:
    with MailHost(**script) as host:
        told = hand(host)
    assert (told["stage"], told["code"], told["text"], told["accepted"], told["uncertain"]) == (stage, code, text, False, False)


@pytest.mark.parametrize(("step", "stage", "uncertain"), [(GREETING, "connect", False), ("RCPT", "rcpt", False), (END, "data", True)])
def test_a_connection_that_breaks_is_told_and_never_mended(step: str, stage: str, uncertain: bool) -> None:
    with MailHost(**{step: ""}) as host:
        told = hand(host)
    assert (told["stage"], told["code"], told["accepted"], told["uncertain"]) == (stage, 0, False, uncertain)
    assert told["text"] in {"the connection was closed", "Connection unexpectedly closed"}
    assert len(host.taken) == int(uncertain)
    assert host.heard.count("DATA") == int(uncertain)


def test_an_old_host_is_greeted_the_old_way() -> None:
    with MailHost(EHLO="502 what?", HELO="250 hello") as host:
        assert hand(host)["accepted"]


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"127.0.0.1:{listener.getsockname()[1]}"
    told = smtp.run({"host": "mx.example", "recipient": "b@example.net", "overrides": {"mx.example": endpoint}, "timeout": 2}, {})
    assert (told["stage"], told["accepted"], told["uncertain"]) == ("connect", False, False)
    assert "refused" in told["text"]


def test_between_hosts_encryption_is_a_courtesy() -> None:
    with MailHost(EHLO="250-here\n250 STARTTLS", STARTTLS="454 not today") as host:
        assert hand(host)["accepted"]
    assert len(host.taken) == 1


def test_without_an_account_nothing_is_tried() -> None:
    with MailHost() as host:
        told = hand(host, submission=True)
    assert (told["stage"], told["accepted"], host.heard) == ("account", False, [])
    assert "ansible_exchange_submission_user" in told["text"]


def test_the_password_is_not_sent_in_clear_to_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "_loopback", lambda _wire: False)
    with MailHost(EHLO="250-here\n250 AUTH PLAIN") as host:
        told = hand(host, ACCOUNT, submission=True)
    assert (told["stage"], told["accepted"]) == ("auth", False)
    assert "password was not sent" in told["text"]
    assert not any(line.startswith("AUTH") for line in host.heard)


def test_submission_does_not_go_on_without_the_encryption_that_failed() -> None:
    with MailHost(EHLO="250-here\n250-STARTTLS\n250 AUTH PLAIN", STARTTLS="454 not today", AUTH="235 in") as host:
        told = hand(host, ACCOUNT, submission=True)
    assert (told["stage"], told["code"], host.taken) == ("starttls", 454, [])


def test_a_refused_account_is_told_without_its_password() -> None:
    with MailHost(EHLO="250-here\n250 AUTH PLAIN", AUTH="535 5.7.139 no") as host:
        told = hand(host, ACCOUNT, submission=True)
    assert (told["stage"], told["code"], told["host"]) == ("auth", 535, "smtp.office365.com")
    assert ACCOUNT["submission_password"] not in str(told)


def test_the_sessions_trust_holds_for_submission_alone(folder: Path) -> None:
    def letter(options: dict[str, Any], **more: Any) -> ssl.SSLContext:
        trust = smtp._letter({"host": "h.example", "recipient": "a@example.com", **more}, options).trust
        assert trust is not None
        return trust

    with Service(lambda _request: Answer(), folder) as service:
        own = letter({"ca_cert": service.ca_cert}, submission=True)
    assert (own.verify_mode, own.check_hostname, len(own.get_ca_certs())) == (ssl.CERT_REQUIRED, True, 1)
    assert letter({"validate_certs": False}, submission=True).verify_mode == ssl.CERT_NONE
    assert letter({}).verify_mode == ssl.CERT_NONE


@pytest.mark.parametrize(
    "more",
    [
        {"host": ""},
        {"recipient": ""},
        {"recipient": "a@b\r\nDATA"},
        {"mail_from": "ä@example.com"},
        {"overrides": {"mx.example": "nowhere"}},
    ],
)
def test_what_cannot_be_sent_is_refused(more: dict[str, Any]) -> None:
    with MailHost() as host, pytest.raises(InvalidParameter):
        hand(host, **more)
    assert host.heard == []


def test_through_the_sandbox_and_its_mailboxes(flow: Flow) -> None:
    ready = flow.sandbox.ready
    entry = ready["tenants"][0]["submission"]
    text = f"From: {OUTSIDER}\r\nMessage-ID: <x1@probe.example>\r\nSubject: probe\r\n\r\nhello\r\n"
    asked = {"mail_from": OUTSIDER, "recipient": flow.who["noobj"], "message": text, "overrides": ready["hosts"]}
    assert smtp.run({**asked, "host": "mx.source.example"}, {})["accepted"]
    flow.account()
    url = f"{ready['control']}/mailbox"
    (found,) = mailbox.run({"url": url, "id": "<x1@probe.example>"}, {})["found"]
    assert (found["place"], found["address"]) == ("source", flow.who["noobj"])
    assert mailbox.run({"url": url, "id": "<x2@probe.example>"}, {})["found"] == []
    host, _unused, port = entry["endpoint"].rpartition(":")
    own = {"submission": True, "submission_host": host, "submission_port": port, "mail_from": flow.who["pilot"]}
    account = {"submission_user": entry["user"], "submission_password": entry["password"]}
    told = smtp.run({**asked, **own, "recipient": flow.who["stub"], "message": text.replace("x1@", "x3@")}, account)
    assert (told["accepted"], told["host"]) == (True, host)
    refused = smtp.run({**asked, **own}, {**account, "submission_password": "wrong"})
    assert (refused["stage"], refused["code"]) == ("auth", 535)


@pytest.mark.parametrize(
    ("asked", "kind"),
    [({"url": "ftp://a.example", "id": "x"}, "invalid_parameter"), ({"url": "http://127.0.0.1:1/", "id": "x"}, "unavailable")],
)
def test_mailboxes_that_cannot_be_asked(asked: dict[str, Any], kind: str) -> None:
    with pytest.raises(ExchangeError) as caught:
        mailbox.run(asked, {})
    assert caught.value.kind == kind


@pytest.mark.parametrize(("status", "body"), [(500, []), (200, {"no": "list"}), (200, "text")])
def test_mailboxes_that_answer_something_else(folder: Path, status: int, body: Any) -> None:
    with Service(lambda _request: Answer(status, body), folder) as service, pytest.raises(ExchangeError) as caught:
        mailbox.run({"url": service.options()["endpoint"], "id": "x"}, {"ca_cert": service.ca_cert})
    assert caught.value.kind == "failed"


class Nothing:
    """A transport that no tool asks."""

    last_date = ""

    def call_many(self, cmdlets: Any) -> Any:
        raise AssertionError(cmdlets)

    def close(self) -> None:
        """Nothing to let go of."""


def test_a_session_asks_with_its_own_options_and_check_mode_only_reads() -> None:
    kept = KeptSession(Nothing(), {})
    with MailHost() as host:
        asked = {"host": "mx.example", "recipient": "b@example.net", "message": TEXT, "overrides": {"mx.example": host.endpoint}}
        told = kept.tool({"name": "smtp", "parameters": asked, "check": True})
        assert "check mode" in told["error"]["text"]
        assert host.heard == []
        assert kept.tool({"name": "smtp", "parameters": asked, "check": False})["result"]["accepted"]
        lacking = kept.tool({"name": "smtp", "parameters": {**asked, "submission": True}, "check": False})
        assert lacking["result"]["stage"] == "account"
    hosts = {"name": "dns", "parameters": {"hosts": ["192.0.2.1"]}, "check": True}
    assert kept.tool(hosts)["result"]["hosts"]["192.0.2.1"]["addresses"] == ["192.0.2.1"]
    assert kept.tool({"name": "shell", "parameters": {}, "check": False})["error"]["kind"] == "invalid_parameter"
