# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of pixels as hosts of an inventory."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

from ansible_collections.pixels.truenas.plugins.inventory.pixels import InventoryModule
from tests.simulator.running import running_simulator
from tests.unit.plugins.conftest import both_generations

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def release():
    """One is enough: the modules show that both are understood."""
    return "25.10"


@pytest.fixture
def inventory(nas, tmp_path, monkeypatch):
    """Parse an inventory file with these options, and those that lead to the NAS."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # A source that cannot be parsed is an error here, where Ansible only warns by default.
    monkeypatch.setattr("ansible.constants.INVENTORY_ANY_UNPARSED_IS_FAILED", True)

    def parse(*, flush_cache=False, **options):
        path = tmp_path / "test.pixels.yml"
        path.write_text(yaml.safe_dump({"plugin": "pixels.truenas.pixels", **nas, **options}))
        return InventoryManager(loader=DataLoader(), sources=[str(path)], cache=not flush_cache)

    return parse


@pytest.fixture
def cache(tmp_path):
    """The options that switch Ansible's cache on."""
    return {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "facts")}


@pytest.fixture
def second(release):
    """Another NAS."""
    with running_simulator(release=release, engine="paper") as simulator:
        yield simulator


def way_to(simulator):
    """The options of the file that lead there."""
    return {
        "host": simulator.host,
        "port": simulator.port,
        "username": simulator.username,
        "api_key": simulator.api_key,
        "ca_path": simulator.ca_file,
    }


def at(simulator, name):
    """What a pixel there is called with the name of its NAS."""
    return f"{name}.{simulator.host}.{simulator.port}"


@pytest.fixture
def complaint(inventory, capfd):
    """What Ansible says of an inventory file that cannot be used."""

    def parse(**options):
        with pytest.raises(AnsibleError):
            inventory(**options)
        return " ".join(capfd.readouterr().err.split())

    return parse


def hosts(parsed, group="pixels"):
    return sorted(host.name for host in parsed.groups[group].get_hosts()) if group in parsed.groups else []


def variables(parsed, name):
    return parsed.get_host(name).get_vars()


def test_lists_pixels_by_their_bare_names_and_nothing_else(inventory, truenas):
    for name in ("px-web", "px-db", "other"):
        truenas.world.add_container(name)

    assert hosts(inventory()) == ["db", "web"]


@both_generations
def test_says_where_a_pixel_is_and_how_to_enter_it(inventory, truenas):
    made = truenas.world.add_container("px-web")

    web = variables(inventory(ssh_key="/keys/id", ssh_port=2222, ssh_user="admin"), "web")

    assert web["ansible_host"] == made.aliases[0]["address"]
    assert (web["ansible_user"], web["ansible_port"]) == ("admin", 2222)
    assert web["ansible_ssh_private_key_file"] == "/keys/id"
    assert f"HostKeyAlias=px-web.{truenas.host}.{truenas.port}.pixels" in web["ansible_ssh_common_args"]


def test_tells_all_that_is_known(inventory, truenas):
    truenas.world.add_container("px-web", environment={"GREETING": "hello"})

    web = variables(inventory(), "web")

    assert web["pixels_name"] == "web"
    assert web["pixels_full_name"] == "px-web"
    assert web["pixels_status"] == "running"
    assert web["pixels_environment"] == {"GREETING": "hello"}
    assert web["pixels_memory"] == 2147483648


def test_tells_modules_the_way_to_the_nas_and_no_secret(inventory, truenas, nas):
    truenas.world.add_container("px-web")

    web = variables(inventory(), "web")

    assert (web["pixels_nas_host"], web["pixels_nas_port"]) == (truenas.host, truenas.port)
    assert web["pixels_nas_ca_path"] == truenas.ca_file
    assert nas["api_key"] not in json.dumps(web, default=str)


def test_a_stopped_pixel_has_no_address_to_try(inventory, truenas):
    truenas.world.add_container("px-web", status="STOPPED")

    assert "ansible_host" not in variables(inventory(), "web")


def test_groups_come_from_what_is_known(inventory, truenas):
    truenas.world.add_container("px-web", environment={"PIXELS/fleet": "agents", "PIXELS/label/role": "front end"})
    truenas.world.add_container("px-db", status="STOPPED")

    parsed = inventory()

    assert hosts(parsed, "pixels_status_running") == ["web"]
    assert hosts(parsed, "pixels_status_stopped") == ["db"]
    assert hosts(parsed, "pixels_image_ubuntu_noble") == ["db", "web"]
    assert hosts(parsed, "pixels_fleet_agents") == ["web"]
    assert hosts(parsed, "pixels_label_role_front_end") == ["web"]
    assert all(name.isidentifier() for name in parsed.groups)


def test_a_label_is_kept_out_of_the_environment(inventory, truenas):
    truenas.world.add_container("px-web", environment={"PIXELS/label/role": "builder"})

    web = variables(inventory(), "web")

    assert web["pixels_labels"] == {"role": "builder"}
    assert web["pixels_environment"] == {}


def test_filters_by_status_and_name(inventory, truenas):
    truenas.world.add_container("px-agent-1")
    truenas.world.add_container("px-agent-2", status="STOPPED")
    truenas.world.add_container("px-web")

    assert hosts(inventory(status=["running"])) == ["agent-1", "web"]
    assert hosts(inventory(names=["agent-*"])) == ["agent-1", "agent-2"]
    assert hosts(inventory(names=["px-agent-*"], status=["running"])) == ["agent-1"]


def test_a_status_is_understood_in_capitals_as_the_nas_writes_it(inventory, truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_container("px-db", status="STOPPED")

    assert hosts(inventory(status=["RUNNING"])) == ["web"]


def test_any_number_takes_one_query(inventory, truenas):
    for number in range(40):
        truenas.world.add_container(f"px-agent-{number}")

    assert len(hosts(inventory())) == 40
    assert truenas.stats.calls["virt.instance.query"] == 1


def test_composed_variables_and_groups_work(inventory, truenas):
    truenas.world.add_container("px-web")

    parsed = inventory(
        compose={"gib": "pixels_memory // 1024 ** 3"},
        groups={"big": "pixels_memory > 1024 ** 3"},
        keyed_groups=[{"key": "pixels_pool", "prefix": "pool"}],
    )

    assert variables(parsed, "web")["gib"] == 2
    assert hosts(parsed, "big") == ["web"]
    assert hosts(parsed, f"pool_{truenas.world.default_pool}") == ["web"]


def test_strict_fails_on_what_cannot_be_composed(inventory, truenas):
    truenas.world.add_container("px-web")

    assert "nothing" not in variables(inventory(compose={"nothing": "no_such_variable"}), "web")
    with pytest.raises(AnsibleError):
        inventory(compose={"nothing": "no_such_variable"}, strict=True)


def test_an_option_may_be_a_template(inventory, truenas, monkeypatch, nas):
    truenas.world.add_container("px-web")
    monkeypatch.setenv("THE_KEY", nas.pop("api_key"))

    assert hosts(inventory(api_key="{{ lookup('ansible.builtin.env', 'THE_KEY') }}")) == ["web"]


def test_a_number_may_be_a_template_and_so_may_what_is_in_a_list(inventory, truenas, monkeypatch, nas):
    for name in ("px-web", "px-db"):
        truenas.world.add_container(name)
    monkeypatch.setenv("THE_PORT", str(nas.pop("port")))

    port = "{{ lookup('ansible.builtin.env', 'THE_PORT') }}"
    parsed = inventory(nas=[{"port": port}], ssh_port="{{ 2200 + 22 }}", names=["{{ 'w' ~ 'eb' }}"])

    assert hosts(parsed) == ["web"]
    assert variables(parsed, "web")["ansible_port"] == 2222


def test_a_template_that_cannot_be_rendered_is_named_without_the_lines_around_it(complaint, nas):
    told = complaint(host="{{ no_such_variable }}")

    assert "the option host cannot be rendered: 'no_such_variable' is undefined" in told
    assert nas["api_key"] not in told


def test_a_key_file_wins_over_a_key_in_the_environment(inventory, truenas, monkeypatch, nas, tmp_path):
    truenas.world.add_container("px-web")
    (tmp_path / "key").write_text(nas.pop("api_key"))
    monkeypatch.setenv("PIXELS_TRUENAS_API_KEY", "1-wrong")

    parsed = inventory(api_key_file=str(tmp_path / "key"))

    assert hosts(parsed) == ["web"]
    assert variables(parsed, "web")["pixels_nas_api_key_file"] == str(tmp_path / "key")


def test_several_boxes_in_one_file(inventory, truenas, second):
    truenas.world.add_container("px-web")
    second.world.add_container("px-db")

    parsed = inventory(nas=[{}, way_to(second)])

    assert hosts(parsed) == ["db", "web"]
    assert variables(parsed, "db")["pixels_nas_port"] == second.port
    assert variables(parsed, "web")["pixels_nas_port"] == truenas.port


def test_a_name_that_two_boxes_have_is_made_unambiguous_and_that_is_said(inventory, truenas, second, capfd):
    truenas.world.add_container("px-web")
    second.world.add_container("px-web")

    parsed = inventory(nas=[{}, way_to(second)])

    assert hosts(parsed) == ["web", at(second, "web")]
    assert variables(parsed, at(second, "web"))["pixels_nas_port"] == second.port
    told = " ".join(capfd.readouterr().err.split())
    assert f"these carry the name of their NAS: {at(second, 'web')}." in told


def test_with_the_name_of_its_nas_a_pixel_is_called_the_same_whoever_else_answers(inventory, truenas, second, capfd):
    truenas.world.add_container("px-web")
    second.world.add_container("px-web")
    styled = {"hostname": "name.nas", "on_error": "warn"}

    both = inventory(nas=[{}, way_to(second)], **styled)
    one = inventory(nas=[{"port": 1}, way_to(second)], **styled)

    assert hosts(both) == sorted([at(truenas, "web"), at(second, "web")])
    assert hosts(one) == [at(second, "web")]
    assert "carry the name" not in " ".join(capfd.readouterr().err.split())


def test_a_nas_that_is_listed_twice_lists_its_pixels_once(inventory, truenas):
    truenas.world.add_container("px-web")

    assert hosts(inventory(nas=[{}, {}])) == ["web"]


def test_hosts_can_have_the_full_names(inventory, truenas):
    truenas.world.add_container("px-web")

    assert hosts(inventory(hostname="full_name")) == ["px-web"]


def test_a_pixel_cannot_pass_for_the_controller(inventory, truenas):
    truenas.world.add_container("px-localhost")

    parsed = inventory()

    assert hosts(parsed) == ["px-localhost"]
    assert parsed.get_host("localhost").implicit


def test_an_option_of_a_box_that_does_not_exist_is_refused(complaint, truenas):
    assert "nas: hots" in complaint(nas=[{"hots": "nas"}])


def test_a_nas_that_does_not_answer_fails_the_inventory_with_the_reason(complaint, nas):
    nas["port"] = 1

    told = complaint()

    assert "the pixels could not be listed: 127.0.0.1:1 refused the connection" in told


def test_the_time_to_connect_may_be_shortened_by_its_variable(complaint, nas, monkeypatch):
    monkeypatch.setenv("PIXELS_CONNECT_TIMEOUT", "0.2")

    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = complaint(port=silent.getsockname()[1])

    assert "within 0.2 s" in told


def test_a_nas_that_does_not_answer_can_be_passed_over(inventory, truenas, nas):
    truenas.world.add_container("px-web")

    parsed = inventory(nas=[{"port": 1}, {"port": truenas.port}], on_error="warn")

    assert hosts(parsed) == ["web"]


def test_a_nas_that_does_not_answer_can_be_remembered(inventory, truenas, nas):
    truenas.world.add_container("px-web")
    inventory(on_error="use_stale_cache")
    truenas.world.state = "ERROR"

    assert hosts(inventory(on_error="use_stale_cache")) == ["web"]


def test_what_was_never_seen_cannot_be_remembered(complaint, truenas):
    truenas.world.state = "ERROR"

    assert "state ERROR" in complaint(on_error="use_stale_cache")


def test_a_fresh_cache_asks_nobody_and_holds_no_key(inventory, truenas, nas, cache, tmp_path):
    truenas.world.add_container("px-web")
    inventory(**cache)
    connections = truenas.stats.connections

    parsed = inventory(**cache)

    assert hosts(parsed) == ["web"]
    assert truenas.stats.connections == connections
    assert nas["api_key"] not in "".join(path.read_text() for path in (tmp_path / "facts").iterdir())


def test_a_cache_that_is_to_be_flushed_is_filled_again(inventory, truenas, cache):
    truenas.world.add_container("px-web")
    inventory(**cache)
    truenas.world.add_container("px-db")

    assert hosts(inventory(**cache)) == ["web"]
    assert hosts(inventory(**cache, flush_cache=True)) == ["db", "web"]
    assert hosts(inventory(**cache)) == ["db", "web"]


def test_a_cache_gives_nobody_the_pixels_of_another_nas(inventory, truenas, second, cache):
    truenas.world.add_container("px-web")
    second.world.add_container("px-db")
    inventory(**cache)

    assert hosts(inventory(**cache, **way_to(second))) == ["db"]


def test_a_cache_serves_every_filter_and_way_in(inventory, truenas, cache):
    truenas.world.add_container("px-web")
    truenas.world.add_container("px-db", status="STOPPED")
    inventory(**cache, status=["stopped"])
    connections = truenas.stats.connections

    parsed = inventory(**cache, status=["running"], ssh_user="admin")

    assert hosts(parsed) == ["web"]
    assert variables(parsed, "web")["ansible_user"] == "admin"
    assert truenas.stats.connections == connections


def test_a_nas_that_did_not_answer_is_not_cached_as_an_empty_one(inventory, truenas, cache):
    truenas.world.add_container("px-web")
    state, truenas.world.state = truenas.world.state, "ERROR"
    assert hosts(inventory(**cache, on_error="warn")) == []

    truenas.world.state = state

    assert hosts(inventory(**cache, on_error="warn")) == ["web"]


def test_what_was_remembered_of_a_silent_nas_does_not_pass_for_fresh(inventory, truenas, cache):
    truenas.world.add_container("px-web")
    inventory(on_error="use_stale_cache")
    state, truenas.world.state = truenas.world.state, "ERROR"
    assert hosts(inventory(**cache, on_error="use_stale_cache")) == ["web"]

    truenas.world.state = state
    truenas.world.add_container("px-db")

    assert hosts(inventory(**cache, on_error="use_stale_cache")) == ["db", "web"]


@pytest.mark.parametrize("name", ["fleet.pixels.yml", "fleet.pixels.yaml"])
def test_its_files_are_known_by_their_names(tmp_path, name):
    (tmp_path / name).write_text("plugin: pixels.truenas.pixels\n")
    (tmp_path / "fleet.yml").write_text("plugin: pixels.truenas.pixels\n")

    assert InventoryModule().verify_file(str(tmp_path / name))
    assert not InventoryModule().verify_file(str(tmp_path / "fleet.yml"))


def test_the_list_is_clean_json_and_a_template_of_a_stranger_is_not_rendered(inventory, truenas, nas, tmp_path):
    hostile = "{{ lookup('ansible.builtin.pipe', 'touch " + str(tmp_path / "owned") + "') }}"
    truenas.world.add_container("px-web", environment={"GREETING": hostile})
    inventory()  # writes the file

    command = [
        str(Path(sys.executable).with_name("ansible-inventory")),
        "-i",
        str(tmp_path / "test.pixels.yml"),
        "--list",
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    web = json.loads(ended.stdout)["_meta"]["hostvars"]["web"]
    assert web["pixels_full_name"] == "px-web"
    assert ended.stdout.count("__ansible_unsafe") == 1
    assert hostile in json.dumps(web["pixels_environment"])
    assert not (tmp_path / "owned").exists()
