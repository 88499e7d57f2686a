# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""filesystem.*: files of the NAS, through Incus' mounts also those of running containers (plugins/filesystem.py)."""

from __future__ import annotations

import base64
import binascii
import errno as errnos
import stat as modes
import typing as t

from tests.simulator import query
from tests.simulator.errors import CallError, GenericError
from tests.simulator.host_files import Location, has_zfs
from tests.simulator.instance import HOST_ID
from tests.simulator.models import filesystem as models
from tests.simulator.registry import job, method
from tests.simulator.releases import FANGTOOTH, SINCE_GOLDEYE

if t.TYPE_CHECKING:
    from tests.simulator.engines.base import Stat
    from tests.simulator.job import Job
    from tests.simulator.registry import Context
    from tests.simulator.world import World

Row = dict[str, t.Any]

READ = ("FILESYSTEM_ATTRS_READ", "FILESYSTEM_ATTRS_WRITE")
USERS = {0: "root", 568: "apps", HOST_ID: "truenas_container_unpriv_root"}
MAY_BE_MADE_IN = ("/mnt/", "/root/.ssh", "/home/admin/.ssh", "/home/truenas_admin/.ssh")
RECEIVE_CHARS = 2_097_152
BLOCK = 131_072


def check_absolute(path: str) -> None:
    """Raises CallError."""
    if not path.startswith("/"):
        raise CallError("path must be absolute", errnos.EINVAL)


@method("filesystem.stat", roles=READ, model=models.Path)
async def stat(context: Context, path: str) -> Row:
    """A symlink says SYMLINK, everything else about it is its target's; one that leads nowhere is not found."""
    check_absolute(path)
    files = context.world.files
    itself = await files.look(await files.resolve(path, follow=False))
    location = await files.resolve(path)
    found = await files.look(location)
    if itself is None or found is None:
        raise CallError(f"Path {path} not found", errnos.ENOENT)
    mountpoint = files.is_mountpoint(location.path)
    return {
        "realpath": location.path,
        "type": itself.type,
        "size": found.size,
        "allocation_size": allocated(found),
        "mode": found.mode,
        "uid": found.uid,
        "gid": found.gid,
        "atime": found.mtime,
        "mtime": found.mtime,
        "ctime": found.mtime,
        "btime": found.mtime,
        "mount_id": number(location.path if mountpoint else "/"),
        "dev": number(location.container or "host"),
        "inode": number(location.path),
        "nlink": 2 if found.type == "DIRECTORY" else 1,
        "is_mountpoint": mountpoint,
        "is_ctldir": "/.zfs" in location.path,
        "attributes": ["MOUNT_ROOT"] if mountpoint else [],
        "user": USERS.get(found.uid),
        "group": USERS.get(found.gid),
        "acl": False,
    }


@method("filesystem.listdir", roles=READ, model=models.Listing)
async def listdir(context: Context, path: str, filters: list[t.Any], options: Row) -> t.Any:
    """Without `select` every entry needs ZFS attributes, which not every place has."""
    check_absolute(path)
    files = context.world.files
    location = await files.resolve(path)
    found = await files.look(location)
    if found is None:
        raise CallError(f"Directory {path} does not exist", errnos.ENOENT)
    if found.type != "DIRECTORY":
        raise CallError(f"Path {path} is not a directory", errnos.ENOTDIR)
    if not options["select"] and not has_zfs(location.path):
        raise CallError(f"{path}: ZFS attributes are not supported.")
    names = await files.names(location)
    for each in filters:
        # Before each entry is read: in a guest of the engine `process`, all of /etc take longer than the sweep waits.
        if each[:2] == ["name", "="]:
            names = [name for name in names if name == each[2]]
    rows = [await listed(context.world, path.rstrip("/"), name) for name in names]
    return query.apply([row for row in rows if row is not None], filters, options)


async def listed(world: World, folder: str, name: str) -> Row | None:
    path = f"{folder}/{name}"
    found = await world.files.look(await world.files.resolve(path, follow=False))
    return None if found is None else entry(world, path, await world.files.resolve(path), found)


def entry(world: World, path: str, location: Location, found: Stat) -> Row:
    return {
        "name": path.rpartition("/")[2],
        "path": path,
        "realpath": location.path,
        "type": found.type,
        "size": found.size,
        "allocation_size": allocated(found),
        "mode": found.mode,
        "mount_id": number("/"),
        "acl": False,
        "uid": found.uid,
        "gid": found.gid,
        "is_mountpoint": world.files.is_mountpoint(location.path),
        "is_ctldir": False,
        "attributes": [],
        "xattrs": [],
        "zfs_attrs": ["ARCHIVE"],
    }


@method("filesystem.statfs", roles=READ, model=models.Path)
async def statfs(context: Context, path: str) -> Row:
    world = context.world
    pool = path.split("/")[2] if path.startswith("/mnt/") else ""
    if pool not in world.pools:
        raise CallError(f"{path}: path must be within /mnt/<pool>", errnos.EINVAL)
    if await world.files.look(await world.files.resolve(path)) is None:
        raise CallError("Path not found.", errnos.ENOENT)
    total = world.pools[pool].size
    sizes = {"total": total, "free": total // 2, "avail": total // 2}
    return {
        "flags": ["RW", "NOATIME", "XATTR", "POSIXACL", "CASESENSITIVE"],
        "fstype": "zfs",
        "source": pool,
        "dest": f"/mnt/{pool}",
        "blocksize": BLOCK,
        **{f"{name}_blocks": size // BLOCK for name, size in sizes.items()},
        **{f"{name}_blocks_str": str(size // BLOCK) for name, size in sizes.items()},
        "files": 1_000_000,
        "files_str": "1000000",
        "free_files": 999_000,
        "free_files_str": "999000",
        "name_max": 255,
        "fsid": f"{number(pool):x}",
        **{f"{name}_bytes": size for name, size in sizes.items()},
        **{f"{name}_bytes_str": str(size) for name, size in sizes.items()},
    }


@method("filesystem.mkdir", roles=("FILESYSTEM_DATA_WRITE",), model=models.MakeDirectory)
async def mkdir(context: Context, data: Row) -> Row:
    """Allow writes only in the pools and a few .ssh directories; the containers of TrueNAS 26 are not simulated."""
    path, files = data["path"], context.world.files
    check_absolute(path)
    location = await files.resolve(path)
    if not location.path.startswith(MAY_BE_MADE_IN):
        raise CallError(f"{path}: path not permitted", errnos.EPERM)
    if await files.look(location) is not None:
        raise CallError(f"{path}: path already exists.", errnos.EEXIST)
    if location.container is not None:
        raise NotImplementedError("the simulated NAS makes no folders in containers")
    files.make_directory(location, int(data["options"]["mode"], 8))
    found = await files.look(location)
    if found is None:
        raise GenericError(f"[Errno 2] No such file or directory: '{path}'", "FileNotFoundError")
    return entry(context.world, path, location, found)


async def opened(context: Context, path: str) -> Location:
    """Where a file is whose content is read or written; since 26 no symlink may be on the way to it."""
    return await context.world.files.resolve(path, links=context.release.file_paths_may_have_links)


async def file_receive(context: Context, path: str, content: str, options: Row) -> bool:
    """Private. Opened as any program opens a file: symlinks are followed, on the host, also those a guest planted.

    While a container is stopped its rootfs is not mounted: the file lands below the mount point, and is never seen.
    """
    check_absolute(path)
    try:
        data = base64.b64decode(content)
    except binascii.Error as error:
        raise GenericError(str(error), "Error") from error
    await context.world.files.write(await opened(context, path), data, **options)
    return True


for releases, model in (([FANGTOOTH.name], models.OldReceive), (SINCE_GOLDEYE, models.Receive)):
    method("filesystem.file_receive", releases=releases, private=True, model=model, max_chars=RECEIVE_CHARS)(
        file_receive
    )


@job("filesystem.put", roles=("FULL_ADMIN",), model=models.Put, input_pipe=True)
async def put(context: Context, job: Job, path: str, options: Row) -> bool:
    """As root:root; parents are made."""
    check_absolute(path)
    content = await job.read_input()
    await context.world.files.write(await opened(context, path), content, **options)
    return True


@job("filesystem.get", roles=("FULL_ADMIN",), model=models.Path, output_pipe=True)
async def get(context: Context, job: Job, path: str) -> None:
    """The content goes to the job's output, which `core.download` hands out."""
    files = context.world.files
    location = await opened(context, path)
    found = await files.look(location)
    if found is None or found.type != "FILE":
        raise CallError(f"{path} is not a file")
    job.give_output(await files.read(location))


def allocated(found: Stat) -> int:
    return -(-found.size // 512) * 512 if modes.S_ISREG(found.mode) else 512


def number(text: str) -> int:
    """A number that stays the same for the same text."""
    return int.from_bytes(text.encode()[-6:], "big")
