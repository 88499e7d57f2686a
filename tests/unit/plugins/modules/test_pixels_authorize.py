# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of who may log in to a pixel."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel import host_keys
from ansible_collections.pixels.truenas.plugins.modules import pixels_authorize, pixels_exec
from tests.unit.plugins.conftest import put, read, users_of_its_own

KEYS = "/root/.ssh/authorized_keys"
ALICE, BOB = "ssh-ed25519 AAAAalice alice@there", "ssh-ed25519 AAAAbob bob@there"


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    return "25.10"


@pytest.fixture
def authorize(run, truenas):
    truenas.world.add_container("px-web")

    def run_module(*keys, **params):
        return run(pixels_authorize, **{"name": "web", "public_keys": list(keys), **params})

    return run_module


def test_who_had_no_way_in_has_one(authorize, run, truenas, key, nas):
    nas.update(ssh_key=key.private, ssh_port=truenas.ssh_port)

    assert authorize(key.public)["changed"]

    assert run(pixels_exec, name="web", transport="ssh", cmd="hostname")["stdout"] == "px-web"


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        ([], {}, [ALICE]),
        ([BOB], {}, [BOB, ALICE]),
        (["# ours", BOB], {}, ["# ours", BOB, ALICE]),
        ([f"no-pty {ALICE} again"], {}, [f"no-pty {ALICE} again"]),
        ([ALICE, BOB], {"state": "absent"}, [BOB]),
        ([BOB], {"state": "absent"}, [BOB]),
        ([BOB, ALICE], {"exclusive": True}, [ALICE]),
        (["# ours", BOB], {"exclusive": True}, ["# ours", ALICE]),
    ],
)
def test_check_mode_predicts_and_a_second_run_changes_nothing(authorize, truenas, before, wanted, after):
    put(truenas, KEYS, "".join(f"{line}\n" for line in before), mode=0o600)

    predicted = authorize(ALICE, check_mode=True, **wanted)
    assert read(truenas, KEYS).splitlines() == before
    done = authorize(ALICE, **wanted)

    assert predicted == done
    assert done["changed"] == (before != after)
    assert read(truenas, KEYS).splitlines() == after
    assert not authorize(ALICE, **wanted)["changed"]


def test_host_keys_are_pinned_as_they_are_read_inside(authorize, truenas, pixels):
    alias = host_keys.alias("px-web", pixels.nas)
    pixels.host_keys.pin(alias, "ssh-ed25519", "AAAAold")

    authorize(ALICE, check_mode=True)
    assert pixels.host_keys.find(alias) == {"ssh-ed25519": "AAAAold"}
    authorize(ALICE)

    kind, key, *_comment = read(truenas, "/etc/ssh/ssh_host_ed25519_key.pub").split()
    assert pixels.host_keys.find(alias) == {kind: key}


@users_of_its_own
def test_a_user_of_the_pixel_owns_what_is_made_for_him(authorize, run):
    result = authorize(ALICE, user="ubuntu")

    assert result["path"] == "/home/ubuntu/.ssh/authorized_keys"
    shown = run(pixels_exec, name="web", transport="shell", cmd="stat -c '%a %U' /home/ubuntu/.ssh " + result["path"])
    assert shown["stdout_lines"] == ["700 ubuntu", "600 ubuntu"]


def test_a_user_the_pixel_does_not_have_is_told(authorize):
    result = authorize(ALICE, user="nobody-there")

    assert result["failed"]
    assert result["error"]["kind"] == "NotFound"
    assert "changing who may log in to web on" in result["msg"]
    assert "no user nobody-there" in result["msg"]


def test_the_key_of_the_controller_is_the_usual_one(authorize, truenas, key, tmp_path):
    assert authorize(public_keys=None, ssh_key=key.private)["changed"]

    assert read(truenas, KEYS) == f"{key.public}\n"


def test_a_pixel_that_does_not_run_is_told(authorize, truenas):
    truenas.world.containers["px-web"].status = "STOPPED"

    result = authorize(ALICE)

    assert result["failed"]
    assert "is stopped: start it first" in result["msg"]
