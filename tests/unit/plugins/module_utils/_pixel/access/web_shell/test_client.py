# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of commands through the shell of the NAS, in pixels that have no address, no SSH server and no key."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import replace

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api import webshell
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    ConnectionLost,
    NotFound,
    NotPermitted,
    Refused,
    TimedOut,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Credential, Session
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell import client as module
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell import protocol
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from tests.simulator.faults import FOREVER
from tests.unit.plugins.conftest import both_generations, put, read, wait_until

WEB = PixelName("px-web")


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    """One is enough of those with `virt.*`: both open shells the same way."""
    return "25.10"


@pytest.fixture
def ssh_installed():
    return False


@pytest.fixture
def web(truenas):
    truenas.world.options.address_seconds = 3600
    truenas.world.add_container("px-web")


@pytest.fixture
def shell(pixels, web):
    with WebShellClient(pixels, WEB) as opened:
        yield opened


@pytest.fixture
def runs_on(monkeypatch):
    """Lose shells of a pixel that keeps running, without a wait for its stop."""
    monkeypatch.setattr(module, "STOP_TIMEOUT_S", 0.0)


@pytest.fixture
def ends_unreported(truenas, monkeypatch):
    """Let the NAS keep shells connected after their end, for longer than a test runs."""
    simulator = truenas._simulator
    simulator.options = replace(simulator.options, shell_close_seconds=(3600, 3600))
    monkeypatch.setattr(module, "PROBE_TIMEOUT_S", 0.2)


class Clock:
    """The clock of this machine, which a test may put forward."""

    def __init__(self):
        self.ahead = 0.0
        self.sleep = time.sleep

    def monotonic(self):
        return time.monotonic() + self.ahead


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@both_generations
def test_runs_commands_as_root_of_the_pixel(shell):
    ended = shell.run(Command(("sh", "-c", "id -u; hostname; echo err >&2; exit 3")))

    assert (ended.rc, ended.stdout, ended.stderr) == (3, b"0\npx-web\n", b"err\n")


@both_generations
def test_one_shell_serves_one_command_after_the_other(shell, truenas):
    for number in range(5):
        assert shell.run(Command(("echo", str(number)))).stdout == f"{number}\n".encode()

    assert truenas.stats.shells == 1
    assert truenas.stats.logins == 1


def test_a_shell_that_was_given_back_serves_the_next(pixels, web, truenas):
    for _turn in range(3):
        with WebShellClient(pixels, WEB) as shell:
            shell.run(Command(("true",)))

    assert (truenas.stats.shells, truenas.stats.open_shells) == (1, 1)


def test_each_pixel_has_a_shell_of_its_own(pixels, web, truenas):
    truenas.world.add_container("px-db")

    for name in ("px-web", "px-db", "px-web"):
        with WebShellClient(pixels, PixelName(name)) as shell:
            assert shell.run(Command(("hostname",))).stdout.decode().strip() == name

    assert truenas.stats.shells == 2


@both_generations
@pytest.mark.wide
def test_bytes_of_any_kind_and_number_come_back_as_they_went(shell):
    chance = random.Random(3)
    for size in (0, 1, 1023, 1024, 1025, 65_536, 65_537, 300_000):
        content = chance.randbytes(size)

        ended = shell.run(Command(("tee", "/dev/stderr"), stdin=content))

        assert (ended.rc, ended.stdout == content, ended.stderr == content) == (0, True, True)


@both_generations
@pytest.mark.wide
def test_arguments_of_any_bytes_come_back_as_they_went(shell):
    chance = random.Random(4)
    for _turn in range(20):
        arguments = [chance.randbytes(chance.randrange(80)).replace(b"\0", b"") for _word in range(4)]
        words = [each.decode("utf-8", "surrogateescape") for each in arguments]

        ended = shell.run(Command(("printf", "%s|", *words)))

        assert ended.stdout == b"".join(each + b"|" for each in arguments)


def test_output_can_be_taken_as_it_comes(shell):
    pieces = []

    ended = shell.run(Command(("head", "-c", "100000", "/dev/zero")), out=pieces.append)

    assert (ended.stdout, b"".join(pieces)) == (b"", bytes(100_000))
    assert len(pieces) > 1


@both_generations
def test_a_command_out_of_time_is_ended_with_all_it_started(shell, truenas, clock):
    script = (
        "sleep 600 & echo $! >/root/pids; echo $$ >>/root/pids; echo begun; sleep 600; echo not reached >/root/late"
    )

    def time_passes(_piece):
        clock.ahead = 3600.0

    with pytest.raises(TimedOut, match=r"longer than 3600 s in web on 127.0.0.1:\d+ and was ended"):
        shell.run(Command(("sh", "-c", script)), timeout=3600, out=time_passes)

    pids = read(truenas, "/root/pids").split()
    assert len(pids) == 2
    for pid in pids:
        assert shell.run(Command(("test", "-e", f"/proc/{pid}"))).rc == 1


def test_a_command_whose_time_is_up_before_it_has_begun_is_ended_all_the_same(shell):
    with pytest.raises(TimedOut, match="and was ended"):
        shell.run(Command(("sleep", "600")), timeout=0)

    assert b"sleep\x00600" not in shell.run(Command(("sh", "-c", "cat /proc/[0-9]*/cmdline"))).stdout


def test_a_command_that_does_not_begin_is_not_reported_as_ended(shell, monkeypatch):
    monkeypatch.setattr(module, "BEGIN_TIMEOUT_S", -1)

    with pytest.raises(TimedOut, match=r"had not begun after 0 s in web on \S+: it may yet"):
        shell.run(Command(("true",)), timeout=0)


def test_after_a_command_out_of_time_the_next_one_runs(shell):
    with pytest.raises(TimedOut):
        shell.run(Command(("sleep", "600")), timeout=0.2)

    assert shell.run(Command(("echo", "again"))).stdout == b"again\n"


@pytest.mark.parametrize("reason", [SystemExit, KeyboardInterrupt, BrokenPipeError, ValueError])
def test_a_command_is_ended_in_the_pixel_for_each_cause_that_ends_the_wait_for_it(shell, reason):
    def show(_piece):
        raise reason

    with pytest.raises(reason):
        shell.run(Command(("sh", "-c", "echo $$ >/root/pid; echo begun; exec sleep 600")), out=show)

    assert shell.run(Command(("sh", "-c", "kill -0 $(cat /root/pid) 2>/dev/null"))).rc == 1


@both_generations
@pytest.mark.wide
def test_a_pixel_that_stops_under_a_command_is_reported(shell, pixels, truenas):
    stop = threading.Thread(target=stop_once_it_runs, args=(pixels, truenas))
    stop.start()

    with pytest.raises(ConnectionLost, match=r"web on \S+ is stopped: it went down while the command ran"):
        shell.run(Command(("sh", "-c", "touch /root/runs; sleep 600")))

    stop.join()


@pytest.mark.parametrize(("times", "problem"), [(3, "is stopped"), (FOREVER, "is stopping")])
def test_a_pixel_that_stops_without_a_status_for_a_moment_is_reported(
    shell, pixels, truenas, monkeypatch, times, problem
):
    if times == FOREVER:
        monkeypatch.setattr(module, "STOP_TIMEOUT_S", 0.2)
    truenas.faults.add("shows_status", method="px-web", status="UNKNOWN", times=times)
    stop = threading.Thread(target=kill_once_it_runs, args=(pixels, truenas))
    stop.start()

    with pytest.raises(ConnectionLost, match=rf"web on \S+ {problem}: it went down while the command ran"):
        shell.run(Command(("sh", "-c", "touch /root/runs; sleep 600")))

    stop.join()


def kill_once_it_runs(pixels, truenas):
    wait_until(lambda: runs(truenas))
    pixels.wire.run_job("virt.instance.stop", "px-web", {"force": True})


def runs(truenas):
    try:
        read(truenas, "/root/runs")
    except OSError:
        return False
    return True


def stop_once_it_runs(pixels, truenas):
    wait_until(lambda: runs(truenas))
    pixels.containers.stop("px-web", graceful=5, force=True, timeout=30)


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("drop_shell", "its connection was cut, by the network or by a restart"),
        (
            "end_shell",
            "the NAS closed it, as it does when the process of the shell in the pixel has ended",
        ),
    ],
)
def test_a_shell_that_goes_away_under_a_command_leaves_its_outcome_open(shell, truenas, runs_on, fault, problem):
    shell.run(Command(("true",)))
    truenas.faults.add(fault, method="px-web", after_output=100)

    with pytest.raises(
        ConnectionLost, match=r"lost the web shell of web on \S+ while the command ran, which may go on"
    ) as lost:
        shell.run(Command(("sh", "-c", "echo $$ >/root/pid; head -c 1000 /dev/zero; exec sleep 600")))

    assert problem in str(lost.value)
    # The hang-up of the shell does not end the command, as on the NAS.
    assert shell.run(Command(("sh", "-c", "tr '\\0' ' ' </proc/$(cat /root/pid)/cmdline"))).stdout == b"sleep 600 "


def test_one_that_is_dropped_after_a_long_silence_is_reported_from_one_that_is_cut(shell, truenas, clock, runs_on):
    shell.run(Command(("true",)))
    truenas.faults.add("drop_shell", method="px-web", after_output=100)

    def time_passes(_piece):
        clock.ahead += 3600.0

    with pytest.raises(ConnectionLost, match=r"it was dropped after 36\d\d s without traffic, so a proxy"):
        shell.run(Command(("sh", "-c", "head -c 1000 /dev/zero; sleep 600")), out=time_passes)


def test_a_connection_that_stops_responding_is_reported(pixels, web, truenas, runs_on, monkeypatch):
    monkeypatch.setattr(webshell, "PING_INTERVAL_S", 0.1)
    monkeypatch.setattr(webshell, "PONG_TIMEOUT_S", 0.5)
    with WebShellClient(pixels, WEB) as shell:
        shell.run(Command(("true",)))
        truenas.faults.add("freeze_shell", method="px-web", after_output=100)

        with pytest.raises(
            ConnectionLost, match=r"lost the web shell of .* while the command ran.* the NAS does not respond any more"
        ):
            shell.run(Command(("sh", "-c", "head -c 1000 /dev/zero; sleep 600")))


def test_a_quiet_command_is_no_dead_one(pixels, web, truenas, monkeypatch):
    monkeypatch.setattr(webshell, "PING_INTERVAL_S", 0.05)
    monkeypatch.setattr(webshell, "PONG_TIMEOUT_S", 0.5)

    with WebShellClient(pixels, WEB) as shell:
        assert shell.run(Command(("sh", "-c", "sleep 0.7; echo end"))).stdout == b"end\n"


def test_one_that_rested_and_was_dropped_meanwhile_is_made_again(shell, pixels, truenas, monkeypatch):
    monkeypatch.setattr(module, "VERIFY_AFTER_S", 0.0)
    shell.run(Command(("true",)))
    pixels.containers.restart("px-web", graceful=5, force=True, timeout=30)
    wait_until(lambda: truenas.stats.open_shells == 0)

    assert shell.run(Command(("echo", "again"))).stdout == b"again\n"


def test_a_pixel_that_was_started_gets_a_new_shell_before_the_nas_reports_that_the_old_one_ended(pixels, web, truenas):
    for _time in range(2):
        with WebShellClient(pixels, WEB) as shell:
            shell.run(Command(("true",)))
    before = truenas.stats.shells

    pixels.containers.note_start(WEB)
    for _time in range(2):
        with WebShellClient(pixels, WEB) as shell:
            shell.run(Command(("true",)))

    assert (before, truenas.stats.shells) == (1, 2)


RUN = Command(("sh", "-c", "echo run >>/root/runs"))


def leave_idle_shell(pixels):
    with WebShellClient(pixels, WEB) as shell:
        shell.run(Command(("true",)))


@both_generations
def test_a_command_runs_once_after_another_client_restarted_the_pixel_and_the_nas_has_not_reported_it(
    pixels, web, truenas, session, ends_unreported
):
    leave_idle_shell(pixels)
    Pixels(session).containers.restart("px-web", graceful=5, force=True, timeout=30)

    with WebShellClient(pixels, WEB) as shell:
        shell.run(RUN)

    assert (read(truenas, "/root/runs"), truenas.stats.shells) == ("run\n", 2)


@pytest.mark.parametrize("fault", ["end_shell", "drop_shell", "freeze_shell"])
def test_a_command_runs_once_if_an_idle_shell_is_lost_before_it_is_sent(pixels, web, truenas, monkeypatch, fault):
    leave_idle_shell(pixels)
    if fault == "freeze_shell":
        monkeypatch.setattr(module, "PROBE_TIMEOUT_S", 0.2)
    truenas.faults.add(fault, method="px-web")

    with WebShellClient(pixels, WEB) as shell:
        shell.run(RUN)

    assert (read(truenas, "/root/runs"), truenas.stats.shells) == ("run\n", 2)


def test_a_command_is_not_sent_again_if_an_idle_shell_is_lost_while_it_is_sent(pixels, web, truenas, runs_on):
    leave_idle_shell(pixels)
    truenas.faults.add("end_shell", method="px-web", after_input=len(protocol.probe(protocol.new_marker())) + 1)

    with WebShellClient(pixels, WEB) as shell, pytest.raises(ConnectionLost, match="which may go on or have ended"):
        shell.run(RUN)

    assert (runs(truenas), truenas.stats.shells) == (False, 1)


@both_generations
def test_a_pixel_that_another_client_stopped_is_reported_before_the_nas_reports_that_its_shell_ended(
    pixels, web, session, ends_unreported
):
    leave_idle_shell(pixels)
    Pixels(session).containers.stop("px-web", graceful=5, force=True, timeout=30)

    with WebShellClient(pixels, WEB) as shell, pytest.raises(Refused, match=r"web on \S+ is stopped: start it first"):
        shell.run(RUN)


def test_an_idle_shell_that_ended_is_replaced(pixels, web, truenas):
    with WebShellClient(pixels, WEB) as shell:
        shell.run(Command(("true",)))
    pixels.containers.restart("px-web", graceful=5, force=True, timeout=30)
    wait_until(lambda: truenas.stats.open_shells == 0)

    with WebShellClient(pixels, WEB) as shell:
        assert shell.run(Command(("echo", "again"))).stdout == b"again\n"


@both_generations
def test_a_stopped_pixel_is_reported(pixels, truenas):
    truenas.world.add_container("px-web", "STOPPED")

    with (
        WebShellClient(pixels, WEB) as shell,
        pytest.raises(Refused, match=r"web on \S+ is stopped: start it first"),
    ):
        shell.run(Command(("true",)))


@both_generations
def test_a_pixel_that_is_not_there_is_reported(pixels, truenas):
    with WebShellClient(pixels, WEB) as shell, pytest.raises(NotFound, match=r"no pixel named web on"):
        shell.run(Command(("true",)))


@both_generations
def test_a_shell_that_closes_immediately_is_reported(pixels, web, truenas):
    truenas.faults.add("close_shell", method="px-web")

    with (
        WebShellClient(pixels, WEB) as shell,
        pytest.raises(
            ConnectionFailed, match=r"cannot open a web shell in web on \S+, which is running: the NAS closed it"
        ),
    ):
        shell.run(Command(("true",)))


@both_generations
def test_an_account_without_web_shell_is_reported_what_it_lacks(truenas, nas, web, session):
    name, key = "operator", account(truenas, web_shell=False)

    with (
        Session(session._endpoint, Credential(name, api_key=key)) as other,
        WebShellClient(Pixels(other), WEB) as shell,
        pytest.raises(NotPermitted, match="web shell access"),
    ):
        shell.run(Command(("true",)))


def test_an_account_without_sudo_is_reported_what_it_lacks(truenas, nas, web, session):
    name, key = "operator", account(truenas, web_shell=True)
    truenas.accounts.account(name).incus_admin = False

    with (
        Session(session._endpoint, Credential(name, api_key=key)) as other,
        WebShellClient(Pixels(other), WEB) as shell,
        pytest.raises(NotPermitted, match="sudo"),
    ):
        shell.run(Command(("true",)))


def account(truenas, **rights):
    of_the_release = ["CONTAINER_WRITE"] if truenas.world.release.name.startswith("26") else ["VIRT_INSTANCE_WRITE"]
    return truenas.add_account("operator", roles=[*of_the_release, "NETWORK_GENERAL_READ"], **rights)


@pytest.mark.parametrize("fault", [{"kind": "early_echo"}, {"kind": "small_frames", "size": 1}])
def test_what_comes_first_does_not_matter(pixels, web, truenas, fault):
    truenas.faults.add(fault["kind"], method="px-web", **{k: v for k, v in fault.items() if k != "kind"})

    with WebShellClient(pixels, WEB) as shell:
        assert shell.run(Command(("echo", "x"))).stdout == b"x\n"


@both_generations
def test_a_command_has_the_variables_of_every_login(shell, truenas):
    put(
        truenas,
        "/etc/environment",
        "# a comment\nexport ONE=\"a 'b' $x\"\nTWO='c'\nTHREE=d # e\n\nnonsense\n2=x\nPATH=\"/usr/bin:/bin:/mine\"",
    )
    look = 'printf "%s|" "$ONE" "$TWO" "$THREE" "$PATH" "$OWN"'

    ended = shell.run(Command(("sh", "-c", look), environment={"OWN": "mine"}))

    assert ended.stdout.decode().split("|")[:3] == ["a 'b' $x", "c", "d "]
    assert ended.stdout.decode().split("|")[3:] == ["/usr/bin:/bin:/mine", "mine", ""]
