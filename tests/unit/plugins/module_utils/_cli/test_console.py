# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verb console, at a terminal."""

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._cli import openssh_route
from ansible_collections.pixels.truenas.plugins.module_utils._cli.console import in_session_manager
from ansible_collections.pixels.truenas.plugins.module_utils._cli.main import main
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
    line = in_session_manager("work", "web")
    environment = {"PATH": str(home), "SHELL": str(home / "shell")}
    return subprocess.run(["/bin/sh", "-c", line], env=environment, capture_output=True, text=True, check=True)


def test_screen_will_do_where_there_is_no_tmux(home):
    assert kept_in(home, screen='echo "screen: $*"').stdout == "screen: -D -RR -S work\n"


def test_where_there_is_neither_it_is_reported_and_a_shell_opened(home):
    ended = kept_in(home, shell='echo "a shell: $*"')

    assert ended.stderr == "pixels: web has neither tmux nor screen: this shell ends with the connection\n"
    assert ended.stdout == "a shell: -l\n"


@pytest.mark.parametrize("name", ["a b", "$(id)", "", "a;b"])
def test_a_name_that_no_session_can_have_is_refused(inside, name):
    ended = inside("console", "web", "-s", name)

    assert ended.returncode == 1
    assert f"invalid session name {name!r}: must match [a-zA-Z0-9._-]" in ended.stderr


def test_a_pixel_that_is_not_there_is_reported(inside):
    assert "there is no pixel named gone" in inside("console", "gone").stderr


def test_for_programs_it_says_what_it_would_run(inside):
    shown = inside.json("console", "web")

    assert shown["name"] == "web"
    assert shown["command"][1] == "-t"
    assert "StrictHostKeyChecking=yes" in shown["command"]


def test_what_keeps_a_session_is_one_line():
    assert "\n" not in in_session_manager("work", "web")


def test_it_has_the_variables_of_a_session_that_the_server_takes(inside, truenas):
    put(truenas, "/etc/ssh/sshd_config.d/pixels-env.conf", "AcceptEnv TOKEN\n")
    truenas.run(truenas.world.engine.run("px-web", ["systemctl", "restart", "ssh"]))
    inside.configure('[env]\nTOKEN = {forward = true}\nMODE = {value = "fast", session_only = true}\n')

    terminal = inside.at_terminal("console", "web", TOKEN="sesame")

    terminal.see(
        "the SSH server of web does not accept MODE (AcceptEnv). Provision the pixel, or use --transport shell"
    )
    terminal.see("# ")
    terminal.type('echo "<$TOKEN|$MODE>"; exit\n')
    terminal.see("<sesame|>")
    assert "sesame" not in str(inside.json("console", "web", TOKEN="sesame"))


def test_where_no_ssh_server_answers_it_takes_the_shell_of_the_nas(inside, truenas, monkeypatch, capsys):
    for name, value in inside.environment.items():
        monkeypatch.setenv(name, value)
    truenas.run(truenas.world.engine.run("px-web", ["systemctl", "stop", "ssh"]))
    monkeypatch.setattr(openssh_route, "SERVER_TIMEOUT_S", 0.2)

    assert main(["--json", "console", "web"]) == 0

    captured = capsys.readouterr()
    assert '"shell"' in captured.out
    assert "using the web shell of" in captured.err
    assert main(["--json", "console", "--transport", "ssh", "web"]) == 1


@pytest.mark.parametrize(
    ("typed", "status"), [("", 0), ("uname -n\n", 0), ("uname -n", 0), ("uname -n; exit 7\n", 7), ("false\n", 1)]
)
def test_the_end_of_its_input_ends_it_through_the_shell_of_the_nas(inside, typed, status):
    process = inside.start("console", "--transport", "shell", "web", stdin=subprocess.PIPE)

    out, err = process.communicate(typed.encode(), timeout=40)

    assert (process.returncode, err) == (status, b"")
    assert not typed.startswith("uname") or b"\rpx-web\r\n" in out


def test_a_pixel_that_has_ipv6_alone_is_entered(ipv6_guest, pixels_command):
    terminal = pixels_command.at_terminal("console", "web", "--transport", "ssh")
    terminal.see("# ")

    terminal.type("uname -n; exit 3\n")

    terminal.see("px-web")
    assert terminal.end() == 3
