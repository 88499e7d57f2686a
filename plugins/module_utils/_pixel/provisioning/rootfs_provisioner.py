# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Provision a pixel with files and a first-boot script, written through the file API of the NAS.

This method is for accounts without web shell access. It requires FULL_ADMIN, and restarts the pixel once.
"""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused, TimedOut
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import scripts
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import env_table
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import first_boot
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.authorized_keys import (
    ROOT_KEYS,
    merge_keys,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.rootfs import File, Rootfs
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate import failure_report, readiness

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.spec import ProvisionSpec
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

RESOLVED_CONFIG = "/etc/systemd/resolved.conf.d/pixels-dns.conf"
BLANK = "\n"
"""The least that TrueNAS writes to a file: `filesystem.file_receive` requires at least one character."""


def is_complete(pixels: Pixels, name: PixelName, spec: ProvisionSpec) -> bool:
    """Return whether all files are in place and the first-boot script has succeeded.

    Raises `Refused` if the filesystem of the container cannot be read safely.
    """
    return not missing_files(Rootfs(pixels, name), spec)


def provision(
    pixels: Pixels, name: PixelName, spec: ProvisionSpec, *, deadline: Deadline, stop_timeout: float, ssh_port: int
) -> None:
    """Write the missing files, restart the pixel if one of them requires it, and wait until SSH answers."""
    written: list[str] = []
    where = f"{name.bare} on {pixels.nas}"
    with trying(f"provisioning {where}"), failure_report.reporting_progress(written):
        rootfs = Rootfs(pixels, name)
        rootfs.wait_until_mounted(deadline)
        missing = missing_files(rootfs, spec)
        for file in missing:
            if file.path == first_boot.SCRIPT_PATH:
                reject_foreign_script(rootfs)
            rootfs.write(file)
            written.append(file.path)
        if any(file.restart for file in missing):
            clear_failure(rootfs)
            pixels.containers.restart(name, graceful=stop_timeout, timeout=deadline.left)
            wait_for_first_boot(rootfs, deadline)
        readiness.wait_for(pixels, name, "ssh", deadline=deadline, ssh_port=ssh_port)


def specified_files(spec: ProvisionSpec, present: t.Callable[[str], str]) -> list[File]:
    """Return the files of a provisioned pixel. `present` returns the text of a file whose other lines are kept."""
    specified = [
        File(ROOT_KEYS, merge_keys(present(ROOT_KEYS), spec.public_keys), 0o600),
        File(first_boot.SCRIPT_PATH, first_boot.SCRIPT, 0o755, restart=True),
    ]
    if spec.environment:
        path = env_table.FILE
        specified.insert(0, File(path, env_table.merged(present(path), spec.environment), 0o644))
    if spec.accept_env:
        path = env_table.ACCEPTED
        specified.insert(0, File(path, env_table.accepting(present(path), spec.accept_env), 0o644, restart=True))
    if spec.dns:
        specified.insert(0, File(RESOLVED_CONFIG, f"[Resolve]\nDNS={' '.join(spec.dns)}\n", 0o644, restart=True))
    return specified


def missing_files(rootfs: Rootfs, spec: ProvisionSpec) -> list[File]:
    """Return the files that differ from the specification, and the first-boot script until it has succeeded."""
    specified = specified_files(spec, lambda path: rootfs.read(path) or "")
    script = [file for file in specified if file.path == first_boot.SCRIPT_PATH]
    others = [file for file in specified if file not in script and rootfs.read(file.path) != file.content]
    return others if rootfs.has(first_boot.MARKER_PATH) else others + script


def reject_foreign_script(rootfs: Rootfs) -> None:
    """Raise `Refused` if the pixel has a boot script that this collection did not write."""
    present = rootfs.read(first_boot.SCRIPT_PATH)
    if present and first_boot.SIGNATURE not in present:
        raise Refused(
            f"the pixel has a {first_boot.SCRIPT_PATH} of its own, which is not overwritten. Move its content to a "
            "service, or use the method shell"
        )


def clear_failure(rootfs: Rootfs) -> None:
    """Empty the output of an earlier failed script, which would otherwise be reported as that of this run."""
    if rootfs.has(first_boot.FAILURE_PATH):
        rootfs.write(File(first_boot.FAILURE_PATH, BLANK, 0o600))


def wait_for_first_boot(rootfs: Rootfs, deadline: Deadline) -> None:
    """Wait until the first-boot script ends. Raises `TimedOut`, and `Refused` with the output of a failed script."""

    def find_marker() -> str | None:
        if not rootfs.mounted:
            return None
        if rootfs.has(first_boot.MARKER_PATH):
            return first_boot.MARKER_PATH
        return first_boot.FAILURE_PATH if rootfs.size(first_boot.FAILURE_PATH) > len(BLANK) else None

    ended = deadline.wait_until(find_marker, first=0.2)
    if ended is None:
        raise TimedOut(
            f"the first-boot script {first_boot.SCRIPT_PATH} is still running after {deadline.seconds:g} s. "
            "It installs an SSH server: check that the pixel has network access and a package source"
        )
    if ended == first_boot.FAILURE_PATH:
        output = scripts.output_tail((rootfs.read(first_boot.FAILURE_PATH) or "").encode())
        raise Refused(
            f"the first-boot script {first_boot.SCRIPT_PATH} failed: {output}. It runs again at the next start"
        )
