# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verb completion, with the shells themselves as judges."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._command import arguments


def complete(command, line):
    """What bash offers for the last word of a line."""
    words = line.split(" ")
    script = (
        f'eval "$(pixels completion bash)"; COMP_WORDS=({" ".join(words)!s}); '
        f'[ -n "{words[-1]}" ] || COMP_WORDS+=(""); COMP_CWORD={len(words) - 1}; _pixels; '
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = f"{command.home / 'bin'}:{command.environment['PATH']}"
    ended = subprocess.run(
        ["bash", "-c", script], env={**command.environment, "PATH": path}, capture_output=True, text=True, check=True
    )
    return ended.stdout.split()


@pytest.fixture
def pixels(pixels, truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_container("px-worker")
    (pixels.home / "bin").mkdir()
    from tests.unit.command import PIXELS

    (pixels.home / "bin/pixels").symlink_to(PIXELS)
    return pixels


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("pixels cons", ["console"]),
        ("pixels stop w", ["web", "worker"]),
        ("pixels stop --st", ["--stop-timeout"]),
        ("pixels checkpoint re", ["restore"]),
        ("pixels checkpoint restore we", ["web"]),
        ("pixels completion f", ["fish"]),
        ("pixels create w", []),
    ],
)
def test_bash_offers_verbs_options_and_pixels(pixels, line, offered):
    assert complete(pixels, line) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_verb_is_in_it(command, shell):
    script = command("completion", shell).stdout

    assert [verb for verb in arguments.VERBS if verb not in script] == []
    assert command.json("completion", shell)["text"].strip() == script.strip()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_understands_it(command, shell):
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell} here")
    script = command("completion", shell).stdout

    subprocess.run([shell, "-n", "/dev/stdin"], input=script, text=True, check=True, capture_output=True)
