# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of folders into a pixel and out of it, by both ways in, with tar and without."""

from __future__ import annotations

import os
import random
import stat
import time

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import entering, folders, settings
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.transfer import NotTransferred
from tests.unit.plugins.conftest import users_of_its_own


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    return "25.10"


@pytest.fixture(params=["shell", "ssh"])
def transport(request):
    return request.param


@pytest.fixture
def shell(transport, pixels, guest, key, truenas):
    how = settings.Ssh("root", key.private, truenas.ssh_port, transport=transport)
    with entering.enter(pixels, guest, how) as opened:
        yield opened


@pytest.fixture(params=["tar", "file by file"])
def way(request, shell):
    """Whether the pixel has tar."""
    if request.param != "tar":
        sh(shell, "rm -f $(command -v tar) /bin/tar")
        assert sh(shell, "command -v tar || echo none") == "none\n"
    return request.param


def sh(shell, script):
    ended = shell.run(Command(("sh", "-c", script)))
    assert ended.rc == 0, ended.stderr
    return ended.stdout.decode()


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    (folder / "a b" / "deep").mkdir(parents=True)
    (folder / "empty").mkdir(mode=0o700)
    (folder / "a b" / "deep" / "it's €").write_bytes(random.Random(5).randbytes(100_000))
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    (folder / "nothing").touch(mode=0o600)
    (folder / "link").symlink_to("a b/deep")
    (folder / "broken").symlink_to("nowhere")
    folder.chmod(0o750)
    return folder


def seen(folder):
    """Every path with what it is."""
    found = {".": oct(folder.stat().st_mode)}
    for path in folder.rglob("*"):
        what = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = (what, None if path.is_symlink() else oct(path.stat().st_mode))
    return found


def test_a_folder_goes_in_and_comes_out_as_it_was(shell, way, source, tmp_path):
    folders.put(shell, str(source), "/srv/here")
    folders.get(shell, "/srv/here", str(tmp_path / "back"))

    assert seen(tmp_path / "back") == seen(source)
    assert {path.name for path in tmp_path.iterdir()} - {"state"} == {"back", "source"}
    assert sh(shell, "ls /srv") == "here\n"


def test_what_was_there_is_replaced_as_a_whole(shell, way, source, tmp_path):
    sh(shell, "mkdir -p /srv/here/old; touch /srv/here/old/file")
    (tmp_path / "back" / "old").mkdir(parents=True)

    folders.put(shell, str(source), "/srv/here/")
    folders.get(shell, "/srv/here", str(tmp_path / "back"))

    assert seen(tmp_path / "back") == seen(source)


@users_of_its_own
def test_all_of_it_has_the_owner_that_is_asked_for(shell, way, source):
    folders.put(shell, str(source), "/srv/here", owner="ubuntu:ubuntu")

    assert set(sh(shell, "find /srv/here -exec stat -c %U:%G {} +").split()) == {"ubuntu:ubuntu"}


def test_links_are_never_followed_into_a_pixel(shell, way, source, tmp_path):
    (tmp_path / "secret").write_text("sesame")
    (source / "out").symlink_to(tmp_path / "secret")

    folders.put(shell, str(source), "/srv/here")

    assert sh(shell, "readlink /srv/here/out") == f"{tmp_path}/secret\n"


@pytest.mark.parametrize("target", ["/etc/passwd", "../../etc", "a/../../.."])
def test_a_link_that_leads_out_of_it_is_refused_by_who_gets_it(shell, way, tmp_path, target):
    sh(shell, f"mkdir -p /srv/here/a; ln -s {target} /srv/here/a/link")

    with pytest.raises(NotTransferred, match=r"/srv/here: \S*a/link is a link that leads out of the folder, to "):
        folders.get(shell, "/srv/here", str(tmp_path / "back"))

    assert {path.name for path in tmp_path.iterdir()} <= {"state"}


def test_what_is_neither_file_nor_folder_nor_link_is_refused(shell, way, source, tmp_path):
    sh(shell, "mkdir -p /srv/here; mkfifo /srv/here/pipe")
    os.mkfifo(source / "pipe")

    with pytest.raises(NotTransferred, match="pipe is neither a file, a folder nor a link"):
        folders.get(shell, "/srv/here", str(tmp_path / "back"))
    with pytest.raises(NotTransferred, match="pipe is neither a file, a folder nor a link"):
        folders.put(shell, str(source), "/srv/there")

    assert not (tmp_path / "back").exists()
    assert sh(shell, "ls /srv") == "here\n"


@pytest.mark.parametrize("place", ["/etc/hostname", "/srv/link", "/srv/none/here"])
def test_a_place_that_takes_no_folder_is_told_and_left_alone(shell, way, source, place):
    sh(shell, "ln -s /etc /srv/link")
    before = sh(shell, "ls -d /etc/* | sort")

    with pytest.raises(NotTransferred, match=place.rsplit("/", maxsplit=1)[0]):
        folders.put(shell, str(source), place)

    assert sh(shell, "ls -d /etc/* | sort") == before
    assert sh(shell, "ls /srv") == "link\n"


def test_what_is_no_folder_is_told(shell, way, tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(NotTransferred, match="/etc/hostname is no folder"):
        folders.get(shell, "/etc/hostname", str(tmp_path / "back"))
    with pytest.raises(NotTransferred, match="file is no folder"):
        folders.put(shell, str(tmp_path / "file"), "/srv/here")
    with pytest.raises(NotTransferred, match="file here is no folder"):
        folders.get(shell, "/etc/ssh", str(tmp_path / "file"))


def test_owner_and_special_bits_of_a_pixel_are_not_taken_over(shell, way, tmp_path):
    sh(
        shell,
        "mkdir -p /srv/here; cp /bin/true /srv/here/true; chmod 4755 /srv/here/true; ln /srv/here/true /srv/here/same",
    )

    folders.get(shell, "/srv/here", str(tmp_path / "back"))

    found = (tmp_path / "back" / "same").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o755, os.getuid())


@pytest.mark.parametrize("transport", ["shell"])
def test_one_that_is_interrupted_leaves_what_was_there(shell, pixels, source, truenas, key):
    sh(shell, "mkdir -p /srv/here; touch /srv/here/old")
    (source / "large").write_bytes(bytes(3_000_000))
    truenas.faults.add("drop_shell", method="px-web", after_input=1_000_000)

    with pytest.raises(PixelsError, match="went away"):
        folders.put(shell, str(source), "/srv/here")

    until = time.monotonic() + 20
    while sh(shell, "ls -A /srv") != "here\n":
        assert time.monotonic() < until
        time.sleep(0.1)
    assert sh(shell, "ls /srv/here") == "old\n"
