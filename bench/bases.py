# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure unchanged bases and lifetimes. `bench/lab.py` measures clones of a base, which take real containers."""

from __future__ import annotations

import datetime
import shutil
import tempfile
from pathlib import Path

from bench.command import PIXELS, Person
from bench.measuring import Bench
from bench.nas import running
from bench.playbooks import DEBUG, per_item
from bench.rows import Row
from tests.simulator.running import RunningSimulator, running_simulator

CHAIN = """
- hosts: localhost
  gather_facts: false
  tasks:
    - pixels.truenas.pixels_base: {name: root, image: debian/12}
    - pixels.truenas.pixels_base: {name: middle, from: root}
    - pixels.truenas.pixels_base: {name: top, from: middle}
"""
CONFIGURATION = '[bases.root]\nimage = "debian/12"\n[bases.middle]\nfrom = "root"\n[bases.top]\nfrom = "middle"\n'
TOP = "pixels.truenas.pixels_base: {name: top}"
MANY = 1_000


def measure(runs: int) -> list[Row]:
    """Return the rows of this subject."""
    # Socket paths are limited to about 100 characters, so the directories have short ones.
    directory = Path(tempfile.mkdtemp(prefix="px-"))
    try:
        return [chain(directory, runs), *reaping(directory)]
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def chain(directory: Path, runs: int) -> Row:
    """Compare a task for a base that is built from two others, none of them changed, with one that does nothing."""
    configuration = directory / "config.toml"
    configuration.write_text(CONFIGURATION)
    with running() as nas, Bench(nas, directory, runs) as bench:
        bench.environment["PIXELS_CONFIG"] = str(configuration)
        bench.play(CHAIN, runs=1)
        ours, debug = per_item(bench, TOP, DEBUG)
    return Row("pixels_base, a chain of three, unchanged, per item", ours, debug, "ansible.builtin.debug", target=2.0)


def reaping(directory: Path) -> list[Row]:
    """Compare a run of the reaper that has nothing to do with a list of the same pixels."""
    (directory / "run").mkdir(mode=0o700)
    shared = {"XDG_RUNTIME_DIR": str(directory / "run")}
    with running_simulator(engine="paper", login_limit=100_000) as nas:
        add_pixels(nas)
        person = Person(nas, directory)
        reap, listing = [PIXELS, "reap", "--dry-run"], [PIXELS, "list"]
        try:
            taken = person.beside(reap, listing, **shared)
            before = nas.stats.calls["virt.instance.query"]
            person.seconds(reap, **shared)
            queries = nas.stats.calls["virt.instance.query"] - before
        finally:
            person.seconds([PIXELS, "session", "stop"], **shared)
    return [
        Row(f"pixels reap --dry-run, {MANY} pixels with a lifetime", *taken, "pixels list", target=1.5),
        Row("queries of that", queries, 1, "one query", unit="", target=1.0),
    ]


def add_pixels(nas: RunningSimulator) -> None:
    """Add pixels that expire tomorrow."""
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    environment = {"PIXELS/ttl": "1d", "PIXELS/expires": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
    for number in range(MANY):
        nas.world.add_container(f"px-p{number}", environment=environment)
