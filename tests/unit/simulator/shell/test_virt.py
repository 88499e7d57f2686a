# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test which accounts get a shell of TrueNAS 25.04 and 25.10, in which container, and with which program."""

from __future__ import annotations

import typing as t

import pytest

from tests.unit.simulator.shell.conftest import MakeShells, Shells

INVALID_TOKEN = {"msg": "failed", "error": {"error": 207, "reason": "Invalid token"}}
WARNING = (
    b"WARNING: Your user does not have sudo privileges so /usr/bin/incus command will run\r\n"
    b"on your behalf. This might cause permission issues.\r\n\r\n"
)
NOT_PERMITTED = (
    b"Error: You don't have the needed permissions to talk to the incus daemon "
    b"(socket path: /var/lib/incus/unix.socket)\r\n"
)


# accounts


@pytest.mark.parametrize("release", ["25.04", "25.10"])
@pytest.mark.parametrize("single_use", [True, False])
def test_only_a_single_use_token_is_used_up(make_shells: MakeShells, release: str, single_use: bool) -> None:
    shells = make_shells(release=release)
    token = shells.token(300, {}, True, single_use)

    answers = [shells.connect().hello(token, virt_instance_id="px-web")["msg"] for _try in range(2)]

    assert answers == ["connected", "failed" if single_use else "connected"]


@pytest.mark.parametrize("arguments", [(0,), (300, {"job": 1}), (300, {"x": "y"}, False, True)])
def test_tokens_that_are_too_old_or_for_something_else_are_invalid(paper: Shells, arguments: tuple[t.Any, ...]) -> None:
    token = paper.token(*arguments)

    assert paper.connect().hello(token, virt_instance_id="px-web") == INVALID_TOKEN


def test_the_account_needs_the_privilege_and_no_role(paper: Shells) -> None:
    key = paper.simulator.add_account("limited", roles=[], web_shell=True)
    paper.api.login("limited", key)

    assert paper.open().rest()[1] == 1000


def test_without_the_privilege_a_token_is_invalid_and_not_used_up(paper: Shells) -> None:
    key = paper.simulator.add_account("limited", roles=["VIRT_INSTANCE_WRITE"])
    paper.api.login("limited", key)
    token = paper.token()

    refused = paper.connect().hello(token, virt_instance_id="px-web")
    account = paper.simulator.accounts.account("limited")
    assert account is not None
    account.web_shell = True

    assert refused == INVALID_TOKEN
    assert paper.connect().hello(token, virt_instance_id="px-web")["msg"] == "connected"


def test_an_account_without_sudo_is_warned_first(shells: Shells) -> None:
    shells.simulator.admin.sudo = False
    shell = shells.open(command="/bin/sh")

    shell.type("id -u; exit\n")

    message, code = shell.rest()
    assert message.startswith(WARNING)
    assert b"0\r\n" in message
    assert code == 1000


def test_an_account_without_sudo_may_not_reach_incus(shells: Shells) -> None:
    shells.simulator.admin.sudo = False
    shells.simulator.admin.incus_admin = False

    assert shells.open().rest() == (WARNING + NOT_PERMITTED, 1000)


# where


def test_a_container_that_does_not_run_closes_the_connection(paper: Shells) -> None:
    paper.simulator.world.add_container("px-idle", status="STOPPED")

    assert paper.refused(virt_instance_id="px-idle", command="/bin/sh") == (b"", 1000)


@pytest.mark.parametrize(
    "options",
    [
        {"virt_instance_id": "px-nowhere"},
        {"virt_instance_id": ["px-web"]},
        {"vm_id": 1},
        {"app_name": "app", "container_id": "0123"},
        {"virt_instance_id": "px-web", "vm_id": 1, "app_name": "app"},
    ],
)
def test_what_is_not_there_closes_the_connection(paper: Shells, options: dict[str, t.Any]) -> None:
    assert paper.refused(**options) == (b"", 1000)


def test_while_incus_is_not_there_no_container_is(paper: Shells) -> None:
    paper.simulator.world.state = "NO_POOL"

    assert paper.refused(virt_instance_id="px-web") == (b"", 1000)


@pytest.mark.parametrize("options", [{}, {"container_id": 1}])
def test_a_shell_without_a_container_is_one_of_the_nas_itself(shells: Shells, options: dict[str, t.Any]) -> None:
    shell = shells.connect()

    answer = shell.hello(shells.token(), **options)
    shell.type("hostname; ls -A /root /mnt; exit\n")
    said, code = shell.rest()

    assert answer["msg"] == "connected"
    assert (b"\rtruenas\r\n" in said, code) == (True, 1000)
    assert list(shells.simulator.world.containers) == ["px-web"]


def test_a_shell_of_the_nas_has_the_files_of_its_datasets_as_root(shells: Shells) -> None:
    folder = "/mnt/tank/made"
    shells.api.call("filesystem.mkdir", {"path": folder, "options": {"mode": "755"}})
    shells.api.call("filesystem.file_receive", f"{folder}/file", "eA==", {})
    shell = shells.connect()
    shell.hello(shells.token())

    shell.type(f"stty -echo; cat {folder}/file && rm {folder}/file && rmdir {folder} && mkdir /mnt/tank/other; exit\n")
    said, _code = shell.rest()

    assert b"x" in said.splitlines()[-1]
    assert [each["name"] for each in shells.api.call("filesystem.listdir", "/mnt/tank")] == ["other"]


def test_on_paper_the_nas_runs_nothing(paper: Shells) -> None:
    shell = paper.connect()

    answer = shell.hello(paper.token())

    assert answer["msg"] == "connected"
    assert shell.rest() == (b"nothing runs on this NAS\r\n", 1000)


# what


def test_the_program_is_one_argument(shells: Shells) -> None:
    with_arguments = shells.open(command="/bin/echo hello").rest()
    alone = shells.open(command="/bin/pwd").rest()

    assert with_arguments == (b"Error: Command not found\r\n", 1000)
    assert alone == (b"/root\r\n", 1000)


def test_without_a_program_the_first_shell_of_the_container_runs(shells: Shells) -> None:
    bash = shells.open()
    bash.type("echo $0 $TERM; exit\n")

    assert b"/bin/bash xterm\r\n" in bash.rest()[0]


def test_shells_are_looked_for_in_the_default_pool_only(shells: Shells) -> None:
    shells.simulator.world.default_pool = "fast"
    shell = shells.open()

    shell.type("echo $0; exit\n")

    assert b"/bin/sh\r\n" in shell.rest()[0]


def test_a_container_has_no_console(shells: Shells) -> None:
    assert shells.open(use_console=True).rest() == (b"Error: Invalid number of arguments\r\n", 1000)


def test_a_program_that_is_no_text_ends_immediately(shells: Shells) -> None:
    assert shells.open(command=["/bin/sh"]).rest() == (b"", 1000)
