# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of exec through the web shell, in pixels without another transport."""

from __future__ import annotations

import subprocess

import pytest

from tests.unit.plugins.conftest import both_generations, put, read


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    return "25.10"


@pytest.fixture
def ssh_installed():
    return False


@pytest.fixture
def pixels(pixels_command, truenas):
    truenas.world.add_container("px-web")
    return pixels_command


@both_generations
@pytest.mark.wide
def test_input_outputs_and_exit_status_are_as_over_ssh(pixels):
    script = 'cat; echo err >&2; printf "%s|" "$@"; exit 3'

    ended = pixels(
        "exec", "--transport", "shell", "web", "--", "sh", "-c", script, "sh", "a  b", "$HOME", "it's", stdin="in\n"
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "in\na  b|$HOME|it's|", "err\n")


def test_bytes_are_not_changed(pixels):
    content = bytes(range(256)) * 100
    process = pixels.start("exec", "--transport", "shell", "web", "cat", stdin=subprocess.PIPE)

    out, err = process.communicate(content, timeout=60)

    assert (process.returncode, out == content, err) == (0, True, b"")


def test_a_variable_chooses_it_as_well(pixels, truenas):
    assert pixels("exec", "web", "hostname", PIXELS_TRANSPORT="shell").stdout == "px-web\n"
    assert truenas.stats.shells == 1


def test_many_at_the_same_time_use_it_too(pixels, truenas):
    truenas.world.add_container("px-db")

    ended = pixels("exec", "--transport", "shell", "--all", "--", "hostname")

    assert sorted(ended.stdout.splitlines()) == ["db: px-db", "web: px-web"]


def test_input_is_read_as_it_comes_and_output_comes_meanwhile(pixels):
    script = "echo ready; while read word; do echo got $word; done; echo end"
    process = pixels.start("exec", "--transport", "shell", "web", "--", "sh", "-c", script, stdin=subprocess.PIPE)

    assert process.stdout.readline() == b"ready\n"
    for word in (b"one", b"two", b"three"):
        process.stdin.write(word + b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"got " + word + b"\n"
    out, err = process.communicate(timeout=30)

    assert (process.returncode, out, err) == (0, b"end\n", b"")


def test_a_command_that_reads_nothing_ends_while_a_user_could_still_type(pixels):
    process = pixels.start("exec", "--transport", "shell", "web", "--", "echo", "done", stdin=subprocess.PIPE)

    with process:
        assert process.stdout.read() == b"done\n"
        assert process.wait(timeout=30) == 0


def test_a_command_that_reads_some_of_much_ends_as_well(pixels):
    process = pixels.start("exec", "--transport", "shell", "web", "--", "head", "-c", "5", stdin=subprocess.PIPE)

    out, err = process.communicate(b"12345" + b"x" * 3_000_000, timeout=60)

    assert (process.returncode, out, err) == (0, b"12345", b"")


@both_generations
@pytest.mark.wide
def test_a_command_gets_a_terminal_with_the_size_of_the_local_one(pixels):
    script = "test -t 0 && test -t 1 && test -t 2 && stty size; trap 'stty size; exit 3' WINCH; echo ready; "
    script += "while :; do sleep 0.1; done"
    terminal = pixels.at_terminal("exec", "-t", "--transport", "shell", "web", "--", "sh", "-c", script, columns=77)
    terminal.see("24 77")
    terminal.see("ready")

    terminal.resize(66)

    terminal.see("24 66")
    assert terminal.end() == 3


@pytest.mark.parametrize("release", ["25.04"])
def test_its_size_is_followed_by_an_account_that_may_not_resize_through_the_nas(pixels, truenas):
    key = truenas.add_account("clerk", roles=["VIRT_INSTANCE_WRITE", "VIRT_GLOBAL_READ"], web_shell=True)
    pixels.environment |= {"PIXELS_TRUENAS_USERNAME": "clerk", "PIXELS_TRUENAS_API_KEY": key}
    script = "trap 'stty size; exit 3' WINCH; echo ready; while :; do sleep 0.1; done"
    terminal = pixels.at_terminal("exec", "-t", "--transport", "shell", "web", "--", "sh", "-c", script)
    terminal.see("ready")

    terminal.resize(66)

    terminal.see("24 66")
    assert terminal.end() == 3


def test_keys_are_for_the_command(pixels):
    # It waits by turns: a key that comes just before one program starts another is for the first of them.
    wait = 'until [ "$heard" ]; do sleep 0.1; done'
    script = f"trap 'echo interrupted; heard=1' INT; echo ready; {wait}; read -r word; echo \"got $word\"; exit 5"
    terminal = pixels.at_terminal("exec", "-t", "--transport", "shell", "web", "--", "sh", "-c", script)
    terminal.see("ready")

    terminal.press_ctrl_c()

    terminal.see("interrupted")
    terminal.type("a b\n")
    terminal.see("a b\n")
    terminal.see("got a b")
    assert terminal.end() == 5


def test_bytes_pass_a_terminal_as_they_are(pixels):
    script = "stty raw -echo; echo ready; head -c 256 | od -An -tx1 -v | tr -d ' \\n'; echo end"
    terminal = pixels.at_terminal("exec", "-t", "--transport", "shell", "web", "--", "sh", "-c", script)
    terminal.see("ready")

    terminal.type_bytes(bytes(range(256)))

    assert bytes(range(256)).hex() in terminal.see("end")


def test_what_is_shown_does_not_wait_for_more(pixels):
    terminal = pixels.at_terminal("exec", "-t", "--transport", "shell", "web", "--", "sh", "-c", "stty raw; exec cat")

    for key in "0123456789abcdef":
        terminal.type(key)
        terminal.see(key)


@both_generations
@pytest.mark.wide
def test_a_pixel_that_stops_under_a_terminal_is_reported_and_the_local_terminal_is_restored(pixels, truenas):
    terminal = pixels.at_terminal(
        "exec", "-t", "--transport", "shell", "web", "--", "sh", "-c", "echo ready; exec sleep 987"
    )
    terminal.see("ready")
    before = terminal.echoes

    pixels("stop", "--force", "web")

    terminal.see("web on ")
    terminal.see("is stopped: it went down while the command ran")
    assert terminal.end() == 1
    assert (before, terminal.echoes) == (False, True)


@both_generations
@pytest.mark.wide
def test_a_console_is_a_login_shell_of_root(pixels):
    terminal = pixels.at_terminal("console", "--transport", "shell", "web", columns=91)
    terminal.see("# ")

    terminal.type('echo "<$USER $HOME $PWD $TERM $(stty size)>"\n')

    terminal.see("<root /root /root xterm 24 91>")
    terminal.type("shopt -q login_shell && exit 3\n")
    assert terminal.end() == 3


def test_a_console_is_a_shell_where_the_login_shell_runs_no_commands(pixels, truenas):
    passwd = read(truenas, "/etc/passwd")
    put(truenas, "/etc/passwd", passwd.replace("root:/root:/bin/bash", "root:/root:/usr/sbin/nologin"))
    assert "nologin" in read(truenas, "/etc/passwd").splitlines()[0]
    terminal = pixels.at_terminal("console", "--transport", "shell", "web")
    terminal.see("# ")

    terminal.type('echo "<$SHELL>"; exit 3\n')

    terminal.see("</bin/sh>")
    assert terminal.end() == 3


def test_a_console_starts_a_pixel_that_is_stopped(pixels, truenas):
    pixels("stop", "--force", "web")
    terminal = pixels.at_terminal("console", "web", PIXELS_TRANSPORT="shell")

    terminal.see("Starting web...")
    terminal.see("# ")
    terminal.type("exit\n")

    assert terminal.end() == 0


def test_a_console_has_the_variables_of_the_session_and_they_are_in_no_list(pixels):
    pixels.configure("[env]\nTOKEN = {forward = true}\n")
    terminal = pixels.at_terminal("console", "--transport", "shell", "web", TOKEN="it's sesame")
    terminal.see("# ")

    terminal.type("cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'ses[a]me'; echo \"<$TOKEN>\"; exit\n")

    assert "\r0\n" in terminal.see("<it's sesame>")
    assert terminal.end() == 0


@pytest.mark.parametrize("typed", ["", "echo hi there\n", "echo hi there"])
def test_a_console_ends_at_the_end_of_its_input(pixels, typed):
    ended = pixels("console", "--transport", "shell", "web", stdin=typed)

    assert ended.returncode == 0
    assert ended.stdout.count("hi there") >= 2 * bool(typed)


def test_a_session_of_a_console_is_kept_there_too(pixels, truenas):
    put(truenas, "/usr/local/bin/tmux", '#!/bin/sh\necho "tmux: $*"\n', mode=0o755)
    terminal = pixels.at_terminal("console", "--transport", "shell", "web", "-s", "work")

    terminal.see("tmux: new-session -A -s work")
    assert terminal.end() == 0


def test_for_programs_a_console_says_how_it_would_be_run(pixels):
    shown = pixels.json("console", "--transport", "shell", "web")

    assert shown["command"][:7] == ["pixels", "exec", "--transport", "shell", "-t", "web", "--"]


@both_generations
def test_a_console_of_a_pixel_that_is_not_there_is_reported(pixels):
    ended = pixels("console", "--transport", "shell", "gone")

    assert (ended.returncode, "there is no pixel named gone" in ended.stderr) == (1, True)


def test_ctrl_c_ends_the_command_in_the_pixel_as_well(pixels, truenas):
    terminal = pixels.at_terminal(
        "exec", "--transport", "shell", "web", "--", "sh", "-c", "echo $$ >/root/pid; echo begun; exec sleep 987"
    )
    terminal.see("begun")

    terminal.press_ctrl_c()

    assert terminal.end() == 130
    pid = read(truenas, "/root/pid").strip()
    # One command that waits: each one logs in, and the NAS limits logins.
    gone = f"n=0; while [ -e /proc/{pid} ]; do n=$((n + 1)); [ $n -lt 200 ] || exit 1; sleep 0.1; done"
    assert pixels("exec", "--transport", "shell", "web", "--", "sh", "-c", gone).returncode == 0
