# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verb exec, in pixels that live."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.command import PIXELS
from tests.unit.plugins.conftest import put, read


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def two(inside, truenas, key):
    """Another pixel, named db."""
    truenas.world.add_container("px-db")
    put(truenas, "/root/.ssh/authorized_keys", f"{key.public}\n", name="px-db", mode=0o600)
    return inside


def wait_for(truenas, path, *, name="px-web"):
    """Until a command in the pixel has made a file."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            return read(truenas, path, name=name)
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"{path} was never made")


WAYS = [
    pytest.param([], id="by the open connection"),
    pytest.param(["--config", "/dev/null"], id="by python"),
]


@pytest.mark.parametrize("options", WAYS)
class TestEitherWay:
    """The shell script and Python do the same."""

    @pytest.fixture
    def inside(self, inside):
        inside("exec", "web", "true")
        return inside

    def test_bytes_pass_both_ways_unchanged(self, inside, options):
        content = random.Random(5).randbytes(1_000_000)
        process = inside.start("exec", *options, "web", "cat", stdin=subprocess.PIPE)

        out, err = process.communicate(content, timeout=30)

        assert (process.returncode, err) == (0, b"")
        assert hashlib.sha256(out).digest() == hashlib.sha256(content).digest()

    def test_output_comes_while_the_command_runs_and_input_is_read_as_it_comes(self, inside, options):
        process = inside.start("exec", *options, "web", "sh", "-c", "echo ready; read word; echo got $word", stdin=-1)

        assert process.stdout.readline() == b"ready\n"
        process.stdin.write(b"this\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"got this\n"
        process.communicate(timeout=30)

    def test_every_exit_status_is_the_commands_own(self, inside, options):
        statuses = [0, 1, 128, 254, 255]

        ended = [inside("exec", *options, "web", "--", "sh", "-c", f"exit {status}") for status in statuses]

        assert [(each.returncode, each.stderr) for each in ended] == [(status, "") for status in statuses]

    def test_a_command_ended_by_a_signal_counts_as_shells_count(self, inside, options):
        assert inside("exec", *options, "web", "--", "sh", "-c", "kill -9 $$").returncode == 137

    def test_words_arrive_as_they_are(self, inside, options):
        words = [" ", "it's", "''", "", "a\nb", "$(id)", "`id`", "\\", "*", "ä", "-n", '"', "c\n", ""]

        together = inside("exec", *options, "web", "--", "printf", "<%s>", *words)
        alone = inside("exec", *options, "web", "--", "printf", "<%s>", "")

        assert together.stdout == "".join(f"<{word}>" for word in words)
        assert alone.stdout == "<>"

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
    def test_a_signal_goes_to_the_command_which_may_answer_it(self, inside, options, truenas, number):
        name = number.name.removeprefix("SIG")
        script = f'trap "echo cleaned up; exit 9" {name}; touch /ready; while :; do sleep 0.1; done'
        process = inside.start("exec", *options, "web", "--", "sh", "-c", script)
        wait_for(truenas, "/ready")

        process.send_signal(number)

        out, _err = process.communicate(timeout=30)
        assert (process.returncode, out) == (9, b"cleaned up\n")

    def test_ctrl_c_ends_the_command_in_the_pixel_as_well(self, inside, options, truenas):
        terminal = inside.at_terminal("exec", *options, "web", "--", "sh", "-c", "touch /ready; exec sleep 987")
        wait_for(truenas, "/ready")

        terminal.press_ctrl_c()

        assert terminal.end() == 130
        running = inside("exec", "web", "--", "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout
        assert "sleep 987" not in running

    def test_ctrl_backslash_ends_the_command_in_the_pixel_as_well(self, inside, options, truenas, home):
        terminal = inside.at_terminal("exec", *options, "web", "--", "sh", "-c", "touch /ready; exec sleep 987")
        wait_for(truenas, "/ready")

        terminal.type("\x1c")

        assert terminal.end() == 131
        running = inside("exec", "web", "--", "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout
        assert "sleep 987" not in running
        assert list((home / ".cache/pixels/ssh").glob("log*")) == []

    def test_a_reader_that_has_enough_ends_it_as_it_ends_others(self, inside, options):
        line = f"set -o pipefail; {PIXELS} exec {' '.join(options)} web yes | head -1"

        ended = subprocess.run(["bash", "-c", line], env=inside.environment, capture_output=True, check=False)

        assert (ended.returncode, ended.stdout, ended.stderr) == (128 + signal.SIGPIPE, b"y\n", b"")

    def test_an_input_that_is_closed_is_an_empty_one(self, inside, options):
        line = f"{PIXELS} exec {' '.join(options)} web cat <&-"

        ended = subprocess.run(["sh", "-c", line], env=inside.environment, capture_output=True, check=False)

        assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")

    def test_no_two_commands_can_be_taken_for_each_other(self, inside, options):
        def name():
            line = inside("exec", *options, "web", "--", "sh", "-c", "tr '\\0' ' ' </proc/$PPID/cmdline").stdout
            return line.partition("QUIT TERM; : ")[2].partition(";")[0]

        names = {name() for _time in range(2)}

        assert len(names) == 2
        assert all(len(each) >= 16 for each in names)

    def test_a_connection_that_breaks_off_is_not_taken_for_an_exit_status(self, inside, options, truenas):
        process = inside.start("exec", *options, "web", "--", "sh", "-c", "touch /ready; sleep 60")
        wait_for(truenas, "/ready")

        truenas.run(truenas.world.engine.stop("px-web", force=True))

        _out, err = process.communicate(timeout=30)
        assert process.returncode == 1
        assert err.startswith(b"Error: the SSH connection to web")
        assert b"broke off while the command ran" in err


class TestTheShell:
    """What is of the shell script alone."""

    @pytest.fixture
    def inside(self, inside):
        inside("exec", "web", "true")
        # A Python that only says that it was asked.
        inside.environment["PIXELS_PYTHON"] = "/bin/echo"
        return inside

    def test_what_an_earlier_process_left_is_not_read(self, inside, home):
        left = "debug: Received exit status from master 7"
        line = f"echo '{left}' >{home}/.cache/pixels/ssh/log.$$; exec {PIXELS} exec web -- \"$@\""

        ended = subprocess.run(
            ["sh", "-c", line, "sh", "sh", "-c", "kill -9 $PPID"],
            env=inside.environment | {"PIXELS_PYTHON": sys.executable},
            capture_output=True,
            text=True,
            check=False,
        )

        assert ended.returncode == 1
        assert "broke off" in ended.stderr

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
    @pytest.mark.parametrize("pattern", [".", "web.warm", "px-web-*"])
    def test_what_others_could_have_put_there_is_not_followed(self, inside, home, pattern):
        folder = home / ".cache/pixels/ssh"
        (path,) = [folder] if pattern == "." else folder.glob(pattern)
        assert inside("exec", "web", "uname", "-n").stdout == "px-web\n"

        os.chown(path, 12345, -1)

        assert "launch.py exec web uname -n" in inside("exec", "web", "uname", "-n").stdout

    def test_a_verb_alone_is_told_what_is_right(self, command):
        ended = command("exec")

        assert ended.returncode == 2
        assert "which pixel? pixels exec NAME -- COMMAND" in ended.stderr


class TestATerminal:
    def test_it_is_one_and_as_wide_as_ours(self, inside):
        terminal = inside.at_terminal("exec", "-t", "web", "--", "sh", "-c", "test -t 0 && stty size", columns=77)

        terminal.see("24 77")
        assert terminal.end() == 0

    def test_it_follows_when_ours_is_resized(self, inside):
        script = "trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.1; done"
        terminal = inside.at_terminal("exec", "-t", "web", "--", "sh", "-c", script)
        terminal.see("ready")

        terminal.resize(55)

        terminal.see("24 55")
        assert terminal.end() == 0

    def test_ctrl_c_is_a_key_like_others(self, inside):
        terminal = inside.at_terminal(
            "exec",
            "-t",
            "web",
            "--",
            "sh",
            "-c",
            "trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.1; done",
        )
        terminal.see("ready")

        terminal.press_ctrl_c()

        terminal.see("caught")
        assert terminal.end() == 5

    def test_255_is_a_status_there_too(self, inside):
        terminal = inside.at_terminal("exec", "-t", "web", "--", "sh", "-c", "exit 255")

        assert terminal.end() == 255
        assert "closed" not in terminal.shown

    def test_several_pixels_cannot_share_it(self, inside):
        assert inside("exec", "-t", "web", "db", "--", "true").returncode == 2


def lines(ended):
    """What many wrote, by the pixel: who is first is chance."""
    return sorted(ended.stdout.splitlines(keepends=True), key=lambda line: line.partition(":")[0])


class TestMany:
    def test_output_is_prefixed_and_the_worst_status_wins(self, two):
        ended = two(
            "exec", "db", "web", "--", "sh", "-c", 'uname -n; printf "no end"; [ "$(uname -n)" = px-web ] || exit 7'
        )

        assert ended.returncode == 7
        assert lines(ended) == ["db: px-db\n", "db: no end\n", "web: px-web\n", "web: no end\n"]

    def test_all_are_those_that_run(self, two, truenas):
        truenas.world.add_container("px-off", status="STOPPED")

        ended = two("exec", "--all", "--", "uname", "-n")

        assert (ended.returncode, lines(ended)) == (0, ["db: px-db\n", "web: px-web\n"])

    def test_who_is_named_and_does_not_run_is_an_error(self, two, truenas):
        truenas.world.add_container("px-off", status="STOPPED")

        ended = two("exec", "off", "web", "--", "uname", "-n")

        assert (ended.returncode, ended.stdout) == (1, "web: px-web\n")
        assert "off on" in ended.stderr

    def test_each_gets_the_input(self, two):
        assert lines(two("exec", "--all", "--", "cat", stdin="in\n")) == ["db: in\n", "web: in\n"]

    def test_output_comes_line_by_line_while_the_commands_run(self, two, truenas):
        script = (
            'echo "on $(uname -n)"; echo err >&2; while [ ! -e /go ]; do sleep 0.1; done; printf half; echo " a line"'
        )
        process = two.start("exec", "--all", "--", "sh", "-c", script)

        seen = {process.stdout.readline() for _pixel in range(2)}

        assert seen == {b"db: on px-db\n", b"web: on px-web\n"}
        assert {process.stderr.readline() for _pixel in range(2)} == {b"db: err\n", b"web: err\n"}
        for name in ("px-web", "px-db"):
            put(truenas, "/go", "", name=name)
        out, _err = process.communicate(timeout=30)
        assert sorted(out.splitlines()) == [b"db: half a line", b"web: half a line"]

    def test_much_passes_unchanged_behind_the_name(self, two):
        content = random.Random(6).randbytes(300_000).replace(b"\n", b"")
        process = two.start("exec", "w*", "--", "cat", stdin=subprocess.PIPE)

        out, _err = process.communicate(content, timeout=30)

        assert out == b"web: " + content + b"\n"

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_goes_to_all_of_the_commands(self, two, truenas, number):
        name = number.name.removeprefix("SIG")
        script = f'trap "echo cleaned up; exit 9" {name}; touch /ready; while :; do sleep 0.1; done'
        process = two.start("exec", "--all", "--", "sh", "-c", script)
        for pixel in ("px-web", "px-db"):
            wait_for(truenas, "/ready", name=pixel)

        process.send_signal(number)

        out, _err = process.communicate(timeout=30)
        assert (process.returncode, sorted(out.splitlines())) == (9, [b"db: cleaned up", b"web: cleaned up"])

    def test_ctrl_c_does_not_wait_for_those_that_have_not_begun(self, two, truenas):
        two("exec", "web", "true")
        # It runs, and nobody answers there.
        truenas.world.containers["px-db"].aliases[0]["address"] = "192.0.2.1"
        process = two.start("--json", "exec", "--all", "--", "sh", "-c", "touch /ready; exec sleep 987")
        wait_for(truenas, "/ready")

        process.send_signal(signal.SIGINT)

        out, _err = process.communicate(timeout=20)
        by_name = {each["name"]: each for each in json.loads(out)}
        assert process.returncode == 130
        assert by_name["web"]["rc"] == 130
        assert by_name["db"]["error"]["message"] == "interrupted before the command began in db"

    def test_a_reader_that_has_enough_ends_them_all(self, two):
        line = f"{PIXELS} exec --all -- yes | head -1"

        ended = subprocess.run(["bash", "-c", line], env=two.environment, capture_output=True, text=True, check=False)

        assert ended.stdout in ("web: y\n", "db: y\n")
        assert ended.stderr == ""

    def test_programs_get_json(self, two):
        shown = two.json("exec", "w*", "--", "sh", "-c", "echo out; echo err >&2; exit 3")

        assert shown == [{"name": "web", "rc": 3, "stdout": "out\n", "stderr": "err\n"}]

    def test_programs_get_one_document_where_none_runs(self, two, truenas):
        for each in truenas.world.containers.values():
            each.status = "STOPPED"

        ended = two("exec", "--json", "d*", "--", "true")

        assert ended.returncode == 1
        assert json.loads(ended.stdout)["error"]["kind"] == "NotFound"

    def test_a_pattern_that_meets_none_that_runs_is_an_error(self, two):
        ended = two("exec", "nobody-*", "--", "true")

        assert ended.returncode == 1
        assert "is named like nobody-*" in ended.stderr


@pytest.fixture
def without_ssh(inside, home):
    """A machine on which there is no ssh."""
    folder = home / "bin"
    folder.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        for program in ("sh", "cat", "rm", "readlink", "env"):
            if (Path(place) / program).exists() and not (folder / program).exists():
                (folder / program).symlink_to(Path(place) / program)
    inside.environment["PATH"] = str(folder)
    return inside


class TestWithoutOpenSsh:
    def test_a_command_runs_all_the_same(self, without_ssh):
        ended = without_ssh("exec", "web", "--", "sh", "-c", "cat; echo err >&2; exit 6", stdin="in\n")

        assert (ended.returncode, ended.stdout, ended.stderr) == (6, "in\n", "err\n")

    def test_a_terminal_is_one_and_as_wide_as_ours(self, without_ssh):
        terminal = without_ssh.at_terminal("exec", "-t", "web", "--", "stty", "size", columns=66)

        terminal.see("24 66")
        assert terminal.end() == 0

    def test_a_signal_goes_to_the_command(self, without_ssh, truenas):
        script = 'trap "echo cleaned up; exit 9" TERM; touch /ready; while :; do sleep 0.1; done'
        process = without_ssh.start("exec", "web", "--", "sh", "-c", script)
        wait_for(truenas, "/ready")

        process.terminate()

        out, _err = process.communicate(timeout=30)
        assert (process.returncode, out) == (9, b"cleaned up\n")

    def test_many_are_entered_too(self, without_ssh):
        assert without_ssh("exec", "--all", "--", "uname", "-n").stdout == "web: px-web\n"

    def test_a_console_takes_the_shell_of_the_nas_unless_it_may_not(self, without_ssh):
        terminal = without_ssh.at_terminal("console", "web")

        terminal.see("# ")
        terminal.type("exit 4\n")
        assert terminal.end() == 4
        assert "needs OpenSSH on this machine" in without_ssh("console", "--transport", "ssh", "web").stderr


class TestVariables:
    """Of the configuration file."""

    TABLE = '[env]\nTOKEN = {forward = true}\nMODE = {value = "sesame 4711", session_only = true}\nIMAGE = "written"\n'
    LOOK = 'echo "$TOKEN|$MODE|$IMAGE|$OTHER"'
    SEEN = "it's open|sesame 4711||\n"

    @pytest.fixture
    def inside(self, inside, truenas):
        """A pixel whose SSH server takes them."""
        put(truenas, "/etc/ssh/sshd_config.d/pixels-env.conf", "AcceptEnv TOKEN MODE\n")
        restart_ssh(truenas)
        inside.configure(self.TABLE).chmod(0o600)
        inside.environment |= {"TOKEN": "it's open", "OTHER": "no", "IMAGE": "no"}
        return inside

    @pytest.mark.parametrize("options", [[], ["--transport", "shell"]], ids=["ssh", "shell"])
    def test_those_of_a_session_reach_the_command_each_time(self, inside, options):
        for _time in range(2):
            ended = inside("exec", *options, "web", "--", "sh", "-c", f"cat; {self.LOOK}", stdin="in\n")

            assert (ended.stdout, ended.stderr) == (f"in\n{self.SEEN}", "")

    def test_they_reach_a_command_at_a_terminal(self, inside):
        terminal = inside.at_terminal("exec", "-t", "web", "--", "sh", "-c", f"{self.LOOK}; stty size", columns=66)

        assert terminal.see("24 66") == f"{self.SEEN}24 66"
        assert terminal.end() == 0

    @pytest.mark.parametrize("options", [[], ["--transport", "shell"]], ids=["ssh", "shell"])
    def test_they_reach_commands_in_many(self, inside, options):
        ended = inside("exec", *options, "--all", "--", "sh", "-c", f"cat; {self.LOOK}", stdin="in\n")

        assert ended.stdout == f"web: in\nweb: {self.SEEN}"

    def test_no_value_is_in_what_anybody_can_list(self, inside):
        process = inside.start("-v", "exec", "web", "--", "sh", "-c", "echo $MODE; read word; echo $word", stdin=-1)
        assert process.stdout.readline() == b"sesame 4711\n"

        listed = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if is_readable(path)]

        _out, err = process.communicate(b"go\n", timeout=30)
        assert b"sesame" not in b"".join(listed) + err
        kept = [path for path in inside.home.rglob("*") if path.is_file() and b"sesame" in path.read_bytes()]
        assert [path.name for path in kept] == ["config.toml"]

    def test_what_the_server_does_not_take_is_said(self, inside, truenas):
        put(truenas, "/etc/ssh/sshd_config.d/pixels-env.conf", "AcceptEnv TOKEN\n")
        restart_ssh(truenas)

        ended = inside("exec", "web", "--", "sh", "-c", f"{self.LOOK}; exit 4")

        assert (ended.returncode, ended.stdout) == (4, "it's open|||\n")
        assert ended.stderr == (
            "pixels: the SSH server takes no MODE (AcceptEnv): provision the pixel, or use transport shell\n"
        )

    def test_a_variable_that_is_not_set_here_is_not_sent(self, inside):
        ended = inside("exec", "web", "--", "sh", "-c", 'echo "${TOKEN-unset}"', TOKEN=None)

        assert (ended.stdout, ended.stderr) == ("unset\n", "")

    def test_without_openssh_they_go_ahead_of_the_input_or_with_the_terminal(self, inside, without_ssh):
        ended = inside("exec", "web", "--", "sh", "-c", f"cat; {self.LOOK}", stdin="in\n")
        terminal = inside.at_terminal("exec", "-t", "web", "--", "sh", "-c", f"{self.LOOK}; echo end")

        assert (ended.stdout, ended.stderr) == (f"in\n{self.SEEN}", "")
        assert terminal.see("end") == f"{self.SEEN}end"


def restart_ssh(truenas):
    """In the pixel, which no connection is open to."""
    truenas.run(truenas.world.engine.run("px-web", ["systemctl", "restart", "ssh"]))


def is_readable(path):
    try:
        path.read_bytes()
    except OSError:
        return False
    return True
