# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the list of images."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.modules import pixels_container, pixels_image_info


def names(result):
    return [each["name"] for each in result["images"]]


def test_lists_what_containers_can_be_created_from(run):
    result = run(pixels_image_info)

    assert not result["changed"]
    assert {"alpine/3.22", "ubuntu/noble"} <= set(names(result))
    # For virtual machines, and for another architecture.
    assert {"ubuntu/noble/desktop", "springdalelinux/9"}.isdisjoint(names(result))


def test_selects_by_name_system_release_and_architecture(run):
    assert names(run(pixels_image_info, names="debian/12")) == ["debian/bookworm"]
    assert names(run(pixels_image_info, os="debian", release="trixie")) == ["debian/trixie"]
    assert "springdalelinux/9" in names(run(pixels_image_info, architecture="all"))


@pytest.mark.parametrize("release", ["26"])
def test_shows_which_builds_the_nas_has_downloaded(run, truenas):
    assert all(each["cached"] == [] for each in run(pixels_image_info)["images"])
    run(pixels_container, name="web", image="ubuntu/24.04", state="present")

    [image] = run(pixels_image_info, names="ubuntu/24.04")["images"]

    assert image["cached"] == [{"pool": "tank", "build": image["builds"][-1]}]


@pytest.mark.parametrize("release", ["26"])
def test_an_account_that_cannot_read_datasets_does_not_know_what_is_cached(run, truenas, nas):
    roles = ("CONTAINER_READ", "LXC_CONFIG_READ", "CONTAINER_IMAGE_WRITE")
    nas.update(username="reader", api_key=truenas.add_account("reader", roles=roles))

    [image] = run(pixels_image_info, names="ubuntu/24.04")["images"]

    assert image["cached"] is None


@pytest.mark.parametrize(("release", "method"), [("25.10", "virt.instance.image_choices")])
def test_an_image_server_that_cannot_be_reached_is_an_error(run, truenas, method):
    truenas.faults.add("fail_call", method=method, errno=14, reason="no route to images.linuxcontainers.org")

    result = run(pixels_image_info)

    assert result["failed"]
    assert "no route to images.linuxcontainers.org" in result["msg"]


def test_check_mode_reads_as_well(run):
    assert run(pixels_image_info, check_mode=True)["images"] == run(pixels_image_info)["images"]
