# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the paths and ports of the simulated NAS."""

from __future__ import annotations

import asyncio
import ssl
import typing as t

import aiohttp
import pytest

from tests.simulator.running import RunningSimulator
from tests.unit.simulator.conftest import Connect, Start
from tests.unit.simulator.talk import Talk


def fetch(simulator: RunningSimulator, path: str, *, url: str | None = None) -> tuple[int, str, t.Mapping[str, str]]:
    async def get() -> tuple[int, str, t.Mapping[str, str]]:
        context = ssl.create_default_context(cafile=simulator.ca_file)
        async with (
            aiohttp.ClientSession() as session,
            session.get(
                (url or f"https://{simulator.host}:{simulator.port}") + path, ssl=context, allow_redirects=False
            ) as response,
        ):
            return response.status, await response.text(), dict(response.headers)

    return asyncio.run(get())


def test_the_versions_are_those_of_the_release(start: Start) -> None:
    old, new = start(release="25.04"), start(release="25.10")

    assert fetch(old, "/api/versions")[1] == '["v25.04.0", "v25.04.1", "v25.04.2"]'
    assert '"v25.10.5"]' in fetch(new, "/api/versions")[1]
    assert "v24.10" not in fetch(new, "/api/versions")[1]


def test_every_version_can_be_spoken(simulator: RunningSimulator, connect: Connect) -> None:
    for path in ("/api/v25.04.0", "/api/v25.10.5", "/api/v24.10"):
        assert connect(simulator, path=path).call("core.ping") == "pong"


@pytest.mark.parametrize("path", ["/api/v99.99", "/api/v25.10.6", "/api/current/", "/nonsense"])
def test_another_path_is_not_found(simulator: RunningSimulator, path: str) -> None:
    status, body, headers = fetch(simulator, path)

    assert (status, body) == (404, "404: Not Found")
    assert headers["Content-Type"].startswith("text/plain")


def test_an_upgrade_of_an_unknown_version_is_not_found(simulator: RunningSimulator, connect: Connect) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        connect(simulator, path="/api/v99.99")

    assert refused.value.status == 404


def test_a_plain_get_of_the_api_lacks_an_upgrade(simulator: RunningSimulator) -> None:
    status, body, _headers = fetch(simulator, "/api/current")

    assert status == 400
    assert body.startswith("No WebSocket UPGRADE hdr: None")


def test_doubled_slashes_are_merged_by_a_redirect(simulator: RunningSimulator) -> None:
    assert fetch(simulator, "/api//current")[0] == 308


def test_the_boot_id_is_there_since_25_10(start: Start) -> None:
    assert fetch(start(release="25.04"), "/api/boot_id")[0] == 404
    assert fetch(start(release="25.10"), "/api/boot_id")[0] == 200


def test_http_may_be_redirected_to_https(start: Start) -> None:
    simulator = start(redirect=True)

    status, _body, headers = fetch(simulator, "/api/current", url=f"http://{simulator.host}:{simulator.redirect_port}")

    assert status == 307
    assert headers["Location"] == f"https://{simulator.host}:{simulator.port}/api/current"


def test_while_the_middleware_restarts_there_is_a_bad_gateway(
    simulator: RunningSimulator, talk: Talk, connect: Connect
) -> None:
    simulator.restart_middleware(seconds=0.3)
    talk.ending()
    during = fetch(simulator, "/api/versions")[0]
    while fetch(simulator, "/api/versions")[0] == 502:
        pass

    assert during == 502
    assert connect(simulator).call("core.ping") == "pong"


def test_the_certificate_is_good_for_the_address_and_for_localhost(simulator: RunningSimulator) -> None:
    by_name = fetch(simulator, "/api/versions", url=f"https://localhost:{simulator.port}")

    assert by_name[0] == 200


def test_a_certificate_like_that_of_a_new_nas_does_not_name_the_address(start: Start) -> None:
    simulator = start(certificate="default")

    with pytest.raises(aiohttp.ClientConnectorCertificateError, match="certificate is not valid for"):
        fetch(simulator, "/api/versions")
    assert fetch(simulator, "/api/versions", url=f"https://localhost:{simulator.port}")[0] == 200
