# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the examples that use tools of other projects, by the command lines of their pages."""

from __future__ import annotations

import re
import shutil

import pytest

from tests.examples.conftest import COMMAND_SECONDS
from tests.integration.conftest import ROOT
from tests.integration.test_documented_commands import WITH_TOOLS, commands, pattern_of

pytestmark = pytest.mark.timeout(2 * COMMAND_SECONDS)

THERE = {"testinfra": ["db", "web"]}
"""Pixels that an example requires."""
OPTIONS = {
    # Both tools are installed here, as the page says.
    "test_testinfra.py": "-p no:pytest-ansible",
    "test_pytest_ansible.py": "-p no:pytest11.testinfra",
}


@pytest.mark.parametrize("name", sorted(WITH_TOOLS))
def test_the_command_lines_of_an_example_do_what_it_says(run, truenas, tmp_path, name):
    directory = shutil.copytree(ROOT / "examples" / name, tmp_path / name)
    for each in THERE.get(name, []):
        truenas.world.add_container(f"px-{each}")
    before = sorted(truenas.world.containers)
    lines = [each for each in commands(directory / "README.md") if not each.line.startswith("pip install ")]

    for each in lines:
        ended = run(f"{each.line} {OPTIONS.get(each.line.split()[-1], '')}", directory)

        assert ended.returncode == 0, ended.stdout + ended.stderr
        # A terminal shows both streams, in any order.
        shown = [ended.stdout + ended.stderr, ended.stderr + ended.stdout]
        assert any(re.fullmatch(pattern_of(each.output), f"{text.rstrip()}\n") for text in shown), shown[0]
    assert lines
    assert sorted(truenas.world.containers) == before
    assert truenas.stats.logins == 1
