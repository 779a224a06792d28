# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The screen of a preflight: how long each MX lives, and what a tenant that takes no rules needs."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.exchange.plugins.module_utils._routing._evidence import Evidence, Full
from ansible_collections.mailops.exchange.plugins.module_utils._routing._findings import Verdict
from ansible_collections.mailops.exchange.plugins.module_utils._routing._survey import exchangers, survey
from ansible_collections.mailops.exchange.plugins.module_utils._routing._world import Mx

from . import tenant
from .worlds import OLD, SHARED, world

NOTHING = Verdict((), (), ())


@pytest.mark.parametrize(
    ("mx", "line"),
    [
        (Mx(OLD, ttl=3600, held=1200), "3600 s at its own name servers, and resolvers hold it for 1200 s at most"),
        (Mx(OLD, ttl=3600), "3600 s at its own name servers, and no resolver told how long it holds it"),
        (Mx(OLD, held=60), "not told by its own name servers, and resolvers hold it for 60 s at most"),
    ],
)
def test_how_long_an_mx_lives_stands_on_the_screen(mx: Mx, line: str) -> None:
    seen = Full(tenant.case("preflight"), world(mx={SHARED: mx}), Evidence())
    assert f"MX TTL      {SHARED}: {line}" in survey(seen, NOTHING)
    (row,) = exchangers(seen)
    assert row == {"domain": SHARED, "holder": OLD, "before": "", "until": "", "ttl": mx.ttl, "held": mx.held, "why": ""}


def test_an_mx_that_was_not_read_has_no_ttl_and_the_result_says_why() -> None:
    seen = Full(tenant.case("preflight"), world(mx={}), Evidence(unread={f"mx {SHARED}": "silent"}))
    (row,) = exchangers(seen)
    assert (row["holder"], row["ttl"], row["held"], row["why"]) == ("", None, None, "silent")
    assert not any(line.startswith("MX TTL") for line in survey(seen, NOTHING))


def test_a_tenant_that_takes_no_rules_is_shown_with_its_remedy() -> None:
    seen = Full(tenant.case("preflight", organization={"IsDehydrated": True}), world(), Evidence())
    (line,) = [line for line in survey(seen, NOTHING) if line.startswith("tenant ")]
    assert "takes rules: no" in line
    assert "Enable-OrganizationCustomization" in line
