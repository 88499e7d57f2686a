# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree of exceptions."""

from __future__ import annotations

import pickle

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api import errors
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint

EXAMPLES = [
    errors.ConnectionFailed("no way", passing=True, permanent=True),
    errors.ConnectionLost("gone", sent=True),
    errors.LoginRefused("no", response_type="EXPIRED"),
    errors.RateLimited("slow down"),
    errors.NotFound("where?"),
    errors.AlreadyExists("there"),
    errors.Invalid("bad", fields=[("name", "Field required"), (None, "odd")]),
    errors.NotPermitted("no", method="virt.instance.create"),
    errors.Unsupported("too old"),
    errors.MissingLibrary("not here", library="paramiko", trace="ImportError"),
    errors.TimedOut("late", pending=True),
    errors.OutcomeUnknown("who knows"),
    errors.UnexpectedReply("the NAS answered with something unexpected"),
    errors.Refused("no", errno=16, errname="EBUSY"),
    errors.JobAborted("stopped").with_hints(Hint.run_again("to finish it")),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling_with_all_it_knows(error):
    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is type(error)
    assert (str(copy), vars(copy)) == (str(error), vars(error))


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_every_error_is_caught_as_the_one_at_the_root(error):
    assert isinstance(error, errors.PixelsError)


def test_an_error_about_a_library_knows_its_name_and_where_it_was_imported():
    error = errors.MissingLibrary("not here", library="paramiko", trace="ImportError")

    assert (error.library, error.trace) == ("paramiko", "ImportError")


def test_every_class_has_an_example_and_a_line_in_the_tree():
    classes = {cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, errors.PixelsError)}

    assert classes - {errors.PixelsError} == {type(error) for error in EXAMPLES}
    assert all(cls.__name__ in errors.__doc__ for cls in classes)


@pytest.mark.parametrize("kind", [type(error) for error in EXAMPLES], ids=lambda kind: kind.__name__)
def test_an_error_says_what_it_was_made_with_and_knows_nothing_else(kind):
    error = kind("listing failed: no")

    assert str(error) == error.message == "listing failed: no"
    assert {name: value for name, value in vars(error).items() if value} == (
        {"passing": True} if kind is errors.ConnectionLost else {}
    )
    assert {value for value in vars(error).values() if value is not True} <= {False, None, "", ()}


def test_an_invalid_reply_says_what_to_do_and_whether_a_change_may_be_done():
    read = errors.UnexpectedReply.about("it is no list", method="pool.query", nas="nas.lan")
    change = errors.UnexpectedReply.about("it is no list", method="pool.create", nas="nas.lan", changes=True)

    assert str(read) == (
        "unexpected reply of nas.lan to pool.query: it is no list. "
        "Check that it runs TrueNAS 25.04 or later, and see /var/log/middlewared.log there"
    )
    assert "pool.create may or may not be done" in str(change)


def test_a_connection_that_failed_knows_whether_it_is_worth_another_attempt():
    passing, permanent = errors.ConnectionFailed("no", passing=True), errors.ConnectionFailed("no", permanent=True)

    assert (passing.passing, passing.permanent) == (True, False)
    assert (permanent.passing, permanent.permanent) == (False, True)


def test_a_lost_connection_may_come_back_and_an_unsent_request_is_the_default():
    error = errors.ConnectionLost("gone")

    assert error.passing
    assert not error.sent


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.OutcomeUnknown("lost"), True),
        (errors.TimedOut("the job goes on", pending=True), True),
        (errors.TimedOut("still running"), False),
        (errors.Refused("no"), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_some_failures_leave_open_whether_it_still_happens(error, expected):
    assert errors.may_still_happen(error) is expected


def test_context_is_added_around_the_message_and_keeps_what_the_error_knows():
    error = errors.Refused("no.", errno=16, errname="EBUSY")

    error.add_prefix("delete of web failed")
    error.add_suffix("Run it again")

    assert str(error) == "delete of web failed: no. Run it again"
    assert (error.errno, error.errname) == (16, "EBUSY")


def test_a_hint_follows_a_question_without_a_full_stop():
    error = errors.NotFound("there is no pixel wbe. Did you mean web?").with_hints(Hint.run_again("to create it"))

    assert str(error).startswith("there is no pixel wbe. Did you mean web? Run")


def test_hints_stay_at_the_end_of_the_text():
    error = errors.Refused("it is locked.").with_hints(Hint.option("force", True, "to unlock it"))
    error.add_prefix("changing web")
    error.add_suffix("web is now running")

    assert error.message == "changing web: it is locked. web is now running"
    assert str(error) == f"{error.message}. Set force: true to unlock it"
    assert error.render(lambda hint: f"use --{hint.name}") == f"{error.message}. Use --force"
