# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what is to become of an authorized_keys file; tests in pixels are those of the module."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.authorizing import Found, Wanted, plan

ALICE, BOB = "ssh-ed25519 AAAAalice alice@there", "ssh-ed25519 AAAAbob bob@there"


def found(*lines):
    return Found("/root/.ssh/authorized_keys", "0:0", "".join(f"{line}\n" for line in lines))


def test_comments_and_empty_lines_are_no_keys():
    assert found("# a comment", "", ALICE).keys == [ALICE]


@pytest.mark.parametrize(
    ("wanted", "after"),
    [
        (Wanted("root", (BOB,)), [ALICE, BOB]),
        (Wanted("root", (BOB, ALICE)), [ALICE, BOB]),
        (Wanted("root", ("ssh-ed25519 AAAAalice other comment",)), [ALICE]),
        (Wanted("root", (ALICE,), "absent"), []),
        (Wanted("root", (BOB,), exclusive=True), [BOB]),
    ],
)
def test_the_plan_names_all_keys_there_will_be(wanted, after):
    change = plan(found(ALICE), wanted)

    assert change.after["keys"] == after
    assert change.needed == (after != [ALICE])
