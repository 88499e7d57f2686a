# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what is lacking in a pixel, and of putting it in place from inside."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel import host_keys, openssh
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.login import Login
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.outfitting import (
    RESOLV_CONF,
    State,
    is_complete,
    look,
    name_servers,
    pin,
    provision,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import AUTHORIZED_KEYS, Provision
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.shell import NasShell
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.waiting import Deadline
from tests.unit.plugins.conftest import both_generations, put, read, users_of_its_own

KEY = "ssh-ed25519 AAAAours us@here"
OTHER = "ssh-ed25519 AAAAother x\n"
COMPLETE = State(
    keys=f"{KEY}\n", has_user=True, user_keys=f"{KEY}\n", has_resolved=True, has_sshd=True, is_serving=True
)


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    return "25.10"


@pytest.fixture
def ssh_installed():
    return False


@pytest.mark.parametrize(
    ("state", "lacking"),
    [
        (COMPLETE, []),
        (State(), ["user", "keys", "ssh server"]),
        (replace(COMPLETE, is_serving=False), ["ssh server"]),
        (replace(COMPLETE, keys=OTHER), ["keys"]),
        (replace(COMPLETE, user_keys=OTHER), ["keys"]),
        (replace(COMPLETE, has_user=False, user_keys=""), ["user", "keys"]),
    ],
)
def test_what_is_lacking_is_named(state, lacking):
    assert state.lacks(Provision(public_keys=(KEY,), user="pixel")) == lacking


def test_root_is_always_there():
    assert replace(COMPLETE, has_user=False).lacks(Provision((KEY,), user="root")) == []


def test_name_servers_are_lacking_only_where_some_are_asked_for():
    assert COMPLETE.lacks(Provision((KEY,), dns=())) == []
    assert COMPLETE.lacks(Provision((KEY,), dns=("9.9.9.9",))) == ["dns"]


def test_name_servers_are_said_to_whoever_resolves():
    assert name_servers(("9.9.9.9", "1.1.1.1"), resolved=True) == "[Resolve]\nDNS=9.9.9.9 1.1.1.1\n"
    assert name_servers(("9.9.9.9",), resolved=False) == "nameserver 9.9.9.9\n"


@both_generations
def test_a_fresh_pixel_lacks_all_of_it_and_then_nothing(pixels, truenas):
    truenas.world.add_container("px-web")
    wanted = Provision((KEY,))
    assert not is_complete(pixels, "px-web", wanted)

    provision(pixels, "px-web", wanted, deadline=Deadline(60), ssh_port=truenas.ssh_port)

    assert is_complete(pixels, "px-web", wanted)
    with NasShell(pixels, "px-web") as shell:
        found = look(shell, "root")
    assert (found.has_sshd, found.is_serving, found.keys) == (True, True, f"{KEY}\n")


def test_a_folder_of_keys_is_for_root_alone(pixels, truenas):
    truenas.world.add_container("px-web")

    provision(pixels, "px-web", Provision((KEY,)), deadline=Deadline(60), ssh_port=truenas.ssh_port)

    engine = truenas.world.engine
    assert truenas.run(engine.stat("px-web", "/root/.ssh")).mode & 0o777 == 0o700
    assert truenas.run(engine.stat("px-web", AUTHORIZED_KEYS)).mode & 0o777 == 0o600


@users_of_its_own
def test_whom_ssh_logs_in_as_is_made_of_the_images_own_user_and_loses_nothing(pixels, truenas):
    truenas.world.add_container("px-web")
    put(truenas, "/home/ubuntu/thesis", "precious")
    wanted = Provision((KEY,), user="pixel")
    assert not is_complete(pixels, "px-web", wanted)

    provision(pixels, "px-web", wanted, deadline=Deadline(60), ssh_port=truenas.ssh_port)

    assert is_complete(pixels, "px-web", wanted)
    assert "pixel:x:1000:1000:" in read(truenas, "/etc/passwd")
    assert read(truenas, "/home/pixel/thesis") == "precious"
    assert read(truenas, "/home/pixel/.ssh/authorized_keys") == read(truenas, AUTHORIZED_KEYS) == f"{KEY}\n"
    found = truenas.run(truenas.world.engine.stat("px-web", "/home/pixel/.ssh/authorized_keys"))
    assert (found.uid, found.mode & 0o777) == (1000, 0o600)
    assert read(truenas, "/etc/sudoers.d/pixels-provision") == "pixel ALL=(ALL:ALL) NOPASSWD: ALL\n"


@users_of_its_own
def test_what_the_user_may_was_somebodys_decision(pixels, truenas):
    truenas.world.add_container("px-web")
    wanted = Provision((KEY,), user="pixel")
    provision(pixels, "px-web", wanted, deadline=Deadline(60), ssh_port=truenas.ssh_port)
    put(truenas, "/etc/sudoers.d/pixels-provision", "")
    put(truenas, AUTHORIZED_KEYS, "")

    provision(pixels, "px-web", wanted, deadline=Deadline(60), ssh_port=truenas.ssh_port)

    assert read(truenas, AUTHORIZED_KEYS) == f"{KEY}\n"
    assert read(truenas, "/etc/sudoers.d/pixels-provision") == ""


def test_without_resolved_the_name_servers_are_in_resolv_conf(pixels, truenas):
    truenas.world.add_container("px-web")
    put(truenas, RESOLV_CONF, "nameserver 1.1.1.1\n")
    with NasShell(pixels, "px-web") as shell:
        has_resolved = look(shell, "root").has_resolved

    provision(pixels, "px-web", Provision((KEY,), dns=("9.9.9.9",)), deadline=Deadline(60), ssh_port=truenas.ssh_port)

    path = "/etc/systemd/resolved.conf.d/pixels-dns.conf" if has_resolved else RESOLV_CONF
    assert "9.9.9.9" in read(truenas, path)


def test_keys_read_inside_replace_what_was_pinned(pixels, truenas):
    alias = host_keys.alias("px-web", pixels.nas)
    pixels.host_keys.pin(alias, "ssh-ed25519", "AAAAold")

    pin(pixels, "px-web", (("ssh-ed25519", "AAAAnew"),))

    assert pixels.host_keys.find(alias) == {"ssh-ed25519": "AAAAnew"}


def test_variables_are_lacking_only_where_they_are_not_there():
    wanted = Provision((KEY,), environment=(("A", "1"),), accept_env=("TOKEN",))
    there = replace(COMPLETE, environment='B=2\nA="1"\n', accepted="AcceptEnv X TOKEN\n")

    assert COMPLETE.lacks(wanted) == ["environment", "accept env"]
    assert there.lacks(wanted) == []


def test_variables_are_written_and_a_server_that_runs_takes_them_from_then_on(pixels, truenas, key, home, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    truenas.world.add_container("px-web")
    put(truenas, "/etc/environment", 'EDITOR="vi"\n')
    provision(pixels, "px-web", Provision((key.public,)), deadline=Deadline(60), ssh_port=truenas.ssh_port)
    wanted = Provision((key.public,), environment=(("A", "a b"),), accept_env=("TOKEN",))

    provision(pixels, "px-web", wanted, deadline=Deadline(60), ssh_port=truenas.ssh_port)

    assert read(truenas, "/etc/environment") == 'EDITOR="vi"\nA="a b"\n'
    assert read(truenas, "/etc/ssh/sshd_config.d/pixels-env.conf") == "AcceptEnv TOKEN\n"
    assert is_complete(pixels, "px-web", wanted)
    address = pixels.get("px-web").ipv4
    login = Login("px-web", pixels.nas, address, port=truenas.ssh_port, key_file=key.private)
    master = openssh.Master(login, pixels.host_keys)
    master.open()
    assert master.refuses({"TOKEN": "x", "OTHER": "x"}) == ["OTHER"]
    openssh.hang_up("px-web")
