# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that the modules of this collection share. Their defaults are in `_pixel/config/schema.py`."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import schema

Spec = dict[str, t.Any]

CONNECTION: Spec = {
    "profile": {"type": "str"},
    "host": {"type": "str"},
    "port": {"type": "int"},
    "username": {"type": "str"},
    "api_key": {"type": "str", "no_log": True},
    # The name of a file, which `no_log` would hide in error messages.
    "api_key_file": {"type": "path", "no_log": False},
    "password": {"type": "str", "no_log": True},
    "login_mechanism": {"type": "str", "choices": ["auto", "scram", "plain"]},
    "use_tls": {"type": "bool"},
    "validate_certs": {"type": "bool"},
    "ca_path": {"type": "path"},
    "connect_timeout": {"type": "float"},
    "call_timeout": {"type": "float"},
    "login_wait": {"type": "float"},
    "session": {"type": "str", "choices": ["auto", "direct"]},
    "session_idle": {"type": "float"},
}

CREDENTIALS = tuple(name for name in schema.CREDENTIALS if name in CONNECTION)
"""Options that say what to log in with."""

CHECKPOINTS: Spec = {
    "dataset_prefix": {"type": "str"},
}

RUN_STATE: Spec = {
    "stop_timeout": {"type": "float", "default": 30},
    "force": {"type": "bool", "default": False},
    "wait": {"type": "str", "choices": ["none", "running", "address", "ssh", "ready"], "default": "address"},
    "wait_timeout": {"type": "float", "default": 600},
}

SSH: Spec = {
    "ssh_user": {"type": "str"},
    "ssh_key": {"type": "path", "no_log": False},
    "ssh_port": {"type": "int"},
}

TRANSPORT: Spec = {
    "transport": {"type": "str", "choices": ["auto", "ssh", "shell"]},
}
