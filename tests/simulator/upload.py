# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Receive a file by `POST /_upload` (middleware apps/file_app.py)."""

from __future__ import annotations

import base64
import binascii
import json
import typing as t

from aiohttp import BodyPartReader, hdrs, web

from tests.simulator.calls import start_job
from tests.simulator.dispatch import authorise
from tests.simulator.errors import CallError
from tests.simulator.registry import Method

if t.TYPE_CHECKING:
    from aiohttp.multipart import MultipartReader

    from tests.simulator.accounts import Login
    from tests.simulator.auth import Authenticator
    from tests.simulator.simulator import Simulator


class Refused(Exception):
    def __init__(self, status: int, text: str = "") -> None:
        self.status = status
        self.text = text
        super().__init__(text)


async def receive(simulator: Simulator, request: web.Request) -> web.Response:
    """Reply with 200 and the job's id once all bytes have arrived, regardless of the job's result."""
    remote = request.remote or ""
    try:
        login = _login(simulator.authenticator, request, remote)
        parts = await _multipart(request)
        method, params = await _call(simulator, parts)
        content = await _files(parts, most=simulator.release.upload_files)
        try:
            authorise(method, login)
        except CallError as error:
            raise Refused(403, error.text) from None
        try:
            job = start_job(simulator.context_of(login, remote=remote), method, params, uploaded=content)
        except CallError as error:
            raise Refused(412, str(error)) from None
    except Refused as refused:
        return web.Response(status=refused.status, text=refused.text)
    job.announced.set()
    return web.json_response({"job_id": job.id})


def _login(authenticator: Authenticator, request: web.Request, remote: str) -> Login:
    scheme, _space, secret = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if "auth_token" in request.query:
        scheme, secret = "Token", request.query["auth_token"]
    if scheme == "Bearer":
        return _known(authenticator.bearer(secret), 401, "Invalid API key")
    if scheme == "Token":
        return _known(authenticator.bearer_token(secret, remote), 403, "Invalid token")
    if scheme == "Basic":
        username, password = _basic(secret)
        return _known(authenticator.basic(username, password), 401, "Bad username or password")
    raise Refused(401)


def _known(login: Login | None, status: int, text: str) -> Login:
    if login is None:
        raise Refused(status, text)
    return login


def _basic(secret: str) -> tuple[str, str]:
    try:
        username, _colon, password = base64.b64decode(secret, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Refused(401, "Bad username or password") from None
    return username, password


async def _multipart(request: web.Request) -> MultipartReader:
    if not request.content_type.startswith("multipart/"):
        raise Refused(405, "No part found on payload")
    return await request.multipart()


async def _call(simulator: Simulator, parts: MultipartReader) -> tuple[Method, list[t.Any]]:
    first = await parts.next()
    if not isinstance(first, BodyPartReader):
        raise Refused(405, "No part found on payload")
    if first.name != "data":
        raise Refused(405, '"data" part must be the first on payload')
    try:
        data = json.loads(await first.read())
    except ValueError as error:
        raise Refused(400, str(error)) from None
    name = data.get("method") if isinstance(data, dict) else None
    if not isinstance(name, str):
        raise Refused(422, "No method specified")
    method = simulator.method(name)
    if method is None or not method.job:
        raise Refused(422, f"Method {name} not found")
    return method, data.get("params", [])


async def _files(parts: MultipartReader, *, most: int) -> bytes:
    """The content of the first file; releases differ in how many may follow."""
    contents: list[bytes] = []
    while (part := await parts.next()) is not None:
        if not isinstance(part, BodyPartReader) or part.name != "file":
            text = f"Unknown payload part {part.name}" if contents and isinstance(part, BodyPartReader) else _NO_FILE
            raise Refused(405, text)
        if len(contents) == most:
            raise Refused(405, "Too many uploaded files")
        contents.append(bytes(await part.read()))
    if not contents:
        raise Refused(405, _NO_FILE)
    return contents[0]


_NO_FILE = '"file" not found as second part on payload'
