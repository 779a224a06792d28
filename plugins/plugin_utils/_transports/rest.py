# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Exchange Online's admin REST API as a transport: sign-in, single calls, batches, pages, retries."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.mailops.exchange.plugins.module_utils._session import (
    Cmdlet,
    ExchangeError,
    Failed,
    Reply,
    TimedOut,
    Unavailable,
)

from .rest_errors import error_of
from .rest_http import Http, NoAnswer
from .rest_retry import judge, retry_after
from .rest_settings import Settings, settings_from
from .rest_signin import Token, TokenSource
from .rest_wire import (
    BATCH_SIZE,
    NotAnEnvelope,
    Response,
    anchor,
    batch_of,
    body_of,
    headers_of,
    reply_of,
    split_batch,
    url_of,
)

Outcome = Response | NoAnswer
# Seconds within which a refusal without a reason asks for no second new token: a role that is missing refuses every one.
DOUBT = 300.0
# What the service says of a call only when it looked at it and did nothing, whatever the status.
DEFINITE = frozenset({"not_found", "ambiguous", "exists", "invalid_parameter", "forbidden"})
Result = Reply | ExchangeError
# A first page with the link to the next one, or why there is none.
First = tuple[Reply, str] | ExchangeError


class RestTransport:
    """One tenant identity. Thread-safe; `last_date` is the service's clock at its last answer."""

    def __init__(self, options: Mapping[str, Any], sleep: Callable[[float], None] = time.sleep) -> None:
        self.settings: Settings = settings_from(options)
        self.last_date = ""
        self._http = Http(self.settings)
        self._tokens = TokenSource(self.settings)
        self._connection = str(uuid.uuid4())
        # A token that was refused without a reason: it may be older than the role, so that the next call takes a new one.
        self._doubted, self._renewed = "", float("-inf")
        self._sleep = sleep

    def close(self) -> None:
        """Close the pool of connections."""
        self._http.close()

    def call_many(self, cmdlets: Sequence[Cmdlet]) -> list[Result]:
        """Run calls that do not depend on each other; answers in order, each with its own fate."""
        firsts = self._rounds(cmdlets)
        return [
            self._all_pages(cmdlet, *first) if isinstance(first, tuple) else first for cmdlet, first in zip(cmdlets, firsts, strict=True)
        ]

    def _rounds(self, cmdlets: Sequence[Cmdlet]) -> list[First]:
        """Send, judge, send again what may be repeated, until each call has a first page or an error."""
        ends: dict[int, float] = {}
        results: dict[int, First] = {}
        pending, attempt, refused = list(range(len(cmdlets))), 1, ""
        while pending:
            try:
                token = self._tokens.token(refused or self._doubted)
            except ExchangeError as error:
                results.update({place: _about(error, cmdlets[place]) for place in pending})
                break
            outcomes = dict(zip(pending, self._send_all({place: cmdlets[place] for place in pending}, token, ends), strict=True))
            if any(_unexplained(outcome) for outcome in outcomes.values()) and time.monotonic() - self._renewed > DOUBT:
                self._doubted, self._renewed = token.value, time.monotonic()
            again = [place for place in pending if not refused and _expired(outcomes[place])]
            pause = 0.0
            for place in (place for place in pending if place not in again):
                result, wait = self._judged(cmdlets[place], outcomes[place], attempt, ends[place])
                if result is not None:
                    results[place] = result
                else:
                    pause = max(pause, wait)
            if again:
                refused = token.value
            else:
                attempt += 1
            pending = [place for place in pending if place not in results]
            if pending and pause:
                self._sleep(pause)
        return [results[place] for place in range(len(cmdlets))]

    def _judged(self, cmdlet: Cmdlet, outcome: Outcome, attempt: int, deadline: float) -> tuple[First | None, float]:
        """The result of one attempt, or None and the seconds to wait before the next."""
        # A read that was only accepted shows nothing, and nothing must not count as absent.
        if isinstance(outcome, Response) and outcome.status in ({200} if cmdlet.reads else {200, 201, 202, 204}):
            return self._success(cmdlet, outcome), 0.0
        verdict = judge(outcome, cmdlet.reads, attempt)
        if verdict.again and attempt < self.settings.max_attempts and time.monotonic() + verdict.pause < deadline:
            return None, verdict.pause
        error = self._error(cmdlet, outcome)
        error.uncertain = verdict.uncertain and error.kind not in DEFINITE
        if verdict.again:
            asked = retry_after(outcome.headers) if isinstance(outcome, Response) else None
            error.text += f" ({attempt} of {self.settings.max_attempts} attempts{'' if asked is None else f', asked to wait {asked:g} s'})"
        return error, 0.0

    def _error(self, cmdlet: Cmdlet, outcome: Outcome) -> ExchangeError:
        if isinstance(outcome, NoAnswer):
            return self._silence(cmdlet, outcome)
        if 200 <= outcome.status < 300:
            text = f"{self.settings.host} answered {outcome.status} to a read, which shows nothing."
            remedy = "Run again; if it stays, check whether a proxy answers in the service's place."
            return Unavailable(text, cmdlet=cmdlet.name, identity=cmdlet.identity, remedy=remedy)
        if not 300 <= outcome.status < 400:
            return error_of(cmdlet, outcome)
        target = urlsplit(outcome.headers.get("location", "")).netloc
        return Unavailable(
            f"{self.settings.host} answered with a redirect to {target or 'nowhere'}.",
            cmdlet=cmdlet.name,
            identity=cmdlet.identity,
            remedy="Check ansible_exchange_endpoint and ansible_exchange_cloud.",
        )

    def _success(self, cmdlet: Cmdlet, response: Response) -> First:
        try:
            reply, link = reply_of(response)
        except NotAnEnvelope as error:
            return Unavailable(
                f"{self.settings.host} answered, but {error}.",
                cmdlet=cmdlet.name,
                identity=cmdlet.identity,
                remedy="Check ansible_exchange_endpoint, and whether a proxy answers in the service's place.",
                uncertain=not cmdlet.reads,
            )
        self.last_date = reply.date or self.last_date
        return reply, link

    def _silence(self, cmdlet: Cmdlet, outcome: NoAnswer) -> ExchangeError:
        kind = TimedOut if outcome.timed_out else Unavailable
        host, reason = self.settings.host, outcome.text.rstrip(".")
        if outcome.timed_out:
            text, remedy = f"{host} did not answer within {self.settings.timeout:g} s.", "Run again, or raise ansible_exchange_timeout."
        elif outcome.sent:
            text, remedy = f"{host} closed the connection before it answered: {reason}.", "Run again."
        else:
            text = f"{host} cannot be reached{self.settings.through}: {reason}."
            remedy = "Check ansible_exchange_endpoint, ansible_exchange_proxy and ansible_exchange_ca_cert, and the firewall."
        return kind(text, cmdlet=cmdlet.name, identity=cmdlet.identity, remedy=remedy)

    def _headers(self, cmdlet: Cmdlet, token: Token) -> dict[str, str]:
        tenant = token.tenant if token.tenant and not token.delegated else self.settings.organization
        return headers_of(cmdlet.name, token.value, anchor(cmdlet.name, tenant, token.delegated), self._connection)

    def _send_all(self, calls: Mapping[int, Cmdlet], token: Token, ends: dict[int, float]) -> list[Outcome]:
        """One attempt of each call, ten to a batch. Writes keep their order; reads go side by side.

        ends: by call when its time is up. That of a call begins when its first batch goes out, not while others are on their way.
        """
        places = list(calls)
        chunks = [places[start : start + BATCH_SIZE] for start in range(0, len(places), BATCH_SIZE)]

        def sent(chunk: Sequence[int]) -> list[Outcome]:
            for place in chunk:
                ends.setdefault(place, time.monotonic() + self.settings.timeout)
            return self._send([calls[place] for place in chunk], token, min(ends[place] for place in chunk))

        if len(chunks) == 1 or not all(cmdlet.reads for cmdlet in calls.values()):
            return [outcome for chunk in chunks for outcome in sent(chunk)]
        with ThreadPoolExecutor(min(len(chunks), self.settings.concurrency)) as pool:
            return [outcome for part in pool.map(sent, chunks) for outcome in part]

    def _send(self, cmdlets: Sequence[Cmdlet], token: Token, deadline: float) -> list[Outcome]:
        """One request: a single call as itself, several as a batch whose own failure is the failure of each."""
        headers = [self._headers(cmdlet, token) for cmdlet in cmdlets]
        if len(cmdlets) == 1:
            return [self._http.post(url_of(self.settings.base, cmdlets[0]), headers[0], body_of(cmdlets[0]), deadline)]
        outer = {**headers[0], "Prefer": "odata.continue-on-error"}
        outer.pop("X-CmdletName")
        outcome = self._http.post(f"{self.settings.base}/$batch", outer, batch_of(self.settings.base, cmdlets, headers), deadline)
        if isinstance(outcome, NoAnswer) or outcome.status != 200:
            return [outcome] * len(cmdlets)
        try:
            return list(split_batch(outcome, len(cmdlets)))
        except NotAnEnvelope as error:
            return [NoAnswer(str(error), sent=True, fatal=True)] * len(cmdlets)

    def _all_pages(self, cmdlet: Cmdlet, first: Reply, link: str, fresh: bool = True) -> Result:
        """The first page and all later ones; a page that cannot be had is an error, never the end of the list."""
        rows, warnings, reply = list(first.rows), list(first.warnings), first
        page, seen = 1, set[str]()
        while link and cmdlet.reads:
            page += 1
            if link in seen:
                return _as_page_error(cmdlet, page, Failed("the service named the same page again.", cmdlet=cmdlet.name))
            seen.add(link)
            result = self._page(cmdlet, link)
            if isinstance(result, ExchangeError):
                if fresh and result.kind in {"failed", "invalid_parameter", "not_found"}:
                    return self._again(cmdlet)
                return _as_page_error(cmdlet, page, result)
            reply, link = result
            rows += reply.rows
            warnings += [text for text in reply.warnings if text not in warnings]
        return Reply(rows, warnings, reply.date, first.request_id)

    def _again(self, cmdlet: Cmdlet) -> Result:
        """Once more from the first page, because a link to a page may have grown stale."""
        (result,) = self._rounds([cmdlet])
        return self._all_pages(cmdlet, *result, fresh=False) if isinstance(result, tuple) else result

    def _page(self, cmdlet: Cmdlet, link: str) -> First:
        """One later page: the same body and headers, sent to the link."""
        if not self.settings.serves(link):
            return Unavailable(f"the next page lies at {urlsplit(link).netloc or link}, which is not {self.settings.host}.")
        deadline, attempt, refused = time.monotonic() + self.settings.timeout, 1, ""
        while True:
            try:
                token = self._tokens.token(refused)
            except ExchangeError as error:
                return error
            outcome = self._http.post(link, self._headers(cmdlet, token), body_of(cmdlet), deadline)
            if _expired(outcome) and not refused:
                refused = token.value
                continue
            if isinstance(outcome, Response) and outcome.status == 200 and not outcome.text.strip():
                return Failed("the service answered a later page with nothing.", cmdlet=cmdlet.name)
            result, pause = self._judged(cmdlet, outcome, attempt, deadline)
            if result is not None:
                return result
            attempt += 1
            self._sleep(pause)


def _expired(outcome: Outcome) -> bool:
    return isinstance(outcome, Response) and outcome.status == 401


def _unexplained(outcome: Outcome) -> bool:
    """A refusal without a reason: the token is stale, or a role has not come through yet; a missing one is told."""
    return isinstance(outcome, Response) and outcome.status == 403 and "x-ms-diagnostics" not in outcome.headers


def _about(error: ExchangeError, cmdlet: Cmdlet) -> ExchangeError:
    """A failure of the sign-in, told once for each call that it stopped."""
    return ExchangeError.from_dict({**error.to_dict(), "cmdlet": cmdlet.name, "identity": cmdlet.identity})


def _as_page_error(cmdlet: Cmdlet, page: int, error: ExchangeError) -> ExchangeError:
    """A failure on a later page never means absent."""
    kind = "failed" if error.kind in {"not_found", "ambiguous"} else error.kind
    text = f"page {page} of the answer could not be read, so the list would be incomplete: {error.text}"
    data = {**error.to_dict(), "kind": kind, "text": text, "cmdlet": cmdlet.name, "identity": cmdlet.identity}
    return ExchangeError.from_dict(data)
