# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is repeated, what is not, and after how long."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.exchange.plugins.plugin_utils._transports.rest_http import NoAnswer
from ansible_collections.mailops.exchange.plugins.plugin_utils._transports.rest_retry import backoff, judge, retry_after
from ansible_collections.mailops.exchange.plugins.plugin_utils._transports.rest_wire import Response

LIMIT = "You have reached the maximum number of concurrent requests per tenant."


@pytest.mark.parametrize(
    ("outcome", "read_again", "write_again", "write_uncertain"),
    [
        (Response(408), True, False, True),
        (Response(429), True, True, False),
        (Response(400, {}, LIMIT), True, True, False),
        (Response(502), True, False, True),
        (Response(503), True, False, True),
        (Response(503, {"retry-after": "1"}), True, True, False),
        (Response(504), True, False, True),
        (Response(500), False, False, True),
        (Response(400), False, False, False),
        (Response(403), False, False, False),
        (Response(404), False, False, False),
        (NoAnswer("refused", sent=False), True, True, False),
        (NoAnswer("reset", sent=True), True, False, True),
        (NoAnswer("slow", sent=True, timed_out=True), True, False, True),
        (NoAnswer("certificate", sent=False, fatal=True), False, False, False),
    ],
)
def test_table(outcome: Response | NoAnswer, read_again: bool, write_again: bool, write_uncertain: bool) -> None:
    read, write = (judge(outcome, reads, 1, 0.5) for reads in (True, False))
    assert (read.again, read.uncertain) == (read_again, False)
    assert (write.again, write.uncertain) == (write_again, write_uncertain)


def test_the_service_is_given_the_time_it_asks_for() -> None:
    assert judge(Response(429, {"retry-after": "17"}), True, 1).pause == 17


def test_pauses_double_up_to_a_limit_and_are_spread() -> None:
    assert [backoff(attempt, 0.5) for attempt in (1, 2, 3, 10)] == [1, 2, 4, 30]
    assert backoff(3, 0.0) == 3
    assert backoff(3, 1.0) == 5


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0),
        ({"retry-after": " 2.5 "}, 2.5),
        ({"retry-after": "-4"}, 0),
        ({"retry-after": "Sat, 31 Jan 2026 12:00:30 GMT", "date": "Sat, 31 Jan 2026 12:00:00 GMT"}, 30),
        ({"retry-after": "Sat, 31 Jan 2026 11:00:00 GMT", "date": "Sat, 31 Jan 2026 12:00:00 GMT"}, 0),
        ({"retry-after": "Sat, 31 Jan 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after(headers) == expected
