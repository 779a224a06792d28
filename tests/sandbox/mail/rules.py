# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transport rules, by priority, for one recipient of one message: what they decide. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from .model import Directory, Entry, Message, Row, Step
from .predicates import Subject, applies, texts

REPORTS = frozenset({"ndr", "oof", "journal"})


@dataclass
class Decision:
    """What the rules decided for one recipient."""

    connector: Row | None = None
    reject: str = ""
    delete: str = ""
    wait: str = ""
    redirect: tuple[str, ...] = ()
    redirect_rest: tuple[Row, ...] = ()  # the rules below the redirecting one
    added: list[str] = field(default_factory=list)
    scl: int | None = None
    set_headers: dict[str, str] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    @property
    def final(self) -> bool:
        """Whether the message ends here, or goes to somebody else."""
        return bool(self.reject or self.delete or self.redirect or self.wait)

    def headers(self, message: Message) -> tuple[tuple[str, str], ...]:
        """Return the message's headers as the rules so far left them."""
        gone = {name.lower() for name in (*self.removed, *self.set_headers)}
        kept = [(name, value) for name, value in message.headers if name.lower() not in gone]
        return (*kept, *self.set_headers.items())


def decide(
    directory: Directory,
    message: Message,
    address: str,
    entry: Entry | None,
    everybody: tuple[tuple[str, Entry | None], ...],
    rules: tuple[Row, ...] | None = None,
) -> Decision:
    """Run the acting rules (or those given) for one recipient."""
    decision = Decision()
    if message.kind in REPORTS and not directory.facts.rules_on_reports:
        return decision
    ordered = rules if rules is not None else tuple(sorted(directory.rules, key=lambda row: int(row.get("Priority") or 0)))
    for number, rule in enumerate(ordered):
        if not active(rule, directory.now):
            continue
        subject = Subject(directory, message, address, entry, everybody, decision.headers(message), decision.scl, rule)
        if not applies(subject):
            continue
        if rule.get("Mode") not in (None, "Enforce"):
            decision.steps.append(Step("Transport rule", f"Rule '{rule['Name']}' matched in mode {rule['Mode']}: no action."))
            continue
        if not _act(directory, rule, decision, ordered[number + 1 :]):
            continue
        if rule.get("StopRuleProcessing") or decision.reject or decision.delete or decision.redirect or decision.wait:
            break
    return decision


def active(rule: Row, now: datetime) -> bool:
    """Say whether a rule is enabled and within its dates."""
    if str(rule.get("State", "Enabled")) != "Enabled":
        return False
    start, end = _moment(rule.get("ActivationDate")), _moment(rule.get("ExpiryDate"))
    return (start is None or start <= now) and (end is None or now < end)


def _moment(value: Any) -> datetime | None:
    if not value:
        return None
    text = str(value).replace("Z", "+00:00")
    head, dot, tail = text.partition(".")
    if dot:
        digits = tail[: len(tail) - len(tail.lstrip("0123456789"))]
        text = f"{head}.{(digits + '000000')[:6]}{tail[len(digits) :]}"
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def find_connector(directory: Directory, name: str) -> Row | None:
    """Return the enabled outbound connector of a name or id."""
    wanted = name.casefold()
    return next(
        (
            row
            for row in directory.outbound
            if row.get("Enabled", True)
            and wanted
            in (str(row.get("Name", "")).casefold(), str(row.get("Guid", "")).casefold(), str(row.get("DistinguishedName", "")).casefold())
        ),
        None,
    )


def _act(directory: Directory, rule: Row, decision: Decision, below: tuple[Row, ...]) -> bool:
    """Apply a rule's actions; False when the rule failed and is to be passed over."""
    name = str(rule.get("RouteMessageOutboundConnector") or "")
    connector = find_connector(directory, name) if name else None
    title = str(rule.get("Name"))
    if name and connector is None and not decision.final:
        if directory.facts.missing_connector == "rule_error" and rule.get("RuleErrorAction") != "Defer":
            decision.steps.append(Step("Transport rule", f"Rule '{title}' failed: connector '{name}' isn't there; RuleErrorAction Ignore."))
            return False
        decision.wait = f"rule '{title}' routes to connector '{name}', which isn't there"
    decision.steps.append(Step("Transport rule", f"Rule '{title}'", (("ruleId", str(rule.get("Guid", ""))), ("ruleName", title))))
    if not decision.final:
        _route(directory, rule, decision, connector, below)
    _mark(rule, decision)
    return True


def _route(directory: Directory, rule: Row, decision: Decision, connector: Row | None, below: tuple[Row, ...]) -> None:
    """Apply the actions that decide where a message goes. Of two rules that name a connector, a reading says which one counts."""
    title = str(rule.get("Name"))
    if rule.get("DeleteMessage") or rule.get("Quarantine"):
        decision.delete = f"rule '{title}' {'deleted' if rule.get('DeleteMessage') else 'quarantined'} it"
    elif rule.get("RejectMessageReasonText") or rule.get("RejectMessageEnhancedStatusCode"):
        status = str(rule.get("RejectMessageEnhancedStatusCode") or "5.7.1")
        decision.reject = f"550 {status} TRANSPORT.RULES.RejectMessage; {rule.get('RejectMessageReasonText') or 'the message was rejected'}"
    elif rule.get("SmtpRejectMessageRejectText"):
        decision.reject = f"{rule.get('SmtpRejectMessageRejectStatusCode') or '550'} 5.7.1 {rule['SmtpRejectMessageRejectText']}"
    elif rule.get("ModerateMessageByUser") or rule.get("ModerateMessageByManager"):
        decision.wait = f"rule '{title}' sent it to a moderator"
    elif rule.get("RedirectMessageTo"):
        rest = () if rule.get("StopRuleProcessing") else below
        decision.redirect, decision.redirect_rest = tuple(texts(rule["RedirectMessageTo"])), rest
    elif connector is not None and (decision.connector is None or directory.facts.two_connectors == "last"):
        decision.connector = connector


def _mark(rule: Row, decision: Decision) -> None:
    """Apply the actions that change the message or add recipients."""
    if rule.get("SetSCL") not in (None, ""):
        decision.scl = int(str(rule["SetSCL"]))
    if rule.get("SetHeaderName"):
        decision.set_headers[str(rule["SetHeaderName"])] = str(rule.get("SetHeaderValue") or "")
    if rule.get("RemoveHeader"):
        name = str(rule["RemoveHeader"])
        decision.removed.append(name)
        for key in [key for key in decision.set_headers if key.lower() == name.lower()]:
            del decision.set_headers[key]
    if rule.get("PrependSubject"):
        decision.set_headers["X-Sandbox-Subject-Prefix"] = str(rule["PrependSubject"])
    for action in ("AddToRecipients", "CopyTo", "BlindCopyTo"):
        decision.added.extend(texts(rule.get(action)))
