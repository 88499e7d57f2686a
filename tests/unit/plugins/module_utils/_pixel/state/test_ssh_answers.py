# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the records of SSH servers that responded."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.ssh_answers import SshAnswers


@pytest.fixture
def notes(tmp_path):
    return SshAnswers("nas", directory=str(tmp_path))


@pytest.mark.parametrize("answered", [True, False])
def test_another_process_finds_a_record(notes, tmp_path, answered):
    notes.note("px-web", "10.0.0.5", 22, answered=answered)

    assert SshAnswers("nas", directory=str(tmp_path)).find("px-web", "10.0.0.5", 22) is answered


OTHERS = [("px-db", "10.0.0.5", 22), ("px-web", "10.0.0.6", 22), ("px-web", "10.0.0.5", 2222)]


@pytest.mark.parametrize(("pixel", "address", "port"), OTHERS)
def test_a_record_is_valid_for_one_address_and_port(notes, pixel, address, port):
    notes.note("px-web", "10.0.0.5", 22, answered=True)

    assert notes.find(pixel, address, port) is None


def test_each_nas_has_its_own_records(notes, tmp_path):
    notes.note("px-web", "10.0.0.5", 22, answered=True)

    assert SshAnswers("other", directory=str(tmp_path)).find("px-web", "10.0.0.5", 22) is None


def test_a_record_can_be_removed(notes):
    notes.note("px-web", "10.0.0.5", 22, answered=False)

    notes.forget("px-web")

    assert notes.find("px-web", "10.0.0.5", 22) is None


@pytest.mark.parametrize("text", ["", "{broken", "[]", '{"px-web": 5}', '{"px-web": "maybe 10.0.0.5 22"}'])
def test_an_invalid_file_is_ignored(notes, tmp_path, text):
    notes.note("px-web", "10.0.0.5", 22, answered=False)
    next(path for path in tmp_path.iterdir() if path.suffix == ".json").write_text(text)

    assert notes.find("px-web", "10.0.0.5", 22) is None
