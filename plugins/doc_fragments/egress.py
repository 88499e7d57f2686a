# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options of an egress policy; `_pixel/egress/policy.py` checks them."""

from __future__ import annotations


class ModuleDocFragment:
    """The options that describe an egress policy."""

    DOCUMENTATION = r"""
options:
  mode:
    description:
      - Which connections the pixel can open.
      - V(unrestricted) enforces nothing and removes an earlier policy.
      - V(internet) allows all public addresses, and refuses private networks and the metadata services of clouds.
      - V(agent) allows what coding agents need. It is V(allowlist) with a default for O(presets).
      - V(allowlist) allows O(allow) and O(presets).
      - V(none) refuses all connections.
    type: str
    required: true
    choices: [unrestricted, internet, agent, allowlist, none]
  allow:
    description:
      - Domain names, addresses and networks that the pixel can connect to.
      - C(example.com) is that name only. C(*.example.com) is all names below it. V(203.0.113.0/24) is a network.
      - Private networks belong in O(lan).
    type: list
    elements: str
    default: []
  deny:
    description:
      - Domain names, addresses and networks that the pixel cannot connect to. Takes precedence over O(allow) and
        O(presets).
      - A name includes all names below it.
      - For O(mode=internet), a name is not resolved, but connections to its address are possible. Deny its network to
        refuse them.
    type: list
    elements: str
    default: []
  presets:
    description:
      - Groups of domain names to allow, such as V(github), V(npm) or V(pypi). V(distribution) is the group of the
        distribution of the pixel.
      - For package managers, the hosts in the system-wide configuration of the pixel replace the defaults, so that
        mirrors work.
      - For O(mode=agent), defaults to V(claude), V(codex), V(crates), V(distribution), V(gemini), V(github), V(gitlab),
        V(go), V(mise), V(npm), V(opencode) and V(pypi).
    type: list
    elements: str
  ports:
    description:
      - TCP ports that are open at allowed names.
    type: list
    elements: int
    default: [22, 80, 443]
  lan:
    description:
      - Private networks that the pixel can connect to.
    type: list
    elements: str
    default: []
  dns:
    description:
      - Addresses of the name servers that allowed names are looked up at.
      - Defaults to the name servers that the pixel gets from DHCP.
    type: list
    elements: str
    default: []
  sudo:
    description:
      - What users of the pixel can do with C(sudo). Root can remove the policy.
      - V(packages) allows the user with the UID 1000 to install packages by name with C(pixels-install), and nothing
        else. Packages come from the configured sources, and their scripts run as root.
      - V(none) allows nothing.
      - V(all) does not restrict C(sudo). Users of the pixel can then remove the policy.
    type: str
    choices: [packages, none, all]
    default: packages
"""
