# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the statuses of uploads."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import typing as t

import aiohttp
import pytest

from tests.simulator.running import RunningSimulator
from tests.unit.simulator.conftest import Connect, Start
from tests.unit.simulator.talk import Talk

Part = tuple[str, str]
PUT = json.dumps({"method": "filesystem.put", "params": ["/mnt/tank/greeting", {"mode": 0o600}]})


def post(
    simulator: RunningSimulator, parts: list[Part] | None, *, authorization: str | None = None, query: str = ""
) -> tuple[int, str]:
    """Parts in order as (name, content); None is a body that is no form at all."""

    async def send() -> tuple[int, str]:
        context = ssl.create_default_context(cafile=simulator.ca_file)
        body: t.Any = b"nonsense"
        if parts is not None:
            body = aiohttp.MultipartWriter("form-data")
            for name, content in parts:
                body.append(content).set_content_disposition("form-data", name=name)
        headers = {"Authorization": authorization or f"Bearer {simulator.api_key}"}
        url = f"https://{simulator.host}:{simulator.port}/_upload{query}"
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=body, headers=headers, ssl=context) as response,
        ):
            return response.status, await response.text()

    return asyncio.run(send())


def test_a_file_arrives(simulator: RunningSimulator, talk: Talk) -> None:
    status, body = post(simulator, [("data", PUT), ("file", "hello")])

    row = talk.job(json.loads(body)["job_id"])
    assert status == 200
    assert (row["state"], row["result"]) == ("SUCCESS", True)
    assert talk.call("filesystem.stat", "/mnt/tank/greeting")["size"] == 5


def test_a_job_that_fails_has_been_started_all_the_same(simulator: RunningSimulator, talk: Talk) -> None:
    data = json.dumps({"method": "filesystem.put", "params": ["/mnt/tank/x", {"nonsense": 1}]})

    status, body = post(simulator, [("data", data), ("file", "hello")])

    assert status == 200
    assert talk.job(json.loads(body)["job_id"])["exc_info"]["type"] == "VALIDATION"


@pytest.mark.parametrize(
    ("parts", "status", "text"),
    [
        (None, 405, "No part found on payload"),
        ([("file", "hello"), ("data", PUT)], 405, '"data" part must be the first on payload'),
        ([("data", PUT)], 405, '"file" not found as second part on payload'),
        ([("data", PUT), ("folder", "x")], 405, '"file" not found as second part on payload'),
        ([("data", PUT), ("file", "x"), ("folder", "x")], 405, "Unknown payload part folder"),
        ([("data", PUT), *[("file", "x")] * 6], 405, "Too many uploaded files"),
        ([("data", "{nonsense"), ("file", "x")], 400, "Expecting property name"),
        ([("data", "{}"), ("file", "x")], 422, ""),
        ([("data", '{"method": "no.such"}'), ("file", "x")], 422, ""),
    ],
)
def test_a_wrong_form_is_refused(simulator: RunningSimulator, parts: list[Part] | None, status: int, text: str) -> None:
    answer = post(simulator, parts)

    assert answer[0] == status
    assert answer[1].startswith(text)


@pytest.mark.parametrize(("release", "status"), [("25.04", 405), ("25.10", 200)])
def test_more_than_one_file_is_for_25_10(start: Start, release: str, status: int) -> None:
    assert post(start(release=release), [("data", PUT), ("file", "x"), ("file", "y")])[0] == status


@pytest.mark.parametrize(
    ("authorization", "status", "text"),
    [
        ("Bearer 1-wrong", 401, "Invalid API key"),
        ("Basic " + base64.b64encode(b"pixels:wrong").decode(), 401, "Bad username or password"),
        ("Basic !", 401, "Bad username or password"),
        ("Token wrong", 403, "Invalid token"),
        ("Nonsense", 401, ""),
    ],
)
def test_wrong_credentials_are_refused(simulator: RunningSimulator, authorization: str, status: int, text: str) -> None:
    assert post(simulator, [("data", PUT), ("file", "x")], authorization=authorization) == (status, text)


def test_a_password_and_a_token_are_as_good_as_a_key(simulator: RunningSimulator, talk: Talk) -> None:
    form = [("data", PUT), ("file", "x")]
    basic = base64.b64encode(f"{simulator.username}:{simulator.password}".encode()).decode()
    token = talk.call("auth.generate_token")

    assert post(simulator, form, authorization=f"Basic {basic}")[0] == 200
    assert post(simulator, form, authorization=f"Token {token}")[0] == 200
    assert post(simulator, form, authorization="none", query=f"?auth_token={token}")[0] == 200


def test_only_a_full_admin_may_put_files(simulator: RunningSimulator) -> None:
    key = simulator.add_account("limited", roles=["FILESYSTEM_DATA_WRITE"])

    assert post(simulator, [("data", PUT), ("file", "x")], authorization=f"Bearer {key}") == (403, "Not authorized")


def test_an_upload_job_called_without_a_file_has_no_pipe(talk: Talk) -> None:
    error = talk.refusal("filesystem.put", "/mnt/tank/x")

    assert error["data"]["error"] == 22
    assert error["data"]["reason"] == "Pipe 'input' is not open"


def test_a_file_can_be_fetched_once(simulator: RunningSimulator, talk: Talk, connect: Connect) -> None:
    post(simulator, [("data", PUT), ("file", "hello")])

    id, path = talk.call("core.download", "filesystem.get", ["/mnt/tank/greeting"], "greeting")

    assert path.startswith(f"/_download/{id}?auth_token=")
    assert talk.download(path) == (200, b"hello")
    assert talk.download(path)[0] == 401


def test_what_is_not_there_cannot_be_fetched(simulator: RunningSimulator, talk: Talk) -> None:
    _id, path = talk.call("core.download", "filesystem.get", ["/mnt/tank/nothing"], "nothing")

    assert talk.download(path)[0] == 410
