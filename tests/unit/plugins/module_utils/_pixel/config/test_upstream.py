# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of configuration files of upstream pixels."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import resolver

EXAMPLE = Path(__file__).resolve().parents[6] / "examples/migration/config.toml"


def resolve(path):
    return resolver.resolve({"config": str(path)}.get, environ={})


def test_each_key_of_upstream_is_used_or_listed():
    resolved = resolve(EXAMPLE)

    assert resolved["validate_certs"] is False
    assert resolved["default_memory"] == 2 * 1024**3
    assert resolved["ssh_user"] == "pixel"
    assert resolved["network_egress"] == "allowlist"
    assert list(resolved.unused) == [*("backend", "mcp.listen_addr", "ssh.strict_host_keys")]


def test_bases_and_settings_of_another_backend_are_listed(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('[incus]\nsocket = "/run/incus"\n[mcp.bases.dev]\nparent_image = "ubuntu/24.04"\n')

    assert list(resolve(path).unused) == ["incus.socket", "mcp.bases"]


def test_another_backend_is_refused_with_its_line(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('\nbackend = "incus"\n')

    with pytest.raises(Invalid) as raised:
        resolve(path)

    assert str(raised.value) == (
        f"cannot use {path} line 2: its backend is 'incus', and the collection manages pixels on TrueNAS only. "
        "Remove the line, and set the table [truenas]"
    )


@pytest.mark.parametrize(
    ("text", "key"),
    [("[provision]\nenabld = true\n", "provision.enabld"), ("[ssh]\nstrict_host_key = true\n", "ssh.strict_host_key")],
)
def test_a_key_that_upstream_does_not_have_is_unknown(tmp_path, text, key):
    path = tmp_path / "config.toml"
    path.write_text(text)

    with pytest.raises(Invalid, match=f"unknown key {key}: "):
        resolve(path)


def test_a_file_without_keys_of_upstream_has_none(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('[truenas]\nhost = "nas"\n')

    assert list(resolve(path).unused) == []
