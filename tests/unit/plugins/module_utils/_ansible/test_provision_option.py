# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the option `provision`."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.provision_option import provision
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.settings import SshSettings

ROOTFS = {"method": "rootfs", "public_keys": ["one"]}
KEY = "ssh-ed25519 AAAA me@here"


def ssh(key, user="root"):
    return SshSettings(user=user, key=key, port=22)


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "id"
    (tmp_path / "id.pub").write_text(f"{KEY}\n")
    return str(path)


@pytest.mark.parametrize("value", [None, False, "false", "no"])
def test_nothing_and_false_provision_nothing(value):
    assert provision(value, ssh=ssh(None)) is None


@pytest.mark.parametrize("value", [True, "true", {}])
def test_true_uses_the_public_half_of_the_ssh_key(value, key_file):
    assert provision(value, ssh=ssh(key_file)).public_keys == (KEY,)


def test_given_keys_are_used(key_file):
    asked = provision({"public_keys": ["one", "two"], "dns": ["1.1.1.1"]}, ssh=ssh(key_file))

    assert asked.public_keys == ("one", "two")
    assert asked.dns == ("1.1.1.1",)


def test_a_missing_key_names_the_option_to_set(tmp_path):
    with pytest.raises(Invalid, match="Set public_key_file"):
        provision(True, ssh=ssh(str(tmp_path / "none")))


def test_a_private_key_is_never_sent(tmp_path):
    path = tmp_path / "id"
    path.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")

    with pytest.raises(Invalid, match="is a private key"):
        provision({"public_key_file": str(path)}, ssh=ssh(None))


@pytest.mark.parametrize("value", [{"keys": []}, {"method": "magic"}, ["true"], "perhaps"])
def test_what_cannot_be_meant_is_refused(value, key_file):
    with pytest.raises(Invalid, match="cannot provision"):
        provision(value, ssh=ssh(key_file))


@pytest.mark.parametrize(
    ("value", "user"),
    [(True, "pixel"), ({}, "pixel"), ({"user": "agent"}, "agent"), ({"user": "root"}, "root"), (ROOTFS, "root")],
)
def test_the_user_defaults_to_the_ssh_user(value, user, key_file):
    assert provision(value, ssh=ssh(key_file, user="pixel")).user == user


@pytest.mark.parametrize("user", ["Admin", "a b", "-x", "0day", "", "x" * 33, "$(id)"])
def test_an_invalid_user_is_refused(user, key_file):
    with pytest.raises(Invalid, match="is not a valid user name"):
        provision(True, ssh=ssh(key_file, user=user))


def test_the_method_rootfs_creates_no_user(key_file):
    with pytest.raises(Invalid, match="the method rootfs cannot create a user"):
        provision({**ROOTFS, "user": "pixel"}, ssh=ssh(key_file))
