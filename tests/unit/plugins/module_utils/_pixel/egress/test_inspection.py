# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pixel says about its policy, which may be anything."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import (
    guest_files,
    guest_program,
    inspection,
    policy,
    presets,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from tests.unit.plugins.conftest import boot_slowly, read

WANTED = policy.parse({"mode": "allowlist", "allow": ["a.example"], "presets": ["distribution"]})


CHANGED_NAMES = "/etc/pixels/egress/names differs (its presets or mirrors have changed)"


def output(wanted, *, rules="same", change=lambda lines: lines):
    """What the script prints in a pixel with that policy."""
    hosts = {presets.DISTRIBUTION: presets.GROUPS["debian"]}
    files = guest_files.render(wanted, guest_files.SYSTEMD, hosts)
    lines = ["os debian", "init systemd", "tool nft", "tool dnsmasq"]
    lines += [f"file {path} {file.digest}" for path, file in files.items()]
    if files:
        lines.append(f"policy {base64.b64encode(files[guest_files.POLICY_PATH].content.encode()).decode()}")
        lines.append(f"rules {rules}")
        lines += [f"{word} {service}" for word in ("enabled", "active") for service in guest_program.SERVICES]
    return "\n".join(change(lines))


def test_a_pixel_under_its_policy_does_not_differ_from_it():
    found = inspection.parse(output(WANTED))

    assert found.policy == WANTED
    assert found.drift(WANTED) == []


def test_sudo_that_gives_root_is_drift_unless_the_policy_allows_it():
    def with_sudo(lines):
        return [*lines, "sudo all"]

    free = replace(WANTED, sudo="all")
    assert inspection.parse(output(WANTED, change=with_sudo)).drift(WANTED) == [
        "sudo allows more than the policy does (look at /etc/sudoers and /etc/sudoers.d)"
    ]
    assert inspection.parse(output(free, change=with_sudo)).drift(free) == []


def test_a_pixel_without_a_policy_is_unrestricted():
    found = inspection.parse(output(policy.EgressPolicy()))

    assert found.policy == policy.EgressPolicy()
    assert found.drift(policy.EgressPolicy()) == []


@pytest.mark.parametrize(
    ("change", "drift"),
    [
        (lambda lines: [line for line in lines if not line.startswith("rules")], "no rules are loaded"),
        (
            lambda lines: [line.replace("rules same", "rules other") for line in lines],
            "the rules in force are not those of the policy",
        ),
        (lambda lines: [line for line in lines if "/names" not in line], "/etc/pixels/egress/names is missing"),
        (
            lambda lines: [f"{line}0" if "rules.nft" in line else line for line in lines],
            "/etc/pixels/egress/rules.nft differs",
        ),
        (
            lambda lines: [line for line in lines if line != "enabled pixels-egress"],
            "pixels-egress does not start at boot",
        ),
        (lambda lines: [line for line in lines if line != "active pixels-resolver"], "the resolver does not run"),
        (lambda lines: [*lines, "host distribution mirror.example"], CHANGED_NAMES),
    ],
)
def test_what_differs_is_named(change, drift):
    assert inspection.parse(output(WANTED, change=change)).drift(WANTED) == [drift]


@pytest.mark.parametrize(
    "text", ["{}", "[]", "nonsense", '{"mode": "evil"}', "[" * 100_000, '{"mode": "allowlist", "allow": ["*.com"]}']
)
def test_a_policy_file_that_is_invalid_is_unknown(text):
    encoded = base64.b64encode(text.encode()).decode()
    found = inspection.parse(f"file {guest_files.POLICY_PATH} 0\npolicy {encoded}")

    assert found.policy is None
    assert found.drift(policy.EgressPolicy()) == [f"{guest_files.POLICY_PATH} is left over"]


@pytest.mark.parametrize(
    "line", ["", "file", "file /etc/passwd 0", "policy !", "host npm *.com", "host npm a b", "\x1b[2J"]
)
def test_lines_that_mean_nothing_are_ignored(line):
    assert inspection.parse(f"init systemd\n{line}") == inspection.parse("init systemd")


def test_hosts_of_package_managers_are_taken_over_where_they_are_names():
    found = inspection.parse("os ubuntu\nhost npm npm.example\nhost npm 10.0.0.1\nhost distribution deb.example")

    assert found.hosts == {"npm": ("npm.example",), "distribution": ("deb.example",)}


def test_refused_destinations_are_read_from_the_listing():
    listing = (
        "table inet pixels_egress {\n set refused4 {\n elements = { 46.113.100.10 . 6 . 80 counter packets 3 bytes 180 "
        "expires 23h59m, 1.1.1.1 . 17 . 443 expires 1h counter packets 9 bytes 9 }\n}\n}\n"
        "elements = { 2a0b::1 . 6 . 443 counter packets 1 bytes 2 expires 1s }"
    )

    assert [tuple(each.values()) for each in inspection.parse_refused(listing)] == [
        ("1.1.1.1", "udp", 443, 9),
        ("46.113.100.10", "tcp", 80, 3),
        ("2a0b::1", "tcp", 443, 1),
    ]


@pytest.fixture
def engine():
    return "process"


@pytest.mark.wide
@pytest.mark.parametrize("release", ["25.10"])
def test_a_pixel_that_has_just_started_is_read_once_systemd_answers(pixels, truenas):
    truenas.world.add_container("px-web")
    boot_slowly(truenas)

    with WebShellClient(pixels, PixelName("px-web")) as shell:
        found = inspection.inspect(shell)

    assert found.init == "systemd"
    assert read(truenas, "/root/asked") == "\n" * 3
