# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what crosses between a client and the session daemon."""

from __future__ import annotations

import datetime
import ipaddress
import math

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api import errors
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.protocol import (
    ProtocolError,
    decode,
    encode,
    error_from_frame,
    error_to_frame,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.ejson import NotSendable
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint

MOMENT = datetime.datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [1, 2.5, "é\ud800\n", True],
        {"a": {"b": []}},
        MOMENT,
        MOMENT.replace(tzinfo=None),
        MOMENT.date(),
        MOMENT.time(),
        {"FULL_ADMIN", "READONLY_ADMIN"},
        ipaddress.ip_interface("192.0.2.1/24"),
        ipaddress.ip_interface("2001:db8::1/64"),
        bytes(range(256)),
        [{"when": MOMENT}, {"roles": {"a"}}],
        # As the NAS sends them where it means no date and no set.
        {"$date": "never"},
        {"$set": 5},
        {"mark": "x", "result": 1},
    ],
)
def test_a_value_arrives_as_it_was(value):
    text = encode({"result": value})

    assert text.endswith(b"\n")
    assert text.count(b"\n") == 1
    assert decode(text)["result"] == value


def test_a_number_that_is_none_arrives_so_that_the_session_can_refuse_it():
    assert math.isnan(decode(encode({"params": [math.nan]}))["params"][0])


def test_a_value_that_json_cannot_express_is_refused_before_it_is_sent():
    with pytest.raises(NotSendable, match="a value of type complex"):
        encode({"params": [1j]})


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b'{"result": 1}',
        b"not json\n",
        b"[1]\n",
        b"\xff\xfe\n",
        b'{"mark":"m","result":{"m":["no such kind",1]}}\n',
    ],
)
def test_what_is_no_line_of_this_protocol_is_reported_from_one(text):
    with pytest.raises(ProtocolError):
        decode(text)


@pytest.mark.parametrize(
    "error",
    [
        errors.PixelsError("p"),
        errors.ConnectionFailed("c", passing=True),
        errors.ConnectionFailed("c", permanent=True),
        errors.ConnectionLost("l", sent=True, passing=False),
        errors.LoginRefused("r", response_type="EXPIRED"),
        errors.RateLimited("20").with_hints(Hint.run_again("in a minute"), Hint.option("force", True)),
        errors.NotFound("n"),
        errors.AlreadyExists("a"),
        errors.Invalid("i", fields=[("name", "is taken"), (None, "?")]),
        errors.NotPermitted("np", method="virt.instance.create"),
        errors.Unsupported("u"),
        errors.MissingLibrary("m", library="websocket-client", trace="ImportError"),
        errors.TimedOut("t"),
        errors.OutcomeUnknown("o"),
        errors.UnexpectedReply("r"),
        errors.Refused("no", errno=16, errname="EBUSY"),
        errors.JobAborted("aborted", errno=None, errname=""),
    ],
)
def test_an_error_is_the_same_on_the_other_side(error):
    crossed = error_from_frame(decode(encode({"error": error_to_frame(error)}))["error"])

    assert type(crossed) is type(error)
    assert str(crossed) == str(error)
    assert vars(crossed) == vars(error)


def test_every_kind_of_error_has_its_test_above():
    [parameters] = test_an_error_is_the_same_on_the_other_side.pytestmark
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)}

    assert kinds == {type(error) for error in parameters.args[1]}


@pytest.mark.parametrize(
    "found",
    [
        None,
        {"class": "SystemExit", "message": "x", "attributes": {}},
        {"class": "annotations", "message": "x", "attributes": {}},
        {"class": "NotFound", "message": 5, "attributes": {}},
    ],
)
def test_an_error_of_another_class_is_not_raised(found):
    with pytest.raises(ProtocolError):
        error_from_frame(found)
