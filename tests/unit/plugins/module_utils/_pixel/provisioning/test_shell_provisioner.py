# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what is lacking in a pixel, and of putting it in place from inside."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh import control_master
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh_target import SshTarget
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.authorized_keys import ROOT_KEYS
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.shell_provisioner import (
    RESOLV_CONF,
    ProvisionedState,
    inspect,
    is_complete,
    name_servers,
    pin,
    provision,
    public_key,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.spec import ProvisionSpec
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state import known_hosts
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from tests.unit.plugins.conftest import boot_slowly, both_generations, put, read, users_of_its_own

WEB = PixelName("px-web")

KEY = "ssh-ed25519 AAAAours us@here"
OTHER = "ssh-ed25519 AAAAother x\n"
COMPLETE = ProvisionedState(
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


@pytest.mark.wide
def test_a_pixel_that_has_just_started_is_read_once_systemd_answers(pixels, truenas):
    truenas.world.add_container("px-web")
    boot_slowly(truenas)

    with WebShellClient(pixels, WEB) as shell:
        inspect(shell, "root")

    assert read(truenas, "/root/asked") == "\n" * 3


@pytest.mark.parametrize(
    ("state", "lacking"),
    [
        (COMPLETE, []),
        (ProvisionedState(), ["user", "keys", "ssh server"]),
        (replace(COMPLETE, is_serving=False), ["ssh server"]),
        (replace(COMPLETE, keys=OTHER), ["keys"]),
        (replace(COMPLETE, user_keys=OTHER), ["keys"]),
        (replace(COMPLETE, has_user=False, user_keys=""), ["user", "keys"]),
    ],
)
def test_what_is_lacking_is_named(state, lacking):
    assert state.missing_items(ProvisionSpec(public_keys=(KEY,), user="pixel")) == lacking


def test_root_is_always_there():
    assert replace(COMPLETE, has_user=False).missing_items(ProvisionSpec((KEY,), user="root")) == []


def test_name_servers_are_lacking_only_where_some_are_asked_for():
    assert COMPLETE.missing_items(ProvisionSpec((KEY,), dns=())) == []
    assert COMPLETE.missing_items(ProvisionSpec((KEY,), dns=("9.9.9.9",))) == ["dns"]


def test_name_servers_are_passed_to_the_resolver():
    assert name_servers(("9.9.9.9", "1.1.1.1"), resolved=True) == "[Resolve]\nDNS=9.9.9.9 1.1.1.1\n"
    assert name_servers(("9.9.9.9",), resolved=False) == "nameserver 9.9.9.9\n"


@both_generations
@pytest.mark.wide
def test_a_fresh_pixel_lacks_all_of_it_and_then_nothing(pixels, truenas):
    truenas.world.add_container("px-web")
    wanted = ProvisionSpec((KEY,))
    assert not is_complete(pixels, WEB, wanted)

    provision(pixels, WEB, wanted, deadline=Deadline(60), ssh_port=truenas.ssh_port)

    assert is_complete(pixels, WEB, wanted)
    with WebShellClient(pixels, WEB) as shell:
        found = inspect(shell, "root")
    assert (found.has_sshd, found.is_serving, found.keys) == (True, True, f"{KEY}\n")


def test_a_directory_of_keys_is_for_root_alone(pixels, truenas):
    truenas.world.add_container("px-web")

    provision(pixels, WEB, ProvisionSpec((KEY,)), deadline=Deadline(60), ssh_port=truenas.ssh_port)

    engine = truenas.world.engine
    assert truenas.run(engine.stat("px-web", "/root/.ssh")).mode & 0o777 == 0o700
    assert truenas.run(engine.stat("px-web", ROOT_KEYS)).mode & 0o777 == 0o600


@users_of_its_own
@pytest.mark.wide
def test_the_ssh_user_is_made_of_the_users_of_the_image_and_loses_nothing(pixels, truenas):
    truenas.world.add_container("px-web")
    put(truenas, "/home/ubuntu/thesis", "precious")
    wanted = ProvisionSpec((KEY,), user="pixel")
    assert not is_complete(pixels, WEB, wanted)

    provision(pixels, WEB, wanted, deadline=Deadline(60), ssh_port=truenas.ssh_port)

    assert is_complete(pixels, WEB, wanted)
    assert "pixel:x:1000:1000:" in read(truenas, "/etc/passwd")
    assert read(truenas, "/home/pixel/thesis") == "precious"
    assert read(truenas, "/home/pixel/.ssh/authorized_keys") == read(truenas, ROOT_KEYS) == f"{KEY}\n"
    found = truenas.run(truenas.world.engine.stat("px-web", "/home/pixel/.ssh/authorized_keys"))
    assert (found.uid, found.mode & 0o777) == (1000, 0o600)
    assert read(truenas, "/etc/sudoers.d/pixels-provision") == "pixel ALL=(ALL:ALL) NOPASSWD: ALL\n"


@users_of_its_own
@pytest.mark.wide
def test_what_the_user_may_was_a_users_decision(pixels, truenas):
    truenas.world.add_container("px-web")
    wanted = ProvisionSpec((KEY,), user="pixel")
    provision(pixels, WEB, wanted, deadline=Deadline(60), ssh_port=truenas.ssh_port)
    put(truenas, "/etc/sudoers.d/pixels-provision", "")
    put(truenas, ROOT_KEYS, "")

    provision(pixels, WEB, wanted, deadline=Deadline(60), ssh_port=truenas.ssh_port)

    assert read(truenas, ROOT_KEYS) == f"{KEY}\n"
    assert read(truenas, "/etc/sudoers.d/pixels-provision") == ""


@pytest.mark.wide
def test_without_resolved_the_name_servers_are_in_resolv_conf(pixels, truenas):
    truenas.world.add_container("px-web")
    put(truenas, RESOLV_CONF, "nameserver 1.1.1.1\n")
    with WebShellClient(pixels, WEB) as shell:
        has_resolved = inspect(shell, "root").has_resolved

    provision(
        pixels,
        WEB,
        ProvisionSpec((KEY,), dns=("9.9.9.9",)),
        deadline=Deadline(60),
        ssh_port=truenas.ssh_port,
    )

    path = "/etc/systemd/resolved.conf.d/pixels-dns.conf" if has_resolved else RESOLV_CONF
    assert "9.9.9.9" in read(truenas, path)


def test_keys_read_inside_replace_what_was_pinned(pixels, truenas):
    alias = known_hosts.alias("px-web", pixels.nas)
    pixels.host_keys.pin(alias, "ssh-ed25519", "AAAAold")

    pin(pixels, WEB, (("ssh-ed25519", "AAAAnew"),))

    assert pixels.host_keys.find(alias) == {"ssh-ed25519": "AAAAnew"}


def test_variables_are_lacking_only_where_they_are_not_there():
    wanted = ProvisionSpec((KEY,), environment=(("A", "1"),), accept_env=("TOKEN",))
    there = replace(COMPLETE, environment='B=2\nA="1"\n', accepted="AcceptEnv X TOKEN\n")

    assert COMPLETE.missing_items(wanted) == ["environment", "accept env"]
    assert there.missing_items(wanted) == []


@pytest.mark.wide
def test_variables_are_written_and_a_server_that_runs_takes_them_from_then_on(pixels, truenas, key, home, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    truenas.world.add_container("px-web")
    put(truenas, "/etc/environment", 'EDITOR="vi"\n')
    provision(pixels, WEB, ProvisionSpec((key.public,)), deadline=Deadline(60), ssh_port=truenas.ssh_port)
    wanted = ProvisionSpec((key.public,), environment=(("A", "a b"),), accept_env=("TOKEN",))

    provision(pixels, WEB, wanted, deadline=Deadline(60), ssh_port=truenas.ssh_port)

    assert read(truenas, "/etc/environment") == 'EDITOR="vi"\nA="a b"\n'
    assert read(truenas, "/etc/ssh/sshd_config.d/pixels-env.conf") == "AcceptEnv TOKEN\n"
    assert is_complete(pixels, WEB, wanted)
    address = pixels.get("px-web").ipv4
    login = SshTarget(WEB, pixels.nas, address, port=truenas.ssh_port, key_file=key.private)
    master = control_master.ControlMaster(login, pixels.host_keys)
    master.open()
    assert master.rejected_variables({"TOKEN": "x", "OTHER": "x"}) == ["OTHER"]
    control_master.close_connections(WEB)


@users_of_its_own
@pytest.mark.parametrize("plant", ["ln -s /etc/my-shadow ~/.ssh/authorized_keys", "mkfifo ~/.ssh/authorized_keys"])
@pytest.mark.wide
def test_what_the_user_put_in_the_place_of_the_keys_is_neither_read_nor_written(pixels, truenas, plant):
    truenas.world.add_container("px-web")
    put(truenas, "/etc/my-shadow", "root:secret\n", mode=0o600)
    with WebShellClient(pixels, WEB) as shell:
        assert shell.run(Command(("sh", "-c", f"mkdir ~/.ssh; {plant}"), user="ubuntu")).rc == 0
    wanted = ProvisionSpec((KEY,), user="ubuntu")

    for attempt in (
        lambda: is_complete(pixels, WEB, wanted),
        lambda: provision(pixels, WEB, wanted, deadline=Deadline(60), ssh_port=truenas.ssh_port),
    ):
        with pytest.raises(Refused, match=r"authorized_keys is (a symlink|not a regular file)") as failed:
            attempt()
        assert "secret" not in str(failed.value)

    assert read(truenas, "/etc/my-shadow") == "root:secret\n"


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (b"ssh-ed25519 AAAAkey root@px-web", ("ssh-ed25519", "AAAAkey")),
        (b"ecdsa-sha2-nistp256 AAAAkey==", ("ecdsa-sha2-nistp256", "AAAAkey==")),
        (b"@cert-authority *", None),
        (b"* ssh-ed25519 AAAAkey", None),
        (b"ssh-ed25519 \x1b[31m", None),
        (b"ssh-ed25519 AAAA,key", None),
        (b"ssh-ed25519", None),
        (b"", None),
        (b"ssh-made-up-17 AAAAkey", None),
        (b"sk-ssh-ed25519@openssh.com AAAAkey", ("sk-ssh-ed25519@openssh.com", "AAAAkey")),
    ],
)
def test_only_a_key_becomes_one_of_the_known_hosts(line, key):
    assert public_key(line) == key


def test_a_pixel_that_shows_invalid_files_is_refused(pixels, truenas):
    truenas.world.add_container("px-web")
    put(truenas, "/usr/local/bin/base64", "#!/bin/sh\necho '%%%'\n", mode=0o755)
    put(truenas, ROOT_KEYS, KEY)

    with WebShellClient(pixels, WEB) as shell, pytest.raises(Refused, match="not base64"):
        inspect(shell, "root")


@pytest.mark.parametrize("kind", ["ssh-{i} AAAA{i} x", "ssh-ed25519 AAAA{i} x"])
def test_a_flood_of_host_keys_is_not_pinned(pixels, truenas, kind):
    truenas.world.add_container("px-web")
    put(truenas, "/etc/ssh/ssh_host_rsa_key.pub", "ssh-rsa AAAAours root@px-web\n")
    flood = (f"host {base64.b64encode(kind.format(i=i).encode()).decode()}\n" for i in range(300))
    put(truenas, "/root/flood", "\n" + "".join(flood))
    put(truenas, "/usr/local/bin/tr", '#!/bin/sh\n/usr/bin/tr "$@"\ncat /root/flood\n', mode=0o755)

    with WebShellClient(pixels, WEB) as shell:
        if kind.startswith("ssh-ed25519"):
            with pytest.raises(Refused, match="more than one SSH host key of type ssh-ed25519"):
                inspect(shell)
        else:
            assert {kind for kind, _key in inspect(shell).host_keys} <= {
                "ssh-rsa",
                "ssh-ed25519",
                "ecdsa-sha2-nistp256",
            }
