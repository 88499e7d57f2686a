# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the control of a simulator from another process."""

from __future__ import annotations

import json
import typing as t
import urllib.error
import urllib.request

import pytest

from tests.simulator.running import RunningSimulator
from tests.unit.simulator.talk import Talk


def ask(simulator: RunningSimulator, path: str, content: t.Any = None) -> t.Any:
    data = None if content is None else json.dumps(content).encode()
    with urllib.request.urlopen(f"{simulator.control_url}{path}", data=data, timeout=10) as response:
        return json.load(response)


def test_stats_count_calls(simulator: RunningSimulator, talk: Talk) -> None:
    talk.call("core.ping")

    stats = ask(simulator, "/stats")

    assert (stats["logins"], stats["connections"]) == (1, 1)
    assert stats["calls"] == {"auth.login_ex": 1, "core.ping": 1}
    assert stats["methods_called"] == ["auth.login_ex", "core.ping"]


def test_the_world_is_shown(simulator: RunningSimulator) -> None:
    simulator.world.add_container("px-web")

    assert ask(simulator, "/world")["containers"]["px-web"]["status"] == "RUNNING"


def test_a_fault_is_ordered_with_its_details(simulator: RunningSimulator, talk: Talk) -> None:
    answer = ask(simulator, "/faults", {"name": "fail_call", "method": "core.ping", "errno": 2, "reason": "gone"})

    assert answer == {"waiting": ["fail_call"]}
    assert talk.refusal("core.ping")["data"]["reason"] == "[ENOENT] gone"


@pytest.mark.parametrize("content", [{"name": "earthquake"}, {}, {"name": "remove_role"}, []])
def test_an_unknown_fault_is_refused(simulator: RunningSimulator, content: t.Any) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400"):
        ask(simulator, "/faults", content)


def test_an_account_is_made_with_its_roles(simulator: RunningSimulator, stranger: Talk) -> None:
    made = ask(simulator, "/accounts", {"username": "limited", "roles": ["VIRT_INSTANCE_READ"]})

    assert stranger.login(made["username"], made["api_key"])["response_type"] == "SUCCESS"
    assert stranger.refusal("system.info")["data"]["errname"] == "EACCES"


def test_an_account_may_be_one_for_shells(simulator: RunningSimulator) -> None:
    wanted = {"username": "limited", "roles": [], "web_shell": True, "sudo": True}

    ask(simulator, "/accounts", wanted)

    account = simulator.accounts.account("limited")
    assert account is not None
    assert (account.web_shell, account.sudo, simulator.admin.sudo) == (True, True, True)


def test_a_reset_forgets_containers_jobs_faults_and_counts(simulator: RunningSimulator, talk: Talk) -> None:
    simulator.world.add_container("px-web")
    talk.call("core.bulk", "core.ping", [])
    ask(simulator, "/faults", {"name": "delay", "seconds": 100})

    ask(simulator, "/reset", {})

    assert ask(simulator, "/world")["containers"] == {}
    assert ask(simulator, "/stats")["calls"] == {}
    assert talk.call("core.get_jobs") == []
    assert talk.call("virt.instance.query") == []
