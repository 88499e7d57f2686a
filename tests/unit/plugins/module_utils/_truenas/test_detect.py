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
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.detect import detect_backend
from tests.unit.plugins.conftest import BETA


class Answering:
    """A NAS that answers each question in its way, and all further ones as the last."""

    nas = "nas"

    def __init__(self, *answers):
        self._answers = list(answers)

    def read(self, method, *params, timeout=None):
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize(
    ("release", "generation"),
    [("25.04", "virt"), ("25.10", "virt"), (BETA, "container"), ("26", "container")],
)
def test_the_api_that_answers_is_the_generation(session, generation):
    assert detect_backend(session).generation == generation


def test_an_account_that_may_not_ask_still_shows_what_is_there():
    backend = detect_backend(Answering(NotPermitted("no")))

    assert backend.generation == "virt"
    assert backend.pools() == ()
    assert backend.dataset() is None


def test_so_does_one_that_may_not_ask_on_a_later_release():
    backend = detect_backend(Answering(Unsupported("Method does not exist"), NotPermitted("no")))

    assert backend.generation == "container"
    assert backend.pools() == ()
    assert backend.dataset() is None


def test_a_release_without_it_is_reported_what_is_supported():
    with pytest.raises(Unsupported, match=r"nas has neither the virt.* nor the container.* API.*25\.04, 25\.10 and 26"):
        detect_backend(Answering(Unsupported("Method does not exist")))


def test_a_library_that_is_missing_here_is_not_blamed_on_the_nas():
    with pytest.raises(MissingLibrary, match="websocket-client"):
        detect_backend(Answering(MissingLibrary("websocket-client is needed")))


@pytest.mark.parametrize("refused", [(), (Unsupported("Method does not exist"),)], ids=["virt", "container"])
def test_the_backend_works_with_the_nas_and_warns_as_it_is_reported(refused):
    nas, warnings = Answering(*refused, {"pool": "tank", "dataset": None}), []

    backend = detect_backend(nas, warnings.append)
    backend._warn("careful")

    assert backend._wire is nas
    assert warnings == ["careful"]
