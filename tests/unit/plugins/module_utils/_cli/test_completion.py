# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verb completion, with the shells themselves as judges."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._cli import arguments


def complete(command, line):
    """What bash offers for the final word of a line."""
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
        ("pixels stop web w", ["worker"]),
        ("pixels stop --st", ["--stop-timeout"]),
        ("pixels exec we", ["web"]),
        ("pixels exec web w", []),
        ("pixels --nas home sto", ["stop"]),
        ("pixels checkpoint re", ["restore"]),
        ("pixels cp restore we", ["web"]),
        ("pixels checkpoint create --l", ["--label"]),
        ("pixels completion f", ["fish"]),
        ("pixels create w", []),
        ("pixels create new --from we", ["web"]),
        ("pixels destroy web --clones p", ["promote"]),
        ("pixels list --status run", ["running"]),
        ("pixels --nas ho", ["home"]),
    ],
)
@pytest.mark.wide
def test_bash_offers_verbs_options_values_and_pixels(pixels, line, offered):
    pixels.configure('[nas.home]\nhost = "h"\n[nas.office]\nhost = "o"\n')

    assert complete(pixels, line) == offered


@pytest.mark.wide
def test_labels_are_those_of_the_pixel(pixels):
    for label in ("ready", "retry", "other"):
        pixels("checkpoint", "create", "web", "--label", label)

    assert complete(pixels, "pixels checkpoint restore web re") == ["ready", "retry"]


@pytest.mark.wide
def test_pixels_are_those_of_the_nas_that_the_line_names(pixels, truenas):
    pixels.configure(f'[nas.home]\nhost = "{truenas.host}"\nport = {truenas.port}\n[nas.office]\nhost = "o.invalid"\n')

    assert complete(pixels, "pixels --nas home stop we") == ["web"]
    assert complete(pixels, "pixels --nas office stop we") == []


def test_files_are_offered_where_a_file_is_meant(pixels):
    path = pixels.home / "nas.key"
    path.write_text("")

    assert complete(pixels, f"pixels --api-key-file {pixels.home}/na") == [str(path)]


@pytest.mark.wide
def test_paths_here_and_pixels_are_offered_where_files_are_copied(pixels):
    path = pixels.home / "web.tar"
    path.write_text("")

    assert complete(pixels, "pixels push w") == []
    assert complete(pixels, f"pixels push {path} w") == ["web:", "worker:"]
    assert complete(pixels, f"pixels push {pixels.home}/we") == [str(path)]
    assert complete(pixels, "pixels pull we") == ["web:"]
    assert complete(pixels, f"pixels pull web:/etc/hostname {pixels.home}/we") == [str(path)]


def test_errors_are_not_shown_at_a_prompt(pixels):
    ended = pixels("--complete", "stop", "w", PIXELS_TRUENAS_API_KEY="1-wrong")

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_every_verb_is_offered(command):
    offered = command("--complete", "").stdout.split()

    assert set(offered) == {*arguments.VERBS, *arguments.ALIASES}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_programs_get_the_same_script(command, shell):
    assert command.json("completion", shell)["text"].strip() == command("completion", shell).stdout.strip()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_understands_it(command, shell):
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell} here")
    script = command("completion", shell).stdout

    subprocess.run([shell, "-n", "/dev/stdin"], input=script, text=True, check=True, capture_output=True)


@pytest.mark.wide
def test_what_is_offered_is_no_command(pixels, truenas):
    truenas.world.add_container("px-bad").name = "px-w$(touch${IFS}owned)"
    hostile = truenas.world.add_snapshot("px-web", "re")
    hostile.label = "re$(touch${IFS}owned)"

    assert complete(pixels, "pixels stop w") == ["web", "worker"]
    assert complete(pixels, "pixels cp restore web r") == []
