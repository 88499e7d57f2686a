# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connect, log in and send one query with websocket-client: the baseline of `pixels list` without a session."""

from __future__ import annotations

import json
import os
import ssl

import websocket

AT = "wss://{PIXELS_TRUENAS_HOST}:{PIXELS_TRUENAS_PORT}/api/current"
LOGIN = {
    "mechanism": "API_KEY_PLAIN",
    "username": os.environ["PIXELS_TRUENAS_USERNAME"],
    "api_key": os.environ["PIXELS_TRUENAS_API_KEY"],
}
CALLS = (("auth.login_ex", [LOGIN]), ("virt.instance.query", [[["name", "^", "px-"]]]))

context = ssl.create_default_context(cafile=os.environ["PIXELS_TRUENAS_CA_PATH"])
connection = websocket.create_connection(AT.format(**os.environ), sslopt={"context": context})
for number, (method, params) in enumerate(CALLS):
    connection.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
    answer = json.loads(connection.recv())
for row in answer["result"]:
    print(row["name"], row["status"])
connection.close()
