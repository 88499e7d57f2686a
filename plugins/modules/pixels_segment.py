#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create or remove a segment: an isolated bridge of a NAS."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_segment
short_description: Create or remove an isolated network for pixels on a NAS
version_added: 1.0.0
description:
  - Manages a segment, a bridge of the NAS without ports and addresses. Pixels whose only network interface is on a
    segment reach each other, and nothing else. Root in a pixel cannot change that.
  - A segment is one trust group. Use several segments for pixels that must not reach each other.
  - The change is committed with a timeout. The NAS takes it back unless a new login proves that the NAS still answers.
  - Before anything is changed, the module refuses each change that could cut the NAS off, and names the cause. What the
    NAS reports only once the bridge is among its pending changes is checked before the commit, and not in check mode.
  - Two sysctls, which the NAS keeps over restarts, prevent the NAS from answering and forwarding on the bridge.
  - Requires an account with the roles C(NETWORK_INTERFACE_WRITE) and C(SYSTEM_TUNABLE_WRITE). If the bridge exists, for
    example because it was created in the TrueNAS web interface, the roles for reading are enough.
author:
  - The pixels.truenas contributors (@pixels-truenas)
options:
  name:
    description: Name of the bridge, V(br) and a number.
    type: str
    required: true
  state:
    description:
      - V(present) creates the bridge if it does not exist, and sets its sysctls. An existing bridge is not changed.
      - V(absent) removes the bridge and its sysctls. No container can be attached to it.
    type: str
    choices: [present, absent]
    default: present
  confirm:
    description:
      - Whether the change may interrupt others.
      - On TrueNAS 25.04 and 25.10, each change of the network takes running containers with a NIC of the type
        C(bridged) off their bridges until they restart. The task fails and lists them. With V(true), the pixels among
        them are restarted, and a warning names the others.
      - The task also fails if the default route or the name servers of the NAS are not in its configuration, because
        they come from DHCP or were set by hand. Those that were set by hand are lost with the change.
    type: bool
    default: false
  checkin_timeout:
    description: Seconds after which the NAS takes the change back if it accepts no new login, from 10 to 600.
    type: int
    default: 60
extends_documentation_fragment:
  - pixels.truenas.connection
  - pixels.truenas.attributes
  - pixels.truenas.attributes.resource
attributes:
  idempotent:
    support: full
notes:
  - TrueNAS with high availability is not supported.
seealso:
  - module: pixels.truenas.pixels_container
  - module: pixels.truenas.pixels_egress
"""

EXAMPLES = r"""
- name: Create an isolated network
  pixels.truenas.pixels_segment:
    name: br77
  register: result

- name: Require that the NAS itself cannot be reached from it
  ansible.builtin.assert:
    that: result.segment.isolated == 'yes'
    fail_msg: "{{ result.segment.open | join('; ') }}"

- name: Create a pixel that reaches nothing but its segment
  pixels.truenas.pixels_container:
    name: untrusted
    nic:
      segment: br77

- name: Remove the isolated network
  pixels.truenas.pixels_segment:
    name: br77
    state: absent
"""

RETURN = r"""
segment:
  description:
    - The segment after the task. In check mode, the segment before the task.
    - C(null) if it does not exist.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the bridge.
      type: str
      sample: br77
    isolated:
      description:
        - V(yes) if pixels on the segment reach neither the NAS nor another network, V(no) if they do.
        - V(unknown) if C(open) lists what may be open.
      type: str
      sample: "yes"
    open:
      description: What is open, or may be.
      type: list
      elements: str
      sample: []
    nas:
      description: Name of the NAS.
      type: str
      sample: nas.example.org
restarted:
  description: Pixels that were restarted, because the change took the network from them.
  returned: success
  type: list
  elements: str
  sample: []
"""

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.segments import applier, safety, segment

ARGUMENTS: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "confirm": {"type": "bool", "default": False},
    "checkin_timeout": {"type": "int", "default": 60},
}


def run(task: Task) -> dict[str, t.Any]:
    """Apply the requested state, and return the segment."""
    params, pixels = task.params, task.pixels
    spec = segment.check_spec(
        segment.SegmentSpec(params["name"], params["state"], params["confirm"], params["checkin_timeout"])
    )
    found = segment.find(pixels, spec.name)
    change = segment.plan(found, spec)
    restarted: tuple[str, ...] = ()
    if change.needed:
        safety.reject(pixels, found, spec)
        if not task.check_mode:
            applied = applier.apply(pixels, found, spec)
            restarted = applied.restarted
            found = segment.find(pixels, spec.name)
            change = segment.without_unknown(change, applied.unknown_sysctls)
    verdict = segment.judge(pixels, found)
    if verdict is None:
        return {**change.result(), "segment": None, "restarted": list(restarted)}
    if verdict.open and spec.state == "present" and not task.check_mode:
        task.warn(segment.warning(pixels, spec.name, verdict))
    shown = {"name": spec.name, "isolated": verdict.isolated, "open": list(verdict.open), "nas": pixels.nas}
    return {**change.result(), "segment": shown, "restarted": list(restarted)}


def main() -> None:
    """Run as an Ansible module."""
    PixelsModule(ARGUMENTS).execute(run)


if __name__ == "__main__":
    main()
