# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the file API: the pretended host, and the containers mounted into it."""

from __future__ import annotations

import base64
import stat as modes
import typing as t

import pytest

from tests.simulator.layout import Mount
from tests.simulator.releases import INCUS_HAS, LIBVIRT_HAS
from tests.unit.simulator.nas import Nas

MOUNT = "/var/lib/incus/storage-pools/tank/containers/px-web"
ROOTFS = f"{MOUNT}/rootfs"
on_incus = pytest.mark.parametrize("nas", INCUS_HAS, indirect=True)
on_libvirt = pytest.mark.parametrize("nas", LIBVIRT_HAS, indirect=True)


def place(nas: Nas) -> Mount:
    return nas.release.layout.mount("tank", "px-web")


def receive(nas: Nas, path: str, content: bytes = b"hello", **options: t.Any) -> t.Any:
    return nas.call("filesystem.file_receive", path, base64.b64encode(content).decode(), options)


def content_in(nas: Nas, path: str) -> bytes:
    content: bytes = nas.run(nas.engine.read_file("px-web", path))
    return content


def test_a_file_reaches_a_running_container_with_its_parents(nas: Nas) -> None:
    nas.add("px-web")

    assert receive(nas, f"{place(nas).rootfs}/root/.ssh/authorized_keys", b"key", mode=0o600, uid=0, gid=0) is True

    assert content_in(nas, "/root/.ssh/authorized_keys") == b"key"
    found = nas.call("filesystem.stat", f"{place(nas).rootfs}/root/.ssh/authorized_keys")
    assert (found["type"], found["uid"], modes.S_IMODE(found["mode"])) == ("FILE", 0, 0o600)


@on_incus
def test_a_file_for_a_stopped_container_lands_in_a_hidden_directory(nas: Nas) -> None:
    instance = nas.add("px-web", "STOPPED")
    assert nas.call("filesystem.stat", MOUNT)["is_mountpoint"] is False

    assert receive(nas, f"{ROOTFS}/etc/rc.local") is True
    assert nas.call("filesystem.stat", f"{ROOTFS}/etc/rc.local")["size"] == 5

    nas.call("virt.instance.start", "px-web")
    assert nas.call("filesystem.stat", MOUNT)["is_mountpoint"] is True
    assert instance.status == "RUNNING"
    assert nas.refusal("filesystem.stat", f"{ROOTFS}/etc/rc.local").errno == 2

    nas.call("virt.instance.stop", "px-web", {"force": True})
    assert nas.call("filesystem.stat", f"{ROOTFS}/etc/rc.local")["size"] == 5


@on_incus
def test_an_absolute_symlink_of_a_guest_leads_to_the_host(nas: Nas) -> None:
    nas.add("px-web")
    nas.engine.links["px-web", "/etc/localtime"] = "/etc/cron.d/owned"

    receive(nas, f"{ROOTFS}/etc/localtime", b"boo")

    assert nas.call("filesystem.stat", "/etc/cron.d/owned")["size"] == 3
    assert (nas.world.files.root / "etc/cron.d/owned").read_bytes() == b"boo"
    assert nas.call("filesystem.stat", f"{ROOTFS}/etc/localtime")["type"] == "SYMLINK"
    assert nas.call("filesystem.stat", f"{ROOTFS}/etc/localtime")["realpath"] == "/etc/cron.d/owned"


@on_incus
def test_a_relative_symlink_stays_in_the_guest_unless_it_climbs_out(nas: Nas) -> None:
    nas.add("px-web")
    nas.engine.links["px-web", "/bin"] = "usr/bin"
    nas.engine.links["px-web", "/up"] = "../../../../../../../../../etc/motd"

    receive(nas, f"{ROOTFS}/bin/tool")
    receive(nas, f"{ROOTFS}/up")

    assert content_in(nas, "/usr/bin/tool") == b"hello"
    assert (nas.world.files.root / "etc/motd").read_bytes() == b"hello"


def test_dots_in_a_path_climb_out_of_the_rootfs_into_the_pretended_host(nas: Nas) -> None:
    nas.add("px-web")

    receive(nas, f"{place(nas).rootfs}/../../../../../../../../../../etc/climbed")

    assert (nas.world.files.root / "etc/climbed").read_bytes() == b"hello"


@on_incus
def test_a_symlink_in_the_pretended_host_never_leads_to_this_machine(nas: Nas) -> None:
    (nas.world.files.root / "mnt/tank/out").symlink_to("/etc/pixels-test-file")

    receive(nas, "/mnt/tank/out")

    assert (nas.world.files.root / "etc/pixels-test-file").read_bytes() == b"hello"


def test_a_circle_of_symlinks_is_an_error(nas: Nas) -> None:
    (nas.world.files.root / "mnt/tank/a").symlink_to("/mnt/tank/b")
    (nas.world.files.root / "mnt/tank/b").symlink_to("/mnt/tank/a")

    assert (
        str(nas.refusal("filesystem.stat", "/mnt/tank/a"))
        == "[Errno 40] Too many levels of symbolic links: '/mnt/tank/a'"
    )


def test_append_goes_on_and_without_it_the_file_begins_again(nas: Nas) -> None:
    receive(nas, "/mnt/tank/log", b"one")
    receive(nas, "/mnt/tank/log", b"two", append=True)
    assert nas.call("filesystem.stat", "/mnt/tank/log")["size"] == 6

    receive(nas, "/mnt/tank/log", b"x", mode=0)
    assert nas.call("filesystem.stat", "/mnt/tank/log")["size"] == 1


def test_what_cannot_be_received(nas: Nas) -> None:
    assert "String should have at least 1 character" in str(
        nas.refusal("filesystem.file_receive", "/mnt/tank/a", "", {})
    )
    assert str(nas.refusal("filesystem.file_receive", "/mnt/tank/a", "abc", {})) == "Incorrect padding"
    assert "Is a directory" in str(nas.refusal("filesystem.file_receive", "/mnt/tank", "eA==", {}))
    receive(nas, "/mnt/tank/file")
    assert "Not a directory" in str(nas.refusal("filesystem.file_receive", "/mnt/tank/file/below", "eA==", {}))


def test_a_null_mode_came_with_25_10(make_nas: t.Callable[..., Nas]) -> None:
    assert receive(make_nas("25.10"), "/mnt/tank/a", mode=None)

    error = make_nas("25.04").refusal("filesystem.file_receive", "/mnt/tank/a", "eA==", {"mode": None})
    assert error.triples == [("options.mode", "Input should be a valid integer", 22)]


def test_stat_says_everything_about_a_directory(nas: Nas) -> None:
    nas.add("px-web")

    found = nas.call("filesystem.stat", place(nas).path)

    assert list(found) == [
        *("realpath", "type", "size", "allocation_size", "mode", "uid", "gid", "atime", "mtime", "ctime", "btime"),
        *("mount_id", "dev", "inode", "nlink", "is_mountpoint", "is_ctldir", "attributes", "user", "group", "acl"),
    ]
    assert (found["type"], found["user"], found["is_mountpoint"]) == ("DIRECTORY", "root", True)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/mnt/tank/nope", "[ENOENT] Path /mnt/tank/nope not found"),
        ("mnt/tank", "[EINVAL] path must be absolute"),
    ],
)
def test_stat_of_nothing(nas: Nas, path: str, text: str) -> None:
    assert str(nas.refusal("filesystem.stat", path)) == text


@on_incus
def test_listing_a_mounted_container(nas: Nas) -> None:
    nas.add("px-web")

    rows = nas.call("filesystem.listdir", MOUNT, [], {"select": ["name", "type"]})

    assert rows == [
        {"name": "backup.yaml", "type": "FILE"},
        {"name": "metadata.yaml", "type": "FILE"},
        {"name": "rootfs", "type": "DIRECTORY"},
        {"name": "templates", "type": "DIRECTORY"},
    ]
    assert "etc" in [row["name"] for row in nas.call("filesystem.listdir", ROOTFS)]


def test_listings_that_are_refused(nas: Nas) -> None:
    receive(nas, "/mnt/tank/file")
    receive(nas, "/tmp/file")

    assert str(nas.refusal("filesystem.listdir", "/mnt/nope")) == "[ENOENT] Directory /mnt/nope does not exist"
    assert (
        str(nas.refusal("filesystem.listdir", "/mnt/tank/file")) == "[ENOTDIR] Path /mnt/tank/file is not a directory"
    )
    assert str(nas.refusal("filesystem.listdir", "/tmp")) == "[EFAULT] /tmp: ZFS attributes are not supported."
    assert nas.call("filesystem.listdir", "/tmp", [], {"select": ["name"]}) == [{"name": "file"}]


@on_incus
def test_directories_are_made_in_pools_only(nas: Nas) -> None:
    nas.add("px-web")

    made = nas.call("filesystem.mkdir", {"path": "/mnt/tank/new", "options": {"mode": "0o700"}})

    assert (made["path"], modes.S_IMODE(made["mode"])) == ("/mnt/tank/new", 0o700)
    again = nas.refusal("filesystem.mkdir", {"path": "/mnt/tank/new"})
    assert str(again) == "[EEXIST] /mnt/tank/new: path already exists."
    inside = nas.refusal("filesystem.mkdir", {"path": f"{ROOTFS}/new"})
    assert (str(inside), inside.errno) == (f"[EPERM] {ROOTFS}/new: path not permitted", 1)
    [wrong] = nas.refusal("filesystem.mkdir", {"path": "/mnt/tank/x", "options": {"mode": "1777"}}).triples
    assert wrong[1].endswith("Please supply a value between 000 and 777")


def test_statfs_is_for_pools(nas: Nas) -> None:
    assert nas.call("filesystem.statfs", "/mnt/tank")["source"] == "tank"
    assert nas.refusal("filesystem.statfs", "/var/lib/incus").errno == 22


def test_put_takes_what_was_uploaded_and_get_gives_it_back(nas: Nas) -> None:
    assert "Pipe 'input' is not open" in str(nas.refusal("filesystem.put", "/mnt/tank/up"))
    receive(nas, "/mnt/tank/down", b"content")

    nas.call("filesystem.get", "/mnt/tank/down")

    assert nas.job is not None
    assert nas.job.output == b"content"
    assert str(nas.refusal("filesystem.get", "/mnt/tank")) == "[EFAULT] /mnt/tank is not a file"


# TrueNAS 26


@on_libvirt
def test_a_stopped_containers_files_are_there_all_the_same(nas: Nas) -> None:
    nas.add("px-web", "STOPPED")
    rootfs = "/mnt/.truenas_containers/tank/containers/px-web"

    assert receive(nas, f"{rootfs}/etc/motd", mode=0o644) is True

    assert content_in(nas, "/etc/motd") == b"hello"
    assert nas.call("filesystem.stat", rootfs)["is_mountpoint"] is True
    assert "etc" in [row["name"] for row in nas.call("filesystem.listdir", rootfs)]


@on_libvirt
def test_containers_are_listed_in_their_directory(nas: Nas) -> None:
    nas.add("px-web")
    nas.add("px-far", storage_pool="fast")

    rows = nas.call("filesystem.listdir", "/mnt/.truenas_containers/tank/containers")

    assert [(row["name"], row["type"]) for row in rows] == [("px-web", "DIRECTORY")]


@on_libvirt
def test_a_container_that_is_gone_is_mounted_no_more(nas: Nas) -> None:
    nas.add("px-web", "STOPPED")

    nas.call("container.delete", 1)

    assert nas.refusal("filesystem.stat", place(nas).path).errno == 2
    assert nas.call("filesystem.stat", "/mnt/.truenas_containers/tank/containers")["is_mountpoint"] is True
    assert nas.call("filesystem.stat", "/mnt/.truenas_containers")["is_mountpoint"] is False


@on_libvirt
@pytest.mark.parametrize("name", ["file_receive", "get"])
def test_no_symlink_may_be_in_the_path_of_a_file(nas: Nas, name: str) -> None:
    nas.add("px-web")
    nas.engine.links["px-web", "/bin"] = "usr/bin"
    path = f"{place(nas).rootfs}/bin/tool"
    arguments: tuple[t.Any, ...] = ("eA==", {}) if name == "file_receive" else ()

    error = nas.refusal(f"filesystem.{name}", path, *arguments)

    assert (str(error), error.kind) == (f"[Errno 40] Symlink detected in path: '{path}'", "OSError")


@on_libvirt
def test_a_kernel_table_of_a_container_can_be_read(nas: Nas) -> None:
    nas.add("px-web")
    pid = nas.world.domains["px-web"].pid

    nas.call("filesystem.get", f"/proc/{pid}/net/fib_trie")

    assert nas.job is not None
    assert nas.job.output is not None
    assert b"|-- 10.77.0.2\n           /32 host LOCAL" in nas.job.output
    error = nas.refusal("filesystem.get", "/proc/1/net/fib_trie")
    assert str(error) == "[EFAULT] /proc/1/net/fib_trie is not a file"
