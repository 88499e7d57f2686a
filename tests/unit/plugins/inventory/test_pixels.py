# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the inventory plugin."""

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
from ansible.template import Templar, trust_as_template
from ansible.vars.manager import VariableManager

from ansible_collections.pixels.truenas.plugins.inventory.pixels import InventoryModule
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.statuses import STATUSES
from tests.simulator.running import running_simulator
from tests.unit.plugins.conftest import both_generations

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def release():
    """One release: the modules are tested with all."""
    return "25.10"


@pytest.fixture
def inventory(nas, tmp_path, monkeypatch):
    """Return a function that parses an inventory file of the NAS with more options."""
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
    """Options that enable Ansible's cache."""
    return {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "facts")}


@pytest.fixture
def second(release):
    """Another NAS."""
    with running_simulator(release=release, engine="paper") as simulator:
        yield simulator


def connection_to(simulator):
    """Return the options that select a NAS."""
    return {
        "host": simulator.host,
        "port": simulator.port,
        "username": simulator.username,
        "api_key": simulator.api_key,
        "ca_path": simulator.ca_file,
    }


def at(simulator, name):
    """Return the name of a host with the name of its NAS."""
    return f"{name}.{simulator.host}.{simulator.port}"


@pytest.fixture
def messages_of_failure(inventory, capfd):
    """Return a function that parses an invalid inventory file and returns the messages of Ansible."""

    def parse(**options):
        with pytest.raises(AnsibleError):
            inventory(**options)
        return " ".join(capfd.readouterr().err.split())

    return parse


def hosts(parsed, group="pixels"):
    return sorted(host.name for host in parsed.groups[group].get_hosts()) if group in parsed.groups else []


def variables(parsed, name):
    """Return the variables of a host as tasks get them, with those of its groups."""
    return VariableManager(loader=parsed._loader, inventory=parsed).get_vars(
        host=parsed.get_host(name), include_hostvars=False
    )


def test_lists_pixels_by_their_bare_names_and_nothing_else(inventory, truenas):
    for name in ("px-web", "px-db", "other"):
        truenas.world.add_container(name)

    assert hosts(inventory()) == ["db", "web"]


@both_generations
def test_a_host_has_its_address_and_connection_variables(inventory, truenas):
    made = truenas.world.add_container("px-web")

    web = variables(inventory(ssh_key="/keys/id", ssh_port=2222, ssh_user="admin"), "web")

    assert web["ansible_host"] == made.aliases[0]["address"]
    assert (web["ansible_user"], web["ansible_port"]) == ("admin", 2222)
    assert web["ansible_ssh_private_key_file"] == "/keys/id"
    assert f"HostKeyAlias=px-web.{truenas.host}.{truenas.port}.pixels" in web["pixels_ssh_args"]
    assert {web[f"ansible_{program}_extra_args"] for program in ("ssh", "sftp", "scp")} == {"{{ pixels_ssh_args }}"}


def test_a_host_has_all_properties_of_the_pixel(inventory, truenas):
    truenas.world.add_container("px-web", environment={"GREETING": "hello"})

    web = variables(inventory(), "web")

    assert web["pixels_name"] == "web"
    assert web["pixels_full_name"] == "px-web"
    assert web["pixels_status"] == "running"
    assert web["pixels_container_environment"] == {"GREETING": "hello"}
    assert web["pixels_memory"] == 2147483648


def test_a_host_has_the_connection_to_the_nas_without_secrets(inventory, truenas, nas):
    truenas.world.add_container("px-web")

    web = variables(inventory(), "web")

    assert (web["pixels_nas_host"], web["pixels_nas_port"]) == (truenas.host, truenas.port)
    assert web["pixels_nas_ca_path"] == truenas.ca_file
    assert nas["api_key"] not in json.dumps(web, default=str)


def test_a_stopped_pixel_has_no_ansible_host(inventory, truenas):
    truenas.world.add_container("px-web", status="STOPPED")

    assert "ansible_host" not in variables(inventory(), "web")


def test_groups_come_from_the_properties_of_pixels(inventory, truenas):
    truenas.world.add_container("px-web", environment={"PIXELS/fleet": "agents", "PIXELS/label/role": "front end"})
    truenas.world.add_container("px-db", status="STOPPED")

    parsed = inventory()

    assert hosts(parsed, "pixels_status_running") == ["web"]
    assert hosts(parsed, "pixels_status_stopped") == ["db"]
    assert hosts(parsed, "pixels_image_ubuntu_noble") == ["db", "web"]
    assert hosts(parsed, "pixels_fleet_agents") == ["web"]
    assert hosts(parsed, "pixels_label_role_front_end") == ["web"]
    assert all(name.isidentifier() for name in parsed.groups)


def test_a_label_is_not_part_of_the_environment(inventory, truenas):
    truenas.world.add_container("px-web", environment={"PIXELS/label/role": "builder"})

    web = variables(inventory(), "web")

    assert web["pixels_labels"] == {"role": "builder"}
    assert web["pixels_container_environment"] == {}


def test_filters_by_status_and_name(inventory, truenas):
    truenas.world.add_container("px-agent-1")
    truenas.world.add_container("px-agent-2", status="STOPPED")
    truenas.world.add_container("px-web")

    assert hosts(inventory(status=["running"])) == ["agent-1", "web"]
    assert hosts(inventory(names=["agent-*"])) == ["agent-1", "agent-2"]
    assert hosts(inventory(names=["px-agent-*"], status=["running"])) == ["agent-1"]


def test_a_status_is_accepted_in_capitals(inventory, truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_container("px-db", status="STOPPED")

    assert hosts(inventory(status=["RUNNING"])) == ["web"]
    assert hosts(inventory(status="Running, STOPPED")) == ["db", "web"]


@pytest.mark.parametrize("status", ["runing", ["running", "runing"], "{{ 'RUNING' }}"])
def test_an_unknown_status_is_refused_with_the_valid_ones(messages_of_failure, status):
    output = messages_of_failure(status=status)

    assert "runing" in output
    assert all(each in output for each in STATUSES)


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


def test_numbers_and_list_items_may_be_templates(inventory, truenas, monkeypatch, nas):
    for name in ("px-web", "px-db"):
        truenas.world.add_container(name)
    monkeypatch.setenv("THE_PORT", str(nas.pop("port")))

    port = "{{ lookup('ansible.builtin.env', 'THE_PORT') }}"
    parsed = inventory(nas=[{"port": port}], ssh_port="{{ 2200 + 22 }}", names=["{{ 'w' ~ 'eb' }}"])

    assert hosts(parsed) == ["web"]
    assert variables(parsed, "web")["ansible_port"] == 2222


def test_a_template_that_cannot_be_rendered_is_named_without_lines_of_the_file(messages_of_failure, nas):
    messages = messages_of_failure(host="{{ no_such_variable }}")

    assert "the option host cannot be rendered: 'no_such_variable' is undefined" in messages
    assert nas["api_key"] not in messages


def test_a_key_file_wins_over_a_key_in_the_environment(inventory, truenas, monkeypatch, nas, tmp_path):
    truenas.world.add_container("px-web")
    (tmp_path / "key").write_text(nas.pop("api_key"))
    monkeypatch.setenv("PIXELS_TRUENAS_API_KEY", "1-wrong")

    parsed = inventory(api_key_file=str(tmp_path / "key"))

    assert hosts(parsed) == ["web"]
    assert variables(parsed, "web")["pixels_nas_api_key_file"] == str(tmp_path / "key")


def test_one_file_can_list_several_nas(inventory, truenas, second):
    truenas.world.add_container("px-web")
    second.world.add_container("px-db")

    parsed = inventory(nas=[{}, connection_to(second)])

    assert hosts(parsed) == ["db", "web"]
    assert variables(parsed, "db")["pixels_nas_port"] == second.port
    assert variables(parsed, "web")["pixels_nas_port"] == truenas.port


def test_a_name_on_two_nas_gets_the_name_of_its_nas_with_a_warning(inventory, truenas, second, capfd):
    truenas.world.add_container("px-web")
    second.world.add_container("px-web")

    parsed = inventory(nas=[{}, connection_to(second)])

    assert hosts(parsed) == ["web", at(second, "web")]
    assert variables(parsed, at(second, "web"))["pixels_nas_port"] == second.port
    messages = " ".join(capfd.readouterr().err.split())
    assert f"so these have the name of their NAS: {at(second, 'web')}." in messages


def test_with_the_name_of_its_nas_a_host_name_never_changes(inventory, truenas, second, capfd):
    truenas.world.add_container("px-web")
    second.world.add_container("px-web")
    styled = {"hostname": "name.nas", "on_error": "warn"}

    both = inventory(nas=[{}, connection_to(second)], **styled)
    one = inventory(nas=[{"port": 1}, connection_to(second)], **styled)

    assert hosts(both) == sorted([at(truenas, "web"), at(second, "web")])
    assert hosts(one) == [at(second, "web")]
    assert "have the name of their NAS" not in " ".join(capfd.readouterr().err.split())


def test_a_nas_that_is_listed_twice_lists_its_pixels_once(inventory, truenas):
    truenas.world.add_container("px-web")

    assert hosts(inventory(nas=[{}, {}])) == ["web"]


def test_hosts_can_have_the_full_names(inventory, truenas):
    truenas.world.add_container("px-web")

    assert hosts(inventory(hostname="full_name")) == ["px-web"]


def test_a_pixel_named_localhost_is_never_the_controller(inventory, truenas):
    truenas.world.add_container("px-localhost")

    parsed = inventory()

    assert hosts(parsed) == ["px-localhost"]
    assert parsed.get_host("localhost").implicit


def test_an_unknown_option_of_a_nas_is_refused(messages_of_failure, truenas):
    assert "nas: hots" in messages_of_failure(nas=[{"hots": "nas"}])


def test_a_nas_that_does_not_respond_fails_the_inventory_with_the_reason(messages_of_failure, nas):
    nas["port"] = 1

    messages = messages_of_failure()

    assert "the pixels could not be listed: 127.0.0.1:1 refused the connection" in messages


def test_a_variable_can_shorten_the_connection_timeout(messages_of_failure, nas, monkeypatch):
    monkeypatch.setenv("PIXELS_CONNECT_TIMEOUT", "0.2")

    with socket.create_server(("127.0.0.1", 0)) as silent:
        messages = messages_of_failure(port=silent.getsockname()[1])

    assert "within 0.2 s" in messages


def test_a_nas_whose_key_file_is_not_text_can_be_skipped(inventory, nas, truenas, tmp_path, capfd):
    truenas.world.add_container("px-web")
    (tmp_path / "key").write_bytes(b"k\xff\n")
    (tmp_path / "good").write_text(nas["api_key"], encoding="utf-8-sig")

    boxes = [{"api_key_file": str(tmp_path / name)} for name in ("key", "good")]
    parsed = inventory(nas=boxes, api_key=None, on_error="warn")

    assert hosts(parsed) == ["web"]
    output = " ".join(capfd.readouterr().err.split())
    assert "cannot read the API key in" in output
    assert "it is not UTF-8 text. Save the key alone in a UTF-8 file" in output


def test_a_nas_that_does_not_respond_can_be_skipped(inventory, truenas, nas):
    truenas.world.add_container("px-web")

    parsed = inventory(nas=[{"port": 1}, {"port": truenas.port}], on_error="warn")

    assert hosts(parsed) == ["web"]


def test_the_last_listing_can_replace_a_nas_that_does_not_respond(inventory, truenas, nas):
    truenas.world.add_container("px-web")
    inventory(on_error="use_stale_cache")
    truenas.world.state = "ERROR"

    assert hosts(inventory(on_error="use_stale_cache")) == ["web"]


def test_without_a_last_listing_the_inventory_fails(messages_of_failure, truenas):
    truenas.world.state = "ERROR"

    assert "state ERROR" in messages_of_failure(on_error="use_stale_cache")


def test_a_valid_cache_needs_no_connection_and_has_no_key(inventory, truenas, nas, cache, tmp_path):
    truenas.world.add_container("px-web")
    inventory(**cache)
    connections = truenas.stats.connections

    parsed = inventory(**cache)

    assert hosts(parsed) == ["web"]
    assert truenas.stats.connections == connections
    assert nas["api_key"] not in "".join(path.read_text() for path in (tmp_path / "facts").iterdir())


def test_a_flushed_cache_is_filled_again(inventory, truenas, cache):
    truenas.world.add_container("px-web")
    inventory(**cache)
    truenas.world.add_container("px-db")

    assert hosts(inventory(**cache)) == ["web"]
    assert hosts(inventory(**cache, flush_cache=True)) == ["db", "web"]
    assert hosts(inventory(**cache)) == ["db", "web"]


def test_the_cache_never_has_the_pixels_of_another_nas(inventory, truenas, second, cache):
    truenas.world.add_container("px-web")
    second.world.add_container("px-db")
    inventory(**cache)

    assert hosts(inventory(**cache, **connection_to(second))) == ["db"]


def test_the_cache_serves_every_filter_and_connection(inventory, truenas, cache):
    truenas.world.add_container("px-web")
    truenas.world.add_container("px-db", status="STOPPED")
    inventory(**cache, status=["stopped"])
    connections = truenas.stats.connections

    parsed = inventory(**cache, status=["running"], ssh_user="admin")

    assert hosts(parsed) == ["web"]
    assert variables(parsed, "web")["ansible_user"] == "admin"
    assert truenas.stats.connections == connections


def test_a_nas_that_did_not_respond_is_not_cached(inventory, truenas, cache):
    truenas.world.add_container("px-web")
    state, truenas.world.state = truenas.world.state, "ERROR"
    assert hosts(inventory(**cache, on_error="warn")) == []

    truenas.world.state = state

    assert hosts(inventory(**cache, on_error="warn")) == ["web"]


def test_a_last_listing_is_never_cached_as_fresh(inventory, truenas, cache):
    truenas.world.add_container("px-web")
    inventory(on_error="use_stale_cache")
    state, truenas.world.state = truenas.world.state, "ERROR"
    assert hosts(inventory(**cache, on_error="use_stale_cache")) == ["web"]

    truenas.world.state = state
    truenas.world.add_container("px-db")

    assert hosts(inventory(**cache, on_error="use_stale_cache")) == ["db", "web"]


@pytest.mark.parametrize("name", ["fleet.pixels.yml", "fleet.pixels.yaml"])
def test_inventory_files_are_recognized_by_their_names(tmp_path, name):
    (tmp_path / name).write_text("plugin: pixels.truenas.pixels\n")
    (tmp_path / "fleet.yml").write_text("plugin: pixels.truenas.pixels\n")

    assert InventoryModule().verify_file(str(tmp_path / name))
    assert not InventoryModule().verify_file(str(tmp_path / "fleet.yml"))


@pytest.mark.wide
def test_the_list_is_clean_json_and_no_template_of_a_nas_is_rendered(inventory, truenas, nas, tmp_path):
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
    assert hostile in json.dumps(web["pixels_container_environment"])
    assert not (tmp_path / "owned").exists()


@pytest.fixture
def parse(inventory, capfd):
    """Return a function that returns an inventory and the messages of Ansible."""

    def run(**options):
        capfd.readouterr()
        parsed = inventory(**options)
        return parsed, " ".join(capfd.readouterr().err.split())

    return run


def test_another_file_name_ending_is_refused_with_the_valid_ones(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("ansible.constants.INVENTORY_ANY_UNPARSED_IS_FAILED", True)
    path = tmp_path / "pixels.yml"
    path.write_text("---\n# the pixels\nplugin: pixels.truenas.pixels\n")

    with pytest.raises(AnsibleError):
        InventoryManager(loader=DataLoader(), sources=[str(path)])

    output = " ".join(capfd.readouterr().err.split())
    assert "must end in .pixels.yml or .pixels.yaml. Rename it, for example to pixels.pixels.yml" in output


def test_a_file_of_another_plugin_is_not_accepted(tmp_path, capfd):
    path = tmp_path / "hosts.yml"
    path.write_text("plugin: ansible.builtin.constructed\nname: pixels\n")

    assert not InventoryModule().verify_file(str(path))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", ["pixels", "all", "ungrouped", "localhost", "ALL", "big"])
@pytest.mark.parametrize("style", ["name", "name.nas"])
def test_a_pixel_with_the_name_of_a_group_is_a_host_by_its_full_name(parse, truenas, name, style):
    truenas.world.add_container("px-web")
    truenas.world.add_container(f"px-{name}", environment={"PIXELS/owner": "ann"})

    parsed, output = parse(groups={"big": "true"}, hostname=style)

    shown = f"px-{name}" if name != "big" or style == "name" else at(truenas, "big")
    assert hosts(parsed) == sorted([shown, "web" if style == "name" else at(truenas, "web")])
    assert hosts(parsed, "pixels_owner_ann") == [shown]
    assert variables(parsed, shown)["pixels_name"] == name
    assert (f"the pixel {name} on {truenas.host}:{truenas.port} is the host px-{name}" in output) == (
        shown == f"px-{name}"
    )


def test_a_pixel_with_the_name_of_a_group_of_another_inventory_is_a_host_by_its_full_name(inventory, truenas, tmp_path):
    truenas.world.add_container("px-web")
    inventory()
    (tmp_path / "a.ini").write_text("[web]\nother\n")

    parsed = InventoryManager(loader=DataLoader(), sources=[str(tmp_path / "a.ini"), str(tmp_path / "test.pixels.yml")])

    assert hosts(parsed) == ["px-web"]
    assert hosts(parsed, "web") == ["other"]


def test_names_that_differ_in_case_only_are_two_hosts_with_separate_keys(inventory, truenas):
    for name in ("px-Web", "px-web"):
        truenas.world.add_container(name)

    parsed = inventory()

    assert hosts(parsed) == ["Web", "web"]
    assert len({variables(parsed, name)["pixels_ssh_args"].lower() for name in ("Web", "web")}) == 2


def test_values_that_share_a_group_cause_a_warning(parse, truenas):
    truenas.world.add_container("px-a", environment={"PIXELS/label/role": "a-b", "PIXELS/owner": "Анна"})
    truenas.world.add_container("px-b", environment={"PIXELS/label/role": "a_b", "PIXELS/owner": "Борис"})

    parsed, output = parse()

    assert "the group pixels_label_role_a_b has the pixels of several values with similar names" in output
    assert "label role=a-b, label role=a_b" in output
    owners = [name for name in parsed.groups if name.startswith("pixels_owner")]
    assert [len(hosts(parsed, name)) for name in owners] == [1, 1]
    assert "pixels_owner" not in output


def test_warnings_never_show_a_credential_or_a_control_character(parse, truenas, second):
    keys = [truenas.api_key, second.api_key]
    for simulator, name in ((truenas, "px-a"), (second, "px-b")):
        made = simulator.world.add_container(name)
        made.environment = {"PIXELS/label/role": f"{keys[0]}\x1b[31m{keys[1]}{'-_'[name == 'px-b']}"}

    _parsed, output = parse(nas=[{}, connection_to(second)])

    assert "of several values with similar names" in output
    assert [key for key in keys if key in output] == []
    assert "\x1b" not in output


def test_an_error_of_a_composed_variable_never_shows_a_credential(messages_of_failure, truenas):
    truenas.world.add_container("px-a").environment = {"PIXELS/label/role": truenas.api_key}

    output = messages_of_failure(strict=True, compose={"x": "lookup('ansible.builtin.file', pixels_labels.role)"})

    assert "Could not set x for host a" in output
    assert truenas.api_key not in output


HOSTILE_LABELS = ["", " ", "___", "x" * 1024, "\x1b[31m\n", "../../etc", "{{ 1 }}", "-", "pixels", "all", "Ünï"]


@pytest.mark.parametrize("strict", [False, True])
def test_no_label_or_owner_breaks_the_inventory(inventory, truenas, strict):
    truenas.world.add_container("px-web")
    for number, label in enumerate(HOSTILE_LABELS):
        made = truenas.world.add_container(f"px-bad-{number}")
        made.environment = {"PIXELS/label/role": label, "PIXELS/owner": label, "PIXELS/fleet": label}

    parsed = inventory(
        strict=strict,
        keyed_groups=[{"key": "pixels_owner or 'none'", "prefix": "by"}, {"key": "pixels_labels", "prefix": "label"}],
        compose={"who": "pixels_owner | default('', true) ~ '!'"},
        groups={"labelled": "pixels_labels | length > 0"},
    )

    assert len(hosts(parsed)) == len(HOSTILE_LABELS) + 1
    assert hosts(parsed, "by_none")[-1] == "web"
    assert max(map(len, (name for name in parsed.groups if name.startswith("pixels")))) <= 200


def test_a_composed_group_with_the_name_of_a_host_breaks_nothing(parse, truenas):
    truenas.world.add_container("px-web", environment={"PIXELS/label/role": "db"})
    truenas.world.add_container("px-db", environment={"PIXELS/label/role": "web"})
    truenas.world.add_container("px-a", environment={"PIXELS/label/role": "a"})

    parsed, _said = parse(
        keyed_groups=[{"key": "pixels_labels.role", "prefix": "", "separator": ""}], groups={"made": "true"}
    )

    assert hosts(parsed) == ["a", "db", "web"]


def test_a_container_with_an_invalid_name_is_skipped_with_a_warning(parse, truenas):
    truenas.world.add_container("px-web")
    for number, name in enumerate(("px-a\nb", "px-a,b", "px-{{ 1 }}", "px-px-web", "px-a b", "px-[x]")):
        truenas.world.add_container(f"px-bad-{number}").name = name

    parsed, output = parse()

    assert hosts(parsed) == ["web"]
    assert output.count("with the invalid name") == 6


@pytest.mark.parametrize("address", ["-oProxyCommand=touch owned", "10.0.0.5\nx", "{{ 1 }}", "fd00::1%{{ 1 }}"])
def test_an_invalid_address_is_skipped(parse, truenas, address):
    made = truenas.world.add_container("px-web")
    made.aliases = [{"type": kind, "address": address, "netmask": 24} for kind in ("INET", "INET6")]

    parsed, output = parse()

    web = variables(parsed, "web")
    assert "ansible_host" not in web
    assert web["pixels_addresses"] == []
    assert "it is ignored" in output


RUN_IT = "lookup('ansible.builtin.pipe', 'touch OWNED')"
TEMPLATES = [
    "{{ " + RUN_IT + " }}",
    "{% set x = " + RUN_IT + " %}",
    "#jinja2: variable_start_string:'<<', variable_end_string:'>>'\n<< " + RUN_IT + " >>",
    "{# #}{{ " + RUN_IT + " }}",
]


@pytest.mark.parametrize("template", TEMPLATES)
def test_no_text_of_a_nas_is_rendered(inventory, truenas, tmp_path, template):
    template = template.replace("OWNED", str(tmp_path / "owned"))
    made = truenas.world.add_container("px-web")
    made.environment = {"GREETING": template, "PIXELS/label/role": template, "PIXELS/owner": template}
    made.image = {**made.image, "description": template, "os": template, "release": template}

    parsed = inventory(
        strict=True,
        compose={
            "composed": "pixels_labels.role",
            "joined": "pixels_labels.role ~ '' ~ pixels_owner",
            "listed": "[pixels_labels.role, pixels_image]",
        },
        groups={"hostile": "pixels_owner == 'x'"},
        keyed_groups=[{"key": "pixels_owner", "prefix": "o"}, {"key": "pixels_image", "prefix": "i"}],
    )
    merged = VariableManager(loader=parsed._loader, inventory=parsed).get_vars(host=parsed.get_host("web"))
    templar = Templar(loader=parsed._loader, variables=merged)

    for name in (
        "pixels_container_environment",
        "pixels_labels",
        "pixels_owner",
        "pixels_image",
        "composed",
        "joined",
        "listed",
    ):
        assert "ansible.builtin.pipe" in str(templar.template(trust_as_template("{{ " + name + " }}")))
        templar.template(merged[name])
    assert not (tmp_path / "owned").exists()


class TestGroupVars:
    """Variables that the user sets for groups."""

    @pytest.fixture
    def of_user(self, tmp_path):
        """Write the variables of a group."""

        def write(text, group="pixels"):
            (tmp_path / "group_vars").mkdir(exist_ok=True)
            (tmp_path / "group_vars" / f"{group}.yml").write_text(yaml.safe_dump(text))

        return write

    @pytest.mark.parametrize("group", ["all", "pixels", "pixels_status_running"])
    @pytest.mark.parametrize("connect_with", ["ssh", "auto"])
    def test_group_vars_override_every_connection_variable(self, inventory, truenas, of_user, group, connect_with):
        truenas.world.add_container("px-web")
        wanted = {
            "ansible_user": "alice",
            "ansible_port": 2200,
            "ansible_ssh_private_key_file": "/keys/alice",
            "ansible_ssh_common_args": "-o ProxyJump=bastion",
            "ansible_ssh_extra_args": "-o Compression=yes",
            "ansible_connection": "ansible.builtin.ssh",
            "pixels_transport": "shell",
        }
        of_user(wanted, group)

        web = variables(inventory(ssh_user="admin", ssh_port=2222, ssh_key="/k", connect_with=connect_with), "web")

        assert {name: web[name] for name in wanted} == wanted

    def test_the_pinned_host_key_stays_beside_arguments_of_the_user(self, inventory, truenas, of_user):
        truenas.world.add_container("px-web")
        of_user({"ansible_ssh_common_args": "-o ProxyJump=bastion"})

        web = variables(inventory(jump_host="other"), "web")

        assert web["ansible_ssh_common_args"] == "-o ProxyJump=bastion"
        assert web["ansible_ssh_extra_args"] == "{{ pixels_ssh_args }}"
        assert "HostKeyAlias=px-web" in web["pixels_ssh_args"]

    def test_a_jump_host_may_be_an_option_of_the_file_or_of_one_nas(self, inventory, truenas, second):
        truenas.world.add_container("px-web")
        second.world.add_container("px-db")

        parsed = inventory(jump_host="ops@bastion", nas=[{}, {**connection_to(second), "jump_host": "other:2222"}])

        assert variables(parsed, "web")["ansible_ssh_common_args"] == "-o ProxyJump=ops@bastion"
        assert variables(parsed, "db")["ansible_ssh_common_args"] == "-o ProxyJump=other:2222"

    def test_the_user_of_the_command_line_overrides_the_default(self, inventory, truenas, monkeypatch):
        truenas.world.add_container("px-web")
        monkeypatch.setattr("ansible.context.CLIARGS", {"remote_user": "alice"})

        assert "ansible_user" not in variables(inventory(), "web")
        assert variables(inventory(ssh_user="admin"), "web")["ansible_user"] == "admin"

    def test_two_files_may_configure_the_same_nas_differently(self, inventory, truenas, tmp_path):
        for name in ("px-web", "px-db"):
            truenas.world.add_container(name)
        inventory(names=["web"], ssh_user="admin", ssh_port=2222)
        (tmp_path / "test.pixels.yml").rename(tmp_path / "a.pixels.yml")
        inventory(names=["db"], connect_with="auto")

        both = [str(tmp_path / "a.pixels.yml"), str(tmp_path / "test.pixels.yml")]
        parsed = InventoryManager(loader=DataLoader(), sources=both)

        web, db = variables(parsed, "web"), variables(parsed, "db")
        assert (web["ansible_user"], web["ansible_port"], web.get("ansible_connection")) == ("admin", 2222, None)
        assert (db["ansible_user"], db["ansible_port"], db["pixels_transport"]) == ("root", None, "auto")

    def test_nas_with_similar_names_share_no_variables(self, inventory, truenas, second, of_user):
        truenas.world.add_container("px-web")
        second.world.add_container("px-db")
        group = f"pixels_nas_127_0_0_1_{truenas.port}"
        of_user({"pixels_nas_api_key": "1-secret"}, group)

        parsed = inventory(nas=[{}, connection_to(second)])

        assert hosts(parsed, group) == ["web"]
        assert "pixels_nas_api_key" not in variables(parsed, "db")


class TestKeptListings:
    """Files on the controller can be damaged, changed, or of an earlier version."""

    @pytest.fixture
    def kept(self, inventory, truenas, tmp_path):
        """Keep a listing, switch the NAS off, and change what was kept."""

        def keep(**changes):
            truenas.world.add_container("px-web")
            truenas.world.add_container("px-db")
            inventory(on_error="use_stale_cache")
            truenas.world.state = "ERROR"
            (path,) = (tmp_path / "cache/pixels").glob("listing-*.json")
            rows = json.loads(path.read_text())
            (web,) = (row for row in rows if row["name"] == "web")
            for name, value in changes.items():
                if value is None:
                    web.pop(name)
                else:
                    web[name] = value
            path.write_text(json.dumps(rows))

        return keep

    @pytest.mark.parametrize(
        "changes",
        [
            {"ipv4": "-oProxyCommand=touch owned"},
            {"ipv6": "fe80::1%$(touch owned)"},
            {"name": "localhost"},
            {"name": "a\nb", "full_name": "px-a\nb"},
            {"status": "{{ 1 }}"},
            {"image": 5},
            {"labels": []},
            {"labels": {"a b": "c"}},
            {"owner": 5},
            {"expires": 5},
            {"environment": None},
            {"addresses": [{"family": "ipv4", "address": "x"}]},
        ],
    )
    def test_an_invalid_entry_is_skipped_with_a_warning(self, kept, parse, changes):
        kept(**changes)

        parsed, output = parse(on_error="use_stale_cache")

        assert hosts(parsed) == ["db"]
        assert "is damaged: 1 of its entries are skipped" in output

    def test_a_listing_of_an_earlier_version_is_accepted(self, kept, inventory):
        kept(ipv6=None)

        assert hosts(inventory(on_error="use_stale_cache")) == ["db", "web"]

    def test_a_stored_listing_never_selects_another_nas(self, kept, inventory, truenas):
        kept(nas="elsewhere")

        web = variables(inventory(on_error="use_stale_cache"), "web")

        assert web["pixels_nas"] == f"{truenas.host}:{truenas.port}"
        assert "StrictHostKeyChecking=yes" in web["pixels_ssh_args"]

    def test_invalid_rows_of_ansibles_cache_are_skipped(self, inventory, truenas, cache, tmp_path, capfd):
        truenas.world.add_container("px-web")
        inventory(**cache)
        (path,) = (tmp_path / "facts").iterdir()
        address = truenas.world.containers["px-web"].aliases[0]["address"]
        path.write_text(path.read_text().replace(address, "-oProxyCommand=touch owned"))

        assert hosts(inventory(**cache)) == []
        assert "is damaged" in capfd.readouterr().err


@both_generations
def test_a_pixel_with_docker_has_the_address_of_its_interface(inventory, truenas):
    made = truenas.world.add_container("px-web")
    made.bridges = {
        "br-8f3a": [{"type": "INET", "address": "172.18.0.1", "netmask": 16}],
        "docker0": [{"type": "INET", "address": "172.17.0.1", "netmask": 16}],
    }

    web = variables(inventory(), "web")

    assert web["ansible_host"] == web["pixels_ipv4"] == made.aliases[0]["address"]
    assert len(web["pixels_addresses"]) == 3


@both_generations
def test_a_pixel_with_ipv6_only_has_that_address(inventory, truenas):
    truenas.world.add_container("px-web").aliases = [{"type": "INET6", "address": "fd42::5", "netmask": 64}]

    web = variables(inventory(), "web")

    assert (web["ansible_host"], web["pixels_ipv4"], web["pixels_ipv6"]) == ("fd42::5", None, "fd42::5")


@both_generations
def test_a_pixel_where_docker_came_before_dhcp_has_no_address(inventory, truenas):
    made = truenas.world.add_container("px-web")
    made.aliases = []
    made.bridges = {"docker0": [{"type": "INET", "address": "172.17.0.1", "netmask": 16}]}

    web = variables(inventory(), "web")

    assert "ansible_host" not in web
    assert web["ansible_connection"] == "pixels.truenas.pixels"
