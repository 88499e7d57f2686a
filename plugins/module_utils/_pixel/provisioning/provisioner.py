# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Provision a pixel: install keys, name servers and an SSH server, so that SSH reaches it."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import rootfs_provisioner
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.spec import (
    ProvisionSpec,
    with_default_environment,
)

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName


def is_complete(pixels: Pixels, name: PixelName, spec: ProvisionSpec) -> bool:
    """Return whether a running pixel is provisioned as specified. Raises `Refused` if it cannot be inspected safely."""
    spec = with_default_environment(pixels, spec)
    if spec.method == "rootfs":
        return rootfs_provisioner.is_complete(pixels, name, spec)
    # Imported here: commands that provision nothing start faster without it.
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import shell_provisioner

    return shell_provisioner.is_complete(pixels, name, spec) and has_devtools(pixels, name, spec)


def has_devtools(pixels: Pixels, name: PixelName, spec: ProvisionSpec) -> bool:
    """Return whether a running pixel has the specified tools."""
    if not spec.devtools:
        return True
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import devtools

    return devtools.is_complete(pixels, name, devtools.select(spec.devtools, spec.devtools_lock))


def provision(
    pixels: Pixels,
    name: PixelName,
    spec: ProvisionSpec,
    *,
    deadline: Deadline,
    stop_timeout: float,
    ssh_port: int,
    say: t.Callable[[str], None] = lambda _text: None,
) -> None:
    """Set up what is missing in a running pixel, with one restart at most, and wait until SSH answers.

    `stop_timeout` is in seconds. `say` shows the progress of devtools. Errors list what was set up before they
    occurred; another run continues from there.
    """
    spec = with_default_environment(pixels, spec)
    if spec.method == "rootfs":
        rootfs_provisioner.provision(
            pixels, name, spec, deadline=deadline, stop_timeout=stop_timeout, ssh_port=ssh_port
        )
        return
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import shell_provisioner

    shell_provisioner.provision(pixels, name, spec, deadline=deadline, ssh_port=ssh_port)
    if spec.devtools:
        from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import devtools

        tools = devtools.select(spec.devtools, spec.devtools_lock)
        devtools.install(pixels, name, tools, deadline=deadline, wait=spec.wait_for_devtools, say=say)
