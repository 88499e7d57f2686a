# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what an account is told it lacks."""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.rights import rights
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.nas import Account


def account(*roles):
    return Account("ansible", frozenset(roles), web_shell=False)


def test_a_full_administrator_may_everything():
    assert all(right.allowed and not right.missing for right in rights(account("FULL_ADMIN")).values())


def test_what_is_missing_is_named():
    found = rights(account("VIRT_INSTANCE_READ"))

    assert found["list"].missing == ("VIRT_GLOBAL_READ",)
    assert found["manage"].missing == ("VIRT_INSTANCE_WRITE",)
    assert not found["provision"].allowed


def test_an_account_made_for_it_may_manage_and_not_write_files():
    found = rights(
        account(
            "VIRT_GLOBAL_READ",
            "VIRT_INSTANCE_READ",
            "VIRT_INSTANCE_WRITE",
            "NETWORK_INTERFACE_READ",
            "NETWORK_GENERAL_READ",
        )
    )

    assert {purpose for purpose, right in found.items() if right.allowed} == {"list", "manage", "find_nic"}
