# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole playbooks and ad-hoc commands, run as people run them, against a simulated NAS."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import status as daemon_status
from tests.prepared import MEASURING, prepared
from tests.simulator.running import running_simulator

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


# A test may run several of these, each with a limit of its own: the limit of a test is above theirs.
COMMAND_SECONDS = 120
TEST_SECONDS = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(TEST_SECONDS))


@pytest.fixture
def engine() -> str:
    """What the containers of the NAS are; a test that goes inside one asks for `process`, in the lab they are real."""
    return "paper"


@pytest.fixture(params=["25.04", "25.10"])
def release(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def ssh_installed() -> bool:
    """Whether images come with an SSH server; a real one of Ubuntu has none."""
    return False


@pytest.fixture
def truenas(release: str, engine: str, ssh_installed: bool, pytestconfig: pytest.Config) -> t.Iterator[t.Any]:
    living = pytestconfig.getoption("--engine") if engine == "process" else engine
    with running_simulator(release=release, engine=living, ssh_installed=ssh_installed) as simulator:
        yield simulator
        assert simulator.contract_errors == []


READ_AT_START = (
    *("PATH", "LANG"),
    *("ANSIBLE_CONFIG", "ANSIBLE_NOCOLOR", "ANSIBLE_CALLBACK_PLUGINS", "ANSIBLE_STDOUT_CALLBACK"),
    *("ANSIBLE_LOCALHOST_WARNING", "ANSIBLE_INVENTORY_UNPARSED_WARNING", "ANSIBLE_KEEP_REMOTE_FILES"),
)


class Ansible:
    """Runs Ansible's commands with a home of their own and the NAS in PIXELS_* variables."""

    def __init__(self, folder: Path, variables: t.Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": os.environ["XDG_RUNTIME_DIR"],
            # The fixture `sessions` stops the daemon, so this never expires in a slow command.
            "PIXELS_SESSION_IDLE": "300",
            "LANG": "C.UTF-8",
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            # Ansible looks for it in the home directory of the passwd entry, not in HOME.
            "ANSIBLE_ASYNC_DIR": str(folder / "async"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            **MEASURING,
            **variables,
        }

    def run(self, *command: str, check: bool = True, directory: Path = ROOT) -> subprocess.CompletedProcess[str]:
        """Run a command of Ansible to its end, without a terminal and without input."""
        # Ansible reads these once, while it is loaded.
        settings = {name: value for name, value in self.environment.items() if name in READ_AT_START}
        loaded = prepared("ansible", tuple(sorted(settings.items())))
        ended = loaded.run(command, self.environment, directory=directory, seconds=COMMAND_SECONDS)
        if check and ended.returncode:
            raise AssertionError(f"{command[0]} ended with {ended.returncode}\n{ended.stdout}\n{ended.stderr}")
        return ended

    def play(self, text: str, *options: str, check: bool = True) -> dict[str, t.Any]:
        """Run a playbook given as text; what it printed, and its results."""
        playbook = self.folder / "play.yml"
        playbook.write_text(text)
        return self.playbook(str(playbook), *options, check=check)

    def playbook(self, name: str, *options: str, check: bool = True) -> dict[str, t.Any]:
        """Run a playbook by its path, or one of a collection by its name; what it printed, and its results."""
        # The callback of the ansible.posix collection is not there; a log of results is all that is needed.
        self.environment["ANSIBLE_STDOUT_CALLBACK"] = "results"
        self.environment["ANSIBLE_CALLBACK_PLUGINS"] = str(ROOT / "tests" / "integration" / "callback_plugins")
        ended = self.run("ansible-playbook", name, *options, check=check)
        return {"rc": ended.returncode, "text": ended.stdout + ended.stderr, "results": parsed(ended.stdout)}


def imported(name: str, **variables: t.Any) -> str:
    """Return the step of a playbook that runs one of the collection with these variables.

    A start of Ansible takes longer than most tasks, so a test has all its playbooks in one where it can.
    """
    # JSON is valid YAML.
    return f"\n- import_playbook: pixels.truenas.{name}\n  vars: {json.dumps(variables)}\n"


def parsed(text: str) -> list[dict[str, t.Any]]:
    """What the callback in callback_plugins printed: a line of JSON for each result."""
    return [json.loads(line) for line in text.splitlines() if line.startswith('{"host"')]


@pytest.fixture
def sessions(monkeypatch) -> t.Iterator[None]:
    """A runtime directory for this test alone: its session daemon stays for all of it, and ends with it."""
    directory = tempfile.mkdtemp(prefix="px-")
    monkeypatch.setenv("XDG_RUNTIME_DIR", directory)
    yield
    monkeypatch.setenv("XDG_RUNTIME_DIR", directory)
    daemon_status.stop()
    shutil.rmtree(directory)


@pytest.fixture
def ansible(truenas, sessions, tmp_path) -> Ansible:
    return Ansible(
        tmp_path,
        {
            "PIXELS_TRUENAS_HOST": truenas.host,
            "PIXELS_TRUENAS_PORT": str(truenas.port),
            "PIXELS_TRUENAS_USERNAME": truenas.username,
            "PIXELS_TRUENAS_API_KEY": truenas.api_key,
            "PIXELS_TRUENAS_CA_PATH": truenas.ca_file,
        },
    )


@pytest.fixture
def entering(ansible, truenas, tmp_path):
    """A key to enter pixels with, and an inventory file; the options that name the file."""
    key = tmp_path / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    ansible.environment.update(
        {
            "PIXELS_SSH_KEY": str(key),
            "PIXELS_SSH_PORT": str(truenas.ssh_port),
            # Neither a master connection that outlives the test, nor what the developer has in ~/.ssh/config.
            "ANSIBLE_SSH_ARGS": "-F /dev/null -o ControlMaster=no -o IdentitiesOnly=yes",
        }
    )
    (tmp_path / "fleet.pixels.yml").write_text("plugin: pixels.truenas.pixels\n")
    return ("-i", str(tmp_path / "fleet.pixels.yml"))
