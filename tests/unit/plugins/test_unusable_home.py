# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Without writable files of the user, everything works, or an error names the file and the setting to change."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest

from tests.unit.command import PIXELS

# What a file of the size limit 0 cannot hold, a full disk cannot either.
FULL = "ulimit -f 0"


@pytest.fixture
def engine() -> str:
    return "process"


@pytest.fixture
def release() -> str:
    return "25.10"


@pytest.fixture(params=["not there", "not writable", "files in the way", "full", "unset"])
def trouble(request: pytest.FixtureRequest, guest: str, pixels_command: t.Any, home: Path) -> t.Callable[..., t.Any]:
    """Runs the command for a user with such a home."""
    environment = {name: value for name, value in pixels_command.environment.items() if not name.startswith("XDG_")}
    environment["TMPDIR"] = "/tmp"
    prefix = ""
    if request.param == "not there":
        environment["HOME"] = "/dev/null/home"
    elif request.param == "not writable":
        # Root may write to any directory, but not to this one.
        environment["HOME"] = "/proc/self"
    elif request.param == "files in the way":
        for name in (".config", ".cache", ".local"):
            (home / name).write_text("a file")
    elif request.param == "full":
        prefix = FULL
    else:
        del environment["HOME"]
        environment |= {f"XDG_{name}_HOME": "/dev/null/x" for name in ("CACHE", "CONFIG")}
        environment["XDG_STATE_HOME"] = str(home / "state")

    def run(words: str) -> subprocess.CompletedProcess[str]:
        # Its outputs are pipes, which the limit is not for.
        return subprocess.run(
            ["/bin/sh", "-c", f"{prefix}\n{PIXELS} {words}"],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )

    return run


@pytest.mark.parametrize(
    "words",
    [
        "list",
        "info web",
        "exec --transport shell web -- echo hello",
        "exec --transport ssh web -- echo hello",
        "exec web -- echo hello",
        "ssh-config",
        "session status",
        "config show",
        "checkpoint create web",
        "checkpoint list web",
        "stop web",
        "destroy -f web",
    ],
)
def test_the_command_works_all_the_same(trouble: t.Any, guest: str, words: str) -> None:
    ended = trouble(words)

    assert "Traceback" not in ended.stderr
    assert "[Errno" not in ended.stderr
    if ended.returncode:
        # What ssh itself has to write, and cannot, is named.
        assert "ssh cannot write to" in ended.stderr or "Sessions cannot be shared on this machine" in ended.stderr
        assert "Free some space, or set XDG_CACHE_HOME" in ended.stderr
        assert "exec" in words
