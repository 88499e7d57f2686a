# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that subscribers of event sources get their events at the interval, and errors for invalid arguments."""

from __future__ import annotations

import asyncio
import json
import typing as t

import pytest

from tests.simulator.event_sources import charts
from tests.simulator.instance import Instance
from tests.simulator.running import RunningSimulator
from tests.unit.simulator.conftest import Connect, Start
from tests.unit.simulator.talk import PATIENCE, Message, Talk

METRICS = "virt.instance.metrics"
CHARTS = {"cpu", "mem_usage", "io"}


def named(arguments: dict[str, t.Any]) -> str:
    return f"{METRICS}:{json.dumps(arguments)}"


def is_update(event: Message) -> bool:
    return event.get("msg") == "added"


async def streams() -> list[asyncio.Task[t.Any]]:
    """What runs in the simulator's loop to send updates."""
    return [task for task in asyncio.all_tasks() if task.get_coro().__qualname__ == "Streams._run"]


def is_end(event: Message) -> bool:
    return "error" in event


@pytest.fixture
def old_talk(start: Start, connect: Connect) -> Talk:
    """Logged in to 25.04, where px-web runs and px-db does not."""
    simulator = start(release="25.04")
    simulator.world.add_container("px-web")
    simulator.world.add_container("px-db", status="STOPPED")
    talk = connect(simulator)
    talk.login()
    return talk


def test_metrics_of_all_running_containers(simulator: RunningSimulator, talk: Talk) -> None:
    simulator.world.add_container("px-web")
    simulator.world.add_container("px-db", status="STOPPED")
    event = named({"interval": 2})

    talk.call("core.subscribe", event)

    update = talk.event(is_update)
    assert update["collection"] == event
    assert update["fields"].keys() == {"px-web"}
    assert update["fields"]["px-web"].keys() == CHARTS


def test_metrics_of_one_container_in_25_04(old_talk: Talk) -> None:
    event = named({"id": "px-web"})

    old_talk.call("core.subscribe", event)

    update = old_talk.event(is_update)
    assert update["collection"] == event
    assert update["fields"].keys() == CHARTS | {"error", "errname"}
    assert (update["fields"]["error"], update["fields"]["errname"]) == (False, None)


@pytest.mark.parametrize("name", ["px-db", "px-nowhere"])
def test_what_does_not_run_has_no_charts(old_talk: Talk, name: str) -> None:
    old_talk.call("core.subscribe", named({"id": name}))

    assert old_talk.event(is_update)["fields"] == {"error": False, "errname": None}


def test_no_container_takes_more_memory_than_it_may() -> None:
    instance = Instance("px-web", {}, "tank")
    instance.status = "RUNNING"
    instance.set_memory(32 * 1024**2)

    assert charts(instance)["mem_usage"] == {"mem_usage_ram_mib": 32.0}


def test_updates_go_on_and_show_what_has_changed(simulator: RunningSimulator, talk: Talk) -> None:
    simulator.world.add_container("px-web")
    talk.call("core.subscribe", METRICS)
    first = talk.event(is_update)

    talk.job(talk.call("virt.instance.stop", "px-web", {"force": True}))

    assert first["fields"].keys() == {"px-web"}
    assert talk.event(lambda event: is_update(event) and event is not first)["fields"] == {}


def test_a_second_subscription_delivers_a_second_time(simulator: RunningSimulator, talk: Talk) -> None:
    talk.call("core.subscribe", METRICS)
    first = talk.event(is_update)

    talk.call("core.subscribe", METRICS)

    second = talk.event(lambda event: is_update(event) and event is not first)
    assert second == first


@pytest.mark.parametrize(
    ("text", "attribute", "words"),
    [
        ('{"interval": 1}', "interval", "Input should be greater than or equal to 2"),
        ('{"interval": "2"}', "interval", "Input should be a valid integer"),
        ('{"id": "px-web"}', "id", "Extra inputs are not permitted"),
        ("nonsense", "", "Invalid JSON"),
    ],
)
def test_wrong_arguments_end_the_subscription_immediately(talk: Talk, text: str, attribute: str, words: str) -> None:
    event = f"{METRICS}:{text}"

    assert isinstance(talk.call("core.subscribe", event), str)

    end = talk.event(is_end)
    assert end.keys() == {"collection", "error"}
    assert end["collection"] == event
    assert end["error"].keys() == {"error", "errname", "reason", "trace", "extra"}
    assert (end["error"]["errname"], end["error"]["trace"]) == ("EINVAL", None)
    [[found, reason, errno]] = end["error"]["extra"]
    assert (found, errno) == (attribute, 22)
    assert reason.startswith(words)


def test_25_04_wants_to_know_which_container(old_talk: Talk) -> None:
    old_talk.call("core.subscribe", METRICS)

    assert old_talk.event(is_end)["error"]["extra"] == [["id", "Field required", 22]]


def test_an_unsubscribed_client_gets_a_last_event(talk: Talk) -> None:
    ident = talk.call("core.subscribe", METRICS)
    talk.event(is_update)

    assert talk.call("core.unsubscribe", ident) is None
    assert talk.call("core.unsubscribe", ident) is None

    assert [event for event in talk.events if is_end(event)] == [{"collection": METRICS, "error": None}]


def test_a_subscription_needs_the_role_of_the_source(simulator: RunningSimulator, connect: Connect) -> None:
    reader, other = connect(simulator), connect(simulator)
    reader.login("reader", simulator.add_account("reader", roles=["VIRT_INSTANCE_READ"]))
    other.login("other", simulator.add_account("other", roles=["SNAPSHOT_READ"]))

    refused = other.refusal("core.subscribe", METRICS)["data"]
    reader.call("core.subscribe", METRICS)

    assert refused["reason"] == "[EACCES] Not authorized"
    assert reader.event(is_update)["collection"] == METRICS


def test_a_stream_ends_with_its_connection(simulator: RunningSimulator, talk: Talk) -> None:
    talk.call("core.subscribe", METRICS)
    [stream] = simulator.run(streams())

    simulator.cut_connections()

    simulator.run(asyncio.wait({stream}, timeout=PATIENCE))
    assert stream.cancelled()


def test_metrics_of_26_are_by_number(start: Start, connect: Connect) -> None:
    simulator = start(release="26")
    web = simulator.world.add_container("px-web")
    simulator.world.add_container("px-db", status="STOPPED")
    talk = connect(simulator)
    talk.login()

    talk.call("core.subscribe", "container.metrics")

    update = talk.event(is_update)
    assert simulator.world.domains["px-web"] is web
    assert update["fields"].keys() == {"1"}
    assert update["fields"]["1"].keys() >= CHARTS
