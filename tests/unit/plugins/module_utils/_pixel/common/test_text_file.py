# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test reading text files of the user."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.text_file import decode, read


def test_a_byte_order_mark_and_surrounding_white_space_are_removed(tmp_path):
    (tmp_path / "key").write_bytes("\ufeff 1-käy\r\n".encode())

    assert read(str(tmp_path / "key")) == "1-käy"


@pytest.mark.parametrize(
    "content", [b"k\xff\n", "key\n".encode("utf-16"), "key\n".encode("utf-16-le"), b"\x7fELF\x80\0"]
)
def test_bytes_that_are_not_utf_8_text_are_refused(content):
    with pytest.raises(ValueError, match=r"^it is not UTF-8 text$"):
        decode(content)


def test_a_file_that_does_not_exist_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        read(str(tmp_path / "none"))
