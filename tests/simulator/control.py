# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests in other processes, and people, may look at and order: a loopback HTTP address beside the NAS."""

from __future__ import annotations

import typing as t

from aiohttp import web

if t.TYPE_CHECKING:
    from tests.simulator.simulator import Simulator


def application(simulator: Simulator) -> web.Application:
    app = web.Application()
    app.router.add_get("/stats", Control(simulator).stats)
    app.router.add_get("/world", Control(simulator).world)
    app.router.add_get("/contract", Control(simulator).contract)
    app.router.add_post("/faults", Control(simulator).faults)
    app.router.add_post("/accounts", Control(simulator).accounts)
    app.router.add_post("/reset", Control(simulator).reset)
    return app


class Control:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def stats(self, request: web.Request) -> web.Response:
        return web.json_response(self._simulator.stats.as_json())

    async def world(self, request: web.Request) -> web.Response:
        return web.json_response(self._simulator.world.as_json())

    async def contract(self, request: web.Request) -> web.Response:
        """Mismatches so far; a run is good when there are none."""
        return web.json_response(self._simulator.contract.errors)

    async def faults(self, request: web.Request) -> web.Response:
        """`{"name", "method", "times", ...details}`."""
        fault = await _object(request)
        try:
            self._simulator.faults.add(fault.pop("name", ""), **fault)
        except (ValueError, KeyError, TypeError) as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        return web.json_response({"waiting": self._simulator.faults.waiting})

    async def accounts(self, request: web.Request) -> web.Response:
        """`{"username", "roles", "web_shell", "sudo"}`; answers with the new account's secrets."""
        wanted = await _object(request)
        if not isinstance(wanted.get("username"), str):
            raise web.HTTPBadRequest(text="username is missing")
        account = self._simulator.add_account(
            wanted["username"],
            roles=wanted.get("roles", []),
            web_shell=bool(wanted.get("web_shell", False)),
            sudo=bool(wanted.get("sudo", False)),
        )
        return web.json_response(
            {"username": account.username, "api_key": account.keys[0].text, "password": account.password}
        )

    async def reset(self, request: web.Request) -> web.Response:
        await self._simulator.reset()
        return web.json_response({})


async def _object(request: web.Request) -> dict[str, t.Any]:
    try:
        found = await request.json()
    except ValueError as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    if not isinstance(found, dict):
        raise web.HTTPBadRequest(text="a JSON object is needed")
    return found
