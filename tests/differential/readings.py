# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The questions that a route can hang on: the predictor's names, and how each answer is played on the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .foreign_rules import BY_ADDRESS, OPEN_RULES

# Disputed facts that are parameters of the sandbox's tenant: its name there, and the value of each answer.
PARAMETERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "sent_to_scope": ("sent_to_scope_reading", {"a": "a", "b": "b", "c": "c"}),
    "system_mail": ("rules_on_reports", {"acts": True, "spared": False}),
    "nested_members": ("nested_groups_count", {"counts": True, "direct": False}),
    "dmarc_domain": ("dmarc_domain", {"shared": "shared", "routing": "routing"}),
    "mail_user": ("mail_user_lookup", {"once": "once", "again": "again"}),
    "edge_blocking": ("edge_directory", {"hidden": "partial", "seen": "whole"}),
    "plus_groups": ("plus_groups", {"on": True, "off": False}),
    "recipient_address_type": ("unset_address_type", {"resolved": "Resolved", "original": "Original"}),
    "two_routes": ("two_connectors", {"last": "last", "first": "first"}),
    "missing_connector": ("missing_connector", {"stuck": "stuck", "ignored": "rule_error"}),
    "rules_after_redirect": ("rules_after_redirect", {"spared": False, "act": True}),
    "honor_dmarc": ("honor_dmarc", {"on": True, "off": False}),
}
# Facts that the sandbox has as settings of the organization or of a host.
SETTINGS: Mapping[str, tuple[str, ...]] = {
    "plus_addressing": ("on", "off"),
    "auto_forward": ("allowed", "blocked"),
    "rate_limit": ("takes", "defers"),
}
QUESTIONS: Mapping[str, tuple[str, ...]] = {**{name: tuple(values) for name, (_unused, values) in PARAMETERS.items()}, **SETTINGS}

RULE_ACTS, MEMBERSHIP_ACTS, MX_OF, HOST_OF, MATCHES = "rule acts: ", "membership acts: ", "MX of ", "host of ", "rule matches: "
SEEN_FROM = " seen from "
KINDS = (RULE_ACTS, MEMBERSHIP_ACTS, MX_OF, HOST_OF, MATCHES)
# A rule that was changed acts by conditions that no row shows any more: the sandbox goes by its own past.
AS_IT_WAS = "as it was"
LATENCY = 7200.0  # seconds of the sandbox's clock: longer than anything was ago


def parameters(reading: Mapping[str, str]) -> dict[str, Any]:
    """The sandbox's parameters in a reading."""
    found = {name: values[reading[fact]] for fact, (name, values) in PARAMETERS.items()}
    found["rule_latency"] = LATENCY if _before(reading, RULE_ACTS) else 0.0
    found["membership_latency"] = LATENCY if _before(reading, MEMBERSHIP_ACTS) else 0.0
    return found


def _before(reading: Mapping[str, str], kind: str) -> bool:
    return any(answer != "after" for question, answer in reading.items() if question.startswith(kind))


def kind(question: str) -> str:
    """What sort of question it is: a disputed fact by its name, others by how they begin."""
    return next((one for one in KINDS if question.startswith(one)), question)


def formers(reading: Mapping[str, str]) -> dict[str, str]:
    """By rule how it acted before its change; not those that act by their own past."""
    asked = {question[len(RULE_ACTS) :]: answer for question, answer in reading.items() if question.startswith(RULE_ACTS)}
    return {name: answer for name, answer in asked.items() if answer != AS_IT_WAS}


def stale(reading: Mapping[str, str]) -> frozenset[str]:
    """Who still holds the former MX."""
    return frozenset(
        question.partition(SEEN_FROM)[2] for question, answer in reading.items() if question.startswith(MX_OF) and answer == "old"
    )


def chosen_host(reading: Mapping[str, str]) -> str:
    """The source that the connector with several hosts hands this message to; empty when none has several."""
    return next((answer for question, answer in reading.items() if question.startswith(HOST_OF)), "")


def near(reading: Mapping[str, str]) -> bool:
    """Whether outsiders send from the range that the rule by address names."""
    return reading.get(f"{MATCHES}{BY_ADDRESS}") == "matches"


def playable(question: str) -> bool:
    """Whether both answers can be brought about; not so for what hangs on a null sender or on whom another recipient stands for."""
    return not question.startswith(MATCHES) or question[len(MATCHES) :] in {*OPEN_RULES, BY_ADDRESS}


def told(reading: Mapping[str, str]) -> dict[str, str]:
    """The part of a reading that a prediction knows: not what acts by a past which no row shows, nor what nobody can bring about."""
    return {question: answer for question, answer in reading.items() if playable(question) and answer != AS_IT_WAS}


def unshown(reading: Mapping[str, str]) -> bool:
    """Whether some rule acts by conditions that no row shows."""
    return AS_IT_WAS in reading.values()


def matched(reading: Mapping[str, str]) -> tuple[str, bool] | None:
    """The rule that is not evaluated, and whether it shall match."""
    found = (question for question in reading if question.startswith(MATCHES) and question[len(MATCHES) :] in OPEN_RULES)
    return next(((question[len(MATCHES) :], reading[question] == "matches") for question in found), None)
