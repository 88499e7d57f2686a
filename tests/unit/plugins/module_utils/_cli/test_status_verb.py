# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verb status."""

from __future__ import annotations

import pytest

from tests.unit.plugins.conftest import put


def test_without_a_name_it_is_about_the_nas(pixels, truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_container("px-off", status="STOPPED")

    lines = pixels("status").stdout.splitlines()

    assert lines[0] == f"NAS:        127.0.0.1:{truenas.port}, TrueNAS 25.10.6"
    assert lines[1:] == ["Account:    pixels", "Pools:      tank", "Pixels:     2, 1 running"]
    assert pixels.json("status")["running"] == 1


def test_a_pixel_that_is_not_there_is_reported(pixels):
    ended = pixels("status", "gone")

    assert ended.returncode == 1
    assert "no pixel named gone" in ended.stderr


class TestInside:
    @pytest.fixture
    def engine(self):
        return "process"

    @pytest.mark.parametrize(
        ("path", "word"),
        [("/root/.ssh-provisioned", "done"), ("/root/.ssh-provision-failed", "failed"), ("/etc/rc.local", "running")],
    )
    def test_it_says_how_far_provisioning_has_come(self, inside, truenas, path, word):
        put(truenas, path, "x")

        header, row = inside("status", "web").stdout.splitlines()

        assert header.split() == ["NAME", "STATUS", "IP", "SSH", "PROVISIONING"]
        assert row.split()[1:2] + row.split()[3:] == ["RUNNING", "ready", word]

    def test_of_one_that_does_not_run_little_is_known(self, inside, truenas):
        truenas.world.add_container("px-off", status="STOPPED")

        assert inside("status", "off").stdout.splitlines()[1].split() == ["off", "STOPPED", "—", "—", "—"]
        (only,) = inside.json("status", "off")
        assert only == {
            "name": "off",
            "status": "stopped",
            "ipv4": None,
            "ssh": None,
            "provisioning": None,
            "steps": [],
        }

    def test_one_that_has_ipv6_alone_is_looked_at_there(self, ipv6_guest, pixels_command):
        row = pixels_command("status", "web").stdout.splitlines()[1].split()

        assert row[1:4] == ["RUNNING", "::1", "ready"]
        (only,) = pixels_command.json("status", "web")
        assert (only["ipv4"], only["ipv6"]) == (None, "::1")

    RECORD = "plan keys ssh-server mise\nstart keys 10 until:99\nend keys 0 12\nstart ssh-server 12 pid:1\n"
    FAILURE = "end ssh-server 100 15\nout ssh-server E: no mirror\nout ssh-server \x1b[2Jgive up\n"

    def test_it_shows_the_steps_with_the_output_of_the_one_that_failed(self, inside, truenas):
        put(truenas, "/var/lib/pixels/provisioning", self.RECORD + self.FAILURE)

        lines = inside("status", "web").stdout.splitlines()

        assert lines[1].split()[-1] == "failed"
        assert [line.split() for line in lines[3:]] == [
            ["NAME", "STEP", "STATE", "TIME", "OUTPUT"],
            ["web", "keys", "done", "2", "s"],
            ["web", "ssh-server", "failed", "(100)", "3", "s", "E:", "no", "mirror"],
            [r"\x1b[2Jgive", "up"],
            ["web", "mise", "pending", "—"],
        ]
        (only,) = inside.json("status", "web")
        assert [step["state"] for step in only["steps"]] == ["done", "failed", "pending"]
        assert only["steps"][1]["output"] == ["E: no mirror", r"\x1b[2Jgive up"]

    def test_of_several_it_shows_the_steps_that_are_not_done(self, inside, truenas):
        truenas.world.add_container("px-off", status="STOPPED")
        put(truenas, "/var/lib/pixels/provisioning", self.RECORD)

        lines = inside("status", "--all").stdout.splitlines()

        assert [line.split()[1:3] for line in lines[5:]] == [["ssh-server", "interrupted"], ["mise", "pending"]]
