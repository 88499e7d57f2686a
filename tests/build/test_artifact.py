# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves that the Galaxy artifact works where nothing but it is installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import typing as t
from pathlib import Path

import pytest
import yaml

from tests.build.working_tree import ROOT, copy_to
from tests.simulator.running import running_simulator

BIN = Path(sys.executable).parent
GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text())
MODULES = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]["pixels"]

REQUIRED = ("meta", "playbooks", "plugins", "roles")
"""The directories that a collection may rely on at run time (inclusion requirements of the Ansible community)."""

Command = t.Callable[..., str]


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Runs a program of Ansible far from the checkout and from anybody's settings; what it prints is returned."""
    home = tmp_path_factory.mktemp("home")
    environment = {
        "HOME": str(home),
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "LC_ALL": "C.UTF-8",
        "XDG_RUNTIME_DIR": os.environ["XDG_RUNTIME_DIR"],
        "PIXELS_SESSION_IDLE": "5",
        "ANSIBLE_COLLECTIONS_PATH": str(home / "collections"),
    }

    def run(program: str, *arguments: str, **more: str) -> str:
        done = subprocess.run(
            [str(BIN / program), *arguments],
            cwd=home,
            env=environment | more,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"
        return done.stdout

    return run


@pytest.fixture(scope="session")
def artifact(command: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree, output = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("artifact")
    copy_to(tree)
    command("ansible-galaxy", "collection", "build", "--output-path", str(output), str(tree))
    return output / f"pixels-truenas-{GALAXY['version']}.tar.gz"


@pytest.fixture(scope="session")
def installed(command: Command, artifact: Path) -> Command:
    """The command, once the artifact is the only collection there is, with the directories that Ansible requires."""
    said = command("ansible-galaxy", "collection", "install", "--offline", str(artifact))
    place = Path(re.findall(r"Installing '\S+' to '(.+)'", said)[0])
    for path in place.iterdir():
        if path.is_dir() and path.name not in REQUIRED:
            shutil.rmtree(path)
    return command


def test_the_artifact_holds_the_collection_and_nothing_that_was_made(artifact: Path) -> None:
    with tarfile.open(artifact) as archive:
        names = archive.getnames()

    assert {"README.md", "COPYING", "MANIFEST.json", "meta/runtime.yml", "requirements.txt"} <= set(names)
    assert {f"plugins/modules/{module}.py" for module in MODULES} <= set(names)
    others = {".git", ".venv", "bench", "build", "tests"}
    assert [name for name in names if name.split("/")[0] in others or name.endswith(".pyc")] == []


def test_the_line_of_the_readme_installs_it_from_the_checkout(artifact: Path, tmp_path: Path) -> None:
    """There, `ansible.cfg` lets Ansible find the checkout itself, which keeps a plain installation from being one."""
    lines = [line.removeprefix("$ ") for line in (ROOT / "README.md").read_text().splitlines()]
    [line] = [line for line in lines if line.startswith("ansible-galaxy collection install")]
    environment = {"HOME": str(tmp_path), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}

    def run(line: str, directory: Path) -> str:
        command = ["/bin/sh", "-ec", line]
        return subprocess.run(
            command, cwd=directory, env=environment, capture_output=True, text=True, check=True
        ).stdout

    run(line.replace("build/artifact", str(artifact.parent)), ROOT)

    listed = json.loads(run("ansible-galaxy collection list --format json", tmp_path))
    assert list(listed[f"{tmp_path}/.ansible/collections/ansible_collections"]) == ["pixels.truenas"]


def test_the_installed_collection_says_its_version(installed: Command) -> None:
    listed = json.loads(installed("ansible-galaxy", "collection", "list", "--format", "json"))

    versions = [found["pixels.truenas"]["version"] for found in listed.values() if "pixels.truenas" in found]
    assert versions == [GALAXY["version"]]


@pytest.mark.parametrize("module", MODULES)
def test_the_installed_modules_show_their_documentation(installed: Command, module: str) -> None:
    documented = json.loads(installed("ansible-doc", "--json", f"pixels.truenas.{module}"))

    assert "api_key" in documented[f"pixels.truenas.{module}"]["doc"]["options"]


def test_the_installed_inventory_plugin_shows_its_documentation(installed: Command) -> None:
    documented = json.loads(installed("ansible-doc", "--json", "--type", "inventory", "pixels.truenas.pixels"))

    assert documented["pixels.truenas.pixels"]["doc"]["options"]


def test_an_installed_module_talks_to_a_nas(installed: Command) -> None:
    with running_simulator(release="25.10", engine="paper") as simulator:
        simulator.world.add_container("px-web")
        answer = installed(
            "ansible",
            "localhost",
            "--module-name",
            "pixels.truenas.pixels_container_info",
            PIXELS_TRUENAS_HOST=simulator.host,
            PIXELS_TRUENAS_PORT=str(simulator.port),
            PIXELS_TRUENAS_USERNAME=simulator.username,
            PIXELS_TRUENAS_API_KEY=simulator.api_key,
            PIXELS_TRUENAS_CA_PATH=str(simulator.ca_file),
        )

    result = json.loads(answer.removeprefix("localhost | SUCCESS => "))
    assert [container["name"] for container in result["containers"]] == ["web"]
