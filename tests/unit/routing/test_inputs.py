# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input: each problem on one line that names the value and the remedy, all of them at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing._checks import (
    address_fault,
    domain_fault,
    items,
    range_fault,
    smart_host_fault,
    unique,
)
from ansible_collections.mailops.exchange.plugins.module_utils._routing._files import read_source_list, read_waves
from ansible_collections.mailops.exchange.plugins.module_utils._routing._inputs import parse
from ansible_collections.mailops.exchange.plugins.module_utils._routing._options import VARIABLES
from ansible_collections.mailops.exchange.plugins.module_utils._runner import InputError
from hypothesis import given
from hypothesis import strategies as st

from .tenant import FILES, OPTIONS, inputs


def problems(step: str = "setup", files: Mapping[str, str] | None = None, **options: Any) -> list[str]:
    """What parse() has to say."""
    with pytest.raises(InputError) as caught:
        inputs(step, FILES if files is None else files, **options)
    return caught.value.problems


BAD = [
    ({"domains": []}, "coexistence_domains: is empty; name the shared domain."),
    ({"domains": ["exa mple.com"]}, "'exa mple.com' is not a domain"),
    ({"domains": "localhost"}, "'localhost' is not a domain"),
    ({"smart_hosts": ["mail.example.net:25"]}, "'mail.example.net:25' has a port"),
    ({"smart_hosts": ["192.0.2.10:587"]}, "has a port"),
    ({"smart_hosts": ["192.0.2.300"]}, "is no host name, IPv4 address"),
    ({"smart_hosts": []}, "coexistence_smart_hosts: is empty"),
    ({"source_ip_ranges": ["192.0.0.0/23"]}, "is wider than /24"),
    ({"source_ip_ranges": ["192.0.2.0-192.0.3.5"]}, "is wider than /24"),
    ({"source_ip_ranges": ["192.0.2.9-192.0.2.1"]}, "ends before it begins"),
    ({"source_ip_ranges": ["2001:db8::1"]}, "is not IPv4"),
    ({"source_ip_ranges": ["mail.example.net"]}, "is no IPv4 address"),
    ({"source_ip_ranges": []}, "coexistence_source_ip_ranges: is empty"),
    ({"group_address": "Migrated Users"}, "is not a mail address"),
    ({"validation_recipients": ["postmaster"]}, "'postmaster' is not a mail address"),
    ({"tenant_addresses": ["a@example.com", "A@example.com"]}, "'a@example.com' stands there twice"),
    ({"rule_scl": "false"}, "'false' is not a whole number"),
    ({"rule_scl": "12"}, "12 is not between -1 and 9"),
    ({"rule_priority": "first"}, "'first' is not a whole number"),
    ({"accept_risks": ["U4", "U99"]}, "'U99' is no guard"),
    ({"final_domain_type": "Relay"}, "'Relay' is none of Authoritative, InternalRelay"),
    ({"design": "hybrid"}, "'hybrid' is not offered by this version"),
    ({"mx": "first", "rule_scope": "organization"}, "'first' needs coexistence_rule_scope 'domain'"),
    ({"rule_name": "x" * 65}, "has 65 characters"),
    ({"rule_name": "Same", "inbound_rule_name": "same"}, "names are unique"),
    ({"sources": "not json"}, "is text but not JSON"),
    ({"sources": [{"name": "a"}], "smart_hosts": [], "source_ip_ranges": []}, "'a' has no domains"),
    ({"sources": ["mail"]}, "entry 1 is 'mail'"),
    ({"sources": [{"name": "a", "domain": "x"}]}, "unknown key domain"),
    ({"sources": [{"name": "a", "forwarding_options": {"dest": "x"}}]}, "'a' have dest; the back end 'none' has none"),
    (
        {"sources": [{"name": "a", "forwarding_backend": "cpanel", "forwarding_options": {"dest": "x", "acount": "y"}}]},
        "'a' have acount, dest; with cpanel they are accept_risks, account,",
    ),
    (
        {"forwarding_backend": "csv", "sources": [{"name": "a", "forwarding_options": "dest"}]},
        "'a' are 'dest'; give a mapping such as {dest,",
    ),
    ({"sources": [{"name": "a", "domains": ["other.example"]}]}, "'other.example' of 'a' is not in coexistence_domains"),
]


@pytest.mark.parametrize(("options", "text"), BAD)
def test_bad_input_is_named_with_its_remedy(options: dict[str, Any], text: str) -> None:
    found = problems(**options)
    assert any(text in line for line in found), found
    assert all("\n" not in line and line.endswith((".", "?")) for line in found)


def test_every_problem_comes_at_once() -> None:
    found = problems(domains=["bad domain"], smart_hosts=["h:25"], source_ip_ranges=["10.0.0.0/8"], accept_risks=["X"], rule_scl="x")
    assert len(found) == 5


BAD_SOURCE = """address,kind,owner,home
stub@example.com,mailbox,,source
stub@EXAMPLE.com,alias,,source
not an address,mailbox,,source
a@example.com,postbox,,elsewhere
b@example.com,mailbox
c@example.com,mailbox,"open
d@example.com,mailbox,,source
"""


def test_every_problem_of_a_source_list_has_its_line() -> None:
    entries, found = read_source_list(BAD_SOURCE, "source.csv")
    assert [line.partition(":")[0] for line in found] == [
        "source.csv line 7",
        "source.csv line 6",
        "source.csv line 3",
        "source.csv line 4",
        "source.csv line 5",
        "source.csv line 5",
    ]
    assert list(entries) == ["stub@example.com"]


def test_every_problem_of_a_waves_file_has_its_line() -> None:
    text = "user,wave\na@example.com,1\nA@example.com,1\na@example.com,2\nnobody,1\nb@example.com,\n"
    users, found = read_waves(text, "waves.csv")
    assert [user.address for user in users] == ["a@example.com"]
    assert found == [
        "waves.csv line 3: user 'a@example.com' stands on line 2 already; keep one of the two.",
        "waves.csv line 4: user 'a@example.com' is in wave '1' on line 2 and in wave '2'; keep one.",
        "waves.csv line 5: user 'nobody' is not a mail address such as user@example.com.",
        "waves.csv line 6: user 'b@example.com' has no wave; name one.",
    ]


def test_two_waves_that_differ_in_case_alone_are_one_by_mistake() -> None:
    users, found = read_waves("user,wave\na@example.com,Wave1\nb@example.com,wave1\n", "waves.csv")
    assert [user.address for user in users] == ["a@example.com"]
    assert found == ["waves.csv line 3: wave 'wave1' differs from 'Wave1' on line 2 in case alone; write both alike."]


def test_a_domain_is_told_by_the_name_under_which_it_was_given() -> None:
    assert problems("cutover", domain="example.com.", users=["a@example.com"])[0] == (
        "coexistence_domain: 'example.com.' ends in a dot; leave the dot out."
    )
    assert problems("cutover", domains=["example"], users=["a@example.com"])[0].startswith("coexistence_domains: 'example' is not a domain")


def test_a_sender_from_outside_is_in_no_shared_domain() -> None:
    (found,) = problems("cutover", users=["a@example.com"], probe_outside_sender="probe@EXAMPLE.com")
    assert found.startswith("coexistence_probe_outside_sender: 'probe@EXAMPLE.com' is in a shared domain; name an address of another one")


def test_a_file_as_a_spreadsheet_saves_it_is_read() -> None:
    text = '\ufeffWave;User;Note\r\n1;a@example.com;"two\nlines"\r\n\r\n1;b@example.com;\r\n'
    users, found = read_waves(text, "waves.csv")
    assert found == []
    assert [(user.address, user.wave, user.line) for user in users] == [("a@example.com", "1", 2), ("b@example.com", "1", 5)]


@pytest.mark.parametrize("text", ["", "\n", "name,group\na,b\n", "user\na@example.com\n"])
def test_a_file_without_its_columns_says_which_they_are(text: str) -> None:
    users, found = read_waves(text, "waves.csv")
    assert users == []
    assert len(found) == 1
    assert "user, wave" in found[0]


def test_files_that_cannot_be_read_are_named() -> None:
    def missing(path: str) -> str:
        raise FileNotFoundError(2, "No such file or directory", path)

    def latin(path: str) -> str:
        return f"{path}\xe9".encode("latin-1").decode("utf-8")

    for read, text in ((missing, "cannot be read: No such file"), (latin, "is not UTF-8")):
        with pytest.raises(InputError) as caught:
            parse(OPTIONS, "setup", read)
        assert text in caught.value.problems[0]
        assert "source.csv" in caught.value.problems[0]


def test_a_wave_that_is_not_in_the_file_names_those_that_are() -> None:
    found = problems("cutover", waves_file="waves.csv", wave="7")
    assert found == ["coexistence_wave: '7' is not in waves.csv; its waves are: 1."]


def test_nobody_named_is_no_wave() -> None:
    assert "nobody is named" in problems("cutover")[0]


def test_surveys_give_text_for_everything() -> None:
    made = inputs(
        domains="example.com\nb.example",
        domain="",
        smart_hosts="192.0.2.1, mail.example.net\n",
        source_ip_ranges="192.0.2.0/24",
        sources="",
        accept_risks="u4,U6",
        rule_scl="-1",
        rule_priority="",
        final_domain_type="authoritative",
        group_address="",
        wave="",
        users="",
    )
    assert made.domains == ("example.com", "b.example")
    assert made.sources[0].smart_hosts == ("192.0.2.1", "mail.example.net")
    assert made.accepted == {"U4", "U6"}
    assert (made.rule_scl, made.rule_priority) == (-1, None)
    assert made.final_domain_type == "Authoritative"
    assert made.group_address == "Migrated@example.com"
    assert made.users == ()


FIGURES = ("probe_sample", "rule_latency", "effect_timeout", "effect_interval")


@pytest.mark.parametrize("name", FIGURES)
def test_a_number_that_is_left_empty_is_the_default(name: str) -> None:
    default = VARIABLES[name]["default"]

    def of(value: Any) -> Any:
        more: dict[str, Any] = {name: value}
        return inputs(**more).raw[name]

    for empty in ("", " ", None, "none"):
        found = of(empty)
        assert (found, type(found)) == (default, type(default))
    for seven in (7, "7", 7.0, "7.0"):
        assert of(seven) == 7
    for odd in ("soon", "-1", "nan", "inf", *(["1.5"] if name != "effect_interval" else [])):
        with pytest.raises(InputError, match=f"coexistence_{name}: '{odd}' is not a .*number"):
            of(odd)


def test_an_empty_text_of_users_or_wave_is_as_not_given() -> None:
    assert [user.address for user in inputs(waves_file="waves.csv", wave="1", users="").users] == ["stub@example.com"]
    assert [user.wave for user in inputs(waves_file="waves.csv", wave=" ", users="stub@example.com").users] == [""]


def test_several_sources_name_their_objects() -> None:
    rows = [
        {"name": "old", "domains": ["example.com"], "smart_hosts": ["192.0.2.1"], "source_ip_ranges": ["192.0.2.1"]},
        {"name": "older", "domains": "b.example", "smart_hosts": "192.0.2.2", "source_ip_ranges": "192.0.2.2"},
    ]
    made = inputs(domains=["example.com", "b.example"], smart_hosts=None, source_ip_ranges=None, sources=rows)
    assert [source.named("Coexistence") for source in made.sources] == ["Coexistence (old)", "Coexistence (older)"]
    assert made.sources[1].domains == ("b.example",)


def test_what_a_step_declared_is_all_that_the_next_one_knows() -> None:
    first = inputs(accept_risks=["U4"])
    again = parse({"declared": dict(first.raw), "domains": ["other.example"]}, "enforce", lambda path: FILES[path])
    assert again == first


@given(st.lists(st.from_regex(r"[a-z]{1,8}@[a-z]{1,8}\.com", fullmatch=True), max_size=8))
def test_a_list_is_the_same_however_it_is_written(values: list[str]) -> None:
    assert items(values) == items(",".join(values)) == items("\r\n".join(values)) == items([", ".join(values)])


@given(st.lists(st.text(alphabet="aAbB", min_size=1, max_size=2), max_size=12))
def test_unique_keeps_the_first_of_each(values: list[str]) -> None:
    kept = unique(values)
    assert len({value.casefold() for value in kept}) == len(kept)
    assert {value.casefold() for value in kept} == {value.casefold() for value in values}
    assert list(kept) == [value for number, value in enumerate(values) if value.casefold() not in {v.casefold() for v in values[:number]}]


@given(st.text(max_size=60))
def test_checks_never_break_on_any_text(text: str) -> None:
    for check in (address_fault, domain_fault, range_fault, smart_host_fault):
        fault = check(text)
        assert fault is None or "\n" not in fault


@given(st.text(max_size=200))
def test_files_never_break_on_any_text(text: str) -> None:
    for read in (read_waves, read_source_list):
        found = read(text, "file.csv")[1]
        assert all(line.startswith("file.csv") and "\n" not in line for line in found)
