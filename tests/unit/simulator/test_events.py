# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test which subscribers get which events, and which logins may subscribe."""

from __future__ import annotations

import pytest

from tests.simulator.running import RunningSimulator
from tests.unit.simulator.conftest import Connect
from tests.unit.simulator.talk import Message, Talk

INSTANCES = "virt.instance.query"


def is_of_instances(event: Message) -> bool:
    return bool(event["collection"] == INSTANCES)


def test_a_started_container_is_an_event_for_subscribers(simulator: RunningSimulator, talk: Talk) -> None:
    simulator.world.add_container("px-web", status="STOPPED")
    talk.call("core.subscribe", INSTANCES)

    talk.job(talk.call("virt.instance.start", "px-web"))

    assert talk.event(is_of_instances)["id"] == "px-web"


def test_subscribing_twice_delivers_once(simulator: RunningSimulator, talk: Talk) -> None:
    talk.call("core.subscribe", "core.get_jobs")
    talk.call("core.subscribe", "core.get_jobs")

    talk.job(talk.call("core.bulk", "core.ping", []))

    assert len([event for event in talk.events if event["msg"] == "added"]) == 1


def test_an_unsubscribed_client_gets_no_more_events(talk: Talk) -> None:
    ident = talk.call("core.subscribe", "core.get_jobs")

    assert talk.call("core.unsubscribe", ident) is None
    talk.job(talk.call("core.bulk", "core.ping", []))

    assert talk.events == []


def test_an_unknown_subscription_is_ended_without_complaint(talk: Talk) -> None:
    assert talk.call("core.unsubscribe", "nonsense") is None


def test_a_star_is_everything(simulator: RunningSimulator, talk: Talk) -> None:
    simulator.world.add_container("px-web", status="STOPPED")
    talk.call("core.subscribe", "*")

    talk.job(talk.call("virt.instance.start", "px-web"))

    talk.event(is_of_instances)
    talk.event(lambda event: bool(event["collection"] == "core.get_jobs"))


@pytest.mark.parametrize("name", ["virt.instance.query", "auth.sessions", "no.such.event", "*"])
def test_an_event_needs_the_role_of_its_query(simulator: RunningSimulator, stranger: Talk, name: str) -> None:
    stranger.login("limited", simulator.add_account("limited", roles=["SNAPSHOT_READ"]))

    assert stranger.refusal("core.subscribe", name)["data"]["reason"] == "[EACCES] Not authorized"


def test_jobs_and_events_of_a_role_are_open(simulator: RunningSimulator, stranger: Talk) -> None:
    stranger.login("limited", simulator.add_account("limited", roles=["VIRT_INSTANCE_READ"]))

    assert isinstance(stranger.call("core.subscribe", "core.get_jobs"), str)
    assert isinstance(stranger.call("core.subscribe", INSTANCES), str)


def test_a_full_admin_may_misspell_an_event(talk: Talk) -> None:
    assert isinstance(talk.call("core.subscribe", "virt.instance.qeury"), str)


def test_a_subscription_ends_with_its_connection(simulator: RunningSimulator, talk: Talk, connect: Connect) -> None:
    talk.call("core.subscribe", "core.get_jobs")
    simulator.cut_connections()
    talk.ending()
    again = connect(simulator)
    again.login()

    again.job(again.call("core.bulk", "core.ping", []))

    assert again.events == []
