# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine through its interface: what a container is, what of it stays, and what it cannot touch."""

from __future__ import annotations

import asyncio
import os
import pathlib
import subprocess
import sys
import time
import typing as t

import pytest

from tests.simulator.engines.process.engine import ProcessEngine
from tests.simulator.engines.process.image_builder import Ids

if t.TYPE_CHECKING:
    from tests.unit.simulator.engines.process.conftest import Lab

REPOSITORY = pathlib.Path(__file__).parents[5]


def running_on_the_machine(marker: str) -> bool:
    for process in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if marker.encode() in process.read_bytes().split(b"\0"):
                return True
        except (FileNotFoundError, ProcessLookupError):
            continue
    return False


def children() -> list[str]:
    """Processes that this one has started."""
    tasks = pathlib.Path("/proc/self/task").glob("*/children")
    return [pid for task in tasks for pid in task.read_text().split()]


# what a container is


def test_a_command_runs_as_root_of_a_machine_with_the_containers_name(lab: Lab) -> None:
    name = lab.start("px-web")

    message = lab.shell(name, "id -u; hostname; cat /etc/hostname; pwd")

    assert message.split() == ["0", "px-web", "px-web", "/root"]


def test_a_command_gets_its_arguments_unchanged_and_its_streams_apart(lab: Lab) -> None:
    name = lab.start()

    finished = lab.run(
        name, "/bin/sh", "-c", 'printf %s "$1"; cat; echo wrong >&2; exit 3', "sh", "a  $HOME 'b'", stdin=b"\0\xff"
    )

    assert finished == (3, b"a  $HOME 'b'\0\xff", b"wrong\n")


def test_a_command_that_a_signal_ends_says_so(lab: Lab) -> None:
    name = lab.start()

    assert lab.run(name, "/bin/sh", "-c", "kill -9 $$").returncode == -9


def test_a_command_that_is_not_there_is_reported_as_a_shell_does(lab: Lab) -> None:
    name = lab.start()

    finished = lab.run(name, "no-such-command")

    assert finished == (127, b"", b"no-such-command: command not found\n")


def test_a_command_that_reads_no_input_ends_all_the_same(lab: Lab) -> None:
    name = lab.start()

    assert lab.run(name, "true", stdin=b"x" * 1_000_000).returncode == 0


def test_much_output_and_much_input_arrive_whole(lab: Lab) -> None:
    name = lab.start()

    finished = lab.run(name, "cat", stdin=bytes(range(256)) * 4096)

    assert finished.stdout == bytes(range(256)) * 4096


def test_the_containers_environment_is_seen_by_commands(lab: Lab) -> None:
    name = lab.start("px-web", COLOUR="blue and green")

    assert lab.shell(name, 'echo "$COLOUR"') == "blue and green"


def test_a_guest_sees_its_own_processes_only(lab: Lab) -> None:
    name = lab.start()

    pids = {int(pid) for pid in lab.shell(name, "cd /proc; echo [0-9]*").split()}

    assert min(pids) == 1
    assert max(pids) < 100


def test_a_guest_has_no_network_but_its_own_loopback(lab: Lab) -> None:
    name = lab.start()

    interfaces = lab.shell(name, "sed 1,2d /proc/net/dev | cut -d: -f1").split()

    assert interfaces == ["lo"]


def test_python_runs_in_a_guest_as_ansible_needs_it(lab: Lab) -> None:
    name = lab.start()

    assert lab.shell(name, "python3 -c 'import json, ssl, zipfile; print(json.dumps([1]))'") == "[1]"


def test_a_guest_sees_nothing_of_the_machines_users_and_keys(lab: Lab) -> None:
    name = lab.start()

    secrets = lab.shell(name, "cat /etc/shadow; ls -A /root /home /etc/ssh /usr/local/bin; cat /etc/passwd")

    assert "$" not in secrets
    assert "ssh_host" not in secrets
    assert set(lab.shell(name, "cut -d: -f1 /etc/passwd").split()) == {
        *("root", "daemon", "bin", "sys", "mail", "www-data", "sshd", "ubuntu", "nobody"),
    }
    assert str(REPOSITORY) not in lab.shell(name, "cat /proc/self/mounts")
    assert lab.run(name, "ls", str(REPOSITORY)).returncode != 0


def test_two_guests_do_not_see_each_others_files(lab: Lab) -> None:
    one, other = lab.start("px-one"), lab.start("px-other")

    lab.shell(one, "echo 1 > /etc/only-here; echo 1 > /usr/bin/only-here")

    assert lab.run(other, "ls", "/etc/only-here").returncode != 0
    assert lab.run(other, "ls", "/usr/bin/only-here").returncode != 0


def test_removing_usr_hurts_that_guest_alone(lab: Lab) -> None:
    broken, other = lab.start("px-broken"), lab.start("px-other")

    lab.run(broken, "rm", "-rf", "/usr")

    assert lab.run(broken, "/bin/sh", "-c", "true").returncode == 127
    assert lab.shell(other, "echo fine") == "fine"
    assert pathlib.Path("/usr/bin").is_dir()


def test_a_guest_can_add_replace_and_remove_files_everywhere(lab: Lab) -> None:
    name = lab.start()

    lab.shell(
        name,
        "echo new > /usr/bin/new; rm /usr/bin/env; cp /usr/bin/true /usr/bin/env; rm -r /etc/skel; mkdir /etc/skel",
    )

    assert lab.shell(name, "cat /usr/bin/new; ls -A /etc/skel; env") == "new"


@pytest.mark.skipif(Ids.here().number == 1, reason="needs root, who can give a guest more than one user id")
def test_a_guest_of_roots_has_users(lab: Lab) -> None:
    name = lab.start()

    assert lab.shell(name, "su ubuntu -c 'id -u; cd; pwd; touch mine; stat -c %U mine'").split() == [
        *("1000", "/home/ubuntu", "ubuntu"),
    ]


# what stays


def test_files_stay_over_stop_and_start_and_tmp_does_not(lab: Lab) -> None:
    name = lab.start()
    lab.shell(name, "for at in / /root/ /etc/ /usr/bin/ /var/ /home/ /tmp/ /run/; do echo $at > ${at}mark; done")

    lab.restart(name)

    assert lab.shell(name, "cat /mark /root/mark /etc/mark /usr/bin/mark /var/mark /home/mark").split() == [
        *("/", "/root/", "/etc/", "/usr/bin/", "/var/", "/home/"),
    ]
    assert lab.run(name, "ls", "/tmp/mark", "/run/mark").stdout == b""


def test_stopping_ends_every_process(lab: Lab) -> None:
    name = lab.start()
    marker = f"86400.{os.getpid()}1"
    lab.shell(name, f"trap '' TERM HUP; (trap '' TERM HUP; exec setsid sleep {marker}) > /dev/null 2>&1 &")
    while not running_on_the_machine(marker):
        time.sleep(0.01)

    lab.stop(name)

    assert not running_on_the_machine(marker)


def test_a_graceful_stop_lets_a_process_finish(lab: Lab) -> None:
    name = lab.start()
    lab.write(
        name,
        "/root/patient",
        "trap 'echo bye > /root/said; exit' TERM; touch /root/ready; while :; do sleep 0.01; done",
    )
    lab.shell(name, "sh /root/patient > /dev/null 2>&1 & until [ -e /root/ready ]; do sleep 0.01; done")

    lab.stop(name)

    assert lab.read(name, "/root/said") == b"bye\n"


def test_a_command_under_way_when_its_guest_stops_ends_as_killed(lab: Lab) -> None:
    name = lab.start()

    async def run_and_stop() -> int:
        sleeping = asyncio.create_task(lab.engine.run(name, ["sh", "-c", "touch /root/on; exec sleep 1000"]))
        while await lab.engine.stat(name, "/root/on") is None:
            await asyncio.sleep(0.01)
        await lab.engine.stop(name, force=True)
        return (await sleeping).returncode

    assert lab.do(run_and_stop()) == -9


def test_a_stopped_container_has_no_address_and_gets_the_same_again(lab: Lab) -> None:
    name = lab.start()
    before = lab.address(name)

    lab.stop(name)
    stopped = lab.engine.addresses(name)
    lab.start(name)

    assert stopped == []
    assert lab.address(name) == before
    assert before.startswith("127.77.")


def test_fifty_containers_start_without_a_single_process(lab: Lab) -> None:
    before = children()

    for number in range(50):
        lab.start(f"px-{number}")

    assert len({lab.address(f"px-{number}") for number in range(50)}) == 50
    assert children() == before


def test_closing_leaves_nothing_on_the_machine(
    lab: Lab, loop: asyncio.AbstractEventLoop, tmp_path: pathlib.Path
) -> None:
    engine = ProcessEngine(tmp_path / "state")
    marker = f"86400.{os.getpid()}2"

    async def live_and_end() -> None:
        await engine.open()
        await engine.create("px-web", "ubuntu/24.04")
        await engine.start("px-web", cpu=None, memory=None, environment={})
        script = f"mkdir /root/closed; chmod 0 /root/closed; rm -rf /etc/skel; sleep {marker} > /dev/null 2>&1 &"
        await engine.run("px-web", ["sh", "-c", script])
        await engine.close()

    asyncio.run_coroutine_threadsafe(live_and_end(), loop).result(30)

    assert list((tmp_path / "state").iterdir()) == []
    assert not running_on_the_machine(marker)
    assert str(tmp_path) not in pathlib.Path("/proc/self/mounts").read_text()


# files, from outside


def test_a_file_written_from_outside_has_its_parents_and_mode(lab: Lab) -> None:
    name = lab.start()

    lab.write(name, "/root/.ssh/deep/file", "one\n", mode=0o600)
    lab.write(name, "/root/.ssh/deep/file", "two\n", append=True)

    assert lab.shell(name, "cat /root/.ssh/deep/file; stat -c '%a %u' /root/.ssh/deep/file") == "one\ntwo\n600 0"


def test_files_can_be_handled_while_the_container_is_stopped(lab: Lab) -> None:
    lab.do(lab.engine.create("px-web", "ubuntu/24.04"))

    lab.write("px-web", "/etc/mine", "mine", mode=0o640)
    found = lab.do(lab.engine.stat("px-web", "/etc/mine"))

    assert found is not None
    assert (found.type, found.size, found.mode & 0o7777, found.uid) == ("FILE", 4, 0o640, 0)
    assert "mine" in lab.do(lab.engine.list_directory("px-web", "/etc"))
    assert lab.read("px-web", "/etc/mine") == b"mine"


def test_stat_distinguishes_a_link_from_its_target(lab: Lab) -> None:
    name = lab.start()
    lab.shell(name, "ln -s /etc/passwd /root/link; mkfifo /root/pipe")

    link, pipe, folder, none = (
        lab.do(lab.engine.stat(name, path)) for path in ("/root/link", "/root/pipe", "/root", "/root/none")
    )

    assert link is not None
    assert (link.type, link.target) == ("SYMLINK", "/etc/passwd")
    assert pipe is not None
    assert pipe.type == "OTHER"
    assert folder is not None
    assert folder.type == "DIRECTORY"
    assert none is None


def test_an_absolute_link_leads_to_the_guests_file_and_not_the_machines(lab: Lab, tmp_path: pathlib.Path) -> None:
    name = lab.start()
    outside = tmp_path / "outside"
    outside.write_text("the machine's")
    lab.shell(name, f"ln -s {outside} /root/link; mkdir -p {outside.parent}")

    lab.write(name, "/root/link", "the guest's")

    assert outside.read_text() == "the machine's"
    assert lab.shell(name, f"cat {outside}") == "the guest's"


def test_reading_what_is_no_file_is_refused_immediately(lab: Lab) -> None:
    name = lab.start()
    lab.shell(name, "mkfifo /root/pipe")

    with pytest.raises(OSError, match="Invalid argument"):
        lab.read(name, "/root/pipe")
    with pytest.raises(IsADirectoryError):
        lab.read(name, "/root")
    with pytest.raises(FileNotFoundError):
        lab.read(name, "/root/none")


# failures


def test_two_containers_cannot_have_one_name(lab: Lab) -> None:
    lab.do(lab.engine.create("px-web", "ubuntu/24.04"))

    with pytest.raises(ValueError, match="px-web"):
        lab.do(lab.engine.create("px-web", "ubuntu/24.04"))


@pytest.mark.parametrize("name", ["../up", ".", "a/b"])
def test_a_name_is_not_a_path(lab: Lab, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        lab.do(lab.engine.create(name, "ubuntu/24.04"))


def test_where_namespaces_are_not_allowed_the_engine_says_so_and_runs_nothing(lab: Lab) -> None:
    program = (
        "import asyncio\n"
        "from tests.simulator.engines.process.engine import ProcessEngine\n"
        "try: asyncio.run(ProcessEngine().open())\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    forbid = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" -c "$1"'

    finished = subprocess.run(
        ["unshare", "--user", "--map-root-user", "sh", "-c", forbid, sys.executable, program],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.stdout.startswith("EngineUnavailable this machine cannot run guests: new user, mount, pid"), (
        finished
    )
    assert "user.max_user_namespaces" in finished.stdout
