# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the connection plugin, on pixels that only the NAS can reach; whole plays are in tests/integration."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading

import pytest
import yaml
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.playbook.block import Block
from ansible.playbook.play import Play
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import become_loader, connection_loader

from ansible_collections.pixels.truenas.plugins.connection import pixels as plugin
from ansible_collections.pixels.truenas.plugins.doc_fragments import connection_login, connection_nas
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import scripts
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell import client
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.known_hosts import KnownHosts, alias
from tests.unit.plugins.conftest import both_generations, put, read, set_password, users_of_its_own


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    """Releases differ in how a shell is opened, which a test of each way of using one covers."""
    return "25.10"


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


@both_generations
@pytest.mark.wide
def test_a_line_runs_in_the_pixel_with_its_input(connection):
    rc, out, err = connection.exec_command("hostname; cat; echo err >&2; exit 4", in_data=b"in\n")

    assert (rc, out, err) == (4, b"px-web\nin\n", b"err\n")


def test_the_name_of_the_host_will_do(opened, truenas):
    truenas.world.add_container("px-web")

    assert opened(inventory_hostname="web").exec_command("hostname")[1] == b"px-web\n"


@both_generations
def test_files_are_copied_in_both_directions(connection, truenas, tmp_path):
    (tmp_path / "here").write_bytes(b"\0\xff")

    connection.put_file(str(tmp_path / "here"), "/root/there")
    connection.fetch_file("/root/there", str(tmp_path / "back"))

    assert (tmp_path / "back").read_bytes() == b"\0\xff"


def test_directories_are_copied_in_both_directions(connection, tmp_path):
    (tmp_path / "here" / "inside").mkdir(parents=True)
    (tmp_path / "here" / "inside" / "file").write_bytes(b"\0\xff")

    connection.put_file(str(tmp_path / "here"), "/root/there")
    connection.fetch_file("/root/there", str(tmp_path / "back"))

    assert (tmp_path / "back" / "inside" / "file").read_bytes() == b"\0\xff"


def test_a_directory_that_cannot_be_sent_fails_and_the_host_is_still_reachable(connection, tmp_path):
    with pytest.raises(AnsibleError, match=r"not sent: .* /etc/hostname is not a directory") as failed:
        connection.put_file(str(tmp_path), "/etc/hostname")

    assert not isinstance(failed.value, AnsibleConnectionFailure)


def test_commands_have_the_variables_that_the_host_says(opened, truenas):
    truenas.world.add_container("px-web")
    connection = opened(pixels_name="web", pixels_environment={"TOKEN": "it's sesame", "NUMBER": 3})

    rc, out, _err = connection.exec_command('cat; echo "$TOKEN|$NUMBER"', in_data=b"in\n")

    assert (rc, out) == (0, b"in\nit's sesame|3\n")


@pytest.mark.parametrize("become", [False, True])
def test_a_command_that_is_too_long_fails_and_the_host_is_still_reachable(connection, become):
    if become:
        connection.set_become_plugin(become_loader.get("sudo"))
        connection.become.success = "BECOME-SUCCESS"

    with pytest.raises(AnsibleError, match=r"argument 2 of the command has 131,\d\d\d bytes") as failed:
        connection.exec_command(f"echo BECOME-SUCCESS; : {'x' * 131_072}")

    assert not isinstance(failed.value, AnsibleConnectionFailure)
    assert connection.exec_command("hostname")[1] == b"px-web\n"


@pytest.fixture
def hangs_up(truenas):
    """A port of the pixel that closes each connection, and how many there were."""
    truenas.world.add_container("px-web")
    count = itertools.count()
    with socket.create_server((truenas.world.containers["px-web"].aliases[0]["address"], 0)) as listener:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    caller, _address = listener.accept()
                    # Counted first: the caller goes on as soon as it is closed.
                    next(count)
                    caller.close()

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1], count


@pytest.mark.parametrize("retries", [0, 1])
def test_connecting_is_repeated_as_often_as_retries_say(opened, hangs_up, retries):
    port, count = hangs_up

    with pytest.raises(AnsibleConnectionFailure, match="no SSH connection to web"):
        opened(pixels_name="web", pixels_transport="ssh", ansible_port=port, ansible_ssh_retries=retries).exec_command(
            "true"
        )

    assert next(count) == 1 + retries


@pytest.fixture
def attempts(monkeypatch):
    """How often connections were opened."""
    count = []
    open_once = plugin.Connection._open

    def counted(connection):
        count.append(connection)
        return open_once(connection)

    monkeypatch.setattr(plugin.Connection, "_open", counted)
    return count


def test_opening_the_web_shell_is_repeated_as_often_as_retries_say(opened, truenas, attempts):
    truenas.world.add_container("px-web")
    truenas.faults.add("close_shell", method="px-web")
    truenas.faults.add("close_shell", method="px-web")

    with pytest.raises(AnsibleConnectionFailure, match="cannot open a web shell in web"):
        opened(pixels_name="web").exec_command("true")
    connection = opened(pixels_name="web", ansible_ssh_retries=1)

    assert connection.exec_command("hostname")[1] == b"px-web\n"
    assert len(attempts) == 3


@pytest.mark.parametrize("release", ["25.10"])
@pytest.mark.parametrize("ssh_installed", [True])
@pytest.mark.parametrize("wrong", ["host key", "certificate", "authority"])
def test_an_attempt_that_cannot_succeed_is_not_repeated(opened, guest, key, truenas, attempts, wrong):
    variables = {"pixels_transport": "ssh", "ansible_port": truenas.ssh_port}
    if wrong == "host key":
        KnownHosts().pin(alias("px-web", f"{truenas.host}:{truenas.port}"), *key.public.split()[:2])
    else:
        variables["pixels_nas_ca_path"] = key.private if wrong == "authority" else None

    with pytest.raises(AnsibleConnectionFailure, match="host key mismatch|is not trusted|no certificate in PEM"):
        opened(pixels_name=guest, ansible_ssh_retries=3, **variables).exec_command("true")

    assert len(attempts) == 1


def test_a_file_that_cannot_be_fetched_fails_and_the_host_is_still_reachable(connection, tmp_path):
    with pytest.raises(AnsibleError, match="not fetched: /nowhere: /nowhere is not a file") as failed:
        connection.fetch_file("/nowhere", str(tmp_path / "back"))

    assert not isinstance(failed.value, AnsibleConnectionFailure)
    assert connection.exec_command("true")[0] == 0


def test_a_file_that_is_not_here_is_reported(connection):
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


def test_a_pixel_that_was_restarted_is_entered_again_after_a_reset(connection, pixels):
    connection.exec_command("true")
    pixels.containers.restart("px-web", graceful=5, force=True, timeout=30)

    connection.reset()

    assert connection.exec_command("echo back")[1] == b"back\n"


def test_a_shell_is_given_to_no_other_client_after_a_reset(connection, truenas):
    connection.exec_command("true")

    connection.reset()

    assert connection.exec_command("echo back")[1] == b"back\n"
    assert truenas.stats.shells == 2


@both_generations
@pytest.mark.wide
def test_a_shell_that_went_away_is_unreachable_and_then_made_again(connection, truenas, monkeypatch):
    # The pixel keeps running, so there is no wait for a stop.
    monkeypatch.setattr(client, "STOP_TIMEOUT_S", 0.0)
    connection.exec_command("true")
    truenas.faults.add("drop_shell", method="px-web", after_output=10)

    with pytest.raises(AnsibleConnectionFailure, match="lost the web shell of .* while the command ran"):
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

    with pytest.raises(
        AnsibleConnectionFailure, match=r"no SSH connection .*: Connection refused\. .* transport: shell "
    ):
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


OPTIONS = {
    name: option
    for text in (
        plugin.DOCUMENTATION,
        connection_login.ModuleDocFragment.DOCUMENTATION,
        connection_nas.ModuleDocFragment.DOCUMENTATION,
    )
    for name, option in yaml.safe_load(text)["options"].items()
}
KEYWORDS = {"connection_password", "become_pass", *Task.fattributes, *Block.fattributes, *Play.fattributes}
# These mean for SSH just what the keyword means; `password` is what Ansible calls the one of --ask-pass.
MEANT = {"port", "remote_user", "timeout", "password"}


@pytest.mark.parametrize("option", OPTIONS)
def test_no_option_has_the_name_of_a_keyword_that_means_something_else(option):
    assert option not in KEYWORDS - MEANT
    assert not (option.startswith("nas_") and {"cli", "env", "ini", "keyword"} & OPTIONS[option].keys())


@pytest.mark.parametrize("option", [name for name in OPTIONS if name.startswith("nas_")])
def test_a_setting_of_the_nas_comes_from_variables_of_the_nas_only(option):
    assert [each["name"] for each in OPTIONS[option]["vars"]] == [f"pixels_{option}"]


@pytest.mark.parametrize(
    "option",
    [
        *("remote_user", "password", "private_key_file", "port", "timeout", "host_key_checking", "pipelining"),
        "reconnection_retries",
    ],
)
def test_what_ansible_calls_an_option_of_ssh_counts_here_as_well(option, ssh_options):
    def names(options, source):
        return {(each.get("section"), each.get("key") or each["name"]) for each in options[option].get(source, [])}

    for source in ("vars", "env", "ini", "cli", "keyword"):
        assert names(OPTIONS, source) >= names(ssh_options, source), source


@pytest.fixture(scope="session")
def ssh_options():
    """The options of Ansible's own plugin, as they are documented."""
    from ansible.plugins.connection import ssh

    return yaml.safe_load(ssh.DOCUMENTATION)["options"]


def test_keywords_of_a_task_mean_nothing_for_the_nas(opened, truenas):
    truenas.world.add_container("px-web")
    connection = opened(inventory_hostname="web")
    known = {name: connection.get_option(name) for name in OPTIONS if name.startswith("nas_")}

    keywords = dict.fromkeys(KEYWORDS, "keyword") | {"environment": [{"X": "Y"}], "port": 2222, "timeout": 7}
    variables = {f"pixels_{name}": value for name, value in known.items() if value is not None}
    connection.set_options(task_keys=keywords, var_options={"inventory_hostname": "web", **variables})

    assert {name: connection.get_option(name) for name in known} == known
    assert (connection.get_option("port"), connection.get_option("timeout")) == (2222, 7)
    assert connection.get_option("session_environment") is None


@pytest.mark.parametrize(
    ("variables", "delegated", "pixel"),
    [
        ({"inventory_hostname": "db"}, None, "db"),
        ({"inventory_hostname": "db", "ansible_host": "px-web"}, None, "web"),
        ({"inventory_hostname": "db", "ansible_host": "192.0.2.7"}, None, "db"),
        ({"inventory_hostname": "db", "ansible_host": "2001:db8::7"}, None, "db"),
        ({"inventory_hostname": "db", "ansible_host": "192.0.2.7", "pixels_name": "web"}, None, "web"),
        ({"inventory_hostname": "db", "ansible_host": "web"}, "web", "web"),
        ({"inventory_hostname": "db", "ansible_host": "192.0.2.7"}, "web", "web"),
        ({"inventory_hostname": "db", "ansible_host": "other"}, "web", "other"),
        ({"inventory_hostname": "db"}, "web", "web"),
    ],
)
def test_the_pixel_is_that_of_the_host_for_each_source_of_its_name(opened, variables, delegated, pixel):
    connection = opened(**variables)

    connection.set_options(task_keys={"delegate_to": delegated}, var_options=variables)

    assert connection.pixel == pixel


def test_a_name_that_no_pixel_can_have_says_how_to_name_it(opened):
    with pytest.raises(AnsibleConnectionFailure, match="invalid pixel name 'web.example.org'.*pixels_name"):
        opened(inventory_hostname="web.example.org").exec_command("true")


@pytest.mark.parametrize(("text", "on"), [("false", False), ("no", False), ("true", True)])
def test_pipelining_is_a_boolean_also_where_it_is_a_text(opened, text, on):
    assert opened(ansible_pipelining=text).is_pipelining_enabled() is on


@pytest.fixture
def alice(connection, truenas):
    """A user in the pixel; the command that Ansible's own plugins for becoming make for a line."""
    connection.exec_command("useradd --create-home --shell /bin/sh alice")
    set_password(truenas, "alice", "sesame")
    set_password(truenas, "root", "open")
    return connection


def become(connection, method, line, *, user="root", password=None):
    plugin = become_loader.get(f"ansible.builtin.{method}")
    plugin.set_options(var_options={"ansible_become_user": user, "ansible_become_password": password})
    connection.set_become_plugin(plugin)
    connection._shell.executable = "/bin/sh"
    return plugin.build_become_command(line, connection._shell)


@pytest.mark.parametrize("stream", [1, 2])
def test_a_pixel_that_prints_without_end_when_it_is_asked_for_a_user_is_unreachable(
    connection, opened, truenas, monkeypatch, stream
):
    monkeypatch.setattr(scripts, "ERRORS_LIMIT", 200_000)
    put(truenas, "/usr/local/bin/id", f"#!/bin/sh\nexec yes aaaa >&{stream}\n", mode=0o755)

    with pytest.raises(AnsibleConnectionFailure, match="output of a command is larger than"):
        opened(pixels_name="web", ansible_user="alice").exec_command("true")


@users_of_its_own
def test_commands_and_files_are_those_of_the_remote_user(alice, opened, tmp_path):
    connection = opened(pixels_name="web", ansible_user="alice", pixels_environment={"TOKEN": "it's sesame"})
    (tmp_path / "here").write_text("text")

    rc, out, err = connection.exec_command('id -un; pwd; echo "$HOME $TOKEN"; cat; id -un >&2', in_data=b"in")
    connection.put_file(str(tmp_path / "here"), "there")
    connection.fetch_file("there", str(tmp_path / "back"))

    assert (rc, out, err) == (0, b"alice\n/home/alice\n/home/alice it's sesame\nin", b"alice\n")
    assert connection.exec_command("stat -c %U /home/alice/there")[1] == b"alice\n"
    assert (tmp_path / "back").read_text() == "text"
    assert connection.default_user == "alice"


@pytest.mark.parametrize("transport", ["shell", "ssh"])
def test_an_empty_user_is_refused_and_not_treated_as_root(alice, opened, transport):
    with pytest.raises(AnsibleConnectionFailure, match="invalid user ''"):
        opened(pixels_name="web", pixels_transport=transport, ansible_user="").exec_command("true")


@users_of_its_own
@pytest.mark.parametrize("user", ["nosuch", "-x", "a b"])
def test_a_user_that_the_pixel_does_not_have_is_unreachable(alice, opened, user):
    with pytest.raises(AnsibleConnectionFailure, match="user"):
        opened(pixels_name="web", ansible_user=user).exec_command("true")


@users_of_its_own
def test_the_remote_user_is_the_same_over_the_web_shell_where_auto_takes_it(alice, opened, truenas, pixels):
    known = {"pixels_name": "web", "pixels_transport": "auto", "ansible_port": truenas.ssh_port}
    connection = opened(**known, ansible_user="alice")

    assert connection.exec_command("id -un")[1] == b"alice\n"
    connection.reset()
    assert connection.exec_command("id -un")[1] == b"alice\n"
    assert truenas.stats.shells == 3  # One is that of the fixture.
    with pytest.raises(AnsibleConnectionFailure, match="cannot log in to web as 'nosuch': the pixel has no such user"):
        opened(**known, ansible_user="nosuch").exec_command("true")


def test_the_user_is_root_by_default(opened, monkeypatch):
    monkeypatch.setenv("PIXELS_SSH_USER", "alice")

    assert opened(pixels_name="web").get_option("remote_user") == "root"
    assert opened(pixels_name="web", pixels_transport="auto").get_option("remote_user") == "alice"
    assert opened(pixels_name="web", pixels_transport="auto", ansible_user="bob").get_option("remote_user") == "bob"


@users_of_its_own
def test_the_password_that_a_become_plugin_asks_for_is_given(alice, opened):
    connection = opened(pixels_name="web", ansible_user="alice")

    line = become(connection, "su", "id -un; cat; echo err >&2; exit 3", password="open")

    assert connection.exec_command(line, in_data=b"in") == (3, b"root\nin", b"err\n")


SU_WITHOUT_DELAY = """\
auth sufficient pam_rootok.so
auth required pam_unix.so nodelay
account required pam_unix.so
session required pam_unix.so
"""
"""Reports a wrong password immediately, and not after some seconds."""


@users_of_its_own
@pytest.mark.parametrize(("password", "message"), [("wrong", "Incorrect su password"), (None, "Missing su password")])
def test_a_password_to_become_another_user_that_is_wrong_or_missing_fails(alice, opened, truenas, password, message):
    put(truenas, "/etc/pam.d/su", SU_WITHOUT_DELAY)
    put(truenas, "/etc/login.defs", "FAIL_DELAY 0\n")
    connection = opened(pixels_name="web", ansible_user="alice")

    with pytest.raises(AnsibleError, match=message) as failed:
        connection.exec_command(become(connection, "su", "id -un", password=password))

    assert not isinstance(failed.value, AnsibleConnectionFailure)
    assert connection.exec_command("id -un", sudoable=False)[1] == b"alice\n"


@users_of_its_own
def test_a_program_that_never_asks_for_the_password_is_ended(alice, opened, truenas, monkeypatch):
    monkeypatch.setattr(plugin, "PROMPT_EXTRA_S", 0.2)
    put(truenas, "/usr/local/bin/sudo", "#!/bin/sh\nexec sleep 300\n", mode=0o755)
    connection = opened(pixels_name="web", ansible_ssh_timeout=0)

    with pytest.raises(AnsibleConnectionFailure, match=r"Timeout \(0.2s\) waiting for privilege escalation prompt"):
        connection.exec_command(become(connection, "sudo", "id -un", user="alice", password="sesame"))

    assert connection.exec_command("cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep [3]00'")[1] == b"0\n"


@users_of_its_own
def test_a_command_of_another_user_of_roots_needs_no_password(alice, opened):
    connection = opened(pixels_name="web")

    assert connection.exec_command(become(connection, "su", "id -un; cat", user="alice"), in_data=b"in") == (
        0,
        b"alice\nin",
        b"",
    )
