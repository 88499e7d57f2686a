# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the verb create, and those that it shares with others."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.schema import EGRESS_MODES, SUDO_RULES

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._cli.verb_parser import VerbParser

WAITS = ("none", "running", "address", "ssh")


def wait_option(own: VerbParser) -> None:
    """Add `--wait`."""
    own.add_argument("--wait", choices=WAITS, help="state to wait for (default: ssh if it is expected, else address)")


def create_options(own: VerbParser) -> None:
    """Add the options of create."""
    own.add_argument("names", nargs="+", metavar="NAME", help="new pixel")
    own.add_argument("--image", help="image, such as ubuntu/24.04")
    own.add_argument("--cpu", help="number of cores, or a set such as 0-3")
    own.add_argument("--memory", help="memory limit: 2GiB, 2048MiB or a number of MiB")
    own.add_argument("--pool", help="storage pool")
    own.add_argument(
        "--device",
        dest="devices",
        action="append",
        metavar="TYPE,NAME=VALUE[,...]",
        help="disk,source=tank/data,path=/data and others, see devices of pixels_container; can be repeated",
    )
    own.add_argument("--segment", metavar="BRIDGE", help="isolated network of the NAS that it is on, such as br77")
    own.add_argument("--from", dest="source", metavar="SOURCE", help="pixel, PIXEL:LABEL or base:NAME to clone")
    own.add_argument("--ttl", metavar="TIME", help="lifetime: 90m, 4h, 7d, or a time such as 2026-12-01T18:00Z")
    own.add_argument("--ttl-keep", metavar="TIME", help="how long to keep it, stopped, after its lifetime: 3d")
    own.add_argument("--idle-stop", metavar="TIME", help="how long it can be idle before it is stopped: 30m")
    own.add_argument("--protected", action="store_true", default=None, help="refuse to destroy or restore it")
    own.add_argument("--console", action="store_true", help="open a console in the new pixel")
    own.add_argument("--devtools", action="store_true", help="install tools for development, see provision.devtools")
    own.add_argument(
        "--tool", dest="tools", metavar="NAME", action="append", default=[], help="tool to install; can be repeated"
    )
    own.add_argument("--no-provision", action="store_true", help="do not install the public key and an SSH server")
    own.add_argument(
        "--egress", dest="network_egress", choices=EGRESS_MODES, help="what it can connect to (default: network.egress)"
    )
    egress_lists(own, "network_")
    wait_option(own)


def egress_lists(own: VerbParser, prefix: str = "") -> None:
    """Add the lists of an egress policy; `prefix` is that of the settings which they set, if any."""
    for name in ("allow", "deny", "preset", "port", "lan", "dns"):
        dest = {"preset": "presets", "port": "ports"}.get(name, name)
        text = f"see {dest} of pixels_egress; can be repeated"
        # With create, name servers could also be those of provisioning.
        flag = f"--{'egress-' if prefix and name == 'dns' else ''}{name}"
        own.add_argument(flag, dest=f"{prefix}{dest}", action="append", default=[], metavar="VALUE", help=text)
    text = "what users can do as root: install packages, nothing, or all, which includes removing the policy"
    own.add_argument("--sudo", dest=f"{prefix}sudo", choices=SUDO_RULES, help=text)
