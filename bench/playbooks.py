# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure loops, logins, fleets and inventories in Ansible, on a NAS that allows 20 logins a minute."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

from bench.measuring import BIN, ROOT, Bench
from bench.nas import Nas, running
from bench.rows import Row

ITEMS = 30
# Enough to distinguish the cost of an item from that of the start.
LOOP_ITEMS = 200
# For modules that each log in: the NAS limits logins.
FEW = 15
TASKS, HOSTS, FORKS, COMMANDS = 10, 30, 10, 5
CONCURRENCY = 8
CREATE_SECONDS, START_SECONDS = 2.0, 1.0
PIXELS = (1_000, 10_000)

LOOP = """
- hosts: localhost
  gather_facts: false
  tasks:
    - {task}
      loop: "{{{{ range({items}) | list }}}}"
"""
CONTAINER = '{module}: {{name: "p{{{{ item }}}}", wait: none}}'
DEBUG = 'ansible.builtin.debug: {msg: "p{{ item }}"}'
FLEET = """
- hosts: localhost
  gather_facts: false
  tasks:
    - pixels.truenas.pixels_fleet:
        pixels: "{{{{ range({items}) | map('regex_replace', '^', 'p') | list }}}}"
        concurrency: {concurrency}
        defaults: {{autostart: false, wait: running}}
"""
PLAY = "- hosts: pixels\n  gather_facts: false\n  tasks:\n" + "    - pixels.truenas.pixels_container:\n" * TASKS


def measure(runs: int) -> list[Row]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="pixels-bench-") as name:
        folder = Path(name)
        (folder / "ours.pixels.yml").write_text("plugin: pixels.truenas.pixels\n")
        with running() as nas, Bench(nas, folder, runs) as bench:
            bench.play(FLEET.format(items=LOOP_ITEMS, concurrency=CONCURRENCY), runs=1)
            rows += loops(bench)
        with running(seed_pixels=HOSTS) as nas, Bench(nas, folder, runs) as bench:
            rows.append(logins(nas, bench))
        slow = {"create_seconds": CREATE_SECONDS, "start_seconds": START_SECONDS}
        with running(**slow) as nas, Bench(nas, folder, runs) as bench:
            rows.append(fleet(bench))
        rows += inventories(folder, runs)
    return rows


def per_item(bench: Bench, *tasks: str) -> list[float]:
    """Return the seconds that an additional loop item costs, for each task.

    The tasks run alternately so that other load affects all of them.
    """
    plays = [LOOP.format(task=task, items=items) for task in tasks for items in (1, LOOP_ITEMS)]
    runs = [[bench.play(text, runs=1) for text in plays] for _run in range(bench.runs)]
    quickest = [min(taken) for taken in zip(*runs, strict=True)]
    return [(many - one) / (LOOP_ITEMS - 1) for one, many in zip(quickest[::2], quickest[1::2], strict=True)]


def loops(bench: Bench) -> list[Row]:
    ours, debug = per_item(bench, CONTAINER.format(module="pixels.truenas.pixels_container"), DEBUG)
    what = "pixels_container, unchanged, per loop item"
    return [
        Row(what, ours, debug, "ansible.builtin.debug", target=1.3),
        Row(what, ours, module(bench), "the same as a plain module", target=0.1),
    ]


def module(bench: Bench) -> float:
    """Return the seconds of a loop item that runs as a plain module, in a separate process with its own login."""
    task = CONTAINER.format(module="pixels_container")
    environment = bench.environment
    bench.environment = environment | {"ANSIBLE_ACTION_PLUGINS": "/nonexistent"}
    # A single run: the difference is large, and the NAS limits logins.
    few = bench.play(LOOP.format(task=task, items=FEW), runs=1, **bench.elsewhere())
    one = bench.play(LOOP.format(task=task, items=1), runs=1, **bench.elsewhere())
    bench.environment = environment
    return (few - one) / (FEW - 1)


def logins(nas: Nas, bench: Bench) -> Row:
    inventory = ("-i", "ours.pixels.yml")
    bench.play(PLAY, *inventory, "--forks", str(FORKS), runs=1)
    bench.run(str(BIN / "ansible-inventory"), *inventory, "--list")
    for _command in range(COMMANDS):
        bench.run(str(BIN / "ansible"), "localhost", "-m", "pixels.truenas.pixels_container_info")
    stats = nas.stats()
    if stats["rate_limited"]:
        raise SystemExit(f"the NAS turned {stats['rate_limited']} calls away")
    what = f"logins: {TASKS} tasks x {HOSTS} hosts, {FORKS} forks, inventory, {COMMANDS} ad-hoc commands"
    return Row(what, stats["logins"], 1, "one login", unit="", target=1.0)


def fleet(bench: Bench) -> Row:
    ours = bench.play(FLEET.format(items=ITEMS, concurrency=CONCURRENCY), runs=1)
    best = math.ceil(ITEMS / CONCURRENCY) * (CREATE_SECONDS + START_SECONDS)
    what = f"pixels_fleet of {ITEMS} new pixels, {CONCURRENCY} at a time"
    return Row(what, ours, best, "what the NAS itself takes", target=1.1)


def inventories(folder: Path, runs: int) -> list[Row]:
    rows, ours = [], {}
    for number in (0, *PIXELS):
        with running(seed_pixels=number) as nas, Bench(nas, folder, runs) as bench:
            (folder / "hosts.json").write_text(bench.run(str(BIN / "ansible-inventory"), *LISTING))
            logins = nas.stats()["logins"]
            ours[number] = bench.seconds("ansible-inventory", *LISTING)
            if number:
                what = f"ansible-inventory --list, {number} pixels"
                rows.append(Row(what, ours[number], replayed(bench), "a plugin that replays those hosts", target=1.1))
            warm = nas.stats()["logins"] - logins
    few, many = PIXELS
    rows.append(Row(f"logins of that over a warm session, {runs} times", warm, 1, "one login", unit="", target=0.0))
    each, each_of_many = (ours[few] - ours[0]) / few, (ours[many] - ours[0]) / many
    what = f"ansible-inventory --list, for each of {many} pixels"
    rows.append(Row(what, each_of_many * 1000, each * 1000, f"for each of {few}", unit="ms", target=1.25))
    return rows


LISTING = ("-i", "ours.pixels.yml", "--list")


def replayed(bench: Bench) -> float:
    (bench.directory / "peer.replay.yml").write_text("plugin: replay\nhosts: hosts.json\n")
    return bench.seconds(
        "ansible-inventory",
        *("-i", "peer.replay.yml", "--list"),
        ANSIBLE_INVENTORY_PLUGINS=str(ROOT / "bench/inventory_plugins"),
        ANSIBLE_INVENTORY_ENABLED="replay",
    )
