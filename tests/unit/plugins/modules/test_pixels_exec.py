# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of running commands in a pixel, with real processes."""

from __future__ import annotations

import os
import re

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import scripts
from ansible_collections.pixels.truenas.plugins.modules import pixels_exec
from tests.unit.plugins.conftest import RELEASES, both_generations, put, read, users_of_its_own


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    """Test one release, because the address comes from the same call on both."""
    return "25.10"


@pytest.fixture(params=["ssh", "shell"])
def transport(request):
    """Run each test over both transports, unless it sets one."""
    return request.param


one_transport = pytest.mark.parametrize("transport", ["shell"])
"""For what is decided before a command is sent, or after it has ended."""


@pytest.fixture
def execute(run, guest, transport):
    def run_module(**params):
        return run(pixels_exec, **{"name": guest, "transport": transport, **params})

    return run_module


@both_generations
def test_runs_a_command_and_returns_what_it_printed(execute):
    result = execute(cmd="hostname")

    assert (result["rc"], result["stdout"], result["stderr"]) == (0, "px-web", "")
    assert result["changed"]
    assert result["cmd"] == ["hostname"]
    assert {"start", "end", "delta"} <= result.keys()


def test_arguments_arrive_unchanged(execute):
    result = execute(argv=["printf", "%s|", "a  b", "$HOME", "'", '"', "*", ""])

    assert result["stdout"] == "a  b|$HOME|'|\"|*||"


def set_login_shell(truenas, shell):
    passwd = read(truenas, "/etc/passwd")
    put(truenas, "/etc/passwd", re.sub(r"(?m)^(root:.*:).*$", rf"\g<1>{shell}", passwd))


@pytest.mark.parametrize("shell", ["/usr/bin/fish", "/usr/bin/tcsh", "/usr/bin/bsd-csh"])
def test_the_login_shell_makes_no_difference(execute, truenas, shell):
    if not os.path.exists(shell):
        pytest.skip("is not on this machine")
    set_login_shell(truenas, shell)

    result = execute(argv=["printf", "%s|", "a\nb", "\\", "!!", "it's", "$HOME"], environment={"A": "1"})

    assert result["stdout"] == "a\nb|\\|!!|it's|$HOME|"


def test_a_login_shell_that_runs_no_commands_is_reported(execute, truenas, transport):
    set_login_shell(truenas, "/usr/sbin/nologin")

    result = execute(cmd="hostname")

    if transport == "ssh":
        assert "the login shell of root ended with 1 instead. Give the user another login shell (chsh)" in result["msg"]
    else:
        assert result["stdout"] == "px-web"


def test_what_files_of_the_login_shell_print_is_no_output(execute, truenas):
    put(truenas, "/root/.bashrc", "printf 'welcome\nto'\n")

    assert execute(cmd="hostname")["stdout"] == "px-web"


@pytest.mark.wide
def test_arguments_and_variables_of_any_possible_size_arrive(execute):
    words = ["it's\n\\!" * 12_000, "x" * 131_071]

    result = execute(
        argv=["sh", "-c", 'printf "%s|" "$@" "$BIG" | wc -c; cat', "sh", *words],
        environment={"BIG": "y" * 131_000},
        stdin="in",
    )

    assert result["stdout_lines"] == [str(12_000 * 7 + 1 + 131_072 + 131_001), "in"]


@one_transport
def test_arguments_and_variables_that_no_kernel_takes_are_refused(execute):
    argument = execute(argv=["true", "x" * 131_072])
    variable = execute(cmd="true", environment={"BIG": "x" * 131_072})

    assert argument["failed"]
    assert "argument 1 of the command has 131,072 bytes, and Linux accepts 131,071" in argument["msg"]
    assert "the variable BIG has 131,076 bytes, and Linux accepts 131,071" in variable["msg"]


@one_transport
def test_a_text_is_split_into_words_and_run_by_no_shell(execute):
    assert execute(cmd="echo 'a  b' $HOME")["stdout"] == "a  b $HOME"


def test_both_outputs_are_kept_apart(execute):
    result = execute(argv=["sh", "-c", "echo out; echo err >&2"])

    assert (result["stdout_lines"], result["stderr_lines"]) == (["out"], ["err"])


def test_a_status_other_than_zero_fails_with_all_that_is_known(execute):
    result = execute(argv=["sh", "-c", "echo why; exit 3"])

    assert result["failed"]
    assert (result["rc"], result["stdout"], result["msg"]) == (3, "why", "non-zero return code")


def test_a_command_that_is_not_there_is_a_status_and_not_a_crash(execute):
    result = execute(cmd="no-such-command")

    assert result["failed"]
    assert result["rc"] == 127


def test_a_signal_that_ended_it_is_reported_as_shells_do(execute):
    assert execute(argv=["sh", "-c", "kill -KILL $$"])["rc"] == 137


def test_it_runs_where_and_with_what_it_is_reported(execute):
    result = execute(argv=["sh", "-c", 'pwd; echo "$GREETING"'], chdir="/tmp", environment={"GREETING": "a 'b'"})

    assert result["stdout_lines"] == ["/tmp", "a 'b'"]


def test_it_reads_what_it_is_given(execute):
    assert execute(cmd="cat", stdin="first")["stdout"] == "first"
    assert execute(cmd="wc -c", stdin="12345", stdin_add_newline=False)["stdout"].strip() == "5"
    assert execute(cmd="cat")["stdout"] == ""


@pytest.mark.wide
def test_a_lot_of_output_on_both_sides_does_not_block(execute):
    result = execute(
        argv=["sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x; head -c 300000 /dev/zero | tr '\\0' y >&2"]
    )

    assert (len(result["stdout"]), len(result["stderr"])) == (300000, 300000)


@one_transport
def test_empty_ends_are_kept_when_asked(execute):
    assert execute(argv=["printf", "a\n\n"], strip_empty_ends=False)["stdout"] == "a\n\n"


def test_what_takes_too_long_is_ended_in_the_pixel_too(execute, guest):
    result = execute(argv=["sh", "-c", "sleep 300"], timeout=0.2)

    assert result["failed"]
    assert "longer than 0.2 s" in result["msg"]
    running = execute(argv=["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"])["stdout"]
    assert "sleep 300" not in running


@one_transport
@pytest.mark.wide
def test_creates_and_removes_decide_whether_it_runs(execute, truenas):
    put(truenas, "/etc/app.key", "secret")

    assert not execute(cmd="touch /tmp/ran", creates="/etc/app.key")["changed"]
    assert execute(cmd="touch /tmp/ran", creates="/nowhere")["changed"]
    assert not execute(cmd="touch /tmp/ran", removes="/nowhere")["changed"]
    assert execute(cmd="touch /tmp/ran", removes="/etc/app.key")["changed"]


@pytest.mark.parametrize("transport", ["shell"])  # over SSH, `test` is a builtin of the shell
@pytest.mark.wide
def test_a_check_that_prints_without_end_is_given_up(execute, truenas, monkeypatch):
    monkeypatch.setattr(scripts, "ERRORS_LIMIT", 200_000)
    put(truenas, "/usr/local/bin/test", "#!/bin/sh\nexec yes aaaa >&2\n", mode=0o755)

    ended = execute(cmd="touch /tmp/ran", creates="/nowhere")

    assert ended["failed"]
    assert "the error output of a command is larger than 200000 bytes" in ended["msg"]


@one_transport
@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.wide
def test_check_mode_predicts_what_can_be_predicted_and_runs_nothing(execute):
    once = {"argv": ["touch", "/etc/app.key"], "creates": "/etc/app.key"}

    assert execute(**once, check_mode=True)["changed"]
    assert execute(**once)["changed"]
    assert not execute(**once)["changed"]
    assert execute(cmd="touch /tmp/ran", check_mode=True)["skipped"]
    assert execute(argv=["test", "-e", "/tmp/ran"])["failed"]


@both_generations
def test_a_pixel_that_does_not_run_is_reported_to_be_started(run, truenas, nas):
    truenas.world.add_container("px-db", status="STOPPED")

    result = run(pixels_exec, name="db", cmd="true")

    assert result["failed"]
    assert "db on" in result["msg"]
    assert "start it first" in result["msg"]


def test_a_pixel_that_is_not_there_is_reported(run, truenas):
    result = run(pixels_exec, name="gone", cmd="true")

    assert result["failed"]
    assert result["error"]["kind"] == "NotFound"


@pytest.mark.parametrize("transport", ["ssh"])
def test_a_key_the_pixel_does_not_know_is_reported_with_what_to_do(execute, truenas):
    put(truenas, "/root/.ssh/authorized_keys", "", mode=0o600)

    result = execute(cmd="true")

    assert result["failed"]
    assert "took none of the keys" in result["msg"]
    assert "provision" in result["msg"]


@pytest.mark.parametrize("transport", ["ssh"])
def test_another_machine_at_its_address_is_not_spoken_to(execute, truenas, tmp_path):
    execute(cmd="true")
    known = tmp_path / "state" / "pixels" / "known_hosts"
    words = known.read_text().split()
    known.write_text(f"{words[0]} {words[1]} AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n")

    result = execute(cmd="true")

    assert result["failed"]
    assert "SSH host key mismatch for" in result["msg"]
    assert str(known) in result["msg"]


@one_transport
@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({}, "one of the following is required: argv, cmd"),
        ({"argv": ["true"], "cmd": "true"}, "mutually exclusive"),
        ({"cmd": "echo 'open"}, "cmd is invalid: No closing quotation"),
        ({"cmd": " "}, "cmd is invalid: it is empty"),
    ],
)
def test_nonsense_is_refused(execute, params, problem):
    result = execute(**params)

    assert result["failed"]
    assert problem in result["msg"]


@pytest.mark.parametrize("transport", ["ssh", "shell"])
def test_its_variables_are_seen_by_no_other_user_of_the_pixel(execute, transport):
    look = "cat; echo $TOKEN; for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline; echo; done 2>/dev/null"

    result = execute(argv=["sh", "-c", look], environment={"TOKEN": "sesame"}, stdin="given", transport=transport)

    assert result["stdout_lines"][:2] == ["given", "sesame"]
    assert result["stdout"].count("sesame") == 1
    assert "sh -c cat; echo" in result["stdout"]


@one_transport
def test_a_variable_that_cannot_be_set_is_refused_before_anything_runs(execute):
    result = execute(cmd="true", environment={"A B": "x"})

    assert result["failed"]
    assert result["error"]["kind"] == "Invalid"
    assert "'A B' is not a variable name" in result["msg"]


def test_variables_of_a_session_are_there_and_those_of_the_task_count_for_more(execute, tmp_path, monkeypatch):
    config = tmp_path / "config.toml"
    config.write_text(
        '[env]\nA = {value = "a", session_only = true}\nB = {value = "b", session_only = true}\nC = "c"\n'
    )
    monkeypatch.setenv("PIXELS_CONFIG", str(config))

    result = execute(argv=["sh", "-c", 'echo "$A|$B|$C"'], environment={"B": "mine"})

    assert result["stdout"] == "a|mine|"


@pytest.mark.parametrize("errno", [13, 14])
def test_an_error_as_the_shell_is_opened_names_the_pixel_and_that_nothing_was_run(run, truenas, guest, errno):
    truenas.faults.add("fail_call", method="auth.generate_token", errno=errno, reason="bad luck")

    result = run(pixels_exec, name=guest, cmd="true", transport="shell")

    assert f"opening a shell in web on {truenas.host}:{truenas.port}: " in result["msg"]
    assert "bad luck" in result["msg"]
    assert "Nothing was run there" in result["msg"]


def test_what_is_detached_goes_on_and_its_number_is_returned(execute, truenas):
    result = execute(argv=["sh", "-c", "exec sleep 300"], detach=True, environment={"A": "1"})

    assert (result["rc"], result["stdout"]) == (0, str(result["pid"]))
    assert execute(argv=["kill", str(result["pid"])])["rc"] == 0


def test_what_is_detached_has_no_input(execute):
    assert "a detached command has no input" in execute(cmd="cat", detach=True, stdin="x")["msg"]


@users_of_its_own
@pytest.mark.parametrize("user", ["ubuntu", "1000"])
def test_it_runs_as_a_user_by_name_or_number_in_its_home(execute, user):
    result = execute(argv=["sh", "-c", "id -un; pwd"], user=user)

    assert result["stdout_lines"] == ["ubuntu", "/home/ubuntu"]


@one_transport
def test_a_directory_is_one_of_the_pixel(execute, monkeypatch):
    monkeypatch.setenv("HOME", "/nowhere")
    execute(argv=["mkdir", "-p", "/root/$HOME"])

    assert execute(cmd="pwd", chdir="~")["stdout"] == "/root"
    assert execute(cmd="pwd", chdir="~/$HOME")["stdout"] == "/root/$HOME"
