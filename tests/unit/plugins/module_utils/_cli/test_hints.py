# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of hints as the user of the command reads them, and that each option in a hint exists for tasks as well."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import TimedOut
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint, for_task
from ansible_collections.pixels.truenas.plugins.module_utils._cli import arguments
from ansible_collections.pixels.truenas.plugins.module_utils._cli.hints import for_command, text_of

PLUGINS = Path(__file__).parents[5] / "plugins"
OPTIONS_IN_HINTS = sorted(
    {
        name
        for path in PLUGINS.rglob("*.py")
        for name in re.findall(r'Hint\.(?:option|omit)\(\s*"(\w+)"', path.read_text(encoding="utf-8"))
    }
    | {"host", "api_key"}  # `missing` in resolver.py passes these on.
)

CLAUSES = [
    (Hint.advice("check DHCP on its network"), "check DHCP on its network"),
    (Hint.option("force", True, "to kill it"), "use --force to kill it"),
    (Hint.option("stop_timeout", purpose="to wait longer"), "use --stop-timeout to wait longer"),
    (Hint.option("clones", "promote"), "use --clones promote"),
    (
        Hint.option("from", "web@ready", "to finish it", pixel="new"),
        "run pixels create --from web@ready new to finish it",
    ),
    (
        Hint.option("egress", "unrestricted", "to start it without rules", pixel="web"),
        "start it in the TrueNAS web interface and run pixels network set web unrestricted to start it without rules",
    ),
    (Hint.omit("from"), "run pixels create without --from"),
    (Hint.option("nic", purpose="to skip this"), "set defaults.parent in the configuration file to skip this"),
    (Hint.option("api_key"), "use --api-key-file"),
    (Hint.option("ca_path", purpose="to that file"), "set PIXELS_TRUENAS_CA_PATH to that file"),
    (Hint.option("validate_certs", False), "set PIXELS_TRUENAS_VALIDATE_CERTS=false"),
    (Hint.omit("image"), "omit --image"),
    (Hint.state("absent", "web", "to remove it"), "run pixels destroy web to remove it"),
    (Hint.state("started", "web"), "run pixels start web"),
    (Hint.run_again("to finish it"), "run the same command again to finish it"),
    (Hint.run_again(after="remove the cause"), "remove the cause, then run the same command again"),
    (Hint.delete_checkpoint("web", "ready"), "delete the checkpoint: pixels checkpoint delete web ready"),
]


@pytest.mark.parametrize(("hint", "clause"), CLAUSES)
def test_a_hint_names_the_flag_or_the_verb(hint, clause):
    assert for_command(hint) == clause


def test_the_text_of_an_error_ends_with_its_hints():
    error = TimedOut("web is still running.").with_hints(Hint.option("force", True, "to kill it"), Hint.run_again())

    assert text_of(error) == "web is still running. Use --force to kill it, or run the same command again"
    assert str(error) == "web is still running. Set force: true to kill it, or run this again"


def flags(parser):
    """Return every flag of the verbs."""
    return set(parser.options).union(*map(flags, parser.inner.values()))


@pytest.fixture(scope="module")
def command_flags():
    return flags(arguments.parser())


@pytest.fixture(scope="module")
def task_options():
    """The options of every module, as documented, with those of the dictionaries among them."""
    found = set()
    for path in (*PLUGINS.glob("modules/*.py"), *PLUGINS.glob("doc_fragments/*.py")):
        text = path.read_text(encoding="utf-8")
        for block in re.findall(r'^ *(?:DOCUMENTATION|[A-Z]+) = r?"""\n(.*?)"""', text, re.DOTALL | re.MULTILINE):
            document = yaml.safe_load(block)
            if isinstance(document, dict):
                found |= (document.get("options") or {}).keys()
    return found | {"public_key_file"}


@pytest.mark.parametrize("name", OPTIONS_IN_HINTS)
def test_each_option_in_a_hint_exists_in_tasks_and_in_the_command(name, task_options, command_flags):
    clause = for_command(Hint.option(name))

    assert name in task_options
    assert f"set {name}" in for_task(Hint.option(name))
    assert clause.startswith("set ") or set(re.findall(r"--[a-z-]+", clause)) <= command_flags
