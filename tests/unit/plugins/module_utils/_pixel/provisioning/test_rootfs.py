# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of reads and writes in the filesystem of a container; tests of provisioning cover symlinks."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.rootfs import File, ReadCache, Rootfs
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from tests.unit.plugins.conftest import put, read


def test_what_several_need_to_see_is_read_once():
    cache = ReadCache()
    looks = []

    def look():
        looks.append(1)
        time.sleep(0.05)
        return "text"

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _number: cache.get("content", "/etc/hosts", look), range(8)))

    assert found == ["text"] * 8
    assert len(looks) == 1


def test_a_read_that_fails_is_repeated():
    cache = ReadCache()

    with pytest.raises(ZeroDivisionError):
        cache.get("content", "/etc/hosts", lambda: 1 // 0)

    assert cache.get("content", "/etc/hosts", lambda: "text") == "text"


def test_a_forgotten_entry_is_read_again():
    cache = ReadCache()
    cache.get("content", "/etc/hosts", lambda: "before")

    cache.clear()

    assert cache.get("content", "/etc/hosts", lambda: "after") == "after"


def test_what_was_written_to_one_is_no_news_of_the_others(pixels, truenas):
    cache = ReadCache()
    paths, names = [], (PixelName("px-a"), PixelName("px-b"))
    for name in names:
        truenas.world.add_container(name.full)
        put(truenas, "/etc/motd", "of both\n", name=name.full)
        paths.append(pixels.containers.rootfs(name))
    a, b = (Rootfs(pixels, name, path, cache=cache) for name, path in zip(names, paths, strict=True))
    assert (a.read("/etc/motd"), b.read("/etc/motd")) == ("of both\n", "of both\n")

    a.write(File("/etc/motd", "of a\n", 0o644))

    assert (a.read("/etc/motd"), b.read("/etc/motd")) == ("of a\n", "of both\n")
    assert read(truenas, "/etc/motd", name="px-b") == "of both\n"
