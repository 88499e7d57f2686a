# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send the output of a job by `GET /_download` (middleware apps/file_app.py)."""

from __future__ import annotations

import typing as t

from aiohttp import web

if t.TYPE_CHECKING:
    from tests.simulator.simulator import Simulator


async def send(simulator: Simulator, request: web.Request) -> web.Response:
    """Once, to the address that asked for it, after the end of the job."""
    number = request.match_info["job"]
    token = simulator.accounts.token(request.query.get("auth_token", ""))
    if token is None or str(token.attributes.get("job")) != number or not token.usable_from(request.remote or ""):
        return web.Response(status=401)
    job = simulator.jobs.get(int(number))
    if job is None:
        return web.Response(status=404)
    simulator.accounts.destroy_token(token)
    await job.finished.wait()
    content, job.output = job.output, None
    if content is None:
        return web.Response(status=410)
    headers = {"Content-Disposition": f'attachment; filename="{token.attributes["filename"]}"'}
    return web.Response(body=content, headers=headers, content_type="application/octet-stream")
