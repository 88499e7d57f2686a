# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that the command does what upstream's does, each named after the row of the comparison it is for."""

from __future__ import annotations

import json
import re
import socket
import subprocess

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._cli import lifecycle_verbs
from ansible_collections.pixels.truenas.plugins.module_utils._cli.main import main
from tests.simulator import lan
from tests.unit.plugins.conftest import put, read


def public_key(home):
    path = home / ".ssh"
    path.mkdir(mode=0o700)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path / "id_ed25519")], check=True)
    return (path / "id_ed25519.pub").read_text().strip()


def cached(home):
    """The addresses that are known of the one NAS."""
    files = list((home / ".cache/pixels").glob("addresses-*.json"))
    return json.loads(files[0].read_text()) if files else {}


def nic_of(truenas, name):
    return truenas.world.containers[name].devices["eth0"]


@pytest.fixture
def here(pixels, monkeypatch):
    """The command in this process, with the surroundings of a person: how long it waits can be changed."""
    for name, value in pixels.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)


class TestLifecycle:
    def test_l1_create_with_image_cpu_and_memory(self, pixels, truenas):
        ended = pixels("create", "web", "--image", "debian/12", "--cpu", "1", "--memory", "512", "--no-provision")

        made = truenas.world.containers["px-web"]
        assert ended.returncode == 0
        assert (made.cpu, made.memory, made.status, made.autostart) == ("1", 512 * 1024**2, "RUNNING", True)
        assert made.image["os"] == "Debian"

    @pytest.mark.parametrize(("gateway", "parent"), [("10.0.0.1", "eno1"), ("192.168.1.1", "eno2"), (None, "eno1")])
    def test_l2_the_nic_with_the_gateway_is_found_where_none_is_configured(self, pixels, truenas, gateway, parent):
        ports = [lan.physical("eno0"), lan.physical("eno1", "10.0.0.5/24"), lan.physical("eno2", "192.168.1.10/24")]
        truenas.world.interfaces = {port.name: port for port in ports}
        truenas.world.interfaces["eno0"].up = False
        truenas.world.default_routes = [gateway] if gateway else []

        pixels("create", "web", "--no-provision")

        assert nic_of(truenas, "px-web")["parent"] == parent
        assert nic_of(truenas, "px-web")["nictype"] == "macvlan"

    def test_l2_the_configured_nic_is_taken(self, pixels, truenas):
        name = next(iter(truenas.world.interfaces))
        pixels.configure(f'[defaults]\nnic_type = "macvlan"\nparent = "{name}"\n')
        truenas.stats.calls.clear()

        pixels("create", "web", "--no-provision")

        assert nic_of(truenas, "px-web")["parent"] == name
        assert truenas.stats.calls["interface.query"] == 0

    def test_l4_the_summary_has_name_time_address_and_ssh_line(self, pixels, truenas):
        ended = pixels("create", "web", "--no-provision")

        address = truenas.world.containers["px-web"].aliases[0]["address"]
        assert re.fullmatch(
            rf"Created px-web in \d+\.\ds\n  IP:  {re.escape(address)}\n  SSH: ssh root@{re.escape(address)}\n",
            ended.stdout,
        )

    def test_l5_start_says_address_and_ssh_line(self, pixels, truenas):
        truenas.world.add_container("px-web", status="STOPPED")

        ended = pixels("start", "web")

        address = truenas.world.containers["px-web"].aliases[0]["address"]
        assert ended.stdout == f"Started web\n  IP:  {address}\n  SSH: ssh root@{address}\n"

    def test_l5_start_without_an_address_is_no_error(self, here, truenas, capfd, monkeypatch):
        monkeypatch.setattr(lifecycle_verbs, "ADDRESS_TIMEOUT_S", 0.3)
        truenas.world.add_container("px-web", status="STOPPED")
        truenas.world.options.address_seconds = 600

        status = main(["start", "web"])

        assert (status, capfd.readouterr().out) == (0, "Started web (no IP assigned)\n")
        assert truenas.stats.calls["virt.instance.query"] > 1

    def test_l5_start_of_what_does_not_answer_over_ssh_is_reported_and_no_error(
        self, here, truenas, capfd, monkeypatch
    ):
        monkeypatch.setitem(lifecycle_verbs.SSH_TIMEOUT_S, "start", 0.3)
        truenas.world.add_container("px-web", status="STOPPED")

        status = main(["start", "web", "--wait", "ssh"])

        captured = capfd.readouterr()
        address = truenas.world.containers["px-web"].aliases[0]["address"]
        assert (status, captured.out) == (0, f"Started web\n  IP:  {address}\n  SSH: ssh root@{address}\n")
        assert "Warning: SSH not ready: " in captured.err

    def test_l6_stop(self, pixels, truenas):
        truenas.world.add_container("px-web")

        ended = pixels("stop", "web")

        assert (ended.returncode, ended.stdout) == (0, "Stopped web\n")
        assert truenas.world.containers["px-web"].status == "STOPPED"

    def test_l6_stopping_what_is_stopped_is_no_error(self, pixels, truenas):
        truenas.world.add_container("px-web", status="STOPPED")

        ended = pixels("stop", "web")

        assert (ended.returncode, ended.stdout) == (0, "web is already stopped\n")
        assert truenas.stats.calls["virt.instance.stop"] == 0

    @pytest.mark.parametrize(("answer", "left"), [("y\n", 0), ("YES\n", 0), ("n\n", 1), ("\n", 1)])
    def test_l7_destroy_asks_first(self, pixels, truenas, answer, left):
        truenas.world.add_container("px-web")

        ended = pixels("destroy", "web", stdin=answer)

        assert ended.stdout.startswith('Destroy pixel "web" and all its checkpoints? [y/N] ')
        assert ended.stdout.endswith("Aborted.\n" if left else "Destroyed web\n")
        assert (ended.returncode, len(truenas.world.containers)) == (0, left)

    def test_l7_destroy_by_force_stops_first_and_does_not_ask(self, pixels, truenas):
        truenas.world.add_container("px-web")
        pixels("checkpoint", "create", "web", "--label", "one")
        pixels("checkpoint", "create", "web", "--label", "two")
        assert len([name for name in truenas.world.snapshots if "/px-web@" in name]) == 2

        assert pixels("destroy", "--force", "web").stdout == "Destroyed web\n"
        assert truenas.world.containers == {}
        assert [name for name in truenas.world.snapshots if "px-web" in name] == []
        assert truenas.stats.calls["virt.instance.stop"] == 1

    def test_l7_destroy_tries_again_while_the_storage_is_busy(self, pixels, truenas):
        truenas.world.add_container("px-web", status="STOPPED")
        truenas.faults.add("busy_delete", times=2)

        assert pixels("destroy", "-f", "web").returncode == 0
        assert truenas.stats.calls["virt.instance.delete"] == 3

    def test_l8_list_is_a_table(self, pixels, truenas):
        address = truenas.world.add_container("px-web").aliases[0]["address"]
        truenas.world.add_container("px-database", status="STOPPED")

        assert pixels("list").stdout.splitlines() == [
            "NAME      STATUS   IP",
            "database  STOPPED  —",
            f"web       RUNNING  {address}",
        ]

    def test_l8_an_empty_list_is_reported(self, pixels):
        assert pixels("list").stdout == "No pixels found.\n"

    def test_l9_the_prefix_goes_on_and_comes_off(self, pixels, truenas):
        truenas.world.add_container("px-web")
        truenas.world.add_container("other")

        assert pixels("list", "-q").stdout == "web\n"
        assert pixels("stop", "px-web").stdout == "Stopped web\n"


class TestInside:
    @pytest.fixture
    def engine(self):
        return "process"

    @pytest.fixture
    def ssh_installed(self, request):
        return "l3" not in request.node.name

    @pytest.mark.wide
    def test_l3_after_provisioning_it_answers_over_ssh_without_a_restart(self, pixels, truenas, home):
        key = public_key(home)

        ended = pixels("create", "web", PIXELS_SSH_PORT=str(truenas.ssh_port))

        assert ended.returncode == 0, ended.stderr
        assert key in read(truenas, "/root/.ssh/authorized_keys")
        assert truenas.world.containers["px-web"].starts == 1
        address = truenas.world.containers["px-web"].aliases[0]["address"]
        with socket.create_connection((address, truenas.ssh_port)) as connection:
            assert connection.recv(4) == b"SSH-"

    def test_e1_exec_passes_arguments_input_outputs_and_exit_status(self, inside):
        script = 'cat; echo err >&2; printf "%s|" "$@"; exit 3'

        ended = inside("exec", "web", "--", "sh", "-c", script, "sh", "a  b", "$HOME", "it's", "*", stdin="in\n")

        assert (ended.returncode, ended.stdout, ended.stderr) == (3, "in\na  b|$HOME|it's|*|", "err\n")

    def test_e2_exec_refuses_what_does_not_run(self, inside, truenas):
        truenas.world.add_container("px-old", status="STOPPED")

        ended = inside("exec", "old", "true")

        assert ended.returncode == 1
        assert "old on 127.0.0.1" in ended.stderr
        assert "is stopped. Run pixels start old first" in ended.stderr

    def test_e4_console_starts_a_stopped_pixel_and_gives_a_shell(self, inside, truenas):
        inside("stop", "web")
        terminal = inside.at_terminal("console", "web")

        terminal.see("Starting web...")
        terminal.type("echo we are on $(uname -n)\n")
        terminal.see("we are on px-web")
        terminal.type("exit 7\n")

        assert terminal.end() == 7

    @pytest.mark.wide
    def test_e7_p9_p10_variables_are_forwarded_given_to_a_session_or_written(self, pixels, truenas, home):
        public_key(home)
        pixels.configure(
            '[env]\nA = "$OURS"\nB = {forward = true}\nC = {value = "$c", session_only = true}\nD = {forward = true}\n'
        ).chmod(0o600)
        pixels.environment |= {"PIXELS_SSH_PORT": str(truenas.ssh_port), "OURS": "ours", "B": "b"}
        pixels.environment["PIXELS_SSH_KEY"] = str(home / ".ssh" / "id_ed25519")

        made = pixels("create", "web")
        ended = pixels("exec", "web", "--", "sh", "-c", 'echo "$B|$C|${D-unset}"')

        assert made.returncode == 0, made.stderr
        assert 'A="ours"\n' in read(truenas, "/etc/environment")
        assert "AcceptEnv B C D\n" in read(truenas, "/etc/ssh/sshd_config.d/pixels-env.conf")
        assert (ended.stdout, ended.stderr) == ("b|$c|unset\n", "")

    def test_e9_exec_waits_until_ssh_answers(self, inside, truenas):
        guest = truenas.world.engine._guests["px-web"]
        truenas.run(guest.close_ssh())
        with socket.create_server((guest.address, truenas.ssh_port)) as door:
            door.settimeout(20)
            process = inside.start("exec", "web", "uname", "-n")
            # The port answers, but not as an SSH server.
            door.accept()[0].close()
        assert process.poll() is None

        truenas.run(guest.open_ssh())

        out, err = process.communicate(timeout=30)
        assert (process.returncode, out, err) == (0, b"px-web\n", b"")

    def test_c1_checkpoint_create_with_and_without_a_label(self, inside):
        assert inside("checkpoint", "create", "web", "--label", "ready").stdout == (
            'Checkpoint "ready" created for web\n'
        )
        assert re.fullmatch(
            r'Checkpoint "px-\d{8}-\d{6}" created for web\n', inside("checkpoint", "create", "web").stdout
        )

    def test_c2_checkpoint_list_has_label_and_size(self, inside):
        assert inside("checkpoint", "list", "web").stdout == "No checkpoints for web.\n"
        inside("checkpoint", "create", "web", "--label", "ready")

        header, row = inside("checkpoint", "list", "web").stdout.splitlines()

        assert header.split() == ["LABEL", "SIZE", "CREATED"]
        assert re.match(r"ready  \d+(\.\d)? ([KMG]i)?B  ", row)

    @pytest.mark.wide
    def test_c3_restore_stops_rolls_back_and_starts(self, inside, truenas):
        put(truenas, "/root/state", "before")
        inside("checkpoint", "create", "web", "--label", "ready")
        put(truenas, "/root/state", "after")

        ended = inside("checkpoint", "restore", "web", "ready")

        address = truenas.world.containers["px-web"].aliases[0]["address"]
        assert ended.stderr == "Stopping web...\n"
        assert re.fullmatch(
            rf'Restored web to "ready" in \d+\.\ds\n  SSH: ssh root@{re.escape(address)}\n', ended.stdout
        )
        assert inside("exec", "web", "cat", "/root/state").stdout == "before"

    def test_c4_checkpoint_delete(self, inside):
        inside("checkpoint", "create", "web", "--label", "ready")

        assert inside("checkpoint", "delete", "web", "ready").stdout == 'Deleted checkpoint "ready" from web\n'
        assert inside("checkpoint", "list", "web").stdout == "No checkpoints for web.\n"

    def test_c5_cp_is_checkpoint(self, inside):
        assert inside("cp", "list", "web").stdout == "No checkpoints for web.\n"

    def test_c6_the_prefix_of_datasets_can_be_set(self, inside, truenas):
        truenas.world.storage.zfs.add("tank/elsewhere/px-web")
        inside.configure('[checkpoint]\ndataset_prefix = "tank/elsewhere"\n')

        assert inside("checkpoint", "create", "web", "--label", "ready").returncode == 0
        assert set(truenas.world.snapshots) >= {"tank/elsewhere/px-web@ready"}
        assert "tank/.ix-virt/containers/px-web@ready" not in truenas.world.snapshots

    def test_c7_the_dataset_is_found_on_the_pool_of_the_pixel(self, inside, truenas):
        truenas.world.add_container("px-far", storage_pool="fast")

        inside("checkpoint", "create", "far", "--label", "ready")

        assert "fast/.ix-virt/containers/px-far@ready" in truenas.world.snapshots

    @pytest.mark.wide
    def test_f7_a_known_address_spares_the_nas(self, inside, truenas):
        inside("exec", "web", "true")
        for path in inside.sockets:
            subprocess.run(["ssh", "-S", str(path), "-O", "exit", "pixel"], capture_output=True, check=True)
        truenas.stats.calls.clear()

        assert inside("exec", "web", "uname", "-n").stdout == "px-web\n"
        assert truenas.stats.calls == {}

    def test_f7_the_address_is_known_after_create(self, inside, truenas, home):
        inside("create", "new", "--no-provision")

        assert cached(home)["px-new"] == truenas.world.containers["px-new"].aliases[0]["address"]

    def test_f7_the_address_is_known_after_start(self, inside, truenas, home):
        inside("stop", "web")
        assert "px-web" not in cached(home)

        inside("start", "web")

        assert cached(home)["px-web"] == truenas.world.containers["px-web"].aliases[0]["address"]

    @pytest.mark.wide
    def test_f7_the_address_is_known_after_restore(self, inside, truenas, home):
        inside("checkpoint", "create", "web", "--label", "ready")
        inside("exec", "web", "true")
        (file,) = (home / ".cache/pixels").glob("addresses-*.json")
        file.write_text('{"px-web": "192.0.2.1"}')

        inside("checkpoint", "restore", "web", "ready")

        assert cached(home)["px-web"] == truenas.world.containers["px-web"].aliases[0]["address"]

    @pytest.mark.parametrize("verb", [["stop"], ["destroy", "--force"]])
    def test_f7_the_address_is_dropped_on_stop_and_destroy(self, inside, home, verb):
        inside("exec", "web", "true")
        (file,) = (home / ".cache/pixels").glob("addresses-*.json")
        assert "px-web" in file.read_text()

        inside(*verb, "web")

        assert "px-web" not in file.read_text()
        assert inside.sockets == []


class TestConfiguration:
    def test_f1_the_file_is_toml_where_xdg_says(self, pixels, home):
        assert pixels("config", "path").stdout == f"{home}/.config/pixels/config.toml\n"
        elsewhere = pixels("config", "path", XDG_CONFIG_HOME=str(home / "etc"))
        assert elsewhere.stdout == f"{home}/etc/pixels/config.toml\n"

    def test_f2_every_variable_of_upstream_is_understood(self, pixels):
        variables = {
            "PIXELS_TRUENAS_HOST": ("truenas.host", "nas"),
            "PIXELS_TRUENAS_PORT": ("truenas.port", "8443"),
            "PIXELS_TRUENAS_USERNAME": ("truenas.username", "me"),
            "PIXELS_TRUENAS_API_KEY": ("truenas.api_key", "********"),
            "PIXELS_DEFAULT_IMAGE": ("defaults.image", "debian/12"),
            "PIXELS_DEFAULT_CPU": ("defaults.cpu", "4"),
            "PIXELS_DEFAULT_MEMORY": ("defaults.memory", "4GiB"),
            "PIXELS_DEFAULT_POOL": ("defaults.pool", "fast"),
            "PIXELS_SSH_USER": ("ssh.user", "pixel"),
            "PIXELS_SSH_KEY": ("ssh.key", "~/.ssh/other"),
            "PIXELS_CHECKPOINT_DATASET_PREFIX": ("checkpoint.dataset_prefix", "tank/incus"),
        }
        given = {
            name: {"********": "1-k", "4GiB": "4096"}.get(value, value) for name, (_key, value) in variables.items()
        }

        shown = pixels.json("config", "show", PIXELS_TRUENAS_INSECURE="true", **given)

        assert {name: shown[key] for name, (key, _value) in variables.items()} == {
            name: {"value": value, "source": name} for name, (_key, value) in variables.items()
        }
        assert shown["truenas.validate_certs"] == {"value": "false", "source": "PIXELS_TRUENAS_INSECURE"}

    def test_f3_flags_name_host_key_and_user(self, pixels, truenas):
        truenas.world.add_container("px-web")
        flags = ["--host", truenas.host, "-u", truenas.username, "--api-key", truenas.api_key]

        ended = pixels(
            *flags, "list", "-q", PIXELS_TRUENAS_HOST=None, PIXELS_TRUENAS_USERNAME=None, PIXELS_TRUENAS_API_KEY=None
        )

        assert ended.stdout == "web\n"
        assert ended.stderr.startswith("Warning: other users of this machine can see")

    def test_f4_defaults_then_file_then_variables_then_flags(self, pixels):
        def user(*flags, **variables):
            return pixels.json("config", "show", *flags, **variables)["truenas.username"]["value"]

        assert user(PIXELS_TRUENAS_USERNAME=None) == "root"
        pixels.configure('[truenas]\nusername = "file"\n')
        assert user(PIXELS_TRUENAS_USERNAME=None) == "file"
        assert user(PIXELS_TRUENAS_USERNAME="variable") == "variable"
        assert user("-u", "flag", PIXELS_TRUENAS_USERNAME="variable") == "flag"

    def test_f5_certificates_are_verified_unless_switched_off(self, pixels):
        refused = pixels("list", PIXELS_TRUENAS_CA_PATH=None)
        assert refused.returncode == 1
        assert "certificate" in refused.stderr

        pixels.configure("[truenas]\ninsecure_skip_verify = true\n")
        assert pixels("list", PIXELS_TRUENAS_CA_PATH=None).returncode == 0

    def test_f6_a_tilde_is_the_home(self, pixels, truenas, home):
        (home / "nas.key").write_text(truenas.api_key)
        pixels.configure('[truenas]\napi_key_file = "~/nas.key"\n')

        assert pixels("list", PIXELS_TRUENAS_API_KEY=None).returncode == 0

    @pytest.mark.parametrize(
        ("variable", "option", "flag"),
        [("PIXELS_TRUENAS_HOST", "host", "--host"), ("PIXELS_TRUENAS_API_KEY", "api_key", "--api-key-file")],
    )
    def test_f8_what_is_missing_is_named(self, pixels, home, variable, option, flag):
        ended = pixels("list", **{variable: None})

        assert ended.returncode == 1
        place = f"{home}/.config/pixels"
        assert f"Use {flag}, or set the variable {variable} or truenas.{option} in {place}" in ended.stderr
