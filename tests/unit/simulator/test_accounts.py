# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the roles of accounts, and the owners of keys."""

from __future__ import annotations

import pytest

from tests.simulator import methods
from tests.simulator.accounts import Accounts, Login, included
from tests.simulator.releases import FANGTOOTH, GOLDEYE

methods.load()


@pytest.fixture
def accounts() -> Accounts:
    return Accounts(scram_iterations=50_000)


def test_a_key_is_its_number_and_64_characters(accounts: Accounts) -> None:
    account = accounts.add("web")

    number, _dash, secret = account.keys[0].text.partition("-")

    assert (number, len(secret)) == ("1", 64)
    assert accounts.key(account.keys[0].text) == (account, account.keys[0])


@pytest.mark.parametrize("text", ["", "nonsense", "77-secret", "-1-x"])
def test_a_text_that_is_no_key_belongs_to_no_user(accounts: Accounts, text: str) -> None:
    accounts.add("web")

    assert accounts.key(text) is None


def test_write_includes_read_but_not_delete() -> None:
    assert included(["VIRT_INSTANCE_WRITE"]) == {"VIRT_INSTANCE_WRITE", "VIRT_INSTANCE_READ"}


def test_a_role_to_change_devices_includes_the_containers() -> None:
    assert included(["CONTAINER_DEVICE_WRITE"]) == {
        *("CONTAINER_DEVICE_WRITE", "CONTAINER_DEVICE_READ"),
        *("CONTAINER_WRITE", "CONTAINER_READ"),
    }
    assert included(["CONTAINER_DEVICE_READ"]) == {"CONTAINER_DEVICE_READ", "CONTAINER_READ"}


def test_a_readonly_admin_has_every_read_and_no_write() -> None:
    roles = included(["READONLY_ADMIN"])

    assert {"VIRT_INSTANCE_READ", "SNAPSHOT_READ", "VIRT_GLOBAL_READ"} <= roles
    assert not [role for role in roles if role.endswith(("_WRITE", "_DELETE"))]


def test_a_full_admin_without_one_role_keeps_the_others(accounts: Accounts) -> None:
    account = accounts.add("web")

    account.removed_roles.add("VIRT_INSTANCE_WRITE")

    assert "FULL_ADMIN" not in account.effective_roles()
    assert "VIRT_INSTANCE_WRITE" not in account.effective_roles()
    assert "SNAPSHOT_WRITE" in account.effective_roles()


def test_a_login_is_shown_with_its_key(accounts: Accounts) -> None:
    account = accounts.add("web")
    login = Login(account, "API_KEY", api_key=account.keys[0])

    old, new = login.as_row(FANGTOOTH), login.as_row(GOLDEYE)

    assert old["type"] == "API_KEY"
    assert old["data"]["api_key"] == {"id": 1, "name": "key of web"}
    assert new["data"].keys() - old["data"].keys() == {"login_id"}
