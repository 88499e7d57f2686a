# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how operations wait, retry and force."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused, TimedOut
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions, with_stop_hint


def test_a_stop_that_took_too_long_says_what_to_change():
    with pytest.raises(TimedOut) as failed, with_stop_hint(ApplyOptions()):
        raise TimedOut("stopping web on nas took longer than 30 s")

    assert failed.value.hints == (
        Hint.option("stop_timeout", purpose="to wait longer"),
        Hint.option("force", True, "to kill it"),
    )


def test_the_defaults_wait_for_an_address_and_force_nothing():
    options = ApplyOptions()

    assert (options.stop_timeout, options.force, options.wait, options.ssh_port) == (30, False, "address", 22)
    assert (options.delete_retries, options.delete_delay) == (3, 2)


def test_a_stop_that_was_forced_already_gets_no_advice_to_force_it():
    with pytest.raises(TimedOut) as failed, with_stop_hint(ApplyOptions(force=True)):
        raise TimedOut("stopping web on nas took longer than 30 s")

    assert failed.value.hints == ()


def test_other_errors_keep_their_advice():
    with pytest.raises(Refused) as failed, with_stop_hint(ApplyOptions()):
        raise Refused("web on nas is locked")

    assert failed.value.hints == ()
