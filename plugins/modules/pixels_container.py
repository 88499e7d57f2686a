#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, change, start, stop or destroy a pixel."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_container
short_description: Create, change, start, stop or destroy a pixel
version_added: 1.0.0
description:
  - Manages a pixel, a disposable Linux container on a TrueNAS system (NAS).
  - On the NAS, the container of a pixel has the prefix C(px-). The module never changes other containers.
  - Run the module on the controller, for example in a play for C(localhost).
author:
  - The pixels.truenas contributors (@pixels-truenas)
options:
  name:
    description:
      - Name of the pixel, with or without the prefix C(px-).
      - Up to 60 letters, digits and dashes. The name cannot start or end with a dash.
    type: str
    required: true
  state:
    description:
      - V(present) creates the pixel if it does not exist. A new pixel is not started. An existing pixel is neither
        started nor stopped.
      - V(started) creates the pixel if it does not exist, and starts it.
      - V(stopped) creates the pixel if it does not exist, and stops it.
      - V(restarted) creates the pixel if it does not exist, and restarts it. Every run restarts the pixel.
      - V(absent) stops the pixel and deletes it with all its checkpoints.
    type: str
    choices: [present, started, stopped, restarted, absent]
    default: started
  image:
    description:
      - Image for a new pixel, as an alias of images.linuxcontainers.org such as V(debian/12).
      - For new pixels, defaults to E(PIXELS_DEFAULT_IMAGE), then C(defaults.image) in the configuration file, then
        V(ubuntu/24.04).
      - The task fails if the pixel exists and was created from another image, because the image cannot be changed. For
        containers that this collection did not create, the operating system, release and variant of the image are
        compared instead of the alias.
    type: str
  cpu:
    description:
      - Number of cores such as V(2), or a set of cores such as V(0-3). A set of one core is written V(2-2).
      - TrueNAS 26 supports only sets of cores.
      - For new pixels, defaults to E(PIXELS_DEFAULT_CPU), then C(defaults.cpu) in the configuration file, then V(2) (no
        limit on TrueNAS 26). If omitted, existing pixels are unchanged.
    type: str
  memory:
    description:
      - Memory limit such as V(2GiB) or V(2048MiB). A number without a unit is in MiB. TrueNAS stores whole MiB.
      - TrueNAS 26 does not support memory limits.
      - For new pixels, defaults to E(PIXELS_DEFAULT_MEMORY), then C(defaults.memory) in the configuration file, then
        V(2048MiB) (no limit on TrueNAS 26). If omitted, existing pixels are unchanged.
    type: str
  environment:
    description:
      - Environment variables of the container. They replace all existing variables. An empty dictionary removes them.
      - If omitted, existing pixels are unchanged.
    type: dict
  autostart:
    description:
      - Whether the pixel starts when the NAS boots.
      - For new pixels, defaults to V(true). If omitted, existing pixels are unchanged.
    type: bool
  fleet:
    description:
      - Name of the fleet that the pixel belongs to, recorded on the NAS. M(pixels.truenas.pixels_fleet) sets it for
        its members.
      - If omitted, existing pixels are unchanged.
    type: str
  owner:
    description:
      - Owner of the pixel, recorded on the NAS. Programs in the pixel can read the value on TrueNAS 25.04 and 25.10,
        so it must not contain secrets.
      - If omitted, existing pixels are unchanged.
    type: str
  labels:
    description:
      - Labels of the pixel, recorded on the NAS. They replace all existing labels. Programs in the pixel can read them
        on TrueNAS 25.04 and 25.10.
      - Names of labels consist of letters, digits and underscores.
      - If omitted, existing pixels are unchanged.
    type: dict
  from:
    description:
      - Source for a new pixel, cloned instead of created from an image. V(web@label) is a checkpoint of the pixel
        V(web), V(web) is its current state. V(web:label) is accepted for V(web@label).
      - V(base:NAME) is the newest version of a base of M(pixels.truenas.pixels_base). TrueNAS 26 applies its recipe.
      - A clone takes no additional space at first. It gets its own hostname, machine ID and SSH host keys before the
        first start. Cores, memory, environment, network interface and storage pool default to those of the source.
      - The task fails if the pixel exists and is not a clone of this source or of another version of this base.
      - Requires an account with the role C(FULL_ADMIN). On TrueNAS 26, only V(base:NAME).
    type: str
  clones:
    description:
      - How to handle clones of the checkpoints of the pixel with O(state=absent).
      - V(refuse) fails and lists the clones.
      - V(promote) moves the checkpoints to a clone.
      - V(leave) deletes the container. TrueNAS keeps its data in a hidden dataset until the last clone is deleted.
    type: str
    choices: [refuse, promote, leave]
    default: refuse
  storage_pool:
    description:
      - Storage pool for a new pixel. The task fails if the pixel exists on another pool, because it cannot be moved.
      - For new pixels, defaults to E(PIXELS_DEFAULT_POOL), then C(defaults.pool) in the configuration file, then the
        default pool of the NAS.
    type: str
  nic:
    description:
      - Network interface of the NAS that the pixel is attached to.
      - For new pixels, defaults to E(PIXELS_DEFAULT_PARENT), then C(defaults.parent) in the configuration file, then
        the interface in the same network as the default gateway of the NAS. If omitted, existing pixels are unchanged.
    type: dict
    suboptions:
      parent:
        description: Name of the interface, such as V(eno1) or V(br0). Required without O(nic.segment).
        type: str
      type:
        description:
          - How to attach the pixel to O(nic.parent). Defaults to V(macvlan).
          - With V(macvlan), the pixel and the NAS cannot communicate with each other.
        type: str
        choices: [macvlan, bridged]
      segment:
        description:
          - Name of a segment of M(pixels.truenas.pixels_segment), in place of O(nic.parent). The pixel reaches other
            pixels on the segment, and nothing else. The policy in the table C([network]) of the configuration file is
            not applied.
          - The task fails if the bridge connects pixels to another network, and warns if that is not known.
        type: str
  egress:
    description:
      - Egress policy of the pixel. A mode (V(unrestricted), V(internet), V(agent), V(allowlist) or V(none)), or a
        dictionary with the options of M(pixels.truenas.pixels_egress), from C(mode) to C(sudo).
      - A new pixel is started and gets its policy before it is provisioned. If that fails, it is stopped.
      - With C(mode) of V(none) and C(enforce) of V(gateway), nothing is installed in the pixel, which requires
        O(nic.segment) and no other network interface. The pixel reaches what is on its segment, such as a gateway with
        a policy.
      - If omitted, existing pixels are unchanged and clones get the policy of their source. Other new pixels, and
        clones of a source without a policy, get the policy in the table C([network]) of the configuration file, if any.
    type: raw
  wait_timeout:
    description: Timeout of the whole task in seconds, including the download of the image.
    type: float
    default: 600
  stop_timeout:
    description:
      - Seconds to wait for a graceful stop. With O(state=absent), the pixel is killed after this time. Otherwise, the
        task fails.
    type: float
    default: 30
  delete_retries:
    description: >-
      Maximum number of attempts to delete the pixel. Its storage can be busy for a short time after a stop.
    type: int
    default: 3
  delete_delay:
    description: Seconds between two attempts to delete the pixel.
    type: float
    default: 2
extends_documentation_fragment:
  - pixels.truenas.connection
  - pixels.truenas.checkpoints
  - pixels.truenas.devices
  - pixels.truenas.lifetime
  - pixels.truenas.provision
  - pixels.truenas.run_state
  - pixels.truenas.ssh
  - pixels.truenas.attributes
  - pixels.truenas.attributes.resource
attributes:
  idempotent:
    support: partial
    details: Every run with O(state=restarted) restarts the pixel.
seealso:
  - module: pixels.truenas.pixels_container_info
  - module: pixels.truenas.pixels_exec
"""

EXAMPLES = r"""
- name: Create a pixel with default settings, and wait for its address
  pixels.truenas.pixels_container:
    name: web
  register: web

- name: Create a pixel, and wait until it is reachable over SSH
  pixels.truenas.pixels_container:
    name: agent-1
    image: debian/12
    cpu: 4
    memory: 8GiB
    provision: true
    wait: ssh

- name: Change the memory limit without starting or stopping the pixel
  pixels.truenas.pixels_container:
    name: agent-1
    state: present
    memory: 2GiB

- name: Clone a pixel from a checkpoint
  pixels.truenas.pixels_container:
    name: agent-2
    from: agent-1@ready

- name: Create a pixel that expires after four hours
  pixels.truenas.pixels_container:
    name: scratch
    ttl: 4h

- name: Mount a dataset of the NAS in a pixel, and forward a port of the NAS to it
  pixels.truenas.pixels_container:
    name: web
    devices:
      - {type: disk, source: tank/site, path: /srv/site}
      - {type: proxy, listen_port: 8080, connect_port: 80}

- name: Destroy a pixel with all its checkpoints
  pixels.truenas.pixels_container:
    name: agent-1
    state: absent
"""

RETURN = r"""
container:
  description:
    - The pixel after the task. In check mode, the pixel before the task.
    - C(null) if the pixel does not exist.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the pixel.
      type: str
      sample: web
    full_name:
      description: Name of the container on the NAS.
      type: str
      sample: px-web
    status:
      description: Status reported by the NAS, in lower case.
      type: str
      sample: running
    ipv4:
      description: First IPv4 address of the NIC of the pixel. C(null) if it has none.
      type: str
      sample: 192.168.1.34
    ipv6:
      description:
        - First global IPv6 address of the NIC of the pixel. C(null) if it has none.
        - Connections use this address if the pixel has no IPv4 address.
      type: str
      sample: fd42:2c5c:5bbd:8b2e:216:3eff:fe11:2233
    addresses:
      description:
        - All addresses of the pixel. Addresses of its NIC come before those of other interfaces, such as C(docker0).
      type: list
      elements: dict
      sample: [{address: 192.168.1.34, family: ipv4, prefix: 24}]
    cpu:
      description: Number of cores, or the set of cores. C(null) if unlimited.
      type: str
      sample: "2"
    memory:
      description: Memory limit in bytes. C(null) if unlimited.
      type: int
      sample: 2147483648
    image:
      description: Properties of the image.
      type: dict
      sample: {description: "Ubuntu noble amd64 (20260101_07:42)", os: Ubuntu, release: noble, variant: default}
    environment:
      description: Environment variables of the container.
      type: dict
      sample: {}
    autostart:
      description: Whether the pixel starts when the NAS boots.
      type: bool
      sample: true
    fleet:
      description: Name of the fleet. C(null) if the pixel is not part of a fleet.
      type: str
      sample: agents
    owner:
      description: Owner of the pixel. C(null) if no owner is set.
      type: str
      sample: alice
    labels:
      description: Labels of the pixel.
      type: dict
      sample: {stage: test}
    ttl:
      description: Lifetime as it was set. C(null) if the pixel does not expire.
      type: str
      sample: 4h
    expires:
      description: When the pixel expires, in UTC. C(null) if it does not expire.
      type: str
      sample: "2026-12-01T18:00:00Z"
    protected:
      description: Whether the pixel is protected from being destroyed and restored.
      type: bool
      sample: false
    idle_stop:
      description: How long the pixel can be idle before it is stopped. C(null) if it is not stopped.
      type: str
      sample: 30m
    gateway:
      description: Segments that the pixel is the gateway of. Empty for other pixels.
      type: list
      elements: str
      sample: [br77]
    base:
      description: Base that the pixel is a version of. C(null) for other pixels.
      type: str
    origin:
      description: Checkpoint that the pixel was cloned from. C(null) if it was created from an image.
      type: str
      sample: base@ready
    pool:
      description: Storage pool of the pixel.
      type: str
      sample: tank
    dataset:
      description: ZFS dataset of the pixel.
      type: str
      sample: tank/.ix-virt/containers/px-web
    generation:
      description: >-
        Container technology of the NAS. V(virt) for Incus on TrueNAS 25.04 and 25.10, V(container) for libvirt LXC on
        TrueNAS 26 and later.
      type: str
      sample: virt
    nas:
      description: Name of the NAS.
      type: str
      sample: nas.example.org
"""

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.options import CHECKPOINTS, SSH
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.pixel_options import (
    SPECIFICATION,
    apply_options,
    pixel_spec,
)
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import serialize
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import applier, defaults, network, planner

ARGUMENTS: dict[str, t.Any] = {**SSH, **CHECKPOINTS, **SPECIFICATION}


def run(task: Task) -> dict[str, t.Any]:
    """Apply the requested state, and return the pixel."""
    deadline = Deadline(task.params["wait_timeout"])
    limits = apply_options(task.params, task.ssh.port)
    spec = pixel_spec(task.params, task.ssh)
    found = planner.find(task.pixels, spec)
    spec = defaults.resolve_defaults(
        task.pixels, spec, found, default_nic=lambda: network.detect_nic(task.pixels, task.warn)
    )
    change = planner.plan(found, spec)
    if task.check_mode:
        if found is None and change.needed:
            # Only here: it is for check mode alone.
            from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import image_check

            image_check.reject(task.pixels, spec, task.warn)
        container = found and found.container
    else:
        container = applier.apply_and_wait(task.pixels, change, found, spec, options=limits, deadline=deadline)
    return {**change.result(), "container": container and serialize.container(container, task.pixels)}


def main() -> None:
    """Run the module in a process of its own, without the action plugin."""
    PixelsModule(ARGUMENTS).execute(run)


if __name__ == "__main__":
    main()
