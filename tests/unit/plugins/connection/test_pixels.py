# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the connection plugin, on pixels that only the NAS can reach; whole plays are in tests/integration."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from tests.unit.plugins.conftest import put, read


@pytest.fixture
def engine():
    return "process"


@pytest.fixture(params=["25.10", "26"])
def release(request):
    """One is enough of those with C(virt.*): both open shells the same way."""
    return request.param


@pytest.fixture
def ssh_installed():
    return False


@pytest.fixture
def opened(nas):
    """Makes a connection as a task of a host with these variables does."""
    connections = []

    def open_connection(**variables):
        connection = connection_loader.get("pixels.truenas.pixels", PlayContext())
        known = {f"pixels_nas_{name}": value for name, value in nas.items()}
        connection.set_options(var_options={"inventory_hostname": "host", **known, **variables})
        connections.append(connection)
        return connection

    yield open_connection
    for connection in connections:
        connection.close()


@pytest.fixture
def connection(opened, truenas):
    truenas.world.add_container("px-web")
    return opened(pixels_name="web")


def test_a_line_runs_in_the_pixel_with_its_input(connection):
    rc, out, err = connection.exec_command("hostname; cat; echo err >&2; exit 4", in_data=b"in\n")

    assert (rc, out, err) == (4, b"px-web\nin\n", b"err\n")


def test_the_name_of_the_host_will_do(opened, truenas):
    truenas.world.add_container("px-web")

    assert opened(inventory_hostname="web").exec_command("hostname")[1] == b"px-web\n"


def test_files_go_both_ways(connection, truenas, tmp_path):
    (tmp_path / "here").write_bytes(b"\0\xff")

    connection.put_file(str(tmp_path / "here"), "/root/there")
    connection.fetch_file("/root/there", str(tmp_path / "back"))

    assert (tmp_path / "back").read_bytes() == b"\0\xff"


def test_folders_go_both_ways(connection, tmp_path):
    (tmp_path / "here" / "inside").mkdir(parents=True)
    (tmp_path / "here" / "inside" / "file").write_bytes(b"\0\xff")

    connection.put_file(str(tmp_path / "here"), "/root/there")
    connection.fetch_file("/root/there", str(tmp_path / "back"))

    assert (tmp_path / "back" / "inside" / "file").read_bytes() == b"\0\xff"


def test_a_folder_that_cannot_be_sent_fails_and_the_host_is_still_reachable(connection, tmp_path):
    with pytest.raises(AnsibleError, match=r"not sent: .* /etc/hostname is no folder") as failed:
        connection.put_file(str(tmp_path), "/etc/hostname")

    assert not isinstance(failed.value, AnsibleConnectionFailure)


def test_commands_have_the_variables_that_the_host_says(opened, truenas):
    truenas.world.add_container("px-web")
    connection = opened(pixels_name="web", pixels_environment={"TOKEN": "it's sesame", "NUMBER": 3})

    rc, out, _err = connection.exec_command('cat; echo "$TOKEN|$NUMBER"', in_data=b"in\n")

    assert (rc, out) == (0, b"in\nit's sesame|3\n")


def test_a_file_that_cannot_be_had_fails_and_the_host_is_still_reachable(connection, tmp_path):
    with pytest.raises(AnsibleError, match="not fetched: /nowhere: /nowhere is no file") as failed:
        connection.fetch_file("/nowhere", str(tmp_path / "back"))

    assert not isinstance(failed.value, AnsibleConnectionFailure)
    assert connection.exec_command("true")[0] == 0


def test_a_file_that_is_not_here_is_told(connection):
    with pytest.raises(AnsibleError, match="there is no file /nowhere to send to web"):
        connection.put_file("/nowhere", "/root/x")


@pytest.mark.parametrize(
    ("status", "reason"), [("STOPPED", r"web on \S+ is stopped: start it first"), (None, "no pixel named web")]
)
def test_a_pixel_that_cannot_be_entered_is_unreachable(opened, truenas, status, reason):
    if status:
        truenas.world.add_container("px-web", status)

    with pytest.raises(AnsibleConnectionFailure, match=reason):
        opened(pixels_name="web").exec_command("true")


def test_a_nas_that_cannot_be_reached_is_unreachable(opened, truenas):
    with pytest.raises(AnsibleConnectionFailure, match="refused the connection"):
        opened(pixels_name="web", pixels_nas_port=1).exec_command("true")


def test_an_account_that_may_not_is_unreachable(opened, truenas):
    truenas.world.add_container("px-web")
    key = truenas.add_account("operator", roles=["VIRT_INSTANCE_WRITE", "VIRT_GLOBAL_READ", "CONTAINER_WRITE"])

    with pytest.raises(AnsibleConnectionFailure, match="web shell access"):
        opened(pixels_name="web", pixels_nas_username="operator", pixels_nas_api_key=key).exec_command("true")


def test_a_pixel_that_was_restarted_is_entered_anew_after_a_reset(connection, pixels):
    connection.exec_command("true")
    pixels.containers.restart("px-web", graceful=5, force=True, timeout=30)

    connection.reset()

    assert connection.exec_command("echo back")[1] == b"back\n"


def test_a_shell_is_given_to_nobody_else_after_a_reset(connection, truenas):
    connection.exec_command("true")

    connection.reset()

    assert connection.exec_command("echo back")[1] == b"back\n"
    assert truenas.stats.shells == 2


def test_a_shell_that_went_away_is_unreachable_and_then_made_anew(connection, truenas):
    connection.exec_command("true")
    truenas.faults.add("drop_shell", method="px-web", after_output=10)

    with pytest.raises(AnsibleConnectionFailure, match="went away while the command ran"):
        connection.exec_command("head -c 1000 /dev/zero; sleep 600")

    assert connection.exec_command("echo back")[1] == b"back\n"


def test_over_ssh_where_that_is_asked_for(opened, guest, key, truenas):
    connection = opened(
        pixels_name=guest,
        pixels_transport="ssh",
        ansible_ssh_private_key_file=key.private,
        ansible_port=truenas.ssh_port,
    )
    put(truenas, "/root/x", "there")

    with pytest.raises(AnsibleConnectionFailure, match="no SSH connection"):
        connection.exec_command("cat /root/x")

    assert truenas.stats.shells == 0
    assert read(truenas, "/root/x") == "there"


def test_automatically_through_the_nas_where_no_server_answers(opened, guest, key, truenas):
    connection = opened(
        pixels_name=guest,
        pixels_transport="auto",
        ansible_ssh_private_key_file=key.private,
        ansible_port=truenas.ssh_port,
    )

    assert connection.exec_command("echo in")[1] == b"in\n"
    assert truenas.stats.shells == 1


def test_no_other_credential_goes_to_a_nas_that_has_its_own(opened, truenas, nas, monkeypatch):
    monkeypatch.setenv("PIXELS_TRUENAS_API_KEY", nas.pop("api_key"))

    with pytest.raises(AnsibleConnectionFailure, match=f"{truenas.host} has a credential of its own"):
        opened(pixels_name="web", pixels_nas_has_own_credential=True).exec_command("true")

    assert truenas.stats.connections == 0
