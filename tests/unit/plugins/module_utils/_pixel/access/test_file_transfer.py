# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of files into a pixel and out of it, through the shell of the NAS and over SSH."""

from __future__ import annotations

import os
import random
import time

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionLost, Refused, TimedOut
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import (
    command,
    connect,
    file_transfer,
    scripts,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell import client as nas_shell
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import settings
from tests.unit.plugins.conftest import link_next_names, put, read, users_of_its_own


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    return "25.10"


@pytest.fixture(params=["shell", pytest.param("ssh", marks=pytest.mark.wide)])
def shell(request, pixels, guest, key, truenas):
    how = settings.SshSettings("root", key.private, truenas.ssh_port, transport=request.param)
    with connect.open_shell(pixels, guest, how) as opened:
        yield opened


both_transports = pytest.mark.parametrize("shell", ["shell", "ssh"], indirect=True)
"""For what each transport does in its own way. The scripts that run in a pixel are the same."""


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(random.Random(5).randbytes(300_000))
    return path


@both_transports
def test_a_file_goes_in_and_comes_out_as_it_was(shell, source, tmp_path):
    file_transfer.put(shell, str(source), "/root/a file")

    file_transfer.get(shell, "/root/a file", str(tmp_path / "back"))

    assert (tmp_path / "back").read_bytes() == source.read_bytes()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("back")] == ["back"]


@both_transports
def test_an_empty_file_is_a_file(shell, tmp_path):
    (tmp_path / "empty").touch()

    file_transfer.put(shell, str(tmp_path / "empty"), "/root/empty")
    file_transfer.get(shell, "/root/empty", str(tmp_path / "back"))

    assert (tmp_path / "back").read_bytes() == b""


def modes(shell, path):
    return shell.run(Command(("stat", "-c", "%a %U:%G", path))).stdout.decode().strip()


@users_of_its_own
def test_mode_and_owner_are_those_asked_for(shell, source):
    file_transfer.put(shell, str(source), "/srv/secret", mode="0640", owner="ubuntu:ubuntu")

    assert modes(shell, "/srv/secret") == "640 ubuntu:ubuntu"


@users_of_its_own
def test_what_is_there_keeps_its_mode_and_owner(shell, source):
    shell.run(Command(("sh", "-c", "echo old >/srv/x; chmod 604 /srv/x; chown ubuntu:ubuntu /srv/x")))

    file_transfer.put(shell, str(source), "/srv/x")

    assert modes(shell, "/srv/x") == "604 ubuntu:ubuntu"


def test_what_takes_the_place_of_a_link_has_the_mode_of_the_file_it_led_to(shell, source):
    shell.run(Command(("sh", "-c", "echo old >/srv/x; chmod 604 /srv/x; ln -s x /srv/link")))

    file_transfer.put(shell, str(source), "/srv/link")

    assert modes(shell, "/srv/link").partition(" ")[0] == "604"


@pytest.mark.parametrize("name", ["back\\slash", "line\nbreak", "-e", " "])
def test_a_file_may_have_any_name(shell, source, tmp_path, name):
    file_transfer.put(shell, str(source), f"/srv/{name}")

    file_transfer.get(shell, f"/srv/{name}", str(tmp_path / "back"))

    assert (tmp_path / "back").read_bytes() == source.read_bytes()


def test_bytes_that_are_in_no_file_go_in_as_well(shell, truenas):
    file_transfer.put_bytes(shell, b"text\n", "/srv/text", mode="600")

    assert read(truenas, "/srv/text") == "text\n"


def test_a_directory_is_not_written_over(shell, source):
    with pytest.raises(file_transfer.NotTransferred, match="/srv is a directory"):
        file_transfer.put(shell, str(source), "/srv")


def test_a_place_that_is_not_there_is_reported(shell, source):
    with pytest.raises(file_transfer.NotTransferred, match=r"source to /nowhere/x: .*[Nn]o(t| such).*"):
        file_transfer.put(shell, str(source), "/nowhere/x")


def test_a_file_that_is_not_there_is_reported_and_nothing_is_written(shell, tmp_path):
    with pytest.raises(file_transfer.NotTransferred, match="/nowhere/x: cannot enter the directory /nowhere"):
        file_transfer.get(shell, "/nowhere/x", str(tmp_path / "back"))

    assert not (tmp_path / "back").exists()


def test_a_target_that_cannot_be_written_is_reported(shell, truenas):
    with pytest.raises(file_transfer.NotTransferred, match="to /nowhere/back: No such file"):
        file_transfer.get(shell, "/etc/passwd", "/nowhere/back")


@pytest.mark.parametrize("shell", ["shell"], indirect=True)
def test_a_transfer_that_breaks_off_leaves_the_old_file(shell, pixels, source, truenas, monkeypatch):
    # The pixel keeps running, so there is no wait for a stop.
    monkeypatch.setattr(nas_shell, "STOP_TIMEOUT_S", 0.0)
    put(truenas, "/srv/x", "old\n")
    shell.run(Command(("true",)))
    truenas.faults.add("drop_shell", method="px-web", after_input=100_000)

    with pytest.raises(ConnectionLost):
        file_transfer.put(shell, str(source), "/srv/x")

    assert read(truenas, "/srv/x") == "old\n"
    until = time.monotonic() + 20
    while shell.run(Command(("ls", "-A", "/srv"))).stdout != b"x\n":
        assert time.monotonic() < until


def test_content_that_changed_in_transit_is_refused(shell, source, truenas, monkeypatch):
    put(truenas, "/srv/x", "old\n")
    monkeypatch.setattr(file_transfer.hashlib, "sha256", lambda content=b"": Wrong())

    with pytest.raises(file_transfer.NotTransferred, match="the checksum is wrong after the transfer"):
        file_transfer.put(shell, str(source), "/srv/x")

    assert read(truenas, "/srv/x") == "old\n"


def sh(shell, script, user=None):
    ended = shell.run(Command(("sh", "-c", script), user=user))
    assert ended.rc == 0, ended.stderr
    return ended.stdout.decode()


@users_of_its_own
@pytest.mark.wide
def test_what_another_user_has_prepared_beside_a_file_is_not_written_to(shell, source, truenas):
    put(truenas, "/etc/victim", "precious\n")
    sh(shell, link_next_names("~/x.pixels-", "/etc/victim"), "ubuntu")

    file_transfer.put(shell, str(source), "/home/ubuntu/x")

    assert read(truenas, "/etc/victim") == "precious\n"
    assert modes(shell, "/etc/victim") == "644 root:root"
    assert modes(shell, "/home/ubuntu/x") == "644 root:root"


@users_of_its_own
@pytest.mark.parametrize("path", ["/home/ubuntu/there/x", "/home/ubuntu/there/../there/x", "/srv/mine/x"])
def test_no_link_that_another_user_controls_is_followed(shell, source, tmp_path, path):
    sh(shell, "mkdir /srv/secret && echo sesame >/srv/secret/x && chmod 700 /srv/secret")
    sh(shell, "ln -s /srv/secret ~/there && ln -s /srv/secret/x ~/x", "ubuntu")
    sh(shell, "ln -s /home/ubuntu/there /srv/mine")

    with pytest.raises(
        file_transfer.NotTransferred, match="there is a symlink that another user controls. Name the path"
    ):
        file_transfer.put(shell, str(source), path)
    with pytest.raises(file_transfer.NotTransferred, match="there is a symlink that another user controls"):
        file_transfer.get(shell, path, str(tmp_path / "back"))
    with pytest.raises(file_transfer.NotTransferred, match="x is a symlink that another user controls"):
        file_transfer.get(shell, "/home/ubuntu/x", str(tmp_path / "back"))

    assert sh(shell, "ls -A /srv/secret; cat /srv/secret/x") == "x\nsesame\n"
    assert not (tmp_path / "back").exists()


@pytest.mark.wide
def test_links_of_root_are_followed(shell, source, tmp_path):
    sh(shell, "mkdir -p /srv/a/b && ln -s a/b /srv/to && ln -s ../../srv/to/x /srv/a/x && ln -s /srv/a /srv/a/b/up")

    file_transfer.put(shell, str(source), "/srv/to/up/b/x")
    file_transfer.get(shell, "/srv/a/x", str(tmp_path / "back"))

    assert sh(shell, "ls -A /srv/a/b") == "up\nx\n"
    assert (tmp_path / "back").read_bytes() == source.read_bytes()


def test_links_that_lead_to_each_other_have_an_end(shell, source):
    sh(shell, "ln -s b /srv/a && ln -s a /srv/b")

    with pytest.raises(file_transfer.NotTransferred, match="too many levels of symlinks"):
        file_transfer.put(shell, str(source), "/srv/a/x")


@both_transports
@users_of_its_own
@pytest.mark.parametrize("lacking", ["su", "setpriv"])
@pytest.mark.wide
def test_a_user_writes_and_reads_with_the_rights_of_that_user(shell, source, tmp_path, lacking):
    sh(shell, "ln -s /etc ~/etc && mkdir ~/mine && ln -s mine ~/own", "ubuntu")
    sh(shell, f"rm -f $(command -v {lacking}) /bin/{lacking}; ! command -v {lacking}")

    file_transfer.put(shell, str(source), "/home/ubuntu/own/x", mode="600", user="ubuntu")
    file_transfer.get(shell, "/home/ubuntu/own/x", str(tmp_path / "back"), user="ubuntu")

    assert modes(shell, "/home/ubuntu/mine/x") == "600 ubuntu:ubuntu"
    assert (tmp_path / "back").read_bytes() == source.read_bytes()
    with pytest.raises(file_transfer.NotTransferred, match="cannot write to the directory /etc: Permission denied"):
        file_transfer.put(shell, str(source), "/home/ubuntu/etc/x", user="ubuntu")
    with pytest.raises(file_transfer.NotTransferred, match=r"[Pp]ermission denied"):
        file_transfer.get(shell, "/home/ubuntu/etc/shadow", str(tmp_path / "none"), user="ubuntu")


@users_of_its_own
@pytest.mark.wide
def test_a_directory_that_becomes_a_link_meanwhile_leads_nowhere(shell, source):
    sh(shell, "mkdir /srv/victim; touch /srv/victim/x")
    swap = "mkdir ~/d; while [ ! -e ~/stop ]; do mv ~/d ~/e; ln -s /srv/victim ~/d; rm ~/d; mv ~/e ~/d; done"
    sh(shell, f"({swap}) >/dev/null 2>&1 &", "ubuntu")
    done = 0
    for _each in range(10):
        try:
            file_transfer.put(shell, str(source), "/home/ubuntu/d/x")
            done += 1
        except file_transfer.NotTransferred:
            continue

    assert sh(shell, "find /srv/victim -size +0 | wc -l; ls -A /srv/victim") == "1\nx\n"
    sh(shell, "touch /home/ubuntu/stop")


@users_of_its_own
def test_what_takes_the_place_of_a_program_does_not_get_the_rights_of_its_owner(shell, source):
    sh(shell, "cp /bin/true /srv/true && chmod 6755 /srv/true")
    sh(shell, "ln -s /srv/true ~/x", "ubuntu")

    file_transfer.put(shell, str(source), "/home/ubuntu/x")

    assert modes(shell, "/home/ubuntu/x") == "755 root:root"


@pytest.mark.parametrize("path", ["/srv/pipe", "/dev/zero", "/srv"])
def test_what_is_no_file_is_not_waited_for(shell, tmp_path, path):
    sh(shell, "mkfifo /srv/pipe")

    with pytest.raises(file_transfer.NotTransferred, match=f"{path} is not a file"):
        file_transfer.get(shell, path, str(tmp_path / "back"))


def test_a_file_that_is_larger_than_it_says_comes_as_well(shell, tmp_path):
    file_transfer.get(shell, "/proc/mounts", str(tmp_path / "back"))

    assert " /proc proc " in (tmp_path / "back").read_text()


def test_the_mode_of_a_file_comes_with_it_where_that_is_wanted(shell, tmp_path):
    sh(shell, "echo x >/srv/x; chmod 4750 /srv/x")

    assert file_transfer.get(shell, "/srv/x", str(tmp_path / "back"), keeps_mode=True) == 2

    assert (tmp_path / "back").stat().st_mode & 0o7777 == 0o750


@both_transports
def test_more_than_there_is_room_for_is_given_up_and_ended_there(shell, tmp_path, monkeypatch):
    monkeypatch.setattr(file_transfer, "space_in", lambda directory: 200_000)
    sh(shell, "head -c 5000000 /dev/zero >/srv/large")

    with pytest.raises(
        file_transfer.NotTransferred,
        match=r"/srv/large: it is larger than its reported size of 5000000 bytes.* 200000 bytes",
    ):
        file_transfer.get(shell, "/srv/large", str(tmp_path / "back"))

    assert {path.name for path in tmp_path.iterdir()} <= {"state"}
    assert sh(shell, "echo here") == "here\n"


@both_transports
@pytest.mark.parametrize(
    "says", ["cat /dev/zero", "echo 5 644; cat /dev/zero", "echo; yes", "printf '%.s9' 0 1 2 3 4 5; yes"]
)
def test_a_pixel_that_never_ends_is_given_up(shell, tmp_path, says):
    shell.run(
        Command(
            ("sh", "-c", "echo x >/srv/x; cat >/usr/local/bin/stat; chmod 755 /usr/local/bin/stat"),
            stdin=f"#!/bin/sh\n{says}\n".encode(),
        )
    )

    with pytest.raises(
        file_transfer.NotTransferred, match="/srv/x: (it is larger than|the pixel reports an invalid size)"
    ):
        file_transfer.get(shell, "/srv/x", str(tmp_path / "back"))

    assert {path.name for path in tmp_path.iterdir()} <= {"state"}


def test_what_is_no_file_here_is_not_sent(shell, tmp_path):
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(file_transfer.NotTransferred, match="pipe is not a regular file"):
        file_transfer.put(shell, str(tmp_path / "pipe"), "/srv/x")
    with pytest.raises(file_transfer.NotTransferred, match="none: No such file"):
        file_transfer.put(shell, str(tmp_path / "none"), "/srv/x")


@both_transports
def test_a_file_that_shrinks_while_it_is_sent_is_reported(shell, source, truenas):
    put(truenas, "/srv/x", "old\n")
    sizes = []

    def shrink(sent, size):
        sizes.append((sent, size))
        os.truncate(source, 1000)

    source.write_bytes(bytes(range(256)) * 8192)
    with pytest.raises(file_transfer.NotTransferred, match="the checksum is wrong after the transfer"):
        file_transfer.put(shell, str(source), "/srv/x", progress=shrink)

    assert read(truenas, "/srv/x") == "old\n"
    assert sizes[-1] == (2 * 1024 * 1024, 2 * 1024 * 1024)


class Wrong:
    """A checksum of something else."""

    def update(self, _piece):
        """Count nothing."""

    def hexdigest(self):
        return "0" * 64


@both_transports
@users_of_its_own
def test_a_user_that_stops_the_processes_of_a_small_transfer_does_not_stop_it(shell, monkeypatch):
    monkeypatch.setattr(file_transfer, "WRITE_TIMEOUT_S", 0.2)
    monkeypatch.setattr(command, "KILL_DELAY_S", 0.1)
    sh(shell, "printf '#!/bin/sh\\nkill -STOP $PPID $$\\n' >/usr/local/bin/mv; chmod 755 /usr/local/bin/mv")

    with pytest.raises(TimedOut, match="writing /home/ubuntu/x: the command ran longer than 0.2 s"):
        file_transfer.put_bytes(shell, b"new", "/home/ubuntu/x", user="ubuntu")

    assert sh(shell, "[ -e /home/ubuntu/x ] || echo none") == "none\n"
    assert sh(shell, "grep -s '^State:.T' /proc/[0-9]*/status; :") == ""


@both_transports
@pytest.mark.parametrize("user", [None, pytest.param("ubuntu", marks=users_of_its_own)])
@pytest.mark.wide
def test_errors_that_never_end_are_given_up(shell, source, tmp_path, monkeypatch, user):
    monkeypatch.setattr(scripts, "ERRORS_LIMIT", 200_000)
    monkeypatch.setattr(command, "KILL_DELAY_S", 0.1)
    sh(shell, "printf '#!/bin/sh\\nexec yes aaaa >&2\\n' >/usr/local/bin/readlink; chmod 755 /usr/local/bin/readlink")

    problem = "the error output of a command is larger than 200000 bytes"
    with pytest.raises(file_transfer.NotTransferred, match=problem):
        file_transfer.get(shell, "/etc/hostname", str(tmp_path / "back"), user=user)
    with pytest.raises(Refused, match=problem):
        scripts.run(shell, "yes aaaa >&2", user=user)
    sh(shell, "printf '#!/bin/sh\\nexec yes aaaa >&2\\n' >/usr/local/bin/stat; chmod 755 /usr/local/bin/stat")
    with pytest.raises(file_transfer.NotTransferred, match=problem):
        file_transfer.put(shell, str(source), "/tmp/x", user=user)


@both_transports
def test_the_last_bytes_of_long_errors_are_kept(shell):
    ended = scripts.run(shell, "head -c 300000 /dev/zero >&2; echo why >&2; exit 3")

    assert (ended.rc, len(ended.stderr)) == (3, scripts.ERRORS_KEPT)
    assert ended.stderr.endswith(b"\0why\n")
