# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is true of every map and every main.cf: on and off gives the same bytes back, and nobody else's line changes."""

from __future__ import annotations

from ansible_collections.mailops.exchange.plugins.module_utils import _forwarding_tables as tables
from ansible_collections.mailops.exchange.plugins.module_utils._forwarding import Forward, restore, state_after, wanted
from ansible_collections.mailops.exchange.plugins.module_utils._forwarding_tables import MARK
from hypothesis import assume, given
from hypothesis import strategies as st

from .bench import ROUTING

USERS = st.sampled_from([f"user{number}" for number in range(12)])
FORWARDS = st.dictionaries(USERS, st.booleans(), max_size=8).map(
    lambda found: {f"{name}@example.com": Forward(f"{name}@example.com", f"{name}@{ROUTING}", keep) for name, keep in found.items()}
)
# What people put into maps: comments, blank lines, lists over several lines, spaces and tabs, capitals.
THEIRS = st.lists(
    st.sampled_from(
        [
            "# a comment\n",
            "\n",
            "   \n",
            "  # an indented comment\n",
            "team@example.com a@example.com,\n\tb@example.com,\n# between\n  c@example.com\n",
            "Sales@Example.com\ta@example.com b@example.com\n",
            "list@example.com  a@example.com, b@example.com, c@example.com\r\n",
        ]
    ),
    max_size=4,
)


@st.composite
def maps(draw: st.DrawFn) -> str:
    """A map of ours with lines of others between, in any order."""
    ours = [f"{forward.address} {tables.value(forward)}\n" for forward in draw(FORWARDS).values()]
    lines = draw(st.permutations([*ours, *dict.fromkeys(draw(THEIRS))]))
    text = MARK + "".join(lines)
    return text.rstrip("\n") if draw(st.booleans()) and not text.endswith((MARK, "# between\n")) else text


@given(maps(), FORWARDS)
def test_on_and_off_gives_the_same_bytes(text: str, added: dict[str, Forward]) -> None:
    before = tables.forwards(text)
    assume(not set(before) & set(added))
    on = tables.edited(text, {**before, **added})
    assert tables.forwards(on) == {**before, **added}
    assert tables.edited(on, before) == text


@given(maps(), FORWARDS)
def test_a_map_answers_what_was_asked_for_and_others_entries_are_untouched(text: str, after: dict[str, Forward]) -> None:
    made = tables.edited(text, after)
    assert tables.forwards(made) == after
    assert [entry.text for entry in tables.entries(made) if not entry.forward] == [
        entry.text for entry in tables.entries(text) if not entry.forward
    ]
    assert {name: entry.targets for name, entry in tables.others(made).items()} == {
        name: entry.targets for name, entry in tables.others(text).items()
    }
    assert tables.edited(made, after) == made


@given(maps(), FORWARDS, st.sampled_from(["present", "absent", "exact"]))
def test_what_restore_says_leads_back(text: str, rows: dict[str, Forward], state: str) -> None:
    assume(rows or state != "exact")

    def asked(forwards: list[dict[str, object]], how: str) -> dict[str, Forward]:
        declared = {"forwards": forwards, "state": how, "keep_copy": False, "accept_risks": []}
        return state_after(now, wanted(declared))

    now = before = tables.forwards(text)
    now = after = asked([forward.row for forward in rows.values()], state)
    for step in restore(before, after):
        now = asked(step["forwards"], step["state"])
    assert now == before


PLACES = ("virtual_alias_maps", " virtual_alias_maps", "virtual_alias_domains", "# virtual_alias_maps")
SETTINGS = st.tuples(
    st.sampled_from(PLACES),
    st.sampled_from(["=", " = ", "\t=\n  ", " =  "]),
    st.sampled_from(["", "hash:/etc/aliases", "hash:/a, ldap:/b", "hash:/a\n\tregexp:/b\n# c\n  inline:{ a=b, c=d }", "$virtual_maps"]),
).map(lambda parts: "".join(parts) + "\n")


@given(st.lists(SETTINGS | st.sampled_from(["myhostname = a\n", "\n", "# text\n"]), max_size=5), st.booleans())
def test_main_cf_listed_and_unlisted_has_the_same_bytes(parts: list[str], ended: bool) -> None:
    text = "".join(parts)
    text = text if ended else text.rstrip("\n")
    made = tables.listed(text, "hash:/etc/postfix/coexistence", "$virtual_maps")
    assert made != text
    assert tables.unlisted(made, "hash:/etc/postfix/coexistence", "$virtual_maps") == text
    assert tables.unlisted(text, "hash:/etc/postfix/coexistence", "$virtual_maps") == text


@given(st.lists(st.sampled_from(["hash:/a", "inline:{ a=b, c=d }", "pipemap:{hash:/a, hash:/b}", "$virtual_maps"]), max_size=4))
def test_a_list_of_maps_is_split_outside_of_braces(names: list[str]) -> None:
    assert tables.split(", ".join(names)) == names
    assert tables.split("\n\t".join(names)) == names


def test_a_map_reads_as_postfix_reads_it() -> None:
    text = "A@b.example  c@d.example\n\n# no\n  e@f.example\n<x> y\n"
    (first, second) = (entry for entry in tables.entries(text) if entry.key)
    assert (first.key, first.targets, first.number) == ("a@b.example", ("c@d.example", "e@f.example"), 1)
    assert (second.key, second.targets, second.number) == ("<x>", ("y",), 5)
    assert tables.content(text) == {"a@b.example": ("c@d.example", "e@f.example"), "<x>": ("y",)}
    assert tables.answers("a@b.example\tc@d.example e@f.example\n") == {"a@b.example": ("c@d.example", "e@f.example")}
