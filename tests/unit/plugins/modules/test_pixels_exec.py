# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of running commands in a pixel that really runs them."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.modules import pixels_exec
from tests.unit.plugins.conftest import RELEASES, both_generations, put


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    """One is enough: both are asked the same for an address."""
    return "25.10"


@pytest.fixture(params=["ssh", "shell"])
def transport(request):
    """Every test runs over both, unless it is about one."""
    return request.param


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


def test_a_signal_that_ended_it_is_told_as_shells_do(execute):
    assert execute(argv=["sh", "-c", "kill -KILL $$"])["rc"] == 137


def test_it_runs_where_and_with_what_it_is_told(execute):
    result = execute(argv=["sh", "-c", 'pwd; echo "$GREETING"'], chdir="/tmp", environment={"GREETING": "a 'b'"})

    assert result["stdout_lines"] == ["/tmp", "a 'b'"]


def test_it_reads_what_it_is_given(execute):
    assert execute(cmd="cat", stdin="first")["stdout"] == "first"
    assert execute(cmd="wc -c", stdin="12345", stdin_add_newline=False)["stdout"].strip() == "5"
    assert execute(cmd="cat")["stdout"] == ""


def test_a_lot_of_output_on_both_sides_does_not_block(execute):
    result = execute(
        argv=["sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x; head -c 300000 /dev/zero | tr '\\0' y >&2"]
    )

    assert (len(result["stdout"]), len(result["stderr"])) == (300000, 300000)


def test_empty_ends_are_kept_when_asked(execute):
    assert execute(argv=["printf", "a\n\n"], strip_empty_ends=False)["stdout"] == "a\n\n"


def test_what_takes_too_long_is_ended_in_the_pixel_too(execute, guest):
    result = execute(argv=["sh", "-c", "sleep 300"], timeout=1)

    assert result["failed"]
    assert "longer than 1 s" in result["msg"]
    running = execute(argv=["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"])["stdout"]
    assert "sleep 300" not in running


def test_creates_and_removes_decide_whether_it_runs(execute, truenas):
    put(truenas, "/etc/app.key", "secret")

    assert not execute(cmd="touch /tmp/ran", creates="/etc/app.key")["changed"]
    assert execute(cmd="touch /tmp/ran", creates="/nowhere")["changed"]
    assert not execute(cmd="touch /tmp/ran", removes="/nowhere")["changed"]
    assert execute(cmd="touch /tmp/ran", removes="/etc/app.key")["changed"]


@pytest.mark.parametrize("release", RELEASES)
def test_check_mode_predicts_what_can_be_predicted_and_runs_nothing(execute):
    once = {"argv": ["touch", "/etc/app.key"], "creates": "/etc/app.key"}

    assert execute(**once, check_mode=True)["changed"]
    assert execute(**once)["changed"]
    assert not execute(**once)["changed"]
    assert execute(cmd="touch /tmp/ran", check_mode=True)["skipped"]
    assert execute(argv=["test", "-e", "/tmp/ran"])["failed"]


@both_generations
def test_a_pixel_that_does_not_run_is_told_to_be_started(run, truenas, nas):
    truenas.world.add_container("px-db", status="STOPPED")

    result = run(pixels_exec, name="db", cmd="true")

    assert result["failed"]
    assert "db on" in result["msg"]
    assert "start it first" in result["msg"]


def test_a_pixel_that_is_not_there_is_told(run, truenas):
    result = run(pixels_exec, name="gone", cmd="true")

    assert result["failed"]
    assert result["error"]["kind"] == "NotFound"


@pytest.mark.parametrize("transport", ["ssh"])
def test_a_key_the_pixel_does_not_know_is_told_with_what_to_do(execute, truenas):
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
    assert "another SSH host key" in result["msg"]
    assert str(known) in result["msg"]


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({}, "one of the following is required: argv, cmd"),
        ({"argv": ["true"], "cmd": "true"}, "mutually exclusive"),
        ({"cmd": "echo 'open"}, "cannot be split"),
        ({"cmd": " "}, "no command"),
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


def test_a_variable_that_cannot_be_set_is_refused_before_anything_runs(execute):
    result = execute(cmd="true", environment={"A B": "x"})

    assert result["failed"]
    assert result["error"]["kind"] == "Invalid"
    assert "'A B' is no name of a variable" in result["msg"]


def test_variables_of_a_session_are_there_and_those_of_the_task_count_for_more(execute, tmp_path, monkeypatch):
    config = tmp_path / "config.toml"
    config.write_text(
        '[env]\nA = {value = "a", session_only = true}\nB = {value = "b", session_only = true}\nC = "c"\n'
    )
    monkeypatch.setenv("PIXELS_CONFIG", str(config))

    result = execute(argv=["sh", "-c", 'echo "$A|$B|$C"'], environment={"B": "mine"})

    assert result["stdout"] == "a|mine|"
