# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A NAS of each release for tests of methods."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from tests.simulator.releases import RELEASES
from tests.unit.simulator.nas import Nas

Make = t.Callable[..., Nas]


@pytest.fixture
def make_nas(tmp_path: Path) -> t.Iterator[Make]:
    """Call it with a release and options of the world."""
    made: list[Nas] = []

    def make(release: str = "25.10", **options: t.Any) -> Nas:
        made.append(Nas(tmp_path, release, **options))
        return made[-1]

    yield make
    for nas in made:
        nas.close()


@pytest.fixture
def nas(request: pytest.FixtureRequest, make_nas: Make) -> Nas:
    """Every release in turn, or those that a file of tests is about (`ON`), or those that a test names."""
    return make_nas(request.param)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    chosen = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    if "nas" in metafunc.fixturenames and "nas" not in chosen:
        metafunc.parametrize("nas", getattr(metafunc.module, "ON", tuple(RELEASES)), indirect=True)
