# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches what a download method of the NAS has ready, over HTTP on the same port."""

from __future__ import annotations

import http.client

from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Endpoint
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    ConnectionLost,
    Refused,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.tcp_connect import connect


def fetch(endpoint: Endpoint, path: str, *, timeout: float) -> bytes:
    """Return the body behind a path `core.download` handed out, which works once and for this machine only.

    `timeout` is in seconds, for the connection and for each wait. The path holds a token: it is in no message.
    """
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=timeout)
    # An http.client connection that is given its socket does not open one: TLS is checked as for the websocket.
    connection.sock = connect(endpoint, timeout)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        reply = connection.getresponse()
        body = reply.read()
    except TimeoutError:
        raise ConnectionFailed(f"{endpoint.nas} did not send a file within {timeout:g} s") from None
    except (OSError, http.client.HTTPException):
        raise ConnectionLost(f"the connection to {endpoint.nas} broke off while it sent a file") from None
    finally:
        connection.close()
    if reply.status != http.client.OK:
        raise Refused(f"{endpoint.nas} does not hand out the file: HTTP {reply.status}")
    return body
