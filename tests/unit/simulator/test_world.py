# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how a test sets up a simulated NAS and looks at it."""

from __future__ import annotations

import asyncio
import threading
import typing as t
from pathlib import Path

import pytest

from tests.simulator.world import World
from tests.unit.simulator.nas import Nas


@pytest.fixture
def world(tmp_path: Path) -> t.Iterator[World]:
    """A world whose loop runs in a thread of its own, as in a running simulator."""
    nas = Nas(tmp_path)
    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: nas.run(_opened(nas.world, stop, ready)))
    ready = threading.Event()
    thread.start()
    ready.wait()
    yield nas.world
    assert nas.world.loop is not None
    nas.world.loop.call_soon_threadsafe(stop.set)
    thread.join()
    nas.close()


async def _opened(world: World, stop: asyncio.Event, ready: threading.Event) -> None:
    await world.open()
    ready.set()
    await stop.wait()


def test_containers_are_added_from_the_thread_of_a_test(world: World) -> None:
    running = world.add_container("px-web")
    stopped = world.add_container("px-db", status="STOPPED", cpu=None, memory=None, storage_pool="fast")

    assert (running.status, running.cpu, running.memory) == ("RUNNING", "2", 2 * 1024**3)
    assert running.aliases
    assert world.instances["px-web"].started_once
    assert (stopped.status, stopped.aliases, stopped.dataset) == ("STOPPED", [], "fast/.ix-virt/containers/px-db")
    assert world.storage_pools == ["tank", "fast"]


def test_snapshots_are_added_from_the_thread_of_a_test(world: World) -> None:
    world.add_container("px-web")

    snapshot = world.add_snapshot("px-web", "base")

    assert world.snapshots["tank/.ix-virt/containers/px-web@base"] is snapshot


def test_adding_from_the_loop_itself_would_wait_for_ever_and_is_refused(tmp_path: Path) -> None:
    nas = Nas(tmp_path)

    async def add() -> None:
        nas.world.add_container("px-web")

    with pytest.raises(RuntimeError, match="another thread"):
        nas.run(add())
    nas.close()


def test_seeded_pixels_run(tmp_path: Path) -> None:
    nas = Nas(tmp_path, seed_pixels=3)

    assert sorted(nas.world.containers) == ["px-seed-0001", "px-seed-0002", "px-seed-0003"]
    assert all(each.status == "RUNNING" and each.aliases for each in nas.world.containers.values())
    nas.close()


def test_the_whole_world_is_json(tmp_path: Path) -> None:
    nas = Nas(tmp_path)
    nas.add("px-web")
    [base] = nas.snapshot("px-web", "base")

    shown = nas.world.as_json()

    assert shown["containers"]["px-web"]["status"] == "RUNNING"
    assert shown["snapshots"][base]["clones"] == []
    assert shown["datasets"]["tank/.ix-virt/containers/px-web"].endswith("@readonly")
    nas.close()


def test_a_container_of_26_is_libvirts(tmp_path: Path) -> None:
    nas = Nas(tmp_path, "26")
    nas.add("px-web", memory=2**30)
    nas.add("px-db", "STOPPED", storage_pool="fast")

    web, db = nas.world.domains["px-web"], nas.world.domains["px-db"]

    assert (web.id, web.status, web.cpu, web.memory, web.domain_state) == (1, "RUNNING", "2", None, "RUNNING")
    assert web.aliases
    assert (db.id, db.pid, db.domain_state) == (2, None, None)
    assert db.dataset == "fast/.truenas_containers/containers/px-db"
    shown = nas.world.as_json()
    assert shown["containers"]["px-web"]["status"]["state"] == "RUNNING"
    assert shown["datasets"][web.dataset].endswith("@image")
    nas.close()
