# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the warning about secrets that other users can read."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import exposure, resolver


@pytest.fixture
def resolve(tmp_path):
    """Return a function that resolves the settings of a file with a text and a mode."""
    path = tmp_path / "config.toml"

    def write(text, mode, **variables):
        path.write_text(text)
        path.chmod(mode)
        return resolver.resolve(lambda name: None, environ={"PIXELS_CONFIG": str(path), **variables})

    return write


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_secret_in_a_readable_file_causes_a_warning(resolve, tmp_path, mode):
    path = tmp_path / "config.toml"

    warning = exposure.warning(resolve('[truenas]\napi_key = "k"\n', mode))

    assert warning == f"other users can read the api_key in {path}. Run: chmod 600 {path}"


def test_a_value_for_sessions_only_is_a_secret(resolve):
    text = '[env]\nIMAGE = "x"\nTOKEN = {value = "x", session_only = true}\nOURS = {forward = true}\n'

    assert exposure.warning(resolve(text, 0o644)).startswith('other users can read the env "TOKEN" in ')
    assert exposure.warning(resolve(text, 0o600)) is None
    assert exposure.warning(resolve('[env]\nIMAGE = "x"\nOURS = {forward = true}\n', 0o644)) is None


def test_a_private_file_causes_no_warning(resolve):
    assert exposure.warning(resolve('[truenas]\napi_key = "k"\n', 0o600)) is None


def test_a_file_without_secrets_causes_no_warning(resolve):
    resolved = resolve('[truenas]\nhost = "nas"\n', 0o644, PIXELS_TRUENAS_API_KEY="k")

    assert exposure.warning(resolved) is None
