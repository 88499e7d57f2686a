# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the identity of a clone: hostname, machine-id and SSH host keys."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import identity

OLD_ID = "0123456789abcdef0123456789abcdef\n"


class Files:
    """The filesystem of a pixel, in a dictionary."""

    def __init__(self, links=(), **files):
        self.files = files
        self.links = links

    def has(self, path):
        return path in self.files

    def is_symlink(self, path):
        return path in self.links

    def read(self, path):
        return self.files.get(path)

    def write(self, file):
        self.files[file.path] = file.content


@pytest.mark.parametrize(
    ("hosts", "renamed"),
    [
        ("127.0.1.1 px-base\n", "127.0.1.1 px-new\n"),
        ("127.0.1.1\tpx-base.lan px-base # px-base\n", "127.0.1.1\tpx-new.lan px-new # px-new\n"),
        ("10.0.0.2 px-base-2 my.px-base xpx-base\n", "10.0.0.2 px-base-2 my.px-base xpx-base\n"),
        ("127.0.0.1 localhost\n", "127.0.0.1 localhost\n"),
    ],
)
def test_a_name_is_replaced_where_it_stands_by_itself(hosts, renamed):
    assert identity.rename_in_hosts(hosts, "px-base", "px-new") == renamed


def test_what_is_missing_is_not_made():
    files = Files()

    assert identity.regenerate(files, "px-new") == []
    assert files.files == {}


def test_an_empty_machine_id_is_left_to_the_first_start():
    files = Files(**{"/etc/machine-id": ""})

    identity.regenerate(files, "px-new")

    assert files.files == {"/etc/machine-id": ""}


def test_both_machine_ids_are_the_same_new_one():
    files = Files(**dict.fromkeys(identity.MACHINE_IDS, OLD_ID))

    identity.regenerate(files, "px-new")

    assert len(set(files.files.values())) == 1
    assert OLD_ID not in files.files.values()


def test_a_machine_id_that_is_a_symlink_follows_the_other():
    first, second = identity.MACHINE_IDS
    files = Files(links=[second], **{first: OLD_ID, second: OLD_ID})

    identity.regenerate(files, "px-new")

    assert files.files[second] == OLD_ID


@pytest.mark.parametrize("kind", identity.KEY_TYPES)
def test_every_kind_of_host_key_that_is_there_is_made_again(kind):
    path = identity.host_key_path(kind)
    files = Files(**{path: "old", f"{path}.pub": "old"})

    [key] = identity.regenerate(files, "px-new")

    assert "OPENSSH PRIVATE KEY" in files.files[path]
    assert files.files[f"{path}.pub"].split() == [key.kind, key.key, "root@px-new"]


def test_a_controller_without_openssh_is_reported(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(Unsupported, match="ssh-keygen.*OpenSSH"):
        identity.generate_key("ed25519", "root@px-new")


def test_an_unknown_key_type_is_reported():
    with pytest.raises(Unsupported, match="enigma.*ssh-keygen failed: ."):
        identity.generate_key("enigma", "root@px-new")
