# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that the command does what upstream's does for provisioning, each named after the row of the comparison."""

from __future__ import annotations

import json

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import devtools_program
from tests.unit.plugins.conftest import put, read
from tests.unit.plugins.module_utils._cli.test_parity import public_key


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def ssh_installed():
    return False


@pytest.mark.wide
def test_p6_p7_steps_are_run_in_the_pixel_and_status_shows_how_each_ended(pixels, truenas, home):
    public_key(home)
    port = str(truenas.ssh_port)
    truenas.world.engine.mirrors_down.add("*")
    failed = pixels("create", "web", PIXELS_SSH_PORT=port)
    assert failed.returncode == 1

    (broken,) = pixels.json("status", "web")
    truenas.world.engine.mirrors_down.clear()

    assert [(each["name"], each["state"]) for each in broken["steps"]] == [("keys", "done"), ("ssh-server", "failed")]
    assert broken["steps"][1]["rc"] == 1
    assert "Failed to fetch" in broken["steps"][1]["output"][0]
    assert broken["provisioning"] == "failed"
    assert read(truenas, "/var/lib/pixels/provisioning").startswith("plan keys ssh-server\n")


@pytest.fixture
def lock(tmp_path):
    """A lock with one tool that the image has."""
    path = tmp_path / "lock.json"
    tool = {"version": "distribution", "packages": {"apt": ["coreutils"]}, "links": [{"name": "hello", "target": ECHO}]}
    path.write_text(json.dumps({"format": 1, "tools": {"hello": tool}}))
    return str(path)


ECHO = "/usr/bin/echo"


@pytest.mark.wide
def test_e3_p5_p12_tools_are_installed_with_create_found_by_each_shell_and_logged_in_the_pixel(
    pixels, truenas, home, lock
):
    public_key(home)
    variables = {"PIXELS_SSH_PORT": str(truenas.ssh_port), "PIXELS_PROVISION_DEVTOOLS_LOCK": lock}

    created = pixels("create", "web", "--tool", "hello", **variables)

    assert created.returncode == 0, created.stderr
    for transport in ("shell", "ssh"):
        for shell in ((), ("sh", "-c", '"$0" "$@"'), ("bash", "-lc", '"$0" "$@"')):
            said = pixels("exec", "--transport", transport, "web", "--", *shell, "hello", "you", **variables)
            assert (said.stdout, said.stderr) == ("you\n", "")
    assert [each["name"] for each in pixels.json("status", "web")[0]["steps"]][-2:] == ["downloader", "hello"]
    assert "packages: coreutils" in read(truenas, "/var/log/pixels-devtools.log")


@pytest.mark.parametrize(
    ("options", "variables", "steps"),
    [
        (["--no-provision"], {"PIXELS_PROVISION_DEVTOOLS": "hello"}, None),
        ([], {"PIXELS_PROVISION_ENABLED": "no", "PIXELS_PROVISION_DEVTOOLS": "hello"}, None),
        ([], {"PIXELS_PROVISION_DEVTOOLS": "no"}, ["keys", "ssh-server"]),
        ([], {"PIXELS_PROVISION_DEVTOOLS": "hello"}, ["keys", "ssh-server", "downloader", "hello"]),
    ],
)
@pytest.mark.wide
def test_p8_provisioning_and_tools_can_be_switched_off(pixels, truenas, home, lock, options, variables, steps):
    public_key(home)
    common = {"PIXELS_SSH_PORT": str(truenas.ssh_port), "PIXELS_PROVISION_DEVTOOLS_LOCK": lock}

    created = pixels("create", "web", *options, **common, **variables)

    assert created.returncode == 0, created.stderr
    assert [each["name"] for each in pixels.json("status", "web")[0]["steps"]] == (steps or [])


@pytest.mark.wide
def test_p11_a_login_is_told_what_is_still_being_installed_and_does_not_wait(pixels, truenas, home, lock):
    public_key(home)
    truenas.world.add_container("px-web")
    put(truenas, "/etc/profile.d/pixels-devtools.sh", devtools_program.PROFILE)
    put(truenas, devtools_program.PROGRAM_PATH, devtools_program.PROGRAM)
    put(truenas, devtools_program.UNFINISHED_PATH, "")

    shown = pixels("exec", "--transport", "shell", "web", "--", "bash", "-lic", "echo in").stdout

    assert shown == "pixels: some tools are not installed (see /var/log/pixels-devtools.log)\nin\n"
