# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pixels command with a home directory, and with a NAS if a test has one."""

from __future__ import annotations

import shutil
import tempfile
import typing as t
from pathlib import Path

import pytest

from tests.unit.command import Command


@pytest.fixture
def home() -> t.Iterator[Path]:
    """A short path: sockets live below it, and theirs may not be longer than about 100 characters."""
    path = Path(tempfile.mkdtemp(prefix="px-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def command(home: Path) -> t.Iterator[Command]:
    """The command where no NAS is known."""
    found = Command(home)
    yield found
    found.close()
