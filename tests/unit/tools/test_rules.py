# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The project's own rules see what they forbid, and let pass what they allow."""

from __future__ import annotations

import pytest
from tools import rules

HEADER = "\n".join(rules.HEADER) + "\n"
MUTE = "# no" + "qa: S101"
UNTYPED = "# type: " + "ignore[misc]"


@pytest.mark.parametrize(
    ("name", "body", "told"),
    [
        ("tests/a.py", f"assert True  {MUTE}\n", "without its reason"),
        ("tests/a.py", f"assert True  {UNTYPED}\n", "without its reason"),
        ("tests/a.py", "# TO" + "DO: later\n", "reminder"),
        ("tests/a.py", "def f():\n" + "    x = 1\n" * rules.FUNCTION_LINES, "f has 41 lines"),
        ("tests/a.py", "x = 1\n" * (rules.FILE_LINES + 1), "404 lines, 400 are allowed"),
        ("plugins/module_utils/_a.py", "import requests\n", "imports requests"),
        ("plugins/plugin_utils/_a.py", "import tenacity\n", "imports tenacity"),
        ("plugins/plugin_utils/_a.py", "from dns import resolver\n", "imports dns"),
        ("plugins/modules/a.py", "from ansible_collections.mailops.exchange.plugins.plugin_utils import _b\n", "plugin_utils"),
        ("tests/a.py", "for _ in 'ab':\n    pass\n", "the name _"),
        ("tests/a.py", "def f(*_: int) -> None:\n    pass\n", "the name _"),
        ("tests/sandbox/a.py", "from ansible_collections.mailops.exchange.plugins.module_utils import _values\n", "shares no code"),
        ("tests/sandbox/mail/a.py", "from ansible.module_utils.basic import AnsibleModule\n", "shares no code"),
        ("tests/sandbox/a.py", "def f() -> None:\n    import harness.letters\n", "shares no code"),
        ("plugins/a/__init__.py", "", "must be empty"),
        ("plugins/modules/a.py", "x = 1\n" * (rules.MODULE_CODE + 1), "41 lines of code"),
    ],
)
def test_a_breach_is_told_with_its_place(name: str, body: str, told: str) -> None:
    found = rules.problems(name, HEADER + body)
    assert len(found) == 1
    assert told in found[0]
    assert found[0].startswith(f"{name}:")


def test_a_missing_header_is_told() -> None:
    assert rules.problems("tests/a.py", "x = 1\n") == ["tests/a.py:1: the three lines of copyright and licence do not stand first"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("tests/a.py", f"assert True  {MUTE} the type checker cannot know\n"),
        ("tests/a.py", f"class A(B):  {UNTYPED}  # the base class ships no types\n    pass\n"),
        ("plugins/modules/a.py", "SPEC = (\n" + "    1,\n" * 100 + ")\n# comment\n\nDOCUMENTATION = r'''\n" + "a\n" * 99 + "'''\n"),
        ("plugins/plugin_utils/_a.py", "import requests\nimport urllib3.exceptions\nfrom azure.core import x\nfrom ansible import y\n"),
        ("tests/sandbox/mail/a.py", "import aiosmtpd\nfrom sandbox import clock\nfrom ..rows import identities\n"),
        ("plugins/module_utils/_a.py", "import json\nfrom ansible.module_utils.basic import AnsibleModule\nfrom ._b import c\n"),
    ],
)
def test_what_is_allowed_passes(name: str, body: str) -> None:
    assert rules.problems(name, HEADER + body, "requests >= 2\nazure-identity >= 1\n") == []
