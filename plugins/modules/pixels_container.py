#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates, changes, starts, stops and destroys one pixel."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_container
short_description: Create, change, start, stop or destroy a pixel
version_added: 1.0.0
description:
  - Manages one pixel, a disposable Linux container on a TrueNAS host.
  - On the host the container has the prefix C(px-); other containers are never touched.
  - Run it on the controller, for example with C(hosts&#58; localhost).
author:
  - The pixels.truenas contributors (@pixels-truenas)
options:
  name:
    description:
      - Name of the pixel, with or without its prefix C(px-).
      - Letters, digits and dashes, at most 60 characters, no dash at either end.
    type: str
    required: true
  state:
    description:
      - V(present) makes sure that it exists; a new one is not started, an existing one left as it is.
      - V(started) makes sure that it exists and runs.
      - V(stopped) makes sure that it exists and does not run.
      - V(restarted) restarts it, or starts it where it does not run; this changes something every time.
      - V(absent) stops and deletes it with all its checkpoints.
    type: str
    choices: [present, started, stopped, restarted, absent]
    default: started
  image:
    description:
      - Image a new pixel is made from, by its alias at images.linuxcontainers.org, such as V(debian/12).
      - An existing one cannot change its image, so another one is refused. The alias is noted on the NAS as a pixel is
        made; of others, system, release and variant are compared, and an alias that tells none of them is let pass.
      - Left out, a new one gets V(ubuntu/24.04), unless E(PIXELS_DEFAULT_IMAGE) or C(defaults.image) in the
        configuration file says otherwise.
    type: str
  cpu:
    description:
      - Number of cores (V(2)), or which ones (V(0-3)); one of them is written V(2-2).
      - TrueNAS 26 can only pin to certain cores, and a number is refused there.
      - Left out, a new pixel gets V(2), on TrueNAS 26 no limit, and an existing one keeps what it has.
    type: str
  memory:
    description:
      - Memory, as V(2GiB), V(2048MiB) or a number of MiB. TrueNAS keeps whole MiB.
      - TrueNAS 26 cannot limit it, so any value is refused there.
      - Left out, a new pixel gets V(2048MiB), on TrueNAS 26 no limit, and an existing one keeps what it has.
    type: str
  environment:
    description:
      - Environment variables of the container. They replace all that were set before; an empty dictionary removes them.
      - Left out, those of an existing pixel stay.
    type: dict
  autostart:
    description:
      - Whether it starts with the NAS.
      - Left out, a new pixel does, an existing one stays as it is.
    type: bool
  fleet:
    description:
      - Fleet it belongs to, noted on the NAS. M(pixels.truenas.pixels_fleet) sets it by itself.
      - Left out, the note of an existing pixel stays.
    type: str
  owner:
    description:
      - Who it belongs to, noted on the NAS. What runs in the pixel can read it, so it is no place for secrets.
      - Left out, the note of an existing pixel stays.
    type: str
  labels:
    description:
      - Labels to find it by, noted on the NAS. They replace all it had. What runs in the pixel can read them.
      - Names have letters, digits and underscores.
      - Left out, those of an existing pixel stay.
    type: dict
  from:
    description:
      - Pixel that a new one is cloned from, as V(base@label) from one of its checkpoints, or as V(base) from its
        present state. V(base:label) is understood as well.
      - Takes the time of a ZFS clone. The clone gets hostname, machine-id and SSH host keys of its own before it
        starts, and the cores, memory, environment, interface and pool of its source unless given.
      - An existing pixel that was not cloned from there is refused. Needs an account with full rights.
      - Not possible on TrueNAS 26.
    type: str
  clones:
    description:
      - What becomes of pixels cloned from the checkpoints of one that is to be V(absent).
      - V(refuse) destroys nothing and says which there are. V(promote) hands the checkpoints over to a clone.
        V(leave) lets TrueNAS keep the data out of sight until the last clone is gone.
    type: str
    choices: [refuse, promote, leave]
    default: refuse
  storage_pool:
    description:
      - Storage pool of a new pixel. An existing one cannot move, so another one is refused.
      - Left out, a new one lives on the default pool of the NAS.
    type: str
  nic:
    description:
      - Interface of the NAS it is attached to.
      - Left out, a new pixel is attached to the interface whose network holds the default gateway of the NAS,
        an existing one stays where it is. With macvlan a pixel cannot reach the NAS itself; a bridge has no such limit.
    type: dict
    suboptions:
      parent:
        description: Name of the interface, such as V(eno1) or V(br0).
        type: str
        required: true
      type:
        description: How it is attached.
        type: str
        choices: [macvlan, bridged]
        default: macvlan
  provision:
    description:
      - Makes a pixel reachable over SSH, V(true) for all defaults, or a dictionary of them.
        O(state) must be V(started) or V(restarted).
      - C(method) is C(shell) when left out, which works from inside, through the shell that TrueNAS opens in
        containers. That takes an account with web shell access, and pins the SSH host keys as they are read there.
      - With the C(method) C(rootfs), files and a script for the first boot are written through the file API of the NAS
        into the filesystem of the container. That takes an account with full rights, and has a risk where somebody else
        is root in the pixel already; C(docs/pixels.md) says which.
      - C(user) is whom SSH logs in as, O(ssh_user) when left out. One that the image does not have is made, with the
        number 1000, our key, and C(sudo) without a password where the image has C(sudo); a user of the image with that
        number is renamed, with all it has.
      - C(public_keys) is a list of lines for C(authorized_keys) of root and the user; keys that are there already stay.
      - C(public_key_file) is a file with such a line on the controller, used when C(public_keys) is not given.
        Left out, it is O(ssh_key) with C(.pub), else C(~/.ssh/id_ed25519.pub).
      - C(dns) is a list of name servers for systemd-resolved, or for C(/etc/resolv.conf) where that is not there.
        Left out, a new pixel gets those of C(defaults.dns) in the configuration file.
      - Where the image has no SSH server, one is installed from the image's own package sources.
    type: raw
  wait:
    description:
      - How far a pixel that should run must have come for the task to be done.
      - V(none) does not look, V(running) waits until the NAS says it runs, V(address) until it has an IPv4 address,
        V(ssh) until its SSH server answers, V(ready) until its init has started all there is to start.
        The last is asked through the shell of the NAS, and takes an account with web shell access.
    type: str
    choices: [none, running, address, ssh, ready]
    default: address
  wait_timeout:
    description:
      - Seconds for all of it together, from the download of the image to what O(wait) asks for.
    type: float
    default: 600
  stop_timeout:
    description:
      - Seconds a pixel has to stop when asked to. To be destroyed, it is killed after that.
    type: float
    default: 30
  force:
    description:
      - Whether to kill it instead of asking it to stop.
    type: bool
    default: false
  delete_retries:
    description:
      - How often to try to delete it; its storage can stay busy for a moment after it stopped.
    type: int
    default: 3
  delete_delay:
    description:
      - Seconds between two tries.
    type: float
    default: 2
extends_documentation_fragment:
  - pixels.truenas.connection
  - pixels.truenas.checkpoints
  - pixels.truenas.ssh
  - pixels.truenas.attributes
  - pixels.truenas.attributes.resource
attributes:
  idempotent:
    support: partial
    details: O(state=restarted) restarts every time.
seealso:
  - module: pixels.truenas.pixels_container_info
  - module: pixels.truenas.pixels_exec
"""

EXAMPLES = r"""
- name: A pixel with all defaults, running and with an address
  pixels.truenas.pixels_container:
    name: web
  register: web

- name: A pixel that can be reached over SSH when the task is done
  pixels.truenas.pixels_container:
    name: agent-1
    image: debian/12
    cpu: 4
    memory: 8GiB
    provision: true
    wait: ssh

- name: Make it smaller, whatever else it is
  pixels.truenas.pixels_container:
    name: agent-1
    state: present
    memory: 2GiB

- name: A second one just like it, from what was saved as ready
  pixels.truenas.pixels_container:
    name: agent-2
    from: agent-1@ready

- name: Destroy it with all its checkpoints
  pixels.truenas.pixels_container:
    name: agent-1
    state: absent
"""

RETURN = r"""
container:
  description: The pixel as it is after the task; null when it is gone, or in check mode when it is not there yet.
  returned: success
  type: dict
  contains: &container
    name:
      description: Name of the pixel.
      type: str
      sample: web
    full_name:
      description: Name of the container on the NAS.
      type: str
      sample: px-web
    status:
      description: What the NAS says of it, in small letters.
      type: str
      sample: running
    ipv4:
      description: Its first IPv4 address, null without one.
      type: str
      sample: 192.168.1.34
    addresses:
      description: All its addresses, IPv6 as well, in the order of the NAS.
      type: list
      elements: dict
      sample: [{address: 192.168.1.34, family: ipv4, prefix: 24}]
    cpu:
      description: Number of cores, or which ones; null for no limit.
      type: str
      sample: "2"
    memory:
      description: Bytes; null for no limit.
      type: int
      sample: 2147483648
    image:
      description: What the image says of itself.
      type: dict
      sample: {description: "Ubuntu noble amd64 (20260101_07:42)", os: Ubuntu, release: noble, variant: default}
    environment:
      description: Environment variables of the container.
      type: dict
      sample: {}
    autostart:
      description: Whether it starts with the NAS.
      type: bool
      sample: true
    fleet:
      description: Fleet it belongs to, null for none.
      type: str
      sample: agents
    owner:
      description: Who it belongs to, null when nobody is noted.
      type: str
      sample: alice
    labels:
      description: Its labels.
      type: dict
      sample: {stage: test}
    origin:
      description: Checkpoint it was cloned from, null for one made from an image.
      type: str
      sample: base@ready
    pool:
      description: Storage pool it lives on.
      type: str
      sample: tank
    dataset:
      description: ZFS dataset it lives in.
      type: str
      sample: tank/.ix-virt/containers/px-web
    generation:
      description: >-
        Which kind of container the NAS has, V(virt) for Incus on TrueNAS 25.04 and 25.10, V(container) for those of
        TrueNAS 26 on.
      type: str
      sample: virt
    nas:
      description: The NAS it lives on.
      type: str
      sample: nas.example.org
"""

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.options import CHECKPOINTS, SSH
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.specification import (
    SPECIFICATION,
    patience,
    wanted,
)
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import lifecycle, show
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.waiting import Deadline

ARGUMENTS: dict[str, t.Any] = {**SSH, **CHECKPOINTS, **SPECIFICATION}


def run(task: Task) -> dict[str, t.Any]:
    deadline = Deadline(task.params["wait_timeout"])
    limits = patience(task.params, task.ssh.port)
    asked = wanted(task.params, task.ssh)
    found = lifecycle.find(task.pixels, asked)
    asked = lifecycle.complete(
        task.pixels, asked, found, default_nic=lambda: lifecycle.detect_nic(task.pixels, task.warn)
    )
    change = lifecycle.plan(found, asked)
    if task.check_mode:
        container = found and found.container
    else:
        container = lifecycle.reach(task.pixels, change, found, asked, patience=limits, deadline=deadline)
    return {**change.result(), "container": container and show.container(container, task.pixels)}


def main() -> None:
    PixelsModule(ARGUMENTS).execute(run)


if __name__ == "__main__":
    main()
