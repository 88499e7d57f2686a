# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings for tests: a minimal environment and configuration files."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.resolver import resolve
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.settings import build

MINIMAL = {"PIXELS_TRUENAS_HOST": "nas", "PIXELS_TRUENAS_API_KEY": "1-secret"}


def settings_of(given=None, **environ):
    """Return the settings that the options in `given` and the variables `environ` set."""
    return build(resolve((given or {}).get, environ={"XDG_CONFIG_HOME": "/nonexistent", **environ}))


@pytest.fixture
def configure(tmp_path):
    """Write a configuration file, and return the variable that names it."""

    def write(text):
        path = tmp_path / "config.toml"
        path.write_text(text)
        return {"PIXELS_CONFIG": str(path)}

    return write
