#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List the images that a NAS can create pixels from."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_image_info
short_description: List the images that a NAS can create pixels from
version_added: 1.0.0
description:
  - Lists the images for containers that the NAS offers, with their aliases, architectures and builds.
  - The NAS downloads the list from its image server, which requires a connection to the internet.
  - TrueNAS 25.04 and 25.10 list each image of images.linuxcontainers.org by one alias, without the variant C(cloud)
    and without builds. Pixels can be created from other aliases as well.
  - TrueNAS 26 requires an account with the role C(CONTAINER_IMAGE_WRITE).
author:
  - The pixels.truenas contributors (@pixels-truenas)
options:
  names:
    description:
      - Names or aliases of the images to list. V(*) matches any characters, so V(debian/*) lists all images of Debian.
      - Defaults to all images.
    type: list
    elements: str
    aliases: [name]
  os:
    description:
      - Operating system of the images to list, such as V(ubuntu).
      - Defaults to all operating systems.
    type: str
  release:
    description:
      - Release of the images to list. For Debian and Ubuntu, a number such as V(24.04) and a code name such as V(noble)
        select the same images.
      - Defaults to all releases.
    type: str
  architecture:
    description:
      - Architecture of the images to list. V(all) lists the images of all architectures.
      - TrueNAS runs on C(amd64) only.
    type: str
    default: amd64
extends_documentation_fragment:
  - pixels.truenas.connection
  - pixels.truenas.attributes.info
seealso:
  - module: pixels.truenas.pixels_container
"""

EXAMPLES = r"""
- name: List the images of Debian
  pixels.truenas.pixels_image_info:
    os: debian
  register: result

- name: Require an image
  pixels.truenas.pixels_image_info:
    names: ubuntu/24.04
  register: result
  failed_when: not result.images
"""

RETURN = r"""
images:
  description: The images, sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the image, which O(pixels.truenas.pixels_container#module:image) accepts.
      type: str
      sample: ubuntu/noble
    aliases:
      description: Other names of the image that the collection knows.
      type: list
      elements: str
      sample: [ubuntu/24.04]
    os:
      description: Operating system.
      type: str
      sample: ubuntu
    release:
      description: Release of the operating system.
      type: str
      sample: noble
    variant:
      description: Variant of the image.
      type: str
      sample: default
    architectures:
      description: Architectures for which the image exists.
      type: list
      elements: str
      sample: [amd64, arm64]
    builds:
      description: Builds for C(amd64), oldest first. TrueNAS 25.04 and 25.10 do not report them.
      type: list
      elements: str
      sample: ["20260818_07:42", "20260820_07:42"]
    cached:
      description:
        - Builds for C(amd64) that the NAS has downloaded, each with its C(build) and the C(pool) that it is on. A pixel
          that is created from one of them needs no download. A build remains after it has left RV(images[].builds).
        - C(null) on TrueNAS 25.04 and 25.10, which do not report it, and for accounts without the role
          C(ZFS_RESOURCE_READ).
      type: list
      elements: dict
      sample: [{build: "20260820_07:42", pool: tank}]
"""

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import image_catalog

ARGUMENTS: dict[str, t.Any] = {
    "names": {"type": "list", "elements": "str", "aliases": ["name"]},
    "os": {"type": "str"},
    "release": {"type": "str"},
    "architecture": {"type": "str", "default": "amd64"},
}


def run(task: Task) -> dict[str, t.Any]:
    """Return the images that meet all conditions."""
    params = task.params
    found = image_catalog.select(
        task.pixels.containers.images(),
        patterns=params["names"] or (),
        os=params["os"],
        release=params["release"],
        architecture=params["architecture"],
    )
    return {"changed": False, "images": [image_catalog.as_dict(each) for each in found]}


def main() -> None:
    """Run the module in a process of its own, without the action plugin."""
    PixelsModule(ARGUMENTS).execute(run)


if __name__ == "__main__":
    main()
