# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of concurrent creates on TrueNAS 26."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import NewContainer
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.lxc_create import ContainerCreator

WITHIN = 30.0


class Slow:
    """A NAS whose creates end on request, and that counts concurrent creates."""

    nas = "nas"

    def __init__(self):
        self.first = threading.Event()
        self.go_on = threading.Event()
        self.together = threading.Barrier(2, timeout=WITHIN)
        self.making = 0
        self.most = 0
        self.fail = False

    def read(self, method, *params, timeout=None):
        return [{"name": "debian:bookworm:amd64:default", "versions": [{"version": "1"}]}]

    def call(self, method, *params, timeout=None):
        return None

    def run_job(self, method, wanted, timeout=None, progress=None):
        self.making += 1
        self.most = max(self.most, self.making)
        try:
            if not self.first.is_set():
                self.first.set()
                assert self.go_on.wait(WITHIN)
                if self.fail:
                    raise Refused("bad luck")
            else:
                self.together.wait()
        finally:
            self.making -= 1
        return {"id": 1, "name": wanted["name"]}


@pytest.fixture
def slow():
    return Slow()


def make(maker, name):
    return maker.create(NewContainer(name, "debian/12"), "br0", timeout=WITHIN, progress=None)["name"]


def test_while_the_first_of_an_image_pulls_it_the_others_wait_and_are_then_made_at_the_same_time(slow):
    maker = ContainerCreator(slow)
    with ThreadPoolExecutor() as pool:
        made = [pool.submit(make, maker, "px-a")]
        assert slow.first.wait(WITHIN)
        made += [pool.submit(make, maker, name) for name in ("px-b", "px-c")]
        before = slow.most

        slow.go_on.set()

        assert {each.result() for each in made} == {"px-a", "px-b", "px-c"}
    # The two that waited met each other there, or the barrier would have broken.
    assert (before, slow.most) == (1, 2)


def test_where_the_first_fails_the_next_is_alone_again(slow):
    slow.fail = True
    maker = ContainerCreator(slow)
    slow.go_on.set()

    with pytest.raises(Refused, match="bad luck"):
        make(maker, "px-a")

    slow.first.clear()
    slow.fail = False
    assert make(maker, "px-b") == "px-b"
