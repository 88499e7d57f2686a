# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of SHA-256 and its HMAC, which are those of the standard library."""

from __future__ import annotations

import hashlib
import hmac
import sys

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api import sha256


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 1000])
def test_the_hmac_is_that_of_the_standard_library(length):
    key, message = b"k" * length, bytes(range(256))

    assert sha256.hmac_sha256(key, message) == hmac.new(key, message, hashlib.sha256).hexdigest()


def test_a_python_without_its_own_implementation_uses_hashlib(monkeypatch):
    # None in sys.modules makes an import fail.
    for name in ("_sha2", "_sha256"):
        monkeypatch.setitem(sys.modules, name, None)

    assert sha256.constructor() is hashlib.sha256
