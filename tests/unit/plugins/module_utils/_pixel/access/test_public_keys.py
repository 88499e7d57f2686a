# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of reading the public key; tests of the option `provision` cover its errors."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.public_keys import path_beside, read


def test_it_is_beside_the_private_one():
    assert path_beside("/k") == "/k.pub"
    assert path_beside(None) == "~/.ssh/id_ed25519.pub"


def test_it_is_read_without_its_newline(tmp_path):
    (tmp_path / "k.pub").write_text("ssh-ed25519 AAAA me\n")

    assert read(str(tmp_path / "k.pub")) == "ssh-ed25519 AAAA me"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read"),
        (b"\n", "is empty"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----", "is a private key"),
        (b"ssh-ed25519 AAAA m\xff", r"cannot be read \(it is not UTF-8 text\)"),
        ("ssh-ed25519 AAAA me".encode("utf-16"), r"cannot be read \(it is not UTF-8 text\)"),
    ],
)
def test_what_is_none_is_reported(tmp_path, content, problem):
    path = tmp_path / "k.pub"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(Invalid, match=problem):
        read(str(path))
