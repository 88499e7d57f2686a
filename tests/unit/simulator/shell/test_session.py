# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conversation of a web shell: the token, the bytes both ways, and how it ends."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
import typing as t
import uuid

import aiohttp
import pytest

from tests.simulator.engines.final_output import FinalOutput
from tests.unit.simulator.conftest import Connect, Start
from tests.unit.simulator.shell.conftest import SHELL, MakeShells, Shells, ShellTalk
from tests.unit.simulator.test_server import fetch

INVALID_TOKEN = {"msg": "failed", "error": {"error": 207, "reason": "Invalid token"}}


def eventually(true: t.Callable[[], bool]) -> None:
    async def wait() -> None:
        async with asyncio.timeout(10):
            while not true():
                await asyncio.sleep(0.01)

    asyncio.run(wait())


def cksum(content: bytes) -> int:
    """As POSIX has it."""
    return int(subprocess.run(["cksum"], input=content, capture_output=True, check=True).stdout.split()[0])


# the token


def test_a_good_token_connects(paper: Shells) -> None:
    shell = paper.connect()

    answer = shell.hello(paper.token(), virt_instance_id="px-web", command="/bin/sh")

    assert answer == {"msg": "connected", "id": str(uuid.UUID(answer["id"]))}


def test_the_token_may_come_in_a_binary_frame(paper: Shells) -> None:
    shell = paper.connect()

    shell.send_bytes(json.dumps({"token": paper.token(), "options": {"virt_instance_id": "px-web"}}).encode())

    assert shell.receive()["msg"] == "connected"


@pytest.mark.parametrize("token", ["nonsense", 7, ["x"]])
def test_after_a_bad_token_a_good_one_may_follow(paper: Shells, token: t.Any) -> None:
    shell = paper.connect()

    refused = shell.hello(token, virt_instance_id="px-web")
    answer = shell.hello(paper.token(), virt_instance_id="px-web")

    assert refused == INVALID_TOKEN
    assert answer["msg"] == "connected"


@pytest.mark.parametrize("nonsense", ["{", "", '{"options": {}}', '{"token": ""}', '{"token": null}'])
def test_what_has_no_token_is_passed_over(paper: Shells, nonsense: str) -> None:
    shell = paper.connect()

    shell.send(nonsense)
    answer = shell.hello(paper.token(), virt_instance_id="px-web")

    assert answer["msg"] == "connected"


@pytest.mark.parametrize("nonsense", [b"[]", b"7", b"\xff{}"])
def test_what_is_no_object_ends_the_connection(paper: Shells, nonsense: bytes) -> None:
    shell = paper.connect()

    shell.send_bytes(nonsense)

    assert shell.rest() == (b"", 1000)


def test_a_token_is_valid_only_where_it_was_made_by_default(paper: Shells) -> None:
    tokens = [paper.token(300, {}, match_origin, True) for match_origin in (True, False)]

    answers = [paper.connect("127.0.0.2").hello(token, virt_instance_id="px-web")["msg"] for token in tokens]

    assert answers == ["failed", "connected"]


def test_options_that_are_no_object_end_the_connection_and_cost_the_token(paper: Shells) -> None:
    shell, token = paper.connect(), paper.token()

    shell.send(json.dumps({"token": token, "options": None}))

    assert shell.rest() == (b"", 1000)
    assert paper.connect().hello(token, virt_instance_id="px-web") == INVALID_TOKEN


def test_an_address_that_is_not_allowed_is_let_in_and_sent_away(start: Start, connect: Connect) -> None:
    shell = connect(start(refuse_addresses=True), path=SHELL)

    assert shell.ending() == (1008, "You are not allowed to access this resource")


def test_a_plain_get_lacks_an_upgrade(paper: Shells) -> None:
    status, body, _headers = fetch(paper.simulator, SHELL)

    assert status == 400
    assert body.startswith("No WebSocket UPGRADE hdr: None")


def test_while_the_middleware_restarts_there_is_no_shell(paper: Shells) -> None:
    waiting = paper.connect()
    paper.simulator.restart_middleware(seconds=0.3)

    cut = waiting.ending()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        paper.connect()

    assert cut == (None, "")
    assert refused.value.status == 502


# on paper


def test_a_container_that_runs_nothing_says_so_and_closes(paper: Shells) -> None:
    shell = paper.open(command="/bin/sh")

    assert shell.rest() == (b"nothing runs in this container\r\n", 1000)
    assert (paper.simulator.stats.shells, paper.simulator.stats.open_shells) == (1, 0)


# in a container


def test_a_shell_echoes_what_is_typed_and_says_what_it_does(shells: Shells) -> None:
    shell = shells.open(command="/bin/sh")

    shell.type("echo $((6 * 7)) at $(hostname)\n")

    message = shell.read_until(b"42 at px-web\r\n")
    assert b"echo $((6 * 7)) at $(hostname)\r\n" in message


def test_both_streams_arrive_in_one(shells: Shells) -> None:
    shell = shells.open(command="/bin/sh")

    shell.type("stty -echo; echo out; echo err >&2; exit\n")

    assert b"out\r\nerr\r\n" in shell.rest()[0]


def test_output_comes_in_frames_of_a_kilobyte(shells: Shells) -> None:
    shell = shells.open(command="/bin/sh")

    shell.type("stty -echo; head -c 100000 /dev/zero; exit\n")

    frames, _code = shell.frames()
    assert max(map(len, frames)) == 1024
    assert sum(map(len, frames)) > 100_000


def test_a_shell_that_exits_closes_without_its_status(shells: Shells) -> None:
    shell = shells.open(command="/bin/sh")
    shell.read_until(b"# ")

    shell.type("stty -echo; exec sh -c 'exit 3'\n")

    message, code = shell.rest()
    assert message == b"stty -echo; exec sh -c 'exit 3'\r\n"
    assert code == 1000


def test_what_runs_in_the_background_does_not_keep_the_connection(shells: Shells) -> None:
    shell = shells.open(command="/bin/sh")

    shell.type("trap '' HUP; sleep 1000 & exit\n")

    assert shell.rest()[1] == 1000


def test_the_last_output_is_read_although_the_machine_stands_still_as_it_is_printed(
    paper: Shells, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(FinalOutput):
        async def read(self, most: int) -> bytes:
            asyncio.get_running_loop().call_soon(time.sleep, 0.6)
            for _turn in range(9):
                await asyncio.sleep(0)
            return await super().read(most)

    async def open_terminal(*_arguments: t.Any, **_options: t.Any) -> FinalOutput:
        return Interrupted(b"goodbye\r\n")

    monkeypatch.setattr(paper.simulator.world.engine, "open_terminal", open_terminal)

    assert paper.open(command="/bin/sh").rest() == (b"goodbye\r\n", 1000)


def test_a_text_frame_ends_the_shell(shells: Shells) -> None:
    shell = shells.open(command="/bin/cat")

    shell.type("first\n")
    shell.read_until(b"first\r\nfirst\r\n")
    shell.send("second\n")

    assert shell.rest() == (b"", 1000)
    eventually(lambda: shells.simulator.stats.open_shells == 0)


def test_nothing_that_is_typed_is_lost_on_a_command_that_reads_late(shells: Shells) -> None:
    content = bytes(range(256)) * 2000
    shell = shells.open(command="/bin/sh")
    shell.type("stty raw -echo; echo READY | tr A-Z a-z; read late; head -c 512000 | cksum; exec true\n")
    shell.read_until(b"ready\n")

    shell.type("now\n")
    shell.send_bytes(content)

    assert shell.rest() == (b"%d 512000\n" % cksum(content), 1000)


def test_a_client_that_leaves_takes_its_command_with_it(shells: Shells) -> None:
    shell = shells.open(command="/bin/sh")
    shell.type("echo $$ > /run/shell; echo NOW | tr A-Z a-z; sleep 1000\n")
    shell.read_until(b"now\r\n")

    shell.leave()

    gone = "while kill -0 $(cat /run/shell) 2>/dev/null; do sleep 0.01; done; echo gone"
    world = shells.simulator.world
    assert world.run(world.engine.run("px-web", ["/bin/sh", "-c", gone])).stdout == b"gone\n"
    assert shells.simulator.stats.open_shells == 0


def test_a_container_that_stops_closes_its_shells_without_output(shells: Shells) -> None:
    shell = shells.open(command="/bin/sh")
    shell.type("echo NOW | tr A-Z a-z; sleep 1000\n")
    shell.read_until(b"now\r\n")

    stopped = shells.api.job(shells.api.call("virt.instance.stop", "px-web", {"force": True}))

    assert stopped["state"] == "SUCCESS"
    assert shell.rest() == (b"", 1000)


def test_a_network_that_breaks_takes_the_shells_too(shells: Shells) -> None:
    shell = shells.open(command="/bin/cat")

    shells.simulator.cut_connections()

    assert shell.rest() == (b"", None)
    eventually(lambda: shells.simulator.stats.open_shells == 0)


def test_shells_know_nothing_of_each_other(shells: Shells) -> None:
    first, second = (shells.open(command="/bin/cat") for _shell in range(2))

    first.type("one\n")
    second.type("two\n")

    assert first.read_until(b"one\r\none\r\n") == b"one\r\none\r\n"
    assert second.read_until(b"two\r\ntwo\r\n") == b"two\r\ntwo\r\n"
    assert (shells.simulator.stats.shells, shells.simulator.stats.open_shells) == (2, 2)


def test_a_ping_is_answered(shells: Shells) -> None:
    shell = shells.open(command="/bin/cat")
    shell.socket._autoping = False

    shell.ping()

    assert shell.frame().type is aiohttp.WSMsgType.PONG


# resizing


def resized(shells: Shells, columns: int, rows: int) -> ShellTalk:
    """A shell that has been given this size."""
    shell = shells.connect()
    answer = shell.hello(shells.token(), virt_instance_id="px-web", command="/bin/sh")
    assert shells.api.call("core.resize_shell", answer["id"], columns, rows) is None
    return shell


def test_the_size_is_set_on_the_other_connection(shells: Shells) -> None:
    shell = resized(shells, 132, 43)

    shell.type("stty size\n")

    assert b"43 132\r\n" in shell.read_until(b"43 132\r\n")


def test_a_size_that_no_terminal_can_have_ends_the_shell(shells: Shells) -> None:
    shell = resized(shells, -1, 10**6)

    assert shell.rest()[1] == 1000


def test_a_shell_that_has_ended_has_no_size(paper: Shells) -> None:
    shell = paper.connect()
    answer = shell.hello(paper.token(), virt_instance_id="px-web")
    shell.rest()

    error = paper.api.refusal("core.resize_shell", answer["id"], 80, 24)

    assert (error["data"]["errname"], error["data"]["reason"]) == ("ENOENT", "[ENOENT] Shell does not exist")


@pytest.mark.parametrize(("release", "errname"), [("25.04", "EACCES"), ("25.10", "ENOENT")])
def test_only_25_10_lets_everybody_resize(make_shells: MakeShells, release: str, errname: str) -> None:
    shells = make_shells(release=release)
    key = shells.simulator.add_account("limited", roles=["VIRT_INSTANCE_WRITE"], web_shell=True)
    shells.api.login("limited", key)

    error = shells.api.refusal("core.resize_shell", "nonsense", 80, 24)

    assert error["data"]["errname"] == errname


# faults


@pytest.mark.parametrize(("fault", "code"), [("drop_shell", None), ("end_shell", 1000)])
def test_a_shell_may_be_over_as_soon_as_it_is_connected(paper: Shells, fault: str, code: int | None) -> None:
    paper.simulator.faults.add(fault)
    shell = paper.open()

    assert shell.rest() == (b"", code)
    assert paper.simulator.faults.waiting == []


@pytest.mark.parametrize(("fault", "code"), [("drop_shell", None), ("end_shell", 1000)])
def test_a_shell_may_end_in_the_middle_of_its_output(shells: Shells, fault: str, code: int | None) -> None:
    shell = shells.open(command="/bin/cat")
    shell.type("before\n")
    shell.read_until(b"before\r\nbefore\r\n")
    shells.simulator.faults.add(fault, method="px-web", after_output=10)

    shell.type("abcdefgh\n")

    assert shell.rest() == (b"abcdefgh\r\n", code)


def test_a_shell_may_be_over_in_the_middle_of_what_it_is_reported(shells: Shells) -> None:
    shells.simulator.faults.add("drop_shell", method="px-web", after_input=4)
    world = shells.simulator.world
    shell = shells.open(command="/bin/sh")
    shell.type("cat > /run/told; echo COMPLETE >> /run/told\n")

    assert shell.rest()[1] is None
    left = world.run(world.engine.run("px-web", ["cat", "/run/told"]))
    assert left.returncode == 1


def test_a_fault_of_another_container_waits(paper: Shells) -> None:
    paper.simulator.faults.add("drop_shell", method="px-other")

    message = paper.open().rest()

    assert message == (b"nothing runs in this container\r\n", 1000)
    assert paper.simulator.faults.waiting == ["drop_shell"]


def test_a_frozen_shell_prints_nothing_and_stays(shells: Shells) -> None:
    shell = shells.open(command="/bin/cat")
    shells.simulator.faults.add("freeze_shell", after_input=3)
    shell.type("abc\n")
    shell.type("more\n")
    shell.ping()

    with pytest.raises(TimeoutError):
        shell.frame(patience=0.2)

    assert shells.simulator.stats.open_shells == 1


def test_a_token_may_be_refused_with_any_message(paper: Shells) -> None:
    paper.simulator.faults.add("refuse_shell", error=13, reason="Missing required role")
    shell, token = paper.connect(), paper.token()

    refused = shell.hello(token, virt_instance_id="px-web")

    assert refused == {"msg": "failed", "error": {"error": 13, "reason": "Missing required role"}}
    assert shell.hello(token, virt_instance_id="px-web")["msg"] == "connected"


def test_setup_may_fail_without_a_message(paper: Shells) -> None:
    paper.simulator.faults.add("close_shell", method="px-web")

    assert paper.refused(virt_instance_id="px-web") == (b"", 1000)


def test_the_command_of_the_nas_may_fail(paper: Shells) -> None:
    paper.simulator.faults.add("close_shell", text="Error: Instance is not running\r\n")

    assert paper.open().rest() == (b"Error: Instance is not running\r\n", 1000)


def test_frames_may_be_small(paper: Shells) -> None:
    paper.simulator.faults.add("small_frames", size=7)

    frames, _code = paper.open().frames()

    assert frames[:2] == [b"nothing", b" runs i"]
    assert b"".join(frames) == b"nothing runs in this container\r\n"


def test_what_comes_early_may_be_echoed_twice(shells: Shells) -> None:
    shells.simulator.faults.add("early_echo")
    shell = shells.open(command="/bin/cat")

    shell.type("early\x03\n")

    assert shell.read_until(b"early").startswith(b"early^C\r\n")


def test_the_answer_may_come_late(paper: Shells) -> None:
    paper.simulator.faults.add("delay", method=SHELL, seconds=0.05)

    assert paper.open().rest()[1] == 1000
    assert paper.simulator.faults.waiting == []
