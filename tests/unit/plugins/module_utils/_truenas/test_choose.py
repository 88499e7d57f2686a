# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of which generation of containers a NAS is found to have."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    MissingLibrary,
    NotPermitted,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.choose import choose


class Answering:
    """A NAS that answers its first question in one way."""

    nas = "nas"

    def __init__(self, answer):
        self._answer = answer

    def read(self, method, *params, timeout=None):
        raise self._answer


def test_a_nas_that_answers_virt_has_virt(session):
    assert choose(session).generation == "virt"


def test_an_account_that_may_not_ask_still_shows_what_is_there():
    backend = choose(Answering(NotPermitted("no")))

    assert backend.generation == "virt"
    assert backend.pools() == ()
    assert backend.dataset() is None


def test_a_release_without_it_is_told_what_is_supported():
    with pytest.raises(Unsupported, match=r"nas has no virt.* API.*25\.04 and 25\.10"):
        choose(Answering(Unsupported("Method does not exist")))


def test_a_library_that_is_missing_here_is_not_blamed_on_the_nas():
    with pytest.raises(MissingLibrary, match="websocket-client"):
        choose(Answering(MissingLibrary("websocket-client is needed")))
