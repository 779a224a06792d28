# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test sanity on one ansible-core, without containers, without Galaxy, and with nothing skipped."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from pathlib import Path

from tools import environments, interpreters
from tools.bench import Bench
from tools.environments import STORE, Environment

# Kept between runs: ansible-test caches its virtual environments below HOME, and reads pip's settings from there alone.
HOME = STORE / "ansible-test"

# ansible-test starts this in place of a script that it would fetch from outside the package index: pip out of Python itself.
STAND_IN = """\
import ensurepip, pathlib, runpy, sys

wheel = next((pathlib.Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))
sys.path.insert(0, str(wheel))
sys.argv = ["pip", "install"] + [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
runpy.run_module("pip", run_name="__main__")
"""

# Warnings that say a test looked at less than all of the files.
SKIPPED = re.compile(r"^WARNING: .*(skipp|not found|could not be found|due to missing|unsupported|may be slow)", re.IGNORECASE)


def _pip_settings(environment: Environment) -> str:
    done = subprocess.run([str(environment.bin / "python"), "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    settings = {}
    for line in sorted(done.stdout.splitlines(), key=lambda line: line.startswith(":env:")):
        name, value = line.split("=", 1)
        settings[name.rpartition(".")[2]] = str(ast.literal_eval(value)).replace("\n", " ")
    return "\n".join(["[global]", *(f"{name} = {value}" for name, value in settings.items())]) + "\n"


def prepare(environment: Environment) -> None:
    """Puts pip's settings and the stand-in under HOME; raises SystemExit when this core names its script otherwise."""
    source = environment.home / f"lib/python{environment.python}/site-packages/ansible_test/_internal/python_requirements.py"
    versions = set(re.findall(r"\bpip='([0-9.]+)'", source.read_text(encoding="utf-8")))
    if not versions:
        raise SystemExit(f"ansible-test of {environment.name} does not name the pip that it installs; see {source}.")
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in versions:
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(STAND_IN, encoding="utf-8")
    config = HOME / ".config" / "pip" / "pip.conf"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.touch(mode=0o600)
    config.write_text(_pip_settings(environment), encoding="utf-8")


def findings(returncode: int, lines: list[str]) -> list[str]:
    """What a run of ansible-test found: its errors, what it skipped, and that it ran nothing at all."""
    found = [line for line in lines if line.startswith(("ERROR", "FATAL")) or SKIPPED.match(line)]
    if returncode != 0 and not found:
        return lines[-20:]
    if not any(line.startswith("Running sanity test ") for line in lines):
        found.append("ansible-test ran no sanity test")
    return found


def run(bench: Bench, environment: Environment) -> list[str]:
    """The findings: errors, and every test that was skipped for want of something."""
    environments.ready(environment)
    real = interpreters.find(environment.python).path.parent
    variables = bench.variables(environment)
    # shellcheck is a program of the environment itself.
    variables |= {"HOME": str(HOME), "PATH": os.pathsep.join([str(environment.bin), str(real), "/usr/bin", "/bin"])}
    with environments.locked_file(STORE / f"ansible-test-{environment.name}.lock"):
        prepare(environment)
        done = subprocess.run(
            [str(environment.bin / "ansible-test"), "sanity", "--color", "no", "--python", environment.python],
            cwd=bench.copy,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    lines = done.stdout.splitlines()
    (bench.work / f"sanity-{environment.name}.log").write_text(done.stdout, encoding="utf-8")
    return findings(done.returncode, lines)


def ignored(folder: Path) -> list[str]:
    """Every line of an ignore list: the project has none."""
    return [f"{path.name}: {line}" for path in sorted(folder.glob("tests/sanity/ignore*")) for line in path.read_text().splitlines()]
