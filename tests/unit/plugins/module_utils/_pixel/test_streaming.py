# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of streaming over paramiko, beside those of the verb exec where there is no OpenSSH."""

from __future__ import annotations

import io

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.streaming import copy


def test_output_is_copied_as_it_comes_until_it_ends():
    chunks, seen = [b"one", b"two\xff", b""], io.BytesIO()

    copy(lambda _size: chunks.pop(0), seen)

    assert seen.getvalue() == b"onetwo\xff"
