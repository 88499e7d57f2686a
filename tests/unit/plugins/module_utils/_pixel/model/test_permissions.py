# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test which roles an account lacks."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import permissions as needed
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.lxc_backend import LxcBackend
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.nas import Account
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import NEW, NEWEST, OLD, ROLES
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.virt_backend import VirtBackend


def account(*roles, web_shell=False):
    return Account("ansible", frozenset(roles), web_shell=web_shell)


def rights(account, service=NEW):
    backend = LxcBackend(None, None) if service == NEWEST else VirtBackend(None, None)
    return needed.rights(account, backend, lambda action: ROLES[service][action])


def test_a_full_administrator_may_do_everything():
    assert all(right.allowed and not right.missing for right in rights(account("FULL_ADMIN", web_shell=True)).values())


def test_the_web_shell_requires_a_privilege_that_no_role_grants():
    assert rights(account("FULL_ADMIN"))["enter"].missing == ("web shell access",)
    assert rights(account(web_shell=True))["enter"].allowed
    assert rights(account(web_shell=True))["provision"].missing == ("VIRT_INSTANCE_WRITE",)


def test_missing_roles_are_named():
    found = rights(account("VIRT_INSTANCE_READ"))

    assert found["list"].missing == ("VIRT_GLOBAL_READ",)
    assert found["manage"].missing == ("VIRT_INSTANCE_WRITE",)
    assert not found["provision"].allowed


def test_a_restricted_account_may_manage_but_not_write_files():
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


@pytest.mark.parametrize(
    ("service", "missing"), [(OLD, ("FULL_ADMIN",)), (NEW, ("SNAPSHOT_WRITE or POOL_WRITE",))], ids=["25.04", "25.10"]
)
def test_the_roles_for_a_restore_depend_on_the_release(service, missing):
    assert rights(account("SNAPSHOT_READ", "VIRT_INSTANCE_WRITE"), service)["restore"].missing == missing


def test_a_restore_also_stops_and_starts():
    assert rights(account("SNAPSHOT_READ", "SNAPSHOT_WRITE"))["restore"].missing == ("VIRT_INSTANCE_WRITE",)


def test_a_restore_with_safety_requires_more_roles():
    found = rights(account("SNAPSHOT_READ", "SNAPSHOT_WRITE", "VIRT_INSTANCE_WRITE"))

    assert found["restore"].allowed
    assert found["restore_with_safety"].missing == ("FULL_ADMIN",)


def test_promoting_clones_requires_a_role_for_datasets():
    found = rights(account("VIRT_INSTANCE_WRITE"))

    assert found["promote_clones"].missing == ("DATASET_WRITE", "SNAPSHOT_READ")


@pytest.mark.parametrize("service", [OLD, NEW], ids=["25.04", "25.10"])
def test_checkpoints_are_taken_deleted_and_cloned_with_different_rights(service):
    found = rights(account("SNAPSHOT_READ", "SNAPSHOT_WRITE"), service)

    assert found["checkpoint"].allowed
    assert found["delete_checkpoint"].missing == ("SNAPSHOT_DELETE",)
    assert found["clone"].missing == ("FULL_ADMIN",)


def test_the_roles_are_those_of_the_generation():
    found = rights(account("CONTAINER_READ"), NEWEST)

    assert found["list"].allowed
    assert found["manage"].missing == (
        "CONTAINER_WRITE",
        "CONTAINER_DEVICE_WRITE",
        "CONTAINER_IMAGE_WRITE",
        "SNAPSHOT_READ",
    )
    assert found["enter"].missing == ("CONTAINER_WRITE", "web shell access")
    assert found["provision"].missing == ("CONTAINER_WRITE", "web shell access")
    assert found["restore"].missing == ("CONTAINER_WRITE", "SNAPSHOT_READ", "SNAPSHOT_WRITE")


def test_an_operation_that_no_role_grants_names_another_release():
    found = rights(account("FULL_ADMIN", web_shell=True), NEWEST)

    lacking = {purpose: right.missing for purpose, right in found.items() if not right.allowed}
    nowhere = ("another release of TrueNAS",)
    assert lacking == {"clone": nowhere, "restore_with_safety": nowhere, "promote_clones": nowhere}


def test_files_are_written_on_the_nas_and_clones_made_by_full_administrators_alone():
    found = rights(account())

    assert found["provision_rootfs"].missing == ("FULL_ADMIN",)
    assert "FULL_ADMIN" in found["clone"].missing
