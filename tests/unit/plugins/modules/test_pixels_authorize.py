# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the authorized keys of users in a pixel."""

from __future__ import annotations

import re

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state import known_hosts
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from ansible_collections.pixels.truenas.plugins.modules import pixels_authorize, pixels_exec
from tests.unit.plugins.conftest import link_next_names, put, read, users_of_its_own

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


@pytest.mark.wide
def test_a_pixel_without_ssh_access_gets_it(authorize, run, truenas, key, nas):
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
@pytest.mark.wide
def test_check_mode_predicts_and_a_second_run_changes_nothing(authorize, truenas, before, wanted, after):
    put(truenas, KEYS, "".join(f"{line}\n" for line in before), mode=0o600)

    predicted = authorize(ALICE, check_mode=True, **wanted)
    assert read(truenas, KEYS).splitlines() == before
    done = authorize(ALICE, **wanted)

    assert predicted == done
    assert done["changed"] == (before != after)
    assert read(truenas, KEYS).splitlines() == after
    assert not authorize(ALICE, **wanted)["changed"]


@pytest.mark.wide
def test_host_keys_are_pinned_as_they_are_read_inside(authorize, truenas, pixels):
    alias = known_hosts.alias("px-web", pixels.nas)
    pixels.host_keys.pin(alias, "ssh-ed25519", "AAAAold")

    authorize(ALICE, check_mode=True)
    assert pixels.host_keys.find(alias) == {"ssh-ed25519": "AAAAold"}
    authorize(ALICE)

    kind, key, *_comment = read(truenas, "/etc/ssh/ssh_host_ed25519_key.pub").split()
    assert pixels.host_keys.find(alias) == {kind: key}


@users_of_its_own
@pytest.mark.wide
def test_a_user_of_the_pixel_owns_what_is_made_for_that_user(authorize, run):
    result = authorize(ALICE, user="ubuntu")

    assert result["path"] == "/home/ubuntu/.ssh/authorized_keys"
    shown = run(pixels_exec, name="web", transport="shell", cmd="stat -c '%a %U' /home/ubuntu/.ssh " + result["path"])
    assert shown["stdout_lines"] == ["700 ubuntu", "600 ubuntu"]


def test_a_user_the_pixel_does_not_have_is_reported(authorize):
    result = authorize(ALICE, user="nobody-there")

    assert result["failed"]
    assert result["error"]["kind"] == "NotFound"
    assert "changing the authorized keys of web on" in result["msg"]
    assert "no user 'nobody-there'" in result["msg"]


def test_the_key_of_the_controller_is_the_usual_one(authorize, truenas, key, tmp_path):
    assert authorize(public_keys=None, ssh_key=key.private)["changed"]

    assert read(truenas, KEYS) == f"{key.public}\n"


def test_a_pixel_that_does_not_run_is_reported(authorize, truenas):
    truenas.world.containers["px-web"].status = "STOPPED"

    result = authorize(ALICE)

    assert result["failed"]
    assert "is stopped: start it first" in result["msg"]


@pytest.fixture
def inside(pixels, authorize):
    """Run a script in the pixel, as root or as another user."""

    def run_script(script, user="root"):
        with WebShellClient(pixels, PixelName("px-web")) as shell:
            ended = shell.run(Command(("sh", "-c", script), user=user))
        assert ended.rc == 0, ended
        return ended.stdout.decode().strip()

    return run_script


HOME = "/home/ubuntu"
SECRET = "root:$6$secret:19000::::::"


@users_of_its_own
@pytest.mark.parametrize(
    ("plant", "named"),
    [
        ("mkdir ~/.ssh; ln -s /etc/my-shadow ~/.ssh/authorized_keys", f"{HOME}/.ssh/authorized_keys"),
        ("mkdir ~/.ssh; ln -s /nowhere ~/.ssh/authorized_keys", f"{HOME}/.ssh/authorized_keys"),
        ("ln -s /srv/there ~/.ssh", f"{HOME}/.ssh"),
        ("ln -s /nowhere ~/.ssh", f"{HOME}/.ssh"),
        (
            "mkdir ~/.ssh ~/own; ln -s ~/own/keys ~/.ssh/authorized_keys; echo >~/own/keys",
            f"{HOME}/.ssh/authorized_keys",
        ),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_link_that_the_user_put_in_place_is_refused(authorize, inside, truenas, plant, named, check_mode):
    put(truenas, "/etc/my-shadow", f"{SECRET}\n", mode=0o600)
    put(truenas, "/srv/there/authorized_keys", f"{SECRET}\n", mode=0o600)
    inside("chmod 700 /srv/there")
    inside(plant, "ubuntu")
    before = inside(f"find {HOME} /srv /etc/my-shadow -exec ls -ld {{}} +")

    result = authorize(ALICE, user="ubuntu", check_mode=check_mode)

    assert result["failed"]
    assert f"{named} is a symlink, which is not followed. Replace it with" in result["msg"]
    assert "secret" not in str(result)
    assert inside(f"find {HOME} /srv /etc/my-shadow -exec ls -ld {{}} +") == before
    assert read(truenas, "/etc/my-shadow") == f"{SECRET}\n"


@users_of_its_own
def test_a_home_that_is_a_link_is_refused(authorize, inside):
    inside(f"mkdir /srv/home && chown ubuntu /srv/home && rm -r {HOME} && ln -s /srv/home {HOME}")

    assert f"{HOME} is a symlink" in authorize(ALICE, user="ubuntu")["msg"]

    assert inside("ls -A /srv/home") == ""


@users_of_its_own
@pytest.mark.wide
def test_what_the_user_has_prepared_in_the_path_of_a_file_is_not_written_to(authorize, inside, truenas):
    put(truenas, "/etc/victim", "precious\n")
    inside(f"mkdir ~/.ssh; {link_next_names('~/.ssh/authorized_keys.pixels-', '/etc/victim')}", "ubuntu")

    assert authorize(ALICE, user="ubuntu")["changed"]

    assert read(truenas, "/etc/victim") == "precious\n"
    assert inside("stat -c '%U %a' /etc/victim") == "root 644"
    assert inside(f"stat -c '%U %a' {HOME}/.ssh/authorized_keys") == "ubuntu 600"


@users_of_its_own
def test_what_the_user_cannot_read_is_in_no_result(authorize, inside, truenas):
    put(truenas, f"{HOME}/.ssh/authorized_keys", f"{SECRET}\n", mode=0o600)
    inside(f"chown ubuntu {HOME}/.ssh")

    result = authorize(ALICE, user="ubuntu")

    assert result["failed"]
    assert f"reading {HOME}/.ssh/authorized_keys as ubuntu failed" in result["msg"]
    assert "secret" not in str(result)


@users_of_its_own
@pytest.mark.wide
def test_a_file_that_has_another_name_as_well_keeps_its_content_there(authorize, inside, truenas):
    put(truenas, "/srv/shared", f"{BOB}\n")
    inside(f"mkdir {HOME}/.ssh; ln /srv/shared {HOME}/.ssh/authorized_keys; chown ubuntu {HOME}/.ssh")

    assert authorize(ALICE, user="ubuntu")["authorized_keys"] == [BOB, ALICE]

    assert read(truenas, "/srv/shared") == f"{BOB}\n"
    assert inside("stat -c '%U %a' /srv/shared") == "root 644"


@users_of_its_own
@pytest.mark.parametrize("plant", ["mkfifo", "mkdir"])
def test_what_is_no_file_is_not_waited_for(authorize, inside, plant):
    inside(f"mkdir ~/.ssh; {plant} ~/.ssh/authorized_keys", "ubuntu")

    assert "authorized_keys is not a regular file. Remove it" in authorize(ALICE, user="ubuntu")["msg"]


@users_of_its_own
@pytest.mark.wide
def test_a_file_without_an_end_is_given_up(authorize, inside):
    inside("mkdir ~/.ssh; truncate -s 100G ~/.ssh/authorized_keys", "ubuntu")

    assert "larger than 1048576 bytes" in authorize(ALICE, user="ubuntu")["msg"]


@pytest.mark.parametrize("name", ["b.b", "b+b", "1001", "BOB", "bo"])
@pytest.mark.parametrize("with_getent", [True, False])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_name_is_that_of_one_user_and_no_pattern(authorize, inside, truenas, name, with_getent, state):
    inside("echo bob:x:1001:1001::/home/bob:/bin/sh >>/etc/passwd; mkdir /home/bob")
    put(truenas, "/home/bob/.ssh/authorized_keys", f"{BOB}\n")
    if not with_getent:
        inside("rm -f $(command -v getent) /bin/getent")

    result = authorize(BOB, user=name, state=state)

    assert result["error"]["kind"] == "NotFound"
    assert read(truenas, "/home/bob/.ssh/authorized_keys") == f"{BOB}\n"


@pytest.mark.parametrize(
    "name", [".*", "b*b", "-root", "root:x", "root\n", "a b", "$(id)", "", "x" * 65, "[b]ob", "../x"]
)
def test_an_invalid_user_name_is_refused_before_the_pixel_is_accessed(authorize, truenas, name):
    result = authorize(ALICE, user=name)

    assert result["error"]["kind"] == "Invalid"
    assert "is not a valid user name: use" in result["msg"]
    assert truenas.stats.calls["virt.instance.query"] == 0


@users_of_its_own
@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (
            "eve:x:1001:1001::/nonexistent:/bin/sh",
            "the home directory /nonexistent of eve does not exist. Create it first",
        ),
        ("eve:x:1001:1001::home/eve:/bin/sh", "is 'home/eve' in /etc/passwd, which is not an absolute path"),
        ("eve:x:1001:1001:::/bin/sh", "which is not an absolute path"),
        ("eve:x:1001:1001::/:/bin/sh", "[Pp]ermission denied"),
        ("eve:x:1001:1001::/etc:/bin/sh", "[Pp]ermission denied"),
        ("eve:x:1001:1001::/root:/bin/sh", "[Pp]ermission denied|cannot"),
        ("eve:x:1001:1001::/home/ubuntu/../../etc:/bin/sh", "[Pp]ermission denied"),
    ],
)
def test_a_home_that_is_not_the_users_is_not_written_to(authorize, inside, truenas, entry, problem):
    put(truenas, KEYS, f"{BOB}\n", mode=0o600)
    inside(f"echo '{entry}' >>/etc/passwd")

    result = authorize(ALICE, user="eve")

    assert result["failed"]
    assert re.search(problem, result["msg"]), result["msg"]
    assert read(truenas, KEYS) == f"{BOB}\n"
    assert inside("ls -d /.ssh /etc/.ssh 2>/dev/null || :") == ""


@users_of_its_own
@pytest.mark.wide
def test_a_user_without_a_shell_and_another_name_of_root_have_keys_as_well(authorize, inside, truenas):
    inside(
        "echo deploy.er:x:1001:1001::/srv/deploy:/usr/sbin/nologin >>/etc/passwd;"
        "echo toor:x:0:0::/root:/bin/sh >>/etc/passwd; mkdir /srv/deploy; chown 1001 /srv/deploy"
    )

    assert authorize(ALICE, user="deploy.er")["path"] == "/srv/deploy/.ssh/authorized_keys"
    assert authorize(ALICE, user="toor")["path"] == KEYS

    assert inside("stat -c '%u %a' /srv/deploy/.ssh/authorized_keys") == "1001 600"
    assert read(truenas, KEYS) == f"{ALICE}\n"
    assert not authorize(ALICE, user="root")["changed"]


@users_of_its_own
@pytest.mark.wide
def test_over_ssh_as_well_it_is_done_as_that_user(authorize, inside, truenas, key, nas):
    nas.update(ssh_key=key.private, ssh_port=truenas.ssh_port)
    put(truenas, KEYS, f"{key.public}\n", mode=0o600)
    put(truenas, "/etc/my-shadow", f"{SECRET}\n", mode=0o600)
    inside("mkdir ~/.ssh; ln -s /etc/my-shadow ~/.ssh/authorized_keys", "ubuntu")

    result = authorize(ALICE, user="ubuntu", transport="ssh")

    assert f"{HOME}/.ssh/authorized_keys is a symlink" in result["msg"]
    inside("rm ~/.ssh/authorized_keys", "ubuntu")
    assert authorize(ALICE, user="ubuntu", transport="ssh")["changed"]
    assert inside(f"stat -c '%U %a' {HOME}/.ssh/authorized_keys") == "ubuntu 600"
