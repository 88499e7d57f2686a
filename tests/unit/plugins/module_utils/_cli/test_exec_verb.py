# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verb exec, in pixels that live."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh.control_socket import master_pid
from tests.unit.command import PIXELS
from tests.unit.forwarding import forwarded
from tests.unit.plugins.conftest import put, read, users_of_its_own, wait_until


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


LOGIN_SHELLS = [
    pytest.param(path, marks=pytest.mark.skipif(not os.path.exists(path), reason="is not on this machine"))
    for path in ("/bin/bash", "/usr/bin/fish", "/usr/bin/tcsh", "/usr/bin/bsd-csh")
]


def set_login_shell(truenas, shell):
    """Of root, as chsh does."""
    passwd = read(truenas, "/etc/passwd")
    put(truenas, "/etc/passwd", re.sub(r"(?m)^(root:.*:).*$", rf"\g<1>{shell}", passwd))


DOCUMENTATION = PIXELS.parents[1] / "docs/command.md"

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

    @pytest.mark.wide
    def test_bytes_pass_both_ways_unchanged(self, inside, options):
        content = random.Random(5).randbytes(1_000_000)
        process = inside.start("exec", *options, "web", "cat", stdin=subprocess.PIPE)

        out, err = process.communicate(content, timeout=30)

        assert (process.returncode, err) == (0, b"")
        assert hashlib.sha256(out).digest() == hashlib.sha256(content).digest()

    @pytest.mark.wide
    def test_output_comes_while_the_command_runs_and_input_is_read_as_it_comes(self, inside, options):
        process = inside.start("exec", *options, "web", "sh", "-c", "echo ready; read word; echo got $word", stdin=-1)

        assert process.stdout.readline() == b"ready\n"
        process.stdin.write(b"this\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"got this\n"
        process.communicate(timeout=30)

    @pytest.mark.wide
    def test_every_exit_status_is_the_commands_own(self, inside, options):
        statuses = [0, 1, 128, 254, 255]

        ended = [inside("exec", *options, "web", "--", "sh", "-c", f"exit {status}") for status in statuses]

        assert [(each.returncode, each.stderr) for each in ended] == [(status, "") for status in statuses]

    @pytest.mark.wide
    def test_a_command_ended_by_a_signal_counts_as_shells_count(self, inside, options):
        assert inside("exec", *options, "web", "--", "sh", "-c", "kill -9 $$").returncode == 137

    @pytest.mark.parametrize("shell", LOGIN_SHELLS)
    def test_words_arrive_as_they_are_whichever_the_login_shell_is(self, inside, options, truenas, shell):
        words = [" ", "it's", "''", "", "a\nb", "$(id)", "`id`", "\\", "*", "ä", "-n", '"', "c\n", "!!", "\\0101", ""]
        set_login_shell(truenas, shell)

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

    @pytest.mark.wide
    def test_ctrl_c_ends_the_command_in_the_pixel_as_well(self, inside, options, truenas):
        terminal = inside.at_terminal("exec", *options, "web", "--", "sh", "-c", "touch /ready; exec sleep 987")
        wait_for(truenas, "/ready")

        terminal.press_ctrl_c()

        assert terminal.end() == 130
        running = inside("exec", "web", "--", "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout
        assert "sleep 987" not in running

    @pytest.mark.wide
    def test_ctrl_backslash_ends_the_command_in_the_pixel_as_well(self, inside, options, truenas, home):
        terminal = inside.at_terminal("exec", *options, "web", "--", "sh", "-c", "touch /ready; exec sleep 987")
        wait_for(truenas, "/ready")

        terminal.type("\x1c")

        assert terminal.end() == 131
        running = inside("exec", "web", "--", "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout
        assert "sleep 987" not in running
        wait_until(lambda: not list((home / ".cache/pixels/ssh").glob("log*")))

    @pytest.mark.wide
    def test_a_reader_that_has_enough_ends_it_as_it_ends_others(self, inside, options):
        line = f"set -o pipefail; {PIXELS} exec {' '.join(options)} web yes | head -1"

        ended = subprocess.run(["bash", "-c", line], env=inside.environment, capture_output=True, check=False)

        assert (ended.returncode, ended.stdout, ended.stderr) == (128 + signal.SIGPIPE, b"y\n", b"")

    @pytest.mark.wide
    def test_an_input_that_is_closed_is_an_empty_one(self, inside, options):
        line = f"{PIXELS} exec {' '.join(options)} web cat <&-"

        ended = subprocess.run(["sh", "-c", line], env=inside.environment, capture_output=True, check=False)

        assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")

    @pytest.mark.wide
    def test_no_two_commands_can_be_mistaken_for_each_other(self, inside, options):
        def name():
            line = inside("exec", *options, "web", "--", "sh", "-c", "tr '\\0' ' ' </proc/$PPID/cmdline").stdout
            return line.partition("QUIT TERM; : ")[2].partition(";")[0]

        names = {name() for _time in range(2)}

        assert len(names) == 2
        assert all(len(each) >= 16 for each in names)

    @pytest.mark.parametrize("shell", LOGIN_SHELLS)
    def test_a_signal_finds_the_command_under_any_login_shell(self, inside, options, truenas, shell):
        set_login_shell(truenas, shell)
        process = inside.start("exec", *options, "web", "--", "sh", "-c", "touch /ready; exec sleep 60")
        wait_for(truenas, "/ready")

        process.send_signal(signal.SIGTERM)

        process.communicate(timeout=30)
        assert process.returncode == 143

    @pytest.mark.wide
    def test_arguments_above_the_length_of_a_line_arrive_and_input_after_them(self, inside, options):
        words = ["it's\n\\!" * 12_000, "x" * 100_000, ""]

        ended = inside("exec", *options, "web", "--", "sh", "-c", 'printf "<%s>" "$@"; cat', "sh", *words, stdin="in\n")

        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout == "".join(f"<{word}>" for word in words) + "in\n"

    @pytest.mark.wide
    def test_arguments_that_no_kernel_accepts_are_refused_with_a_message_of_the_collection(self, inside, options):
        inside.environment["X"] = "x" * 100_000
        line = f'{PIXELS} exec {" ".join(options)} web true "$X" "$X" "$X" "$X" "$X"'
        inside.environment["LINE"] = line
        many = subprocess.run(
            ["bash", "-c", 'ulimit -s 65536; eval "${LINE/true/true $(printf \'"$X" %.0s\' {1..20})}"'],
            env=inside.environment,
            capture_output=True,
            text=True,
            check=False,
        )

        assert (many.returncode, many.stdout) == (1, "")
        assert "Error: the command cannot run: arguments and variables together have" in many.stderr

    @pytest.mark.wide
    def test_an_empty_command_is_refused(self, inside, options):
        for words in ([""], ["", "uname"]):
            ended = inside("exec", *options, "web", "--", *words)

            assert (ended.returncode, ended.stdout) == (1, "")
            assert ended.stderr == "Error: the command is empty: name a program of the pixel\n"

    @pytest.mark.wide
    def test_a_connection_whose_process_is_stopped_is_replaced(self, inside, options, home):
        inside("exec", *options, "web", "true")
        (path,) = (home / ".cache/pixels/ssh").glob("px-web-*")
        stopped = master_pid(str(path))
        os.kill(stopped, signal.SIGSTOP)
        try:
            out, _err = inside.start("exec", *options, "web", "uname", "-n").communicate(timeout=30)

            assert out == b"px-web\n"
            assert master_pid(str(path)) not in (None, stopped)
        finally:
            os.kill(stopped, signal.SIGKILL)

    @pytest.mark.wide
    def test_a_connection_that_breaks_off_is_not_mistaken_for_an_exit_status(self, inside, options, truenas):
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

    @pytest.mark.parametrize("shell", LOGIN_SHELLS)
    def test_words_without_special_characters_arrive_under_any_login_shell(self, inside, truenas, shell):
        set_login_shell(truenas, shell)
        words = ["-n", "a-b_c.d", "/e:f,g@h", "+i", "ls"]

        ended = inside("exec", "web", "echo", *words)

        assert (ended.returncode, ended.stdout) == (0, " ".join(words[1:]))
        assert inside("exec", "web", "false").returncode == 1
        assert inside("exec", "web", "sh", "-c", "exit 7").returncode == 7

    def test_a_signal_finds_a_command_without_special_characters(self, inside, truenas):
        put(truenas, "/root/wait", "#!/bin/sh\ntouch /ready\nexec sleep 60\n", mode=0o755)
        process = inside.start("exec", "web", "/root/wait")
        wait_for(truenas, "/ready")

        process.send_signal(signal.SIGTERM)

        process.communicate(timeout=30)
        assert process.returncode == 143

    def test_no_log_remains(self, inside, home):
        inside("exec", "web", "true")
        inside("exec", "web", "sh", "-c", "exit 200")

        wait_until(lambda: not list((home / ".cache/pixels/ssh").glob("log.*")))

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
    @pytest.mark.parametrize("pattern", [".", "web.warm", "px-web-*"])
    def test_what_others_could_have_put_there_is_not_followed(self, inside, home, pattern):
        folder = home / ".cache/pixels/ssh"
        (path,) = [folder] if pattern == "." else folder.glob(pattern)
        assert inside("exec", "web", "uname", "-n").stdout == "px-web\n"

        os.chown(path, 12345, -1)

        assert "launch.py exec web uname -n" in inside("exec", "web", "uname", "-n").stdout

    # Three processes for each of some forty variables.
    @pytest.mark.timeout(300)
    @pytest.mark.wide
    def test_every_documented_variable_counts_as_without_the_fast_path(self, inside):
        inside.environment["PIXELS_PYTHON"] = sys.executable
        documented = set(re.findall(r"PIXELS_[A-Z_]+", DOCUMENTATION.read_text()))
        assert documented > {
            "PIXELS_TRANSPORT",
            "PIXELS_SSH_USER",
            "PIXELS_TRUENAS_HOST",
            "PIXELS_NAS",
            "PIXELS_CONFIG",
        }
        values = dict.fromkeys(documented - {"PIXELS_PYTHON"}, "nonsense") | {
            "PIXELS_TRUENAS_HOST": "127.255.255.254",
            "PIXELS_TRUENAS_PORT": "1",
            "PIXELS_CONFIG": "/nonexistent",
        }
        failed = set()

        # Sorted: a user that SSH refuses comes before a key that the NAS refuses, and must not cost the noted address.
        for name, value in sorted(values.items()):
            inside("exec", "web", "true")
            short = inside("exec", "web", "echo", "here", **{name: value})
            long = inside("exec", "--no-color", "web", "echo", "here", **{name: value})

            assert (name, short.returncode, short.stdout, short.stderr) == (
                name,
                long.returncode,
                long.stdout,
                long.stderr,
            )
            failed |= {name} if short.returncode else set()

        assert failed > {
            "PIXELS_TRANSPORT",
            "PIXELS_SSH_USER",
            "PIXELS_TRUENAS_HOST",
            "PIXELS_CONFIG",
            "PIXELS_CALL_TIMEOUT",
        }

    @pytest.mark.wide
    def test_a_variable_that_requests_the_web_shell_is_used(self, inside, truenas):
        inside.environment["PIXELS_PYTHON"] = sys.executable

        assert inside("exec", "web", "uname", "-n", PIXELS_TRANSPORT="shell").stdout == "px-web\n"

        assert truenas.stats.shells == 1

    def test_a_verb_alone_is_reported_what_is_right(self, command):
        ended = command("exec")

        assert ended.returncode == 2
        assert "no pixel is named. Use pixels exec NAME -- COMMAND" in ended.stderr


@pytest.mark.parametrize("shell", ["/usr/sbin/nologin", "/bin/false"])
@pytest.mark.parametrize("cache", [None, "/dev/null"], ids=["with a cache", "without"])
def test_a_login_shell_that_runs_no_commands_is_reported(inside, truenas, shell, cache):
    set_login_shell(truenas, shell)

    ended = [inside("exec", "web", "true", XDG_CACHE_HOME=cache) for _time in range(2)]

    for each in ended:
        assert (each.returncode, each.stdout) == (1, "")
        assert (
            "over SSH: the login shell of root ended with 1 instead. Give the user another login shell" in each.stderr
        )


class SilentServer:
    """Listens at the address of a pixel, and never sends a greeting."""

    def __init__(self, address):
        self._socket = socket.create_server((address, 0))
        self._socket.settimeout(0)
        self.port = self._socket.getsockname()[1]

    @property
    def callers(self):
        """How many have called since this was asked last."""
        found = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.accept()[0].close()
                found += 1
        return found

    def close(self):
        self._socket.close()


class TestWithoutAnSshServer:
    """Transport auto uses the web shell immediately."""

    @pytest.fixture
    def ssh_installed(self):
        return False

    @pytest.fixture
    def silent(self, guest, truenas):
        server = SilentServer(truenas.world.containers["px-web"].aliases[0]["address"])
        yield server
        server.close()

    @pytest.mark.parametrize("options", [("--no-provision",), ()], ids=["not provisioned", "without a key"])
    def test_a_new_pixel_that_has_no_server_is_entered_at_once(self, pixels, truenas, options):
        created = pixels("create", "web", *options)
        assert created.returncode == 0, created.stderr

        looks = []
        for transport in ("auto", "shell"):
            truenas.stats.calls.clear()
            ended = pixels("exec", "web", "true", PIXELS_TRANSPORT=transport)
            assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
            looks.append(truenas.stats.calls["virt.instance.query"])

        assert truenas.stats.shells == 2
        # One look more, for the address. A wait for a server begins with another one.
        assert looks[0] == 2 * looks[1]

    def test_a_port_that_refuses_is_not_waited_for(self, inside, truenas):
        ended = inside("exec", "-v", "web", "uname", "-n")

        assert (ended.returncode, ended.stdout) == (0, "px-web\n")
        assert re.search(r"no SSH server answers at \S+ port \d+: using the web shell of", ended.stderr)
        assert truenas.stats.shells == 1

    def test_a_port_that_keeps_silent_is_tried_once_and_not_waited_for_again(self, inside, truenas, silent):
        port = str(silent.port)

        first = inside("exec", "-v", "web", "uname", "-n", PIXELS_SSH_PORT=port)
        callers = silent.callers
        second = inside("exec", "web", "uname", "-n", PIXELS_SSH_PORT=port)

        assert (first.returncode, first.stdout, callers) == (0, "px-web\n", 1)
        assert (second.stdout, second.stderr) == ("px-web\n", "")
        (notes,) = (inside.home / ".cache/pixels").glob("ssh-*.json")
        assert json.loads(notes.read_text())["px-web"].startswith("silent ")

    @pytest.mark.wide
    def test_several_pixels_are_entered_as_one_is(self, inside, truenas):
        truenas.world.add_container("px-db")

        every = inside("exec", "--all", "--", "uname", "-n")
        named = inside("exec", "web", "db", "--", "uname", "-n")

        for ended in (every, named):
            assert (ended.returncode, ended.stderr) == (0, "")
            assert sorted(ended.stdout.splitlines()) == ["db: px-db", "web: px-web"]
        assert inside.json("exec", "web", "--", "uname", "-n")[0]["stdout"] == "px-web\n"

    def test_a_pixel_without_an_address_is_entered_immediately(self, inside, truenas):
        truenas.world.containers["px-web"].aliases.clear()

        assert inside("exec", "web", "uname", "-n").stdout == "px-web\n"
        assert inside("exec", "--all", "--", "uname", "-n").stdout == "web: px-web\n"

    def test_a_start_makes_it_try_again(self, inside, truenas, silent):
        port = str(silent.port)
        inside("exec", "web", "true", PIXELS_SSH_PORT=port)
        assert silent.callers == 1

        inside("restart", "--force", "--wait", "address", "web", PIXELS_SSH_PORT=port)

        (notes,) = (inside.home / ".cache/pixels").glob("ssh-*.json")
        assert json.loads(notes.read_text()) == {}

    @users_of_its_own
    @pytest.mark.parametrize(("words", "prefix"), [(("web",), ""), (("web", "web*"), "web: ")])
    @pytest.mark.wide
    def test_the_command_runs_as_the_user_that_ssh_logs_in_as(self, inside, words, prefix):
        inside("exec", "--transport", "shell", "web", "--", "useradd", "-m", "alice")

        auto = inside("exec", *words, "--", "id", "-un", PIXELS_SSH_USER="alice")
        named = inside("exec", "-u", "root", *words, "--", "id", "-un", PIXELS_SSH_USER="alice")
        shell = inside("exec", "--transport", "shell", *words, "--", "id", "-un", PIXELS_SSH_USER="alice")

        assert [each.stdout for each in (auto, named, shell)] == [
            f"{prefix}alice\n",
            f"{prefix}root\n",
            f"{prefix}root\n",
        ]

    def test_without_openssh_it_is_the_same(self, inside, without_ssh):
        ended = inside("exec", "-v", "web", "uname", "-n")

        assert (ended.returncode, ended.stdout) == (0, "px-web\n")
        assert "no OpenSSH client is installed on this machine: using the web shell" in ended.stderr


def test_transport_ssh_waits_for_a_server_that_has_never_answered(inside, truenas):
    address = truenas.world.containers["px-web"].aliases[0]["address"]
    silent = SilentServer(address)
    inside.environment["PIXELS_SSH_PORT"] = str(silent.port)
    process = inside.start("exec", "--transport", "ssh", "web", "uname", "-n")
    wait_until(lambda: silent.callers)
    silent.close()

    with forwarded((address, truenas.ssh_port), at=(address, silent.port)):
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out, err) == (0, b"px-web\n", b"")
    assert truenas.stats.shells == 0


@pytest.mark.wide
def test_a_server_that_answered_is_waited_for_while_its_pixel_boots(inside, truenas):
    """And its port is closed meanwhile, as it is for a while after a reboot."""
    inside("exec", "web", "true")
    for path in inside.sockets:
        subprocess.run(["ssh", "-S", str(path), "-O", "exit", "pixel"], capture_output=True, check=True)
    truenas.run(truenas.world.engine.run("px-web", ["systemctl", "stop", "ssh"]))
    process = inside.start("-v", "exec", "web", "uname", "-n")
    output = b""
    while b"no longer at" not in output:
        output += process.stderr.readline()

    truenas.run(truenas.world.engine.run("px-web", ["systemctl", "start", "ssh"]))

    out, _err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, b"px-web\n")
    assert truenas.stats.shells == 0


@pytest.mark.wide
def test_a_connection_that_crashed_where_no_server_answers_any_more_leads_to_the_shell(inside, truenas):
    inside("exec", "web", "true")
    (path,) = inside.sockets
    output = subprocess.run(
        ["ssh", "-S", str(path), "-O", "check", "pixel"], capture_output=True, text=True, check=True
    )
    subprocess.run(["kill", "-9", output.stderr.partition("pid=")[2].rstrip(")\r\n")], check=True)
    truenas.run(truenas.world.engine.run("px-web", ["systemctl", "stop", "ssh"]))
    for path in (inside.home / ".cache/pixels").glob("ssh-*.json"):
        path.unlink()

    ended = inside("exec", "web", "uname", "-n")

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "px-web\n", "")
    assert truenas.stats.shells == 1


@pytest.mark.parametrize("transport", ["ssh", "shell"])
class TestOptionsOfTheCommand:
    """Of what runs in the pixel, whichever way."""

    @pytest.fixture
    def execute(self, inside, transport):
        def execute(*words, **how):
            return inside("exec", "--transport", transport, *words, **how)

        return execute

    @pytest.fixture
    def alice(self, inside):
        """A user whose login shell runs no commands."""
        made = inside("exec", "web", "--", "useradd", "-m", "-u", "1234", "-s", "/usr/sbin/nologin", "alice")
        assert made.stderr == ""
        return "alice"

    @users_of_its_own
    @pytest.mark.parametrize("user", ["alice", "1234"])
    @pytest.mark.wide
    def test_it_runs_as_a_user_in_its_home(self, execute, alice, user):
        line = 'id -un; pwd; echo "$HOME $USER $LOGNAME"; cat'
        ended = execute("-u", user, "web", "--", "sh", "-c", line, stdin="in\n")

        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout == "alice\n/home/alice\n/home/alice alice alice\nin\n"

    @users_of_its_own
    def test_a_number_that_no_user_has_will_do(self, execute):
        line = 'id -u; id -g; pwd; echo "$HOME ${USER-none} ${LOGNAME-none}"'
        ended = execute("--user", "4321", "web", "--", "sh", "-c", line)

        assert (ended.returncode, ended.stdout) == (0, "4321\n4321\n/\n/ none none\n")

    def test_a_user_that_is_not_there_is_reported(self, execute):
        ended = execute("-u", "nobody-here", "web", "id")

        assert ended.returncode != 0
        assert "nobody-here" in ended.stderr
        assert ended.stdout == ""

    def test_what_is_no_name_of_a_user_is_refused(self, execute):
        ended = execute("--user=-c", "web", "id")

        assert (ended.returncode, ended.stdout) == (1, "")
        assert "Error: invalid user '-c': give the name or the number of a user of the pixel" in ended.stderr

    @pytest.mark.parametrize("where", [["web"], ["web", "web"]], ids=["one", "many"])
    def test_an_empty_user_or_directory_is_refused(self, execute, where):
        options = (("-u", "invalid user ''"), ("-w", "invalid directory ''"))
        for option, problem in options:
            ended = execute(option, "", *where, "--", "echo", "ran")

            assert (ended.returncode, ended.stdout) == (1, "")
            assert ended.stderr.startswith(f"Error: {problem}: give ")

    @pytest.mark.parametrize("name", ["a b", "-", "it's", "$HOME", "a\nb"])
    @pytest.mark.wide
    def test_it_runs_in_a_directory_of_any_name(self, execute, inside, name):
        assert inside("exec", "web", "--", "mkdir", "-p", f"/srv/{name}").returncode == 0

        assert execute("-w", f"/srv/{name}", "web", "pwd").stdout == f"/srv/{name}\n"

    def test_a_directory_that_is_not_there_stops_it(self, execute):
        ended = execute("--workdir", "/nowhere", "web", "--", "echo", "ran")

        assert ended.returncode != 0
        assert "/nowhere" in ended.stderr
        assert ended.stdout == ""

    def test_variables_are_given_or_forwarded_and_in_no_list_of_processes(self, execute):
        look = "cat; for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline; done 2>/dev/null | grep -c 'ses[a]me'"
        script = f'printf "%s|" "$A" "$B" "${{C-unset}}" "$TOKEN"; {look}'

        ended = execute(
            *("-e", "A=it's\n1", "-e", "B=", "--env", "C", "--env=TOKEN", "web"),
            *("--", "sh", "-c", script),
            stdin="in\n",
            TOKEN="sesame",
        )

        assert (ended.stdout, ended.stderr) == ("it's\n1||unset|sesame|in\n0\n", "")

    @users_of_its_own
    @pytest.mark.wide
    def test_all_of_them_go_together(self, execute, alice):
        ended = execute("-u", "alice", "-w", "/tmp", "-e", "A=1", "web", "--", "sh", "-c", "id -un; pwd; echo $A")

        assert ended.stdout == "alice\n/tmp\n1\n"

    def test_a_variable_that_no_shell_knows_is_refused(self, execute):
        ended = execute("-e", "A-B=1", "web", "true")

        assert (ended.returncode, "'A-B' is not a variable name" in ended.stderr) == (1, True)

    @pytest.mark.wide
    def test_what_is_detached_goes_on_without_us(self, execute, inside, truenas):
        ended = execute("-d", "-e", "A=1", "web", "--", "sh", "-c", "echo $$ $A >/begun; cat >/read; exec sleep 300")

        assert (ended.returncode, ended.stderr) == (0, "")
        assert wait_for(truenas, "/begun").split() == [ended.stdout.strip(), "1"]
        assert wait_for(truenas, "/read") == ""
        assert inside("exec", "web", "--", "kill", ended.stdout.strip()).returncode == 0

    def test_programs_get_its_number(self, inside, transport):
        shown = inside.json("exec", "-d", "--transport", transport, "web", "--", "sleep", "300")

        (each,) = shown
        assert (each["name"], each["rc"], each["stdout"]) == ("web", 0, f"{each['pid']}\n")
        assert inside("exec", "web", "--", "kill", str(each["pid"])).returncode == 0

    def test_one_that_cannot_be_found_is_reported_immediately(self, execute):
        ended = execute("-d", "web", "no-such-command")

        assert (ended.returncode, ended.stdout) == (127, "")
        assert ended.stderr == "pixels: no-such-command: command not found\n"

    def test_they_count_in_many_pixels_too(self, two, transport):
        options = ["--transport", transport, "-w", "/tmp", "-e", "A=1"]

        ended = two("exec", *options, "--all", "--", "sh", "-c", "pwd; echo $A")

        assert sorted(ended.stdout.splitlines()) == ["db: /tmp", "db: 1", "web: /tmp", "web: 1"]


@pytest.mark.wide
def test_what_sudo_has_against_another_user_is_reported(inside, truenas, key):
    put(truenas, "/home/ubuntu/.ssh/authorized_keys", f"{key.public}\n")
    inside("exec", "web", "--", "chown", "-R", "ubuntu:", "/home/ubuntu/.ssh")

    ended = inside("exec", "-u", "root", "web", "id", PIXELS_SSH_USER="ubuntu")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert "sudo: " in ended.stderr


def test_a_command_that_is_detached_has_no_terminal(inside):
    ended = inside("exec", "-d", "-t", "web", "true")

    assert ended.returncode == 2
    assert "-t and -d exclude each other: a detached command has no terminal" in ended.stderr


class TestATerminal:
    def test_it_is_one_and_has_the_size_of_the_local_one(self, inside):
        terminal = inside.at_terminal("exec", "-t", "web", "--", "sh", "-c", "test -t 0 && stty size", columns=77)

        terminal.see("24 77")
        assert terminal.end() == 0

    def test_it_follows_when_the_local_terminal_is_resized(self, inside):
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
    """The output lines by pixel, whose order is random."""
    return sorted(ended.stdout.splitlines(keepends=True), key=lambda line: line.partition(":")[0])


class TestMany:
    def test_output_is_prefixed_and_the_worst_status_wins(self, two):
        ended = two(
            "exec", "db", "web", "--", "sh", "-c", 'uname -n; printf "no end"; [ "$(uname -n)" = px-web ] || exit 7'
        )

        assert ended.returncode == 7
        assert lines(ended) == ["db: px-db\n", "db: no end\n", "web: px-web\n", "web: no end\n"]

    @pytest.mark.wide
    def test_all_are_those_that_run(self, two, truenas):
        truenas.world.add_container("px-off", status="STOPPED")

        ended = two("exec", "--all", "--", "uname", "-n")

        assert (ended.returncode, lines(ended)) == (0, ["db: px-db\n", "web: px-web\n"])

    def test_a_named_pixel_that_does_not_run_is_an_error(self, two, truenas):
        truenas.world.add_container("px-off", status="STOPPED")

        ended = two("exec", "off", "web", "--", "uname", "-n")

        assert (ended.returncode, ended.stdout) == (1, "web: px-web\n")
        assert "off on" in ended.stderr

    @pytest.mark.wide
    def test_each_gets_the_input(self, two):
        assert lines(two("exec", "--all", "--", "cat", stdin="in\n")) == ["db: in\n", "web: in\n"]

    @pytest.mark.wide
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
    @pytest.mark.wide
    def test_a_signal_goes_to_all_of_the_commands(self, two, truenas, number):
        name = number.name.removeprefix("SIG")
        script = f'trap "echo cleaned up; exit 9" {name}; touch /ready; while :; do sleep 0.1; done'
        process = two.start("exec", "--all", "--", "sh", "-c", script)
        for pixel in ("px-web", "px-db"):
            wait_for(truenas, "/ready", name=pixel)

        process.send_signal(number)

        out, _err = process.communicate(timeout=30)
        assert (process.returncode, sorted(out.splitlines())) == (9, [b"db: cleaned up", b"web: cleaned up"])

    @pytest.mark.wide
    def test_ctrl_c_does_not_wait_for_those_that_have_not_begun(self, two, truenas):
        two("exec", "web", "true")
        # It runs, and no SSH server answers there.
        truenas.world.containers["px-db"].aliases[0]["address"] = "192.0.2.1"
        process = two.start("--json", "exec", "--all", "--", "sh", "-c", "touch /ready; exec sleep 987")
        wait_for(truenas, "/ready")

        process.send_signal(signal.SIGINT)

        out, _err = process.communicate(timeout=20)
        by_name = {each["name"]: each for each in json.loads(out)}
        assert process.returncode == 130
        assert by_name["web"]["rc"] == 130
        assert by_name["db"]["error"]["message"] == "interrupted before the command began in db"

    @pytest.mark.wide
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
        assert "matches 'nobody-*'" in ended.stderr


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
    @pytest.mark.wide
    def test_a_command_runs_all_the_same(self, without_ssh):
        ended = without_ssh("exec", "web", "--", "sh", "-c", "cat; echo err >&2; exit 6", stdin="in\n")

        assert (ended.returncode, ended.stdout, ended.stderr) == (6, "in\n", "err\n")

    def test_a_terminal_is_one_and_has_the_size_of_the_local_one(self, without_ssh):
        terminal = without_ssh.at_terminal("exec", "-t", "web", "--", "stty", "size", columns=66)

        terminal.see("24 66")
        assert terminal.end() == 0

    def test_an_output_that_cannot_be_written_is_an_error(self, without_ssh):
        ended = in_a_shell(without_ssh, "pixels exec web echo hi >/dev/full")

        assert (ended.returncode, ended.stderr) == (1, "Error: standard output: No space left on device\n")

    @pytest.mark.wide
    def test_many_are_entered_too(self, without_ssh):
        assert without_ssh("exec", "--all", "--", "uname", "-n").stdout == "web: px-web\n"

    @pytest.mark.wide
    def test_a_console_takes_the_shell_of_the_nas_unless_it_may_not(self, without_ssh):
        terminal = without_ssh.at_terminal("console", "web")

        terminal.see("# ")
        terminal.type("exit 4\n")
        assert terminal.end() == 4

    @pytest.mark.parametrize("words", [("exec", "web", "true"), ("exec", "--all", "--", "true"), ("console", "web")])
    def test_with_transport_ssh_the_error_says_what_to_install(self, without_ssh, words):
        verb, *rest = words
        ended = without_ssh(verb, "--transport", "ssh", *rest)

        assert ended.returncode == 1
        assert "Install the OpenSSH client (ssh), or use --transport auto for the web shell" in ended.stderr


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
    @pytest.mark.wide
    def test_those_of_a_session_reach_the_command_each_time(self, inside, options):
        for _time in range(2):
            ended = inside("exec", *options, "web", "--", "sh", "-c", f"cat; {self.LOOK}", stdin="in\n")

            assert (ended.stdout, ended.stderr) == (f"in\n{self.SEEN}", "")

    def test_options_win_over_those_of_the_session_and_these_over_those_of_the_container(self, inside, truenas):
        container = {"MODE": "container", "TOKEN": "container", "OTHER": "container"}
        truenas.world.add_container("px-db", environment=container)

        ended = inside("exec", "--transport", "shell", "-e", "TOKEN=option", "db", "--", "sh", "-c", self.LOOK)

        assert ended.stdout == "option|sesame 4711||container\n"

    @pytest.mark.wide
    def test_they_reach_a_command_at_a_terminal(self, inside):
        terminal = inside.at_terminal("exec", "-t", "web", "--", "sh", "-c", f"{self.LOOK}; stty size", columns=66)

        assert terminal.see("24 66") == f"{self.SEEN}24 66"
        assert terminal.end() == 0

    @pytest.mark.parametrize("options", [[], ["--transport", "shell"]], ids=["ssh", "shell"])
    def test_they_reach_commands_in_many(self, inside, options):
        ended = inside("exec", *options, "--all", "--", "sh", "-c", f"cat; {self.LOOK}", stdin="in\n")

        assert ended.stdout == f"web: in\nweb: {self.SEEN}"

    def test_no_value_is_visible_to_other_users(self, inside):
        # Other tests, which may run at the same time, have other values.
        secret = secrets.token_hex(16)
        inside.configure(self.TABLE.replace("sesame 4711", secret)).chmod(0o600)
        process = inside.start("-v", "exec", "web", "--", "sh", "-c", "echo $MODE; read word; echo $word", stdin=-1)
        assert process.stdout.readline() == f"{secret}\n".encode()

        listed = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if is_readable(path)]

        _out, err = process.communicate(b"go\n", timeout=30)
        assert secret.encode() not in b"".join(listed) + err
        kept = [path for path in inside.home.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
        assert [path.name for path in kept] == ["config.toml"]

    def test_what_the_server_does_not_accept_is_reported(self, inside, truenas):
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

    @pytest.mark.wide
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


def test_a_pixel_that_has_ipv6_alone_is_entered(ipv6_guest, pixels_command):
    ended = pixels_command("exec", "--transport", "ssh", "web", "uname", "-n")

    assert (ended.returncode, ended.stdout) == (0, "px-web\n"), ended.stderr
    # Again, over the open connection.
    assert pixels_command("exec", "--transport", "ssh", "web", "uname", "-n").stdout == "px-web\n"


def test_a_pixel_with_docker_is_entered_at_its_card(inside, truenas):
    truenas.world.containers["px-web"].bridges = {
        "br-8f3a": [{"type": "INET", "address": "172.18.0.1", "netmask": 16}],
        "cni0": [{"type": "INET", "address": "10.88.0.1", "netmask": 16}],
        "docker0": [{"type": "INET", "address": "172.17.0.1", "netmask": 16}],
    }

    ended = inside("exec", "--transport", "ssh", "web", "uname", "-n")

    assert (ended.returncode, ended.stdout) == (0, "px-web\n"), ended.stderr
    assert "    HostName 127." in inside("ssh-config").stdout
    (shown,) = inside.json("info", "web")
    assert shown["ipv4"].startswith("127.")
    assert len(shown["addresses"]) == 4


class TestAnOutputThatCannotBeWritten:
    """ssh itself says nothing of it."""

    @pytest.mark.parametrize(
        ("place", "problem"), [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")]
    )
    @pytest.mark.parametrize(
        "words",
        [
            "exec web echo hi",
            "exec --config /dev/null web echo hi",
            "exec -e A=1 web echo hi",
            "exec -t web echo hi",
            "exec web -- echo hi",
            "exec --transport shell web echo hi",
            "exec --transport shell -t web echo hi",
            "exec web sh -c 'seq 100000; sleep 300'",
        ],
    )
    @pytest.mark.wide
    def test_it_is_an_error_each_time(self, inside, words, place, problem):
        inside("exec", "web", "true")
        for _time in range(3):
            ended = in_a_shell(inside, f"pixels {words} {place}")

            assert (ended.returncode, ended.stderr) == (1, f"Error: standard output: {problem}\n")

    @pytest.mark.wide
    def test_one_that_can_be_written_has_all_of_it(self, inside, home):
        inside("exec", "web", "true")
        line = "pixels exec web sh -c 'cat; seq 100000; echo err >&2; exit 3'"
        ended = in_a_shell(inside, f"echo first | {line} >{home}/out")

        assert (ended.returncode, ended.stderr) == (3, "err\n")
        assert (home / "out").read_text() == "first\n" + "".join(f"{number}\n" for number in range(1, 100001))


def in_a_shell(command, line):
    return subprocess.run(
        ["sh", "-c", line.replace("pixels", str(PIXELS))],
        env=command.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
