# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of provisioning, with guests that boot, run the script and start an SSH server."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state import known_hosts
from ansible_collections.pixels.truenas.plugins.modules import pixels_container, pixels_exec
from tests.unit.plugins.conftest import both_generations, put, read

KEYS = "/root/.ssh/authorized_keys"


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def ssh_installed():
    return False


@pytest.fixture(params=["shell", "rootfs"])
def method(request):
    """Run each test with both methods, unless it sets one."""
    return request.param


by_shell = pytest.mark.parametrize("method", ["shell"])
by_rootfs = pytest.mark.parametrize("method", ["rootfs"])


@pytest.fixture
def provision(run, truenas, key, nas, method):
    """Run the module for a pixel that is reachable over SSH."""
    nas.update(ssh_key=key.private, ssh_port=truenas.ssh_port)

    def run_module(options=None, **params):
        options = {"method": method, **(options or {})} if options is not False else False
        return run(pixels_container, **{"name": "web", "provision": options, "wait_timeout": 60, **params})

    return run_module


@both_generations
@pytest.mark.wide
def test_a_fresh_pixel_answers_with_our_key_when_the_task_is_done(provision, run):
    result = provision()

    assert result.get("changed"), result["msg"]
    assert run(pixels_exec, name="web", cmd="hostname")["stdout"] == "px-web"


@pytest.mark.wide
def test_a_second_run_changes_nothing_and_check_mode_knew(provision, truenas):
    assert provision(check_mode=True)["changed"]
    assert truenas.world.containers == {}
    provision()
    starts = truenas.world.containers["px-web"].starts

    assert not provision(check_mode=True)["changed"]
    assert not provision()["changed"]
    assert truenas.world.containers["px-web"].starts == starts


@pytest.mark.wide
def test_keys_of_others_stay(provision, truenas, key):
    truenas.world.add_container("px-web")
    put(truenas, KEYS, "ssh-ed25519 AAAAother other@there\n", mode=0o600)

    provision()

    assert read(truenas, KEYS) == f"ssh-ed25519 AAAAother other@there\n{key.public}\n"


@pytest.mark.wide
def test_another_key_is_added_without_a_restart(provision, truenas, key):
    provision()
    starts = truenas.world.containers["px-web"].starts

    assert provision({"public_keys": ["ssh-ed25519 AAAAsecond second@there"]})["changed"]
    assert read(truenas, KEYS) == f"{key.public}\nssh-ed25519 AAAAsecond second@there\n"
    assert truenas.world.containers["px-web"].starts == starts


@by_rootfs
@pytest.mark.wide
def test_name_servers_are_put_where_resolved_reads_them(provision, truenas):
    provision({"dns": ["1.1.1.1", "9.9.9.9"]})

    assert read(truenas, "/etc/systemd/resolved.conf.d/pixels-dns.conf") == "[Resolve]\nDNS=1.1.1.1 9.9.9.9\n"


def test_a_stopped_pixel_is_started_and_provisioned(provision, truenas, run):
    truenas.world.add_container("px-web", status="STOPPED")

    assert provision()["changed"]
    assert run(pixels_exec, name="web", cmd="true")["rc"] == 0


@by_rootfs
@pytest.mark.wide
def test_a_first_boot_that_fails_fails_the_task_with_its_output_and_what_is_in_place(provision, truenas):
    truenas.world.engine.mirrors_down.add("*")

    result = provision()

    assert result["failed"]
    assert "first-boot script" in result["msg"]
    assert "Failed to fetch" in result["msg"] or "Unable to" in result["msg"] or "resolve" in result["msg"]
    assert f"Already written: {KEYS}, /etc/rc.local" in result["msg"]
    truenas.world.engine.mirrors_down.clear()
    assert "failed" not in provision()


@by_rootfs
@pytest.mark.wide
def test_the_note_of_an_earlier_failure_is_gone_before_the_script_runs_again(provision, truenas):
    truenas.world.add_container("px-web")
    put(truenas, "/root/.ssh-provision-failed", "what it said the last time\n")
    truenas.faults.add("fail_job", method="virt.instance.restart", kind="CallError", errno=14, text="not now")

    assert "not now" in provision()["msg"]

    assert read(truenas, "/root/.ssh-provision-failed").strip() == ""
    assert provision()["changed"]


@by_rootfs
def test_a_symlink_of_the_guest_is_not_followed(provision, truenas, run):
    truenas.world.add_container("px-web")
    engine = truenas.world.engine
    truenas.run(engine.run("px-web", ["sh", "-c", "rm -rf /root/.ssh; ln -s /etc /root/.ssh"]))

    result = provision()

    assert result["failed"]
    assert "/root/.ssh in web is a symlink" in result["msg"]
    assert truenas.run(engine.stat("px-web", "/etc/authorized_keys")) is None


@by_rootfs
@pytest.mark.parametrize(
    ("plant", "problem"),
    [
        ("ln -s /etc/my-shadow /root/.ssh/authorized_keys", "/root/.ssh/authorized_keys in web is a symlink"),
        ("rm -r /root/.ssh; ln -s /nowhere /root/.ssh", "/root/.ssh in web is a symlink"),
        ("ln -s /nowhere/x /etc/rc.local", "/etc/rc.local in web is a symlink"),
        ("mkfifo /root/.ssh/authorized_keys", "/root/.ssh/authorized_keys in web is not a regular file"),
        ("truncate -s 100G /root/.ssh/authorized_keys", "has 107374182400 bytes, more than the"),
    ],
)
def test_what_the_guest_put_in_the_place_of_a_file_is_neither_read_nor_written(provision, truenas, plant, problem):
    truenas.world.add_container("px-web")
    script = f"mkdir -p /root/.ssh; rm -f /root/.ssh/authorized_keys; {plant}"
    truenas.run(truenas.world.engine.run("px-web", ["sh", "-c", script]))

    result = provision()

    assert result["failed"]
    assert problem in result["msg"]


@by_rootfs
def test_a_script_of_another_user_is_not_overwritten(provision, truenas):
    truenas.world.add_container("px-web")
    put(truenas, "/etc/rc.local", "#!/bin/sh\nexit 0\n", mode=0o755)

    result = provision()

    assert result["failed"]
    assert "of its own" in result["msg"]
    assert read(truenas, "/etc/rc.local") == "#!/bin/sh\nexit 0\n"


@by_rootfs
def test_an_account_that_may_not_write_is_reported(provision, truenas, nas):
    roles = ["VIRT_GLOBAL_READ", "VIRT_INSTANCE_READ", "VIRT_INSTANCE_WRITE", "READONLY_ADMIN"]
    nas.update(username="manager", api_key=truenas.add_account("manager", roles=roles))

    result = provision()

    assert result["failed"]
    assert result["error"]["kind"] == "NotPermitted"
    assert "web was created" in result["msg"]


@pytest.mark.wide
def test_a_pixel_made_again_is_trusted_again(provision, run, truenas):
    provision()
    run(pixels_exec, name="web", cmd="true")
    provision(state="absent", options=False)

    provision()

    assert run(pixels_exec, name="web", cmd="true")["rc"] == 0


@pytest.mark.wide
def test_a_new_pixel_gets_the_usual_name_servers_unless_others_or_none_are_asked_for(run, truenas, key, monkeypatch):
    monkeypatch.setenv("PIXELS_DEFAULT_DNS", "9.9.9.9 1.1.1.1")

    def written(name, **asked):
        run(
            pixels_container,
            name=name,
            wait="none",
            ssh_port=truenas.ssh_port,
            provision={"method": "rootfs", "public_keys": [key.public], **asked},
        )
        try:
            return read(truenas, "/etc/systemd/resolved.conf.d/pixels-dns.conf", name=f"px-{name}")
        except OSError:
            return None

    assert written("usual") == "[Resolve]\nDNS=9.9.9.9 1.1.1.1\n"
    assert written("own", dns=["8.8.8.8"]) == "[Resolve]\nDNS=8.8.8.8\n"
    assert written("none", dns=[]) is None


def test_true_is_by_the_shell_without_a_restart_or_a_write_from_outside(run, truenas, key, nas):
    nas.update(ssh_key=key.private, ssh_port=truenas.ssh_port)

    result = run(pixels_container, name="web", provision=True, wait="ssh", wait_timeout=60)

    assert result.get("changed"), result["msg"]
    assert truenas.world.containers["px-web"].starts == 1
    assert truenas.stats.calls["filesystem.file_receive"] == 0
    assert truenas.stats.shells == 1


@by_shell
@pytest.mark.wide
def test_host_keys_are_pinned_as_they_are_read_inside(provision, truenas, pixels):
    provision()

    kind, key, *_comment = read(truenas, "/etc/ssh/ssh_host_ed25519_key.pub").split()
    assert pixels.host_keys.find(known_hosts.alias("px-web", pixels.nas)) == {kind: key}


@by_shell
@pytest.mark.wide
def test_an_account_without_full_rights_can_provision(provision, truenas, nas):
    roles = ["VIRT_GLOBAL_READ", "VIRT_INSTANCE_READ", "VIRT_INSTANCE_WRITE", "READONLY_ADMIN"]
    nas.update(username="manager", api_key=truenas.add_account("manager", roles=roles, web_shell=True))

    assert provision()["changed"]


@by_shell
def test_an_account_without_web_shell_is_reported_what_it_lacks(provision, truenas, nas):
    roles = ["VIRT_GLOBAL_READ", "VIRT_INSTANCE_READ", "VIRT_INSTANCE_WRITE", "READONLY_ADMIN"]
    nas.update(username="manager", api_key=truenas.add_account("manager", roles=roles))

    result = provision()

    assert result["failed"]
    assert result["error"]["kind"] == "NotPermitted"
    assert "web shell access" in result["msg"]


@by_shell
@pytest.mark.wide
def test_an_installation_that_fails_is_reported_with_its_last_output_and_continues_next_time(provision, truenas):
    truenas.world.engine.mirrors_down.add("*")

    result = provision()

    assert result["failed"]
    assert "installing and starting an SSH server failed with" in result["msg"]
    assert "Failed to fetch" in result["msg"]
    assert f"Already written: {KEYS}" in result["msg"]
    truenas.world.engine.mirrors_down.clear()
    assert provision()["changed"]
    assert not provision()["changed"]


@by_shell
@pytest.mark.wide
def test_a_server_that_was_switched_off_is_switched_on_again(provision, truenas):
    provision()
    truenas.run(truenas.world.engine.run("px-web", ["systemctl", "disable", "--now", "ssh"]))

    assert provision(check_mode=True)["changed"]
    assert provision()["changed"]
    assert not provision()["changed"]


@pytest.fixture
def configure(tmp_path, monkeypatch):
    """Write the table `[env]` of the configuration file."""

    def write(text):
        (tmp_path / "config.toml").write_text(f"[env]\n{text}\n")
        monkeypatch.setenv("PIXELS_CONFIG", str(tmp_path / "config.toml"))

    return write


@pytest.mark.wide
def test_variables_of_the_configuration_are_put_in_place_and_those_of_a_session_are_not(provision, truenas, configure):
    configure('A = "sesame $OURS"\nTOKEN = {forward = true}')
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OURS", "open")
        environment.setenv("TOKEN", "secret")

        first, second = provision(), provision()

    assert (first["changed"], second["changed"]) == (True, False)
    assert read(truenas, "/etc/environment").endswith('A="sesame open"\n')
    assert read(truenas, "/etc/ssh/sshd_config.d/pixels-env.conf") == "AcceptEnv TOKEN\n"
    assert "sesame" not in str(first)


def test_a_variable_that_cannot_be_written_is_reported_before_anything_is_made(provision, truenas, configure):
    configure('A = "$NOT_SET_ANYWHERE"')

    result = provision()

    assert result["failed"]
    assert 'env "A": it refers to $NOT_SET_ANYWHERE, which is not set' in result["msg"]
    assert not truenas.world.containers
