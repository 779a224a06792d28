# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks survive what the service does to texts, and a cut line is seen."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing._marks import (
    BrokenLineError,
    Line,
    bears_mark,
    commented,
    description,
    mark,
    marked_domains,
    read_line,
)
from hypothesis import given
from hypothesis import strategies as st

DOMAINS = st.lists(st.from_regex(r"[a-z]{1,9}(-[a-z]{1,9})?\.(com|net|example)", fullmatch=True), min_size=1, max_size=10, unique=True)
TEXTS = st.dictionaries(st.text(min_size=1, max_size=30), st.text(max_size=30), max_size=4)


@given(DOMAINS, st.text(max_size=80).filter(lambda text: "[" not in text))
def test_a_mark_is_found_after_any_text_and_in_any_order(domains: list[str], text: str) -> None:
    comment = commented(text, reversed(domains))
    assert bears_mark(comment, domains)
    assert bears_mark([comment], [domain.upper() for domain in domains])
    assert not bears_mark(comment, [*domains, "one.more.example"])


@given(DOMAINS, TEXTS, TEXTS, TEXTS, st.sampled_from(["", "2026-02-01T00:00:00Z"]))
def test_a_line_comes_back_as_it_was_written(
    domains: list[str], former: dict[str, str], mx: dict[str, str], stops: dict[str, str], moved: str
) -> None:
    line = Line(former, mx, stops, moved)
    text = description(domains, line)
    assert "\n" not in text
    assert read_line([text]) == line
    assert marked_domains(text) == frozenset(domains)


@given(DOMAINS, st.integers(min_value=1, max_value=40))
def test_a_cut_line_is_refused_and_never_read_as_empty(domains: list[str], cut: int) -> None:
    text = description(domains, Line(dict.fromkeys(domains, "Authoritative")))
    with pytest.raises(BrokenLineError):
        read_line(text[: max(len(mark(domains)), len(text) - cut)])


@pytest.mark.parametrize("text", [None, "", [], "Migrated Users", "[mailops.exchange", ["[mailops]"]])
def test_no_mark_is_no_line(text: object) -> None:
    assert marked_domains(text) is None
    assert read_line(text) is None


@pytest.mark.parametrize("rest", ["", " []", ' {"former":1}', " {}", ' {"former":{},"mx":{}}', " null"])
def test_what_is_not_our_line_after_our_mark_is_broken(rest: str) -> None:
    with pytest.raises(BrokenLineError):
        read_line(mark(["example.com"]) + rest)


def test_domains_are_sorted_so_that_two_machines_write_the_same_text() -> None:
    assert mark(["b.example", "A.example"]) == "[mailops.exchange a.example,b.example]"
    assert commented("", ["a.example"]) == "[mailops.exchange a.example]"
    assert commented("Why", ["a.example"]) == "Why [mailops.exchange a.example]"
    assert commented("Why", ["a.example"], "2026-03-01T12:00:00Z") == "Why [mailops.exchange a.example] made 2026-03-01T12:00:00Z"


def test_a_line_without_a_move_has_the_shorter_form() -> None:
    assert "moved" not in description(["example.com"], Line())
