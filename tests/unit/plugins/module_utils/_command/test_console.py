# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verb console, at a terminal."""

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._command import inside as inside_a_pixel
from ansible_collections.pixels.truenas.plugins.module_utils._command.console import keeping
from ansible_collections.pixels.truenas.plugins.module_utils._command.main import main
from tests.unit.plugins.conftest import put


@pytest.fixture
def engine():
    return "process"


def test_it_is_a_login_shell_as_wide_as_the_terminal(inside):
    terminal = inside.at_terminal("console", "web", columns=91)
    terminal.see("# ")

    terminal.type("stty size\n")

    terminal.see("24 91")
    terminal.type("exit 3\n")
    assert terminal.end() == 3


def test_a_session_is_kept_by_what_is_in_the_pixel(inside, truenas):
    put(truenas, "/usr/local/bin/tmux", '#!/bin/sh\necho "tmux: $*"\n', mode=0o755)
    terminal = inside.at_terminal("console", "web", "-s", "work")

    terminal.see("tmux: new-session -A -s work")
    assert terminal.end() == 0


def kept_in(home, **programs):
    """What the line of a session does in a pixel that has these programs and no others."""
    for name, script in programs.items():
        (home / name).write_text(f"#!/bin/sh\n{script}\n")
        (home / name).chmod(0o755)
    line = keeping("work", "web")
    environment = {"PATH": str(home), "SHELL": str(home / "shell")}
    return subprocess.run(["/bin/sh", "-c", line], env=environment, capture_output=True, text=True, check=True)


def test_screen_will_do_where_there_is_no_tmux(home):
    assert kept_in(home, screen='echo "screen: $*"').stdout == "screen: -D -RR -S work\n"


def test_where_there_is_neither_it_is_said_and_a_shell_given(home):
    ended = kept_in(home, shell='echo "a shell: $*"')

    assert ended.stderr == "pixels: neither tmux nor screen is in web: what runs here ends with the connection\n"
    assert ended.stdout == "a shell: -l\n"


@pytest.mark.parametrize("name", ["a b", "$(id)", "", "a;b"])
def test_a_name_that_no_session_can_have_is_refused(inside, name):
    ended = inside("console", "web", "-s", name)

    assert ended.returncode == 1
    assert f"invalid session name {name!r}: must match [a-zA-Z0-9._-]" in ended.stderr


def test_a_pixel_that_is_not_there_is_told(inside):
    assert "there is no pixel named gone" in inside("console", "gone").stderr


def test_for_programs_it_says_what_it_would_run(inside):
    shown = inside.json("console", "web")

    assert shown["name"] == "web"
    assert shown["command"][1] == "-t"
    assert "StrictHostKeyChecking=yes" in shown["command"]


def test_what_keeps_a_session_is_one_line():
    assert "\n" not in keeping("work", "web")


def test_it_has_the_variables_of_a_session_that_the_server_takes(inside, truenas):
    put(truenas, "/etc/ssh/sshd_config.d/pixels-env.conf", "AcceptEnv TOKEN\n")
    truenas.run(truenas.world.engine.run("px-web", ["systemctl", "restart", "ssh"]))
    inside.configure('[env]\nTOKEN = {forward = true}\nMODE = {value = "fast", session_only = true}\n')

    terminal = inside.at_terminal("console", "web", TOKEN="sesame")

    terminal.see(
        "The SSH server of web takes no MODE (AcceptEnv): provision the pixel, or enter it with --transport shell"
    )
    terminal.see("# ")
    terminal.type('echo "<$TOKEN|$MODE>"; exit\n')
    terminal.see("<sesame|>")
    assert "sesame" not in str(inside.json("console", "web", TOKEN="sesame"))


def test_where_no_ssh_server_answers_it_takes_the_shell_of_the_nas(inside, truenas, monkeypatch, capsys):
    for name, value in inside.environment.items():
        monkeypatch.setenv(name, value)
    truenas.run(truenas.world.engine.run("px-web", ["systemctl", "stop", "ssh"]))
    monkeypatch.setattr(inside_a_pixel, "PATIENCE", 0.2)

    assert main(["--json", "console", "web"]) == 0

    told = capsys.readouterr()
    assert '"shell"' in told.out
    assert "going through the shell of" in told.err
    assert main(["--json", "console", "--transport", "ssh", "web"]) == 1
