# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verb images."""

from __future__ import annotations


def test_lists_for_people(pixels):
    header, *rows = [line.split() for line in pixels("images", "--os", "debian").stdout.splitlines()]

    assert header == ["NAME", "ALIASES", "ARCHITECTURES", "CACHED", "ON"]
    assert rows[0] == ["debian/bookworm", "debian/12", "amd64,", "arm64", "—"]


def test_lists_for_programs_and_scripts(pixels):
    listed = pixels.json("images", "ubuntu/24.04", "alpine/*")

    assert [each["name"] for each in listed] == ["alpine/3.21", "alpine/3.22", "ubuntu/noble"]
    assert pixels("images", "-q", "--release", "noble").stdout == "ubuntu/noble\n"


def test_nothing_to_list_is_no_error(pixels):
    ended = pixels("images", "beos")

    assert (ended.returncode, ended.stdout) == (0, "No images found.\n")


def test_create_suggests_an_image_that_exists(pixels, truenas):
    ended = pixels("create", "web", "--image", "debian/bookwurm", "--no-provision")

    assert ended.returncode == 1
    assert "Similar images: debian/bookworm" in ended.stderr
    assert truenas.world.containers == {}
