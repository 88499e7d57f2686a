# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test which accounts get a shell of TrueNAS 26, in which container, and with which script."""

from __future__ import annotations

import typing as t

import pytest

from tests.unit.simulator.shell.conftest import MakeShells, Shells

INVALID_TOKEN = {"msg": "failed", "error": {"error": 207, "reason": "Invalid token"}}
NOT_PRIVILEGED = {
    "msg": "failed",
    "error": {"error": 13, "reason": "Web shell privilege not granted for this account"},
}
NO_ROLE = {
    "msg": "failed",
    "error": {"error": 13, "reason": "Missing required role for CONTAINER shell: CONTAINER_WRITE"},
}


@pytest.fixture
def paper(make_shells: MakeShells) -> Shells:
    return make_shells(release="26")


@pytest.fixture
def shells(make_shells: MakeShells) -> Shells:
    return make_shells(release="26", engine="process")


# accounts


@pytest.mark.parametrize("single_use", [True, False])
def test_only_a_single_use_token_is_used_up(paper: Shells, single_use: bool) -> None:
    token = paper.token(300, {}, True, single_use)

    answers = [paper.connect().hello(token, **paper.of("px-web"))["msg"] for _try in range(2)]

    assert answers == ["connected", "failed" if single_use else "connected"]


@pytest.mark.parametrize("arguments", [(0,), (300, {"job": 1})])
def test_tokens_that_are_too_old_or_for_something_else_are_invalid(paper: Shells, arguments: tuple[t.Any, ...]) -> None:
    token = paper.token(*arguments)

    assert paper.connect().hello(token, **paper.of("px-web")) == INVALID_TOKEN


def test_the_account_needs_the_privilege_and_the_role(paper: Shells) -> None:
    key = paper.simulator.add_account("limited", roles=["CONTAINER_WRITE"], web_shell=True)
    paper.api.login("limited", key)

    assert paper.open().rest()[1] == 1000


@pytest.mark.parametrize(
    ("roles", "web_shell", "answer"),
    [(["CONTAINER_WRITE"], False, NOT_PRIVILEGED), (["CONTAINER_READ"], True, NO_ROLE), ([], False, NOT_PRIVILEGED)],
)
def test_an_account_is_reported_what_it_lacks_and_may_try_again(
    paper: Shells, roles: list[str], web_shell: bool, answer: dict[str, t.Any]
) -> None:
    key = paper.simulator.add_account("limited", roles=roles, web_shell=web_shell)
    paper.api.login("limited", key)
    token = paper.token()
    shell = paper.connect()

    refused = shell.hello(token, **paper.of("px-web"))
    account = paper.simulator.accounts.account("limited")
    assert account is not None
    account.web_shell, account.roles = True, frozenset(["CONTAINER_WRITE"])

    assert refused == answer
    assert shell.hello(token, **paper.of("px-web"))["msg"] == "connected"


def test_sudo_causes_no_warning(shells: Shells) -> None:
    shells.simulator.admin.sudo = False

    assert shells.open(command="id -u").rest() == (b"0\r\n", 1000)


# where


def test_a_container_that_does_not_run_closes_the_connection(paper: Shells) -> None:
    paper.simulator.world.add_container("px-idle", status="STOPPED")

    assert paper.refused(**paper.of("px-idle"), command="true") == (b"", 1000)


@pytest.mark.parametrize(
    "options",
    [
        {"container_id": 99},
        {"container_id": "px-web"},
        {"container_id": [1]},
        {"vm_id": 1},
        {"app_name": "app", "container_id": "0123"},
        {"container_id": 1, "vm_id": 1},
        {"container_id": 1, "command": ["true"]},
    ],
)
def test_what_is_not_there_closes_the_connection(paper: Shells, options: dict[str, t.Any]) -> None:
    assert paper.refused(**options) == (b"", 1000)


@pytest.mark.parametrize("options", [{}, {"virt_instance_id": "px-web"}])
def test_a_shell_without_a_container_is_one_of_the_nas_itself(shells: Shells, options: dict[str, t.Any]) -> None:
    shell = shells.connect()

    answer = shell.hello(shells.token(), **options)
    shell.type("hostname; ls -A /root /mnt; exit\n")
    said, code = shell.rest()

    assert answer["msg"] == "connected"
    assert (b"\rtruenas\r\n" in said, code) == (True, 1000)
    assert list(shells.simulator.world.containers) == ["px-web"]


def test_on_paper_the_nas_runs_nothing(paper: Shells) -> None:
    shell = paper.connect()

    answer = shell.hello(paper.token())

    assert answer["msg"] == "connected"
    assert shell.rest() == (b"nothing runs on this NAS\r\n", 1000)


# what


def test_the_command_is_a_script_and_the_shell_ends_with_it(shells: Shells) -> None:
    message = shells.open(command="for word in one two; do echo $word; done; exit 3").rest()

    assert message == (b"one\r\ntwo\r\n", 1000)


def test_what_is_typed_reaches_the_script(shells: Shells) -> None:
    shell = shells.open(command="stty -echo; echo ready; read line; echo got $line")
    shell.read_until(b"ready\r\n")

    shell.type("this\n")

    assert shell.rest() == (b"got this\r\n", 1000)


def test_without_a_command_a_login_shell_runs(shells: Shells) -> None:
    shell = shells.open()
    shell.type("shopt -q login_shell && echo $TERM-${0#-}; exit\n")

    assert b"xterm-bash\r\n" in shell.rest()[0]


def test_a_fault_of_a_container_finds_its_shell(paper: Shells) -> None:
    paper.simulator.faults.add("refuse_shell", method="px-web", error=13, reason="not today")

    answer = paper.connect().hello(paper.token(), **paper.of("px-web"))

    assert answer == {"msg": "failed", "error": {"error": 13, "reason": "not today"}}
