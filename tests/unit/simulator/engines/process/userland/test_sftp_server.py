# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guests' SFTP server, request by request, through a real client."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

if t.TYPE_CHECKING:
    import paramiko

    from tests.unit.simulator.engines.process.conftest import Lab


@pytest.fixture
def sftp(lab: Lab) -> t.Iterator[paramiko.SFTPClient]:
    name = lab.start_with_ssh()
    with lab.ssh(name) as client, client.open_sftp() as sftp:
        yield sftp


def test_it_starts_in_the_home_directory(sftp: paramiko.SFTPClient) -> None:
    assert sftp.normalize(".") == "/root"


def test_directories_are_made_listed_and_removed(sftp: paramiko.SFTPClient) -> None:
    sftp.mkdir("work", mode=0o700)
    for number in range(250):
        sftp.open(f"work/{number}", "w").close()

    assert sorted(map(int, sftp.listdir("work"))) == list(range(250))
    with pytest.raises(OSError, match="not empty"):
        sftp.rmdir("work")
    for number in range(250):
        sftp.remove(f"work/{number}")
    sftp.rmdir("work")
    assert "work" not in sftp.listdir(".")


def test_attributes_are_reported_and_changed(sftp: paramiko.SFTPClient) -> None:
    with sftp.open("file", "w") as file:
        file.write(b"content")
        file.chmod(0o640)
    sftp.utime("file", (1_000_000, 2_000_000))
    sftp.truncate("file", 3)
    sftp.symlink("file", "link")

    found = sftp.stat("link")

    assert (found.st_size, found.st_mode, found.st_uid) == (3, 0o100640, 0)
    assert sftp.lstat("link").st_mode == 0o120777
    assert sftp.readlink("link") == "file"


def test_reading_and_writing_somewhere_in_a_file(sftp: paramiko.SFTPClient) -> None:
    with sftp.open("file", "w+") as file:
        file.write(b"0123456789")
        file.seek(4)
        file.write(b"xx")
        file.seek(0)

        assert file.read() == b"0123xx6789"
    with sftp.open("file", "a") as file:
        file.write(b"end")
    with sftp.open("file") as file:
        file.seek(8)
        assert file.read() == b"89end"


def test_a_rename_does_not_replace_unless_asked_to(sftp: paramiko.SFTPClient) -> None:
    for name in ("one", "two"):
        with sftp.open(name, "w") as file:
            file.write(name.encode())

    with pytest.raises(OSError, match="there already"):
        sftp.rename("one", "two")
    sftp.posix_rename("one", "two")

    with sftp.open("two") as file:
        assert file.read() == b"one"


def test_what_is_not_there_and_what_is_forbidden_have_their_own_errors(sftp: paramiko.SFTPClient) -> None:
    with pytest.raises(FileNotFoundError):
        sftp.stat("none")
    with pytest.raises(PermissionError):
        sftp.open("/proc/version", "w")


def test_the_server_outlives_a_request_it_does_not_know(sftp: paramiko.SFTPClient) -> None:
    with contextlib.suppress(OSError):
        sftp._request(200, b"statvfs@openssh.com", b"/")

    assert sftp.normalize(".") == "/root"
