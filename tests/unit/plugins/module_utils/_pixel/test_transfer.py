# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of files into a pixel and out of it, through the shell of the NAS and over SSH."""

from __future__ import annotations

import random
import time

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionLost
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import entering, settings, transfer
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import shell as nas_shell
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command
from tests.unit.plugins.conftest import put, read, users_of_its_own


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    return "25.10"


@pytest.fixture(params=["shell", "ssh"])
def shell(request, pixels, guest, key, truenas):
    how = settings.Ssh("root", key.private, truenas.ssh_port, transport=request.param)
    with entering.enter(pixels, guest, how) as opened:
        yield opened


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(random.Random(5).randbytes(300_000))
    return path


def test_a_file_goes_in_and_comes_out_as_it_was(shell, source, tmp_path):
    transfer.put(shell, str(source), "/root/a file")

    transfer.get(shell, "/root/a file", str(tmp_path / "back"))

    assert (tmp_path / "back").read_bytes() == source.read_bytes()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("back")] == ["back"]


def test_an_empty_file_is_a_file(shell, tmp_path):
    (tmp_path / "empty").touch()

    transfer.put(shell, str(tmp_path / "empty"), "/root/empty")
    transfer.get(shell, "/root/empty", str(tmp_path / "back"))

    assert (tmp_path / "back").read_bytes() == b""


def modes(shell, path):
    return shell.run(Command(("stat", "-c", "%a %U:%G", path))).stdout.decode().strip()


@users_of_its_own
def test_mode_and_owner_are_those_asked_for(shell, source):
    transfer.put(shell, str(source), "/srv/secret", mode="0640", owner="ubuntu:ubuntu")

    assert modes(shell, "/srv/secret") == "640 ubuntu:ubuntu"


@users_of_its_own
def test_what_is_there_keeps_its_mode_and_owner(shell, source):
    shell.run(Command(("sh", "-c", "echo old >/srv/x; chmod 604 /srv/x; chown ubuntu:ubuntu /srv/x")))

    transfer.put(shell, str(source), "/srv/x")

    assert modes(shell, "/srv/x") == "604 ubuntu:ubuntu"


def test_what_takes_the_place_of_a_link_has_the_mode_of_the_file_it_led_to(shell, source):
    shell.run(Command(("sh", "-c", "echo old >/srv/x; chmod 604 /srv/x; ln -s x /srv/link")))

    transfer.put(shell, str(source), "/srv/link")

    assert modes(shell, "/srv/link").partition(" ")[0] == "604"


@pytest.mark.parametrize("name", ["back\\slash", "line\nbreak", "-e", " "])
def test_a_file_may_have_any_name(shell, source, tmp_path, name):
    transfer.put(shell, str(source), f"/srv/{name}")

    transfer.get(shell, f"/srv/{name}", str(tmp_path / "back"))

    assert (tmp_path / "back").read_bytes() == source.read_bytes()


def test_bytes_that_are_in_no_file_go_in_as_well(shell, truenas):
    transfer.put_bytes(shell, b"text\n", "/srv/text", mode="600")

    assert read(truenas, "/srv/text") == "text\n"


def test_a_folder_is_not_written_over(shell, source):
    with pytest.raises(transfer.NotTransferred, match="/srv is a folder"):
        transfer.put(shell, str(source), "/srv")


def test_a_place_that_is_not_there_is_told(shell, source):
    with pytest.raises(transfer.NotTransferred, match=r"source to /nowhere/x: .*[Nn]o(t| such).*"):
        transfer.put(shell, str(source), "/nowhere/x")


def test_a_file_that_is_not_there_is_told_and_nothing_is_written(shell, tmp_path):
    with pytest.raises(transfer.NotTransferred, match="/nowhere/x is no file"):
        transfer.get(shell, "/nowhere/x", str(tmp_path / "back"))

    assert not (tmp_path / "back").exists()


def test_a_target_that_cannot_be_written_is_told(shell, truenas):
    with pytest.raises(transfer.NotTransferred, match="to /nowhere/back: No such file"):
        transfer.get(shell, "/etc/passwd", "/nowhere/back")


@pytest.mark.parametrize("shell", ["shell"], indirect=True)
def test_a_transfer_that_breaks_off_leaves_the_old_file(shell, pixels, source, truenas, monkeypatch):
    # The pixel goes on: nobody waits whether it is about to stop.
    monkeypatch.setattr(nas_shell, "STOPPED_WITHIN", 0.0)
    put(truenas, "/srv/x", "old\n")
    shell.run(Command(("true",)))
    truenas.faults.add("drop_shell", method="px-web", after_input=100_000)

    with pytest.raises(ConnectionLost):
        transfer.put(shell, str(source), "/srv/x")

    assert read(truenas, "/srv/x") == "old\n"
    until = time.monotonic() + 20
    while shell.run(Command(("ls", "-A", "/srv"))).stdout != b"x\n":
        assert time.monotonic() < until


def test_content_that_changed_on_the_way_is_refused(shell, source, truenas, monkeypatch):
    put(truenas, "/srv/x", "old\n")
    monkeypatch.setattr(transfer.hashlib, "sha256", lambda content=b"": Wrong())

    with pytest.raises(transfer.NotTransferred, match="did not come as it was sent"):
        transfer.put(shell, str(source), "/srv/x")

    assert read(truenas, "/srv/x") == "old\n"


class Wrong:
    """A checksum of something else."""

    def hexdigest(self):
        return "0" * 64
