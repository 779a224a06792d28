# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates: each takes a bench and returns its findings, one a line."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tools import artefact, docs, rules, runtime, sanity
from tools.bench import Bench
from tools.environments import NEWEST, OLDEST, Environment

IMPORTER = """\
[galaxy-importer]
RUN_ANSIBLE_TEST = False
RUN_FLAKE8 = False
RUN_ANSIBLE_LINT = False
CHECK_REQUIRED_TAGS = True
REQUIRE_V1_OR_GREATER = False
OFFLINE_ANSIBLE_LINT = True
"""


@dataclass(frozen=True)
class Gate:
    """A name, and what is run on the bench."""

    name: str
    run: Callable[[Bench], list[str]]


def _program(pattern: str, *command: str) -> Callable[[Bench], list[str]]:
    return lambda bench: bench.findings(pattern, *command)


def _types_of_plugins(bench: Bench) -> list[str]:
    package = "ansible_collections.mailops.exchange.plugins"
    return bench.findings(": error:", "mypy", "--cache-dir", str(bench.work / "mypy-plugins"), "-p", package, MYPYPATH=str(bench.tree))


def _types_of_tests(bench: Bench) -> list[str]:
    scripts = [str(path.relative_to(bench.copy)) for path in sorted((bench.copy / "tests").rglob("*")) if rules.is_script(path)]
    found = []
    for part in ([], *([script] for script in scripts)):
        words = part or ["tests"]
        found += bench.findings(
            ": error:", "mypy", "--cache-dir", str(bench.work / "mypy-tests"), *words, MYPYPATH=f"{bench.copy / 'tests'}:{bench.tree}"
        )
    return list(dict.fromkeys(found))


def _changelog(bench: Bench) -> list[str]:
    found = bench.findings(".", "antsibull-changelog", "lint")
    fragments = list((bench.copy / "changelogs/fragments").glob("*.yml"))
    released = "0.1.0" in (bench.copy / "changelogs/changelog.yaml").read_text(encoding="utf-8")
    if not fragments and not released:
        found.append("changelogs/fragments is empty, and changelogs/changelog.yaml names no release")
    return found


def _packed(bench: Bench) -> list[str]:
    tarball = artefact.build(bench.lint, bench.work)
    return artefact.compare(set(artefact.LIST.read_text(encoding="utf-8").split()), set(artefact.names(tarball)))


def _importer(bench: Bench) -> list[str]:
    work = bench.work / "importer"
    work.mkdir()
    (work / "importer.cfg").write_text(IMPORTER, encoding="utf-8")
    tarball = artefact.build(bench.lint, work)
    config = {"GALAXY_IMPORTER_CONFIG": str(work / "importer.cfg")}
    done = bench.call("python", "-m", "galaxy_importer.main", str(tarball), **config)
    lines = done.stdout.splitlines()
    found = [line for line in lines if re.search(r"^(ERROR|WARNING|CRITICAL)\b|Traceback", line)]
    if done.returncode != 0 or not any("Importer processing completed successfully" in line for line in lines):
        found += lines[-5:]
    return found


def _execution_environment(bench: Bench) -> list[str]:
    """An execution environment's builder must find every requirement, and read it as one."""
    done = bench.call("ansible-builder", "introspect", "--sanitize", str(bench.tree))
    lines = done.stdout.splitlines()
    wanted = [line for line in (bench.copy / "requirements.txt").read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    found = [line for line in lines if done.returncode or "non-PEP508" in line]
    return found + [f"requirements.txt: ansible-builder does not find {line}" for line in wanted if not any(line in said for said in lines)]


def _runtime(bench: Bench) -> list[str]:
    said = (bench.copy / "meta/runtime.yml").read_text(encoding="utf-8")
    return [] if said == runtime.text(bench.copy / "plugins/modules") else ["meta/runtime.yml is not what `make runtime` writes"]


def _sanity(environment: Environment) -> Callable[[Bench], list[str]]:
    return lambda bench: sanity.run(bench, environment) + sanity.ignored(bench.copy)


# The slow ones first: two run at a time.
GATES = (
    Gate(f"ansible-test sanity, core {OLDEST.core}", _sanity(OLDEST)),
    Gate(f"ansible-test sanity, core {NEWEST.core}", _sanity(NEWEST)),
    Gate("galaxy-importer", _importer),
    Gate("mypy plugins", _types_of_plugins),
    Gate("mypy tests", _types_of_tests),
    Gate(
        "ansible-lint production",
        _program(r"^\S+:\d+", "ansible-lint", "-f", "pep8", "--profile", "production", "--offline", "--strict", "-q"),
    ),
    Gate(
        "antsibull-docs",
        _program(r":\d+:\d+: ", "antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs=all", "."),
    ),
    Gate("documentation site", lambda bench: docs.site(bench.work / "site", bench.variables())),
    Gate("antsibull-changelog", _changelog),
    Gate("artefact's file list", _packed),
    Gate("execution environment", _execution_environment),
    Gate("meta/runtime.yml", _runtime),
    Gate("own rules", lambda bench: rules.check(bench.copy)),
    Gate("ruff check", _program(r":\d+:\d+: ", "ruff", "check", "--no-cache", "--output-format", "concise", ".")),
    Gate(
        "ruff format",
        _program("^(Would|unformatted)|:.*unformatted", "ruff", "format", "--no-cache", "--check", "--output-format", "concise", "."),
    ),
)
