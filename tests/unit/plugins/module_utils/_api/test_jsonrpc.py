# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls to text, text to replies."""

from __future__ import annotations

import json

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api import jsonrpc
from ansible_collections.pixels.truenas.plugins.module_utils._api.jsonrpc import Event, Reply, ServerError


def test_a_request_has_positional_params_and_an_id():
    text = jsonrpc.request("abc", "core.ping", ("x", {"y": 1}))

    assert json.loads(text) == {"jsonrpc": "2.0", "id": "abc", "method": "core.ping", "params": ["x", {"y": 1}]}


@pytest.mark.parametrize(
    ("method", "logged_in", "limit"),
    [
        ("auth.login_ex", False, 8192),
        ("virt.instance.create", True, 65536),
        ("filesystem.file_receive", True, 2097152),
        ("filesystem.file_receive", False, 8192),
    ],
)
def test_each_request_has_the_size_limit_of_the_middleware(method, logged_in, limit):
    assert jsonrpc.size_limit(method, logged_in=logged_in) == limit


def test_a_result_is_a_reply():
    assert jsonrpc.parse('{"jsonrpc":"2.0","result":null,"id":"abc"}') == Reply("abc", None)


def test_validation_errors_keep_their_fields():
    reply = jsonrpc.parse(
        '{"jsonrpc":"2.0","error":{"code":-32602,"message":"Invalid params","data":{"error":22,"errname":"EINVAL",'
        '"reason":"[EINVAL] a.name: Field required\\n","extra":[["a.name","Field required",22],'
        '[null,"odd",2],"junk"]}},'
        '"id":"abc"}'
    )

    assert reply.error.code == jsonrpc.INVALID_PARAMS
    assert reply.error.problems == (("a.name", "Field required", 22), (None, "odd", 2))


def test_an_error_without_data_is_understood():
    reply = jsonrpc.parse('{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method does not exist"},"id":"abc"}')

    assert reply == Reply("abc", error=ServerError(-32601, reason="Method does not exist"))


@pytest.mark.parametrize("data", [{}, {"error": "14", "errname": 14, "reason": ["x"]}, None])
def test_an_invalid_error_is_that_of_a_call(data):
    reply = jsonrpc.parse(
        json.dumps({"jsonrpc": "2.0", "id": "abc", "error": {"code": "x", "message": 1, "data": data}})
    )

    assert reply.error == ServerError(-32001, errno=None, errname="", reason="", problems=())


def test_only_invalid_arguments_have_problems():
    error = {"code": -32001, "data": {"error": 14, "errname": "EFAULT", "extra": [["a.name", "odd", 22]]}}

    assert jsonrpc.parse(json.dumps({"id": "abc", "error": error})).error == ServerError(-32001, 14, "EFAULT")


def test_the_servers_traceback_is_left_at_the_door():
    data = {"error": 14, "errname": "EFAULT", "reason": "[EFAULT] x", "extra": {"password": "S3CRET"}}
    trace = {"class": "CallError", "frames": [{"locals": {"key": "S3CRET"}}], "formatted": "S3CRET", "repr": "S3CRET"}
    error = {"code": -32001, "message": "", "data": {**data, "trace": trace, "py_exception": "S3CRET"}}

    reply = jsonrpc.parse(json.dumps({"jsonrpc": "2.0", "id": "abc", "error": error}))

    assert "S3CRET" not in f"{reply.error} {vars(reply.error)}"


def test_job_news_are_events():
    news = {"msg": "added", "collection": "core.get_jobs", "id": 1, "fields": {"id": 1}}

    event = jsonrpc.parse(json.dumps({"jsonrpc": "2.0", "method": "collection_update", "params": news}))

    assert event == Event("core.get_jobs", {"id": 1})


def test_an_event_without_fields_is_an_event():
    removed = '{"jsonrpc":"2.0","method":"collection_update","params":{"msg":"removed","collection":"x.query","id":1}}'

    assert jsonrpc.parse(removed) == Event("x.query", {})


@pytest.mark.parametrize(
    "text",
    [
        '{"jsonrpc":"2.0","error":{"code":-32603,"message":"Failed to JSON serialize server message"},"id":null}',
        '{"jsonrpc":"2.0","method":"notify_unsubscribed","params":{"collection":"x","error":null}}',
        '{"jsonrpc":"2.0","result":1,"id":7}',
        "{}",
    ],
)
def test_a_reply_to_no_request_is_ignored(text):
    assert jsonrpc.parse(text) is None


@pytest.mark.parametrize("text", ["", "SSH-2.0-OpenSSH_9.6", "[]", "42", '{"jsonrpc": S3CRET'])
def test_what_is_not_json_rpc_is_refused_and_not_kept(text):
    with pytest.raises(jsonrpc.NotJsonRpc) as caught:
        jsonrpc.parse(text)

    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert str(caught.value) == ""


def test_results_are_not_shown():
    assert "S3CRET" not in repr(Reply("abc", {"key": "S3CRET"}))
    assert "S3CRET" not in repr(Event("core.get_jobs", {"arguments": ["S3CRET"]}))


def test_no_two_requests_are_called_the_same():
    assert len({jsonrpc.new_id() for _time in range(100)}) == 100


@pytest.mark.parametrize(
    "rest",
    ['"error": 5', '"error": []', '"error": "no"', '"error": null', '"error": true', '"jsonrpc": "2.0"'],
)
def test_a_reply_that_is_neither_a_result_nor_an_error_is_a_reply_with_a_problem(rest):
    reply = jsonrpc.parse(f'{{"id": "abc", {rest}}}')

    assert (reply.id, reply.result, reply.error) == ("abc", None, None)
    assert reply.problem


def test_an_error_that_cannot_be_masked_is_a_problem():
    def refuse(_error):
        raise ValueError("it is too deep")

    assert jsonrpc.parse('{"id": "abc", "error": {}}', refuse).problem == "the error is invalid: it is too deep"
