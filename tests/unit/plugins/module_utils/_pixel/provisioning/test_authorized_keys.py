# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what is to become of an authorized_keys file; tests in pixels are those of the module."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.authorized_keys import (
    AuthorizedKeys,
    KeySpec,
    merge_keys,
    plan,
)

ALICE, BOB = "ssh-ed25519 AAAAalice alice@there", "ssh-ed25519 AAAAbob bob@there"
KEY = "ssh-ed25519 AAAA me@here"


def found(*lines):
    return AuthorizedKeys("/root/.ssh/authorized_keys", "root", "".join(f"{line}\n" for line in lines))


def test_comments_and_empty_lines_are_no_keys():
    assert found("# a comment", "", ALICE).keys == [ALICE]


@pytest.mark.parametrize(
    ("wanted", "after"),
    [
        (KeySpec("root", (BOB,)), [ALICE, BOB]),
        (KeySpec("root", (BOB, ALICE)), [ALICE, BOB]),
        (KeySpec("root", ("ssh-ed25519 AAAAalice other comment",)), [ALICE]),
        (KeySpec("root", (ALICE,), "absent"), []),
        (KeySpec("root", (BOB,), exclusive=True), [BOB]),
    ],
)
def test_the_plan_names_all_keys_there_will_be(wanted, after):
    change = plan(found(ALICE), wanted)

    assert change.after["authorized_keys"] == after
    assert change.needed == (after != [ALICE])


def test_a_key_is_added_to_none():
    assert merge_keys("", [KEY]) == f"{KEY}\n"


def test_keys_of_others_stay_as_they_are():
    others = "# admins\nssh-rsa BBBB other@there\n"

    assert merge_keys(others, [KEY]) == f"{others}{KEY}\n"


@pytest.mark.parametrize("present", [KEY, "ssh-ed25519 AAAA another comment", 'from="10.0.0.1" ssh-ed25519 AAAA x'])
def test_a_key_that_is_there_is_not_added_again(present):
    assert merge_keys(f"{present}\n", [KEY]) == f"{present}\n"


def test_a_file_without_a_last_newline_does_not_swallow_the_key():
    assert merge_keys("ssh-rsa BBBB other", [KEY]) == f"ssh-rsa BBBB other\n{KEY}\n"
