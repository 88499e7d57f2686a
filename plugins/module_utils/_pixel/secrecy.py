# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which secrets of the settings others could see: in a file they can read, or in what is shown."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.environment import LITERAL

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.settings import Survey

HIDDEN = "********"
SECRETS = ("api_key", "password")
OTHERS = 0o077


def warning(found: Survey) -> str | None:
    """What to say when a secret is in a configuration file that others can read; None when there is nothing to say."""
    path = found.file.path
    inside = [name for name in SECRETS if found.values[name].value and found.values[name].source.startswith(path)]
    inside += [f'env "{name}"' for name, each in found.variables.items() if each.value.kind == LITERAL]
    try:
        open_to_others = os.stat(path).st_mode & OTHERS
    except OSError:
        return None
    if not inside or not open_to_others:
        return None
    import shlex

    return f"others can read the {inside[0]} in {path}: chmod 600 {shlex.quote(path)}"


def without_arguments(command: str) -> str:
    """A command as it can be shown: its arguments could be secrets."""
    # Only here: it takes longer to load than all of this, and few need it.
    import shlex

    try:
        words = shlex.split(command)
    except ValueError:
        return HIDDEN
    return f"{words[0]} {HIDDEN}" if words[1:] else command
