# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of modules that run in Ansible's own process; tests/integration runs whole playbooks of them."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import action_loader, connection_loader
from ansible.template import Templar

from ansible_collections.pixels.truenas.plugins.modules import (
    pixels_checkpoint,
    pixels_container,
    pixels_exec,
)

MIB = 1024 * 1024
MODULES = "ansible_collections.pixels.truenas.plugins.modules"


@pytest.fixture
def act(nas):
    """Run a task of this collection as Ansible's worker does, for a host with these variables."""

    def run_task(action, arguments=None, *, variables=None, **keywords):
        task = Task.load({"name": "test", f"pixels.truenas.{action}": {**nas, **(arguments or {})}, **keywords})
        task.check_mode = keywords.get("check_mode", False)
        loader = DataLoader()
        plugin = action_loader.get(
            task.action,
            task=task,
            connection=connection_loader.get("ansible.builtin.local", PlayContext()),
            play_context=PlayContext(),
            loader=loader,
            templar=Templar(loader=loader, variables=variables or {}),
            shared_loader_obj=None,
        )
        return plugin.run(task_vars=variables or {})

    return run_task


def ignoring_words(result):
    return {key: value for key, value in result.items() if key not in ("invocation", "warnings")}


# Each runs twice, to verify that the second run changes nothing.
TASKS = {
    "pixels_container": {"name": "web", "memory": "4GiB", "labels": {"role": "front"}},
    "pixels_fleet": {"pixels": ["web", {"name": "db", "memory": "4GiB"}], "fleet": "demo"},
    "pixels_base": {"name": "tools", "image": "debian/12"},
    "pixels_container_info": {},
    "pixels_image_info": {"names": "ubuntu/24.04"},
    "pixels_nas_info": {},
    "pixels_reap": {},
    "pixels_checkpoint": {"name": "web", "label": "ready"},
    "pixels_checkpoint_info": {"name": "web"},
    "pixels_checkpoint_restore": {"name": "web", "label": "there"},
    "pixels_devtools": {"name": "web", "tools": ["git"]},
    "pixels_egress": {"name": "web", "mode": "unrestricted"},
    "pixels_segment": {"name": "br77", "confirm": True},
    "pixels_egress_info": {"name": "web"},
    "pixels_gateway": {"name": "web", "segments": [{"name": "br77"}]},
    "pixels_exec": {"name": "web", "cmd": "uptime"},
    "pixels_authorize": {"name": "web", "public_keys": ["ssh-ed25519 AAAA somebody"]},
}


def comparable(result):
    """A result without the words that differ by way, and without what tells one moment from another."""
    text = json.dumps(ignoring_words(result), default=str)
    # Times, and addresses that are dealt out one after the other.
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)?", "MOMENT", text)
    return json.loads(re.sub(r"\d+\.\d+\.\d+\.\d+", "ADDRESS", text))


@pytest.fixture
def both(act, run, truenas):
    """Run the same as an action and as a module, each in the same world; both results."""

    def run_both(name, *, check_mode):
        module = importlib.import_module(f"{MODULES}.{name}")
        results = []
        for one in (
            lambda: act(name, dict(TASKS[name]), check_mode=check_mode, diff=True),
            lambda: run(module, check_mode=check_mode, **TASKS[name]),
        ):
            truenas.reset()
            truenas.world.add_container("px-web")
            if name in ("pixels_checkpoint_info", "pixels_checkpoint_restore"):
                run(pixels_checkpoint, name="web", label="there")
            results.append((comparable(one()), comparable(one())))
        return results

    return run_both


def test_every_module_is_compared():
    assert set(TASKS) == {path.stem for path in Path(pixels_container.__file__).parent.glob("pixels_*.py")}


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("name", TASKS)
def test_gives_what_the_module_gives(both, name, check_mode):
    as_action, as_module = both(name, check_mode=check_mode)

    assert as_action == as_module


@pytest.mark.parametrize("arguments", [{}, {"name": "we_b"}, {"name": "web", "memory": "lots"}, {"nme": "web"}])
def test_fails_as_the_module_fails(act, run, truenas, arguments):
    as_action = act("pixels_container", arguments)
    as_module = run(pixels_container, **arguments)

    assert as_action["failed"]
    assert as_action["msg"].replace("pixels.truenas.", "") in as_module["msg"]


@pytest.mark.parametrize("name", TASKS)
def test_the_result_is_what_json_can_express(act, truenas, nas, monkeypatch, name):
    """Also where no secret was given, which would be looked for in all of it."""
    monkeypatch.setenv("PIXELS_TRUENAS_API_KEY", nas.pop("api_key"))
    truenas.world.add_container("px-web")

    results = [act(name, TASKS[name], diff=True), act(name, TASKS[name], diff=True)]

    assert json.loads(json.dumps(results)) == results


def test_texts_come_without_what_ansible_notes_beside_them(act, truenas, monkeypatch):
    from ansible.template import trust_as_template

    given = []
    monkeypatch.setattr(pixels_container, "run", lambda task: given.append(task.params) or {})
    text = trust_as_template("web")

    act("pixels_container", {"name": text, "labels": {text: text}, "provision": {"public_keys": [text]}})

    [params] = given
    [(label, value)] = params["labels"].items()
    texts = [params["name"], label, value, *params["provision"]["public_keys"]]
    assert texts == ["web"] * 4
    assert {type(each) for each in texts} == {str}


def test_each_task_of_a_process_has_settings_of_its_own(act, truenas, nas, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(pixels_exec, "run", lambda task: asked.append(task.ssh.user) or {})
    configuration = tmp_path / "config.toml"
    monkeypatch.setenv("PIXELS_CONFIG", str(configuration))

    for user in ("adam", "anna"):
        configuration.write_text(f'[ssh]\nuser = "{user}"\n')
        act("pixels_exec", {"name": "web", "cmd": "true"})
    monkeypatch.setenv("PIXELS_SSH_USER", "berta")
    act("pixels_exec", {"name": "web", "cmd": "true"})
    act("pixels_exec", {"name": "web", "cmd": "true"}, environment=[{"PIXELS_SSH_USER": "carl"}])
    act("pixels_exec", {"name": "web", "cmd": "true", "ssh_user": "dora"})
    monkeypatch.delenv("PIXELS_SSH_USER")
    act("pixels_exec", {"name": "web", "cmd": "true"})

    assert asked == ["adam", "anna", "berta", "carl", "dora", "anna"]


def test_the_name_of_a_pixel_is_that_of_the_host_it_runs_for(act, truenas):
    truenas.world.add_container("px-web")

    result = act("pixels_container", {"memory": "4GiB"}, variables={"pixels_name": "web"})

    assert result["changed"]
    assert truenas.world.containers["px-web"].memory == 4096 * MIB


def test_a_name_that_is_given_wins_over_the_host(act, truenas):
    act("pixels_container", {"name": "db", "state": "present"}, variables={"pixels_name": "web"})

    assert set(truenas.world.containers) == {"px-db"}


def test_the_nas_is_that_of_the_host_it_runs_for(act, truenas, nas):
    variables = {f"pixels_nas_{option}": value for option, value in nas.items()}
    nas.clear()

    result = act("pixels_nas_info", variables=variables)

    assert result["nas"]["host"] == f"{truenas.host}:{truenas.port}"


def test_a_variable_may_be_a_template(act, truenas, nas):
    from ansible.template import trust_as_template

    key = nas.pop("api_key")

    result = act(
        "pixels_nas_info", variables={"pixels_nas_api_key": trust_as_template("{{ vaulted }}"), "vaulted": key}
    )

    assert "failed" not in result


def test_a_password_that_is_given_is_not_joined_by_a_key_of_the_host(act, truenas, nas):
    del nas["api_key"]

    result = act("pixels_nas_info", {"password": truenas.password}, variables={"pixels_nas_api_key": "1-wrong"})

    assert "failed" not in result


def test_the_environment_of_a_task_is_checked(act, truenas, nas):
    host = nas.pop("host")

    assert "PIXELS_TRUENAS_HOST" in act("pixels_nas_info")["msg"]
    assert "failed" not in act("pixels_nas_info", environment=[{"PIXELS_TRUENAS_HOST": host}])


def test_check_mode_changes_nothing(act, truenas):
    result = act("pixels_container", {"name": "web"}, check_mode=True)

    assert result["changed"]
    assert truenas.world.containers == {}


def test_free_text_is_a_command_where_there_is_one(act, truenas):
    assert "no pixel named web" in act("pixels_exec", {"_raw_params": "uptime", "name": "web"})["msg"]


def test_free_text_is_refused_where_there_is_none(act, truenas):
    with pytest.raises(AnsibleActionFail, match="takes options, not free text"):
        act("pixels_nas_info", {"_raw_params": "uptime"})


def test_no_secret_comes_back(act, truenas, nas):
    result = act("pixels_container", {"name": "web", "environment": {"KEY": nas["api_key"]}, "state": "present"})

    assert nas["api_key"] not in str(result)


def test_a_wrong_key_is_reported_without_it(act, truenas, nas):
    nas["api_key"] = "1-" + "wrong" * 12

    result = act("pixels_nas_info")

    assert result["failed"]
    assert result["error"]["kind"] == "LoginRefused"
    assert "wrongwrong" not in str(result)


def test_another_pixel_than_the_host_is_not_entered_with_its_variables(act, truenas, nas, monkeypatch):
    asked = []
    monkeypatch.setattr(pixels_exec, "run", lambda task: asked.append((task.params["name"], task.ssh)) or {})
    variables = {
        "pixels_name": "web",
        "ansible_port": 2222,
        "ansible_user": "admin",
        "ansible_ssh_private_key_file": "/web.key",
    }

    for name in ({}, {"name": "web"}, {"name": "px-web"}, {"name": "db"}):
        act("pixels_exec", {"cmd": "true", **name}, variables=variables)

    assert [(ssh.user, ssh.port, ssh.key) for _name, ssh in asked[:3]] == [("admin", 2222, "/web.key")] * 3
    assert (asked[3][0], asked[3][1].user, asked[3][1].port, asked[3][1].key) == ("db", "root", 22, None)


def test_no_other_credential_goes_to_a_nas_that_has_its_own(act, truenas, nas, monkeypatch):
    monkeypatch.setenv("PIXELS_TRUENAS_API_KEY", nas.pop("api_key"))
    variables = {f"pixels_nas_{option}": value for option, value in nas.items()}
    nas.clear()
    variables["pixels_nas_has_own_credential"] = True

    with pytest.raises(AnsibleActionFail, match=f"{truenas.host} has a credential of its own.*pixels_nas_api_key"):
        act("pixels_nas_info", variables=variables)
    assert truenas.stats.connections == 0

    result = act("pixels_nas_info", variables={**variables, "pixels_nas_api_key": truenas.api_key})
    assert result["nas"]["host"] == f"{truenas.host}:{truenas.port}"
