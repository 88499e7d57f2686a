# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options the modules of this collection share; C(_pixel/settings.py) settles their defaults."""

from __future__ import annotations

import typing as t

Spec = dict[str, t.Any]

CONNECTION: Spec = {
    "profile": {"type": "str"},
    "host": {"type": "str"},
    "port": {"type": "int"},
    "username": {"type": "str"},
    "api_key": {"type": "str", "no_log": True},
    # Names of files, which no_log would hide from messages that need them.
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

CHECKPOINTS: Spec = {
    "dataset_prefix": {"type": "str"},
}

SSH: Spec = {
    "ssh_user": {"type": "str"},
    "ssh_key": {"type": "path", "no_log": False},
    "ssh_port": {"type": "int"},
}

TRANSPORT: Spec = {
    "transport": {"type": "str", "choices": ["auto", "ssh", "shell"]},
}
