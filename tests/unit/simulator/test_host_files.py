# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of where a path on the NAS leads, as far as the file API cannot show it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.simulator.errors import GenericError
from tests.simulator.host_files import HostFiles
from tests.simulator.layout import INCUS
from tests.unit.simulator.nas import LinkedPaperEngine

MOUNT = INCUS.mount("tank", "px-web")


@pytest.fixture
def files(tmp_path: Path) -> HostFiles:
    engine = LinkedPaperEngine()
    files = HostFiles(tmp_path, engine, INCUS, lambda pool, container: (pool, container) == ("tank", "px-web"))
    files.prepare(["tank"])
    files.prepare_container(MOUNT)
    asyncio.run(engine.create("px-web", "debian/12"))
    return files


def resolved(files: HostFiles, path: str) -> str:
    return asyncio.run(files.resolve(path)).path


def test_the_rootfs_of_a_running_container_is_the_engines(files: HostFiles) -> None:
    location = files.locate(f"{MOUNT.rootfs}/etc/hosts")

    assert (location.container, location.inside) == ("px-web", "/etc/hosts")
    assert files.locate(MOUNT.rootfs).inside == "/"


@pytest.mark.parametrize(
    "path",
    [
        MOUNT.path,
        f"{MOUNT.rootfs}-not",
        f"{MOUNT.path}/metadata.yaml",
        "/var/lib/incus/storage-pools/tank/containers/px-stopped/rootfs/etc",
        "/var/lib/incus/storage-pools/tank/containers",
        "/mnt/tank",
    ],
)
def test_everything_else_is_the_hosts(files: HostFiles, path: str) -> None:
    assert files.locate(path).container is None


@pytest.mark.parametrize(
    ("path", "real"),
    [
        ("/mnt//tank/./a/../b", "/mnt/tank/b"),
        ("/../../etc", "/etc"),
        (f"{MOUNT.rootfs}/../metadata.yaml", f"{MOUNT.path}/metadata.yaml"),
        ("/mnt/tank/not/there/yet", "/mnt/tank/not/there/yet"),
    ],
)
def test_dots_are_walked(files: HostFiles, path: str, real: str) -> None:
    assert resolved(files, path) == real


def test_no_real_path_lies_outside_the_state_directory(files: HostFiles, tmp_path: Path) -> None:
    (files.root / "mnt/tank/link").symlink_to("/")

    for path in ("/etc/passwd", "/mnt/tank/link/etc/passwd", "/../../../etc/passwd", f"{MOUNT.path}/backup.yaml"):
        physical = files.physical(resolved(files, path))
        assert tmp_path in physical.resolve().parents


def test_errors_of_the_machine_name_the_path_the_client_knows(files: HostFiles) -> None:
    with pytest.raises(GenericError, match=r"^\[Errno 21\] Is a directory: '/mnt/tank'$"):
        asyncio.run(files.write(files.locate("/mnt/tank"), b"x"))
    with pytest.raises(GenericError, match="/no/such/file"):
        asyncio.run(files.read(files.locate("/no/such/file")))
