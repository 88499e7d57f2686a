# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a policy in a pixel."""

from __future__ import annotations

import io
import tarfile

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import guest_files, policy


def test_mode_unrestricted_has_no_files():
    assert guest_files.render(policy.parse("unrestricted"), guest_files.SYSTEMD, {}) == {}


@pytest.mark.parametrize(
    ("init", "folder"), [(guest_files.SYSTEMD, "/etc/systemd/system"), (guest_files.OPENRC, "/etc/init.d")]
)
def test_services_are_those_of_the_init_system(init, folder):
    files = guest_files.render(policy.parse("agent"), init, {})

    assert sorted({path.rpartition("/")[0] for path in files}) == sorted(
        ["/etc/pixels/egress", "/etc/sudoers.d", folder, "/usr/local/bin", "/usr/local/lib/pixels"]
    )


def test_the_archive_holds_the_files_of_root_with_their_modes():
    files = guest_files.render(policy.parse("agent"), guest_files.SYSTEMD, {})

    with tarfile.open(fileobj=io.BytesIO(guest_files.pack(files))) as archive:
        packed = {f"/{entry.name}": entry for entry in archive}
        content = {path: archive.extractfile(entry).read().decode() for path, entry in packed.items()}

    assert content == {path: file.content for path, file in files.items()}
    assert {path: entry.mode for path, entry in packed.items()} == {path: file.mode for path, file in files.items()}
    assert {(entry.uid, entry.gid) for entry in packed.values()} == {(0, 0)}
