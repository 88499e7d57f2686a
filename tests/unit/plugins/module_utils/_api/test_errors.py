# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree of exceptions."""

from __future__ import annotations

import pickle

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api import errors

EXAMPLES = [
    errors.ConnectionFailed("no way", passing=True),
    errors.ConnectionLost("gone", sent=True),
    errors.LoginRefused("no", response_type="EXPIRED"),
    errors.RateLimited("slow down"),
    errors.NotFound("where?"),
    errors.AlreadyExists("there"),
    errors.Invalid("bad", fields=[("name", "Field required"), (None, "odd")]),
    errors.NotPermitted("no", method="virt.instance.create"),
    errors.Unsupported("too old"),
    errors.MissingLibrary("not here", library="paramiko", trace="ImportError"),
    errors.TimedOut("late"),
    errors.OutcomeUnknown("who knows"),
    errors.Refused("no", errno=16, errname="EBUSY"),
    errors.JobAborted("stopped"),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling_with_all_it_knows(error):
    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is type(error)
    assert (str(copy), vars(copy)) == (str(error), vars(error))


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_every_error_is_caught_as_the_one_at_the_root(error):
    assert isinstance(error, errors.PixelsError)


def test_every_class_has_an_example_and_a_line_in_the_tree():
    classes = {cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, errors.PixelsError)}

    assert classes - {errors.PixelsError} == {type(error) for error in EXAMPLES}
    assert all(cls.__name__ in errors.__doc__ for cls in classes)


def test_a_lost_connection_may_come_back_and_an_unsent_request_is_the_default():
    error = errors.ConnectionLost("gone")

    assert error.passing
    assert not error.sent
