# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to things outside the tenant, as surveys and files give it: always text, sometimes wrong."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing._options import ARGUMENT_SPEC
from ansible_collections.mailops.exchange.plugins.module_utils._routing._outside import Outside, outside_of
from ansible_collections.mailops.exchange.plugins.module_utils._runner import InputError, Tool, validate

from .tenant import inputs

FULL = Outside(
    ("192.0.2.53:53", "[2001:db8::53]:5353"),
    {"mx.example.com": "127.0.0.1:2525", "192.0.2.10": "[::1]:25", "2001:db8::7": "localhost:26"},
    "smtp.example.com",
    2587,
    "http://127.0.0.1:8080/mailbox",
)
SERVERS = ["192.0.2.53:53", "[2001:db8::53]:5353"]
OVERRIDES = {"MX.example.com.": "127.0.0.1:2525", "192.0.2.10": "[::1]:25", "2001:db8::7": "localhost:26"}
LINES = "mx.example.com=127.0.0.1:2525\n192.0.2.10=[::1]:25, 2001:db8::7=localhost:26"
JSON = '{"mx.example.com": "127.0.0.1:2525", "192.0.2.10": "[::1]:25", "[2001:db8::7]": "localhost:26"}'
REST = {"submission_host": "smtp.example.com", "mailbox_url": "http://127.0.0.1:8080/mailbox"}


@pytest.mark.parametrize("servers", [SERVERS, "\n".join(SERVERS), ", ".join(SERVERS)])
@pytest.mark.parametrize("overrides", [OVERRIDES, LINES, JSON, LINES.replace("\n", ",").split(",")])
@pytest.mark.parametrize("port", [2587, "2587", " 2587 "])
def test_every_way_of_writing_it_reads_the_same(servers: Any, overrides: Any, port: Any) -> None:
    told = {**REST, "name_servers": servers, "smtp_overrides": overrides, "submission_port": port}
    assert outside_of(told) == (FULL, [])


@pytest.mark.parametrize("nothing", [None, "", " ", "none"])
def test_nothing_in_every_way_of_writing_it(nothing: Any) -> None:
    names = ("name_servers", "smtp_overrides", "submission_host", "submission_port", "mailbox_url")
    assert outside_of(dict.fromkeys(names, nothing)) == (Outside(), [])


def test_all_variables_as_text_through_the_options() -> None:
    given = {**REST, "name_servers": ", ".join(SERVERS), "smtp_overrides": LINES, "submission_port": "2587", "forward_keep_copy": "false"}
    checked = validate(Tool(lambda _params, _context: {}, ARGUMENT_SPEC), {"domain": "example.com", **given})
    assert checked.errors == []
    told = inputs("status", **{name: checked.params[name] for name in given})
    assert told.outside == FULL
    assert told.raw["forward_keep_copy"] is False


BAD = [
    ({"name_servers": ["ns.example.com"]}, "name_servers: 'ns.example.com' is no name server such as 192.0.2.53:53"),
    ({"name_servers": "192.0.2.53:99999"}, "name_servers: '192.0.2.53:99999' has a port that is none"),
    ({"smtp_overrides": "mx.example.com"}, "smtp_overrides: 'mx.example.com' is no name=host:port"),
    ({"smtp_overrides": {"mx.example.com": "127.0.0.1"}}, "smtp_overrides: '127.0.0.1' for 'mx.example.com' is no host:port"),
    ({"smtp_overrides": {"bad host": "127.0.0.1:25"}}, "smtp_overrides: 'bad host' is no host name or address"),
    ({"smtp_overrides": "{broken"}, "smtp_overrides: is text but not JSON"),
    ({"smtp_overrides": "a.example=h:1\nA.example=h:2"}, "smtp_overrides: 'h:1' for 'a.example' is no host:port"),
    ({"smtp_overrides": "a.example=127.0.0.1:1\nA.example=127.0.0.1:2"}, "smtp_overrides: 'A.example' stands there twice"),
    ({"submission_host": "smtp.example.com:587"}, "submission_host: 'smtp.example.com:587' is no host name or address"),
    ({"submission_port": "many"}, "submission_port: 'many' is no port"),
    ({"submission_port": "70000"}, "submission_port: '70000' is no port"),
    ({"mailbox_url": "mail.example.com"}, "mailbox_url: 'mail.example.com' is no address of a page"),
]


@pytest.mark.parametrize(("options", "text"), BAD)
def test_each_problem_is_one_line_with_its_variable(options: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError) as caught:
        inputs("status", **options)
    assert any(f"coexistence_{text}" in line for line in caught.value.problems), caught.value.problems
    assert all("\n" not in line and line.endswith(".") for line in caught.value.problems)
    _unused, problems = outside_of(options)
    assert problems[0].startswith(text.partition(":")[0])
