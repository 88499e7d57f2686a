# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hints of errors as the user of the command reads them: options are flags, states are verbs."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api import hint as kinds
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.schema import SETTINGS

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
    from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint

FLAGS = {"api_key": "--api-key-file", "profile": "--nas", "storage_pool": "--pool"}
"""Flags that are not named as the option of a task is."""

# Options that are no flag of the command.
CLAUSES = {
    "confirm": "set confirm: true in a task of pixels_segment",
    "egress": "start it in the TrueNAS web interface and run pixels network set {pixel} unrestricted",
    "nic": "set defaults.parent in the configuration file",
    "provision": "create it without --no-provision",
    "public_key_file": "set PIXELS_SSH_KEY",
    "step": "run the playbook base",
}
WITHOUT_FLAG = ("ca_path", "validate_certs")
"""Settings that the command reads from variables and the configuration file only."""

VERBS = {"absent": "destroy", "started": "start", "stopped": "stop", "restarted": "restart"}


def text_of(error: PixelsError) -> str:
    """Return the whole text of an error for the user of the command."""
    text = error.render(for_command)
    # This module is imported for errors only.
    from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import MissingLibrary

    return f"{text}, or set PIXELS_PYTHON to a Python that has it" if isinstance(error, MissingLibrary) else text


def for_command(hint: Hint) -> str:
    """Return a hint as a clause, such as `use --force to kill it`."""
    clause = ""
    if hint.kind == kinds.DELETE_CHECKPOINT:
        clause = f"delete the checkpoint: pixels checkpoint delete {hint.pixel} {hint.value}"
    elif hint.kind == kinds.RUN_AGAIN:
        clause = f"{hint.value}, then run the same command again" if hint.value else "run the same command again"
    elif hint.kind == kinds.STATE:
        clause = f"run pixels {VERBS[str(hint.value)]} {hint.pixel}"
    elif hint.kind == kinds.OMIT:
        # The source is no flag of checkpoint clone.
        clause = "run pixels create without --from" if hint.name == "from" else f"omit {flag(hint.name)}"
    elif hint.kind == kinds.SET:
        clause = CLAUSES.get(hint.name, "").format(pixel=hint.pixel) or set_option(hint)
    return f"{clause} {hint.purpose}".strip()


def set_option(hint: Hint) -> str:
    """Return how to set an option: as a flag, or as an environment variable if it has no flag."""
    if hint.name in WITHOUT_FLAG:
        assigned = "" if hint.value is None else f"={str(hint.value).lower()}"
        return f"set {SETTINGS[hint.name].variable}{assigned}"
    if isinstance(hint.value, bool) or hint.value is None:
        return f"use {flag(hint.name)}"
    if hint.name == "from":
        return f"run pixels create --from {hint.value} {hint.pixel or 'NAME'}"
    return f"use {flag(hint.name)} {hint.value}"


def flag(option: str) -> str:
    """Return the flag for an option of tasks."""
    return FLAGS.get(option) or f"--{option.replace('_', '-')}"
