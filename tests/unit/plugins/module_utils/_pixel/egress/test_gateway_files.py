# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a gateway; `golden/gateway.txt` has all of them for one example.

`python -m tests.unit.plugins.module_utils._pixel.egress.test_gateway_files` writes it again.
"""

from __future__ import annotations

from pathlib import Path

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import (
    gateway_files,
    gateway_program,
    segment,
)

GOLDEN = Path(__file__).parent / "golden/gateway.txt"
MACS = {"br77": "00:16:3e:00:00:02", "br8": "00:16:3e:00:00:03"}
UPLINK = "00:16:3e:00:00:01"
WANTED = [
    {
        "name": "br77",
        "egress": {
            "mode": "allowlist",
            "allow": ["docs.example.com", "*.example.org", "203.0.114.0/24"],
            "deny": ["gist.example.org"],
            "lan": ["192.168.1.20/32"],
            "dns": ["192.168.1.1"],
        },
    },
    {"name": "br8", "egress": "internet", "network": "192.168.8.0/24", "network6": "fd08:1:2::/64"},
]


HEADER = "".join(Path(__file__).read_text(encoding="utf-8").splitlines(keepends=True)[:3])
"""The license, which each file has."""


def rendered(wanted=WANTED):
    return gateway_files.render(segment.parse_all(wanted), MACS, UPLINK)


def as_text():
    """All files but the program, which other tests run."""
    files = sorted((path, file) for path, file in rendered().items() if path != gateway_program.PROGRAM_PATH)
    return HEADER + "".join(f"=== {path} {file.mode:o}\n{file.content}" for path, file in files)


def test_the_files_are_those_of_the_example():
    assert as_text() == GOLDEN.read_text(encoding="utf-8"), f"{__doc__}"


def test_forwarding_is_switched_on_by_the_program_alone():
    files = rendered()

    words = ("ip_forward", "ipforward", "ipv4forwarding", "ipv6forwarding", "ipmasquerade")
    assert {path for path, file in files.items() if any(word in file.content.lower() for word in words)} == {
        gateway_program.PROGRAM_PATH
    }
    assert not any("sysctl" in path for path in files)


def test_the_network_does_not_start_without_the_rules():
    unit = rendered()["/etc/systemd/system/pixels-gateway.service"].content

    assert "Before=network-pre.target\n" in unit
    assert "RequiredBy=systemd-networkd.service\n" in unit
    assert "ExecStop" not in unit


def test_pixels_of_any_distribution_reach_their_packages():
    names = rendered([{"name": "br77", "egress": "agent"}])["/etc/pixels/gateway/br77/names"].content.splitlines()

    assert {"allow dl-cdn.alpinelinux.org", "allow archive.ubuntu.com", "allow api.anthropic.com"} <= set(names)


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(as_text(), encoding="utf-8")
