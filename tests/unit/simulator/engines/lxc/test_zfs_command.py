# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that zfs commands run one at a time, are retried while busy, and end otherwise."""

from __future__ import annotations

import asyncio
import typing as t
from pathlib import Path

import pytest

from tests.simulator.engines.lxc.zfs_command import NoSuchTag, Zfs
from tests.simulator.zfs import ZfsError

Scenario = t.Callable[[Zfs], t.Awaitable[t.Any]]


@pytest.fixture
def run(tmp_path: Path) -> t.Callable[..., t.Any]:
    """Run a scenario with a zfs that is a shell script; `stuck` of the result says whether it was called so."""

    def run(scenario: Scenario, script: str, **options: t.Any) -> bool:
        stuck: list[str] = []
        (tmp_path / "zfs").write_text(f"cd {tmp_path}\n{script}\n")
        command = ("sh", str(tmp_path / "zfs"))
        zfs = Zfs(tmp_path / "lock", lambda: stuck.append("stuck"), command=command, **options)
        asyncio.run(t.cast(t.Coroutine[t.Any, t.Any, t.Any], scenario(zfs)))
        return bool(stuck)

    return run


def test_a_command_returns_what_it_prints(run: t.Callable[..., t.Any]) -> None:
    async def scenario(zfs: Zfs) -> None:
        assert await zfs.run("list", "tank") == "list tank\n"

    assert not run(scenario, 'echo "$@"')


def test_two_never_run_at_the_same_time(run: t.Callable[..., t.Any], tmp_path: Path) -> None:
    async def scenario(zfs: Zfs) -> None:
        await asyncio.gather(*(zfs.run("clone", str(number)) for number in range(8)))

    run(scenario, "mkdir running || exit 1; sleep 0.01; rmdir running; echo >>done")

    assert len((tmp_path / "done").read_text().splitlines()) == 8


def test_a_refusal_quotes_zfs(run: t.Callable[..., t.Any]) -> None:
    async def scenario(zfs: Zfs) -> None:
        with pytest.raises(ZfsError, match="cannot create 'tank/a': dataset already exists") as refused:
            await zfs.run("create", "tank/a")
        assert refused.value.exists

    run(scenario, "echo \"cannot create 'tank/a': dataset already exists\" >&2; exit 1")


def test_a_tag_that_is_not_there_is_reported_apart(run: t.Callable[..., t.Any]) -> None:
    async def scenario(zfs: Zfs) -> None:
        with pytest.raises(NoSuchTag):
            await zfs.run("release", "tag", "tank@a")

    run(scenario, "echo \"cannot release hold from 'tank@a': no such tag on this dataset\" >&2; exit 1")


BUSY = "echo \"cannot destroy 'tank/a': dataset is busy\" >&2; exit 1"


def test_a_dataset_that_is_busy_for_a_moment_is_tried_again(run: t.Callable[..., t.Any], tmp_path: Path) -> None:
    async def scenario(zfs: Zfs) -> None:
        await zfs.run("destroy", "tank/a", patient=True)

    run(scenario, f'echo >>tries; [ "$(wc -l <tries)" = 3 ] || {{ {BUSY}; }}')

    assert len((tmp_path / "tries").read_text().splitlines()) == 3


def test_one_that_stays_busy_is_not_tried_for_ever(run: t.Callable[..., t.Any]) -> None:
    async def scenario(zfs: Zfs) -> None:
        with pytest.raises(ZfsError) as refused:
            await zfs.run("destroy", "tank/a", patient=True)
        assert refused.value.busy

    run(scenario, BUSY, busy_seconds=0.1)


def test_a_snapshot_that_is_held_is_not_tried_again(run: t.Callable[..., t.Any], tmp_path: Path) -> None:
    async def scenario(zfs: Zfs) -> None:
        with pytest.raises(ZfsError) as refused:
            await zfs.run("destroy", "-r", "tank/a", patient=True)
        assert refused.value.busy

    run(scenario, f"echo >>tries; {BUSY.replace('tank/a', 'tank/a@kept')}")

    assert len((tmp_path / "tries").read_text().splitlines()) == 1


def test_without_retries_there_is_one_try(run: t.Callable[..., t.Any], tmp_path: Path) -> None:
    async def scenario(zfs: Zfs) -> None:
        with pytest.raises(ZfsError):
            await zfs.run("destroy", "tank/a")

    run(scenario, f"echo >>tries; {BUSY}")

    assert len((tmp_path / "tries").read_text().splitlines()) == 1


def test_a_command_that_does_not_end_means_that_the_daemon_is_stuck(run: t.Callable[..., t.Any]) -> None:
    async def scenario(zfs: Zfs) -> None:
        with pytest.raises(ZfsError, match="zfs clone a b did not end after 0.1 s"):
            await zfs.run("clone", "a", "b")

    assert run(scenario, "exec sleep 60", seconds=0.1)
