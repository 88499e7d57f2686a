# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the options of an inventory file."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.inventory_file import (
    merged,
    names_plugin,
    validated,
    with_lower_case_statuses,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("---\n# text\nplugin: pixels.truenas.pixels\n", True),
        ("plugin: 'pixels' # text\n", True),
        ("plugin: ansible.builtin.constructed\nname: pixels\n", False),
        ("\xff", False),
    ],
)
def test_the_plugin_line_names_the_plugin(tmp_path, content, expected):
    path = tmp_path / "hosts.yml"
    path.write_text(content, encoding="latin-1")

    assert names_plugin(str(path)) is expected
    assert not names_plugin(str(tmp_path / "hosts.ini"))


def test_options_of_a_nas_get_their_types():
    assert validated({"port": "8443", "jump_host": "bastion"}) == {"port": 8443, "jump_host": "bastion"}
    with pytest.raises(Invalid, match="nas: .*hots"):
        validated({"hots": "nas"})


def test_credentials_of_a_nas_and_of_the_file_are_never_mixed():
    shared = {"username": "ansible", "api_key": "1-shared"}

    assert merged({"password": "own"}, shared) == {"username": "ansible", "password": "own"}
    assert merged({"host": "nas"}, shared) == {**shared, "host": "nas"}


def test_statuses_are_in_lower_case():
    assert with_lower_case_statuses({"status": "RUNNING, Stopped"}) == {"status": "running, stopped"}
    assert with_lower_case_statuses({"status": ["RUNNING", 5]}) == {"status": ["running", 5]}
    assert with_lower_case_statuses({"host": "NAS"}) == {"host": "NAS"}
