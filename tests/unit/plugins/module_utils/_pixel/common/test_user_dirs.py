# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test where files of the user are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import private_key, public_keys
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common import text_file, user_dirs
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.user_dirs import cache_directory, directory

ROOT = Path(__file__).resolve().parents[6]
UNKNOWN = 54321

PROGRAM = """
import os, pwd
try:
    pwd.getpwuid(os.getuid())
except KeyError:
    pass
else:
    raise SystemExit("somebody has this uid")
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.address_cache import AddressCache
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.known_hosts import KnownHosts
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.last_listing import LastListing
KnownHosts().pin("px-web.nas.pixels", "ssh-ed25519", "AAAA")
LastListing("nas", "root").write([{"name": "web"}])
AddressCache("nas").note("px-web", "10.0.0.1")
print(KnownHosts().find("px-web.nas.pixels"), LastListing("nas", "root").read(), AddressCache("nas").find("px-web"))
"""


def test_an_xdg_variable_sets_the_directory(monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", "/state")

    assert directory("XDG_STATE_HOME", ".local", "state") == "/state"


@pytest.mark.parametrize("exists", [True, False])
def test_the_default_directory_is_below_the_home(monkeypatch, home, exists):
    place = home / "alice"
    if exists:
        place.mkdir()
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(place))

    assert directory("XDG_STATE_HOME", ".local", "state") == f"{place}/.local/state"
    assert not (place / ".local").exists()


@pytest.mark.parametrize("homeless", ["/dev/null", "/proc", "/proc/nothing", "/dev/null/nothing"])
def test_a_home_that_cannot_hold_files_is_not_used(monkeypatch, home, homeless):
    (home / "run").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "run"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", homeless)

    assert directory("XDG_STATE_HOME", ".local", "state") == f"{home}/run/pixels/.local/state"


def as_unknown_user(directory_of_call, **variables):
    """Return the output of the program for a user without a home and without an entry in passwd, in a directory."""
    ended = subprocess.run(
        ["unshare", "--user", f"--map-user={UNKNOWN}", "--", sys.executable, "-c", PROGRAM],
        cwd=directory_of_call,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "build"), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    if "unshare" in ended.stderr:
        pytest.skip(f"this machine makes no user of that kind: {ended.stderr}")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def test_a_user_without_a_home_has_a_private_directory(home):
    (home / "here").mkdir()
    (home / "tmp").mkdir(mode=0o700)

    output = as_unknown_user(home / "here", TMPDIR=str(home / "tmp"))

    assert output == "{'ssh-ed25519': 'AAAA'} [{'name': 'web'}] 10.0.0.1"
    assert list((home / "here").iterdir()) == []
    [made] = (home / "tmp").iterdir()
    assert made.name == f"pixels-{UNKNOWN}"
    assert made.stat().st_mode & 0o777 == 0o700


def test_without_any_directory_there_is_an_error(monkeypatch):
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", "~")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/no/such/folder")
    monkeypatch.setattr("tempfile.tempdir", "/no/such/folder/either")

    with pytest.raises(Invalid, match="set HOME or XDG_STATE_HOME"):
        directory("XDG_STATE_HOME", ".local", "state")


def test_a_writable_directory_is_returned(tmp_path):
    assert user_dirs.writable(str(tmp_path / "new"), "XDG_STATE_HOME") == (str(tmp_path / "new"), "")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("path", ["/dev/null/x", "/proc/self/x"])
def test_another_directory_replaces_one_that_is_not_writable(path):
    found, problem = user_dirs.writable(path, "XDG_STATE_HOME")

    assert Path(found).is_dir()
    assert Path(found).stat().st_mode & 0o777 == 0o700
    assert problem.startswith(f"cannot write to {path}: ")
    assert problem.endswith("Set XDG_STATE_HOME to a directory that can be written")
    assert user_dirs.writable(path, "XDG_STATE_HOME") == (found, problem)


def test_the_cache_directory_follows_xdg(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/me")
    assert cache_directory() == "/var/cache/me/pixels"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert cache_directory() == "/home/me/.cache/pixels"


def test_files_below_the_working_directory_are_not_those_of_a_user_without_a_home(monkeypatch, tmp_path):
    planted = tmp_path / "~" / ".ssh"
    planted.mkdir(parents=True)
    for name in ("id_ed25519", "id_ed25519.pub"):
        (planted / name).write_text("ssh-ed25519 AAAA planted")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "~")

    with pytest.raises(FileNotFoundError, match="this user has no home directory: set HOME"):
        text_file.read("~/.ssh/id_ed25519.pub")
    with pytest.raises(Invalid, match="this user has no home directory: set HOME"):
        public_keys.read("~/.ssh/id_ed25519.pub")
    assert private_key.to_offer(None) is None
    assert private_key.public_half("~/.ssh/id_ed25519") is None
    assert "there is no private key ~/.ssh/id_ed25519" in private_key.problem("~/.ssh/id_ed25519", in_agent=False)
