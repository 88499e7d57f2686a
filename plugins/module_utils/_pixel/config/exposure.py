# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Detect secrets in a configuration file that other users can read."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.env_table import LITERAL
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.schema import SECRETS

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.resolver import ResolvedSettings

OTHER_USERS = 0o077
"""Bits of a file mode."""


def warning(resolved: ResolvedSettings) -> str | None:
    """Return a warning if other users can read a secret in the configuration file, else None."""
    path = resolved.file.path
    exposed = [name for name in SECRETS if resolved[name] and resolved.values[name].source.startswith(path)]
    exposed += [f'env "{name}"' for name, line in resolved.variables.items() if line.value.kind == LITERAL]
    try:
        if not exposed or not os.stat(path).st_mode & OTHER_USERS:
            return None
    except OSError:
        return None
    import shlex

    return f"other users can read the {exposed[0]} in {path}. Run: chmod 600 {shlex.quote(path)}"
