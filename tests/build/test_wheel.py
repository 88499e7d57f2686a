# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves that the wheel installs a command that works where Ansible is not installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

from tests.build.working_tree import ROOT, copy_to
from tests.simulator.running import running_simulator

VERSION = yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
# A first run downloads the build backend and the libraries.
pytestmark = pytest.mark.timeout(300)


def run(*command: str | Path, **variables: str) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def pip(python: str | Path, *arguments: str | Path) -> None:
    run(python, "-m", "pip", *arguments, "-qq", "--disable-pip-version-check", **os.environ)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree, output = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheel")
    copy_to(tree)
    pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", output, tree)
    return output / f"pixels_truenas-{VERSION}-py3-none-any.whl"


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment that contains the wheel and its dependencies only."""
    path = tmp_path_factory.mktemp("environment")
    venv.create(path, with_pip=True)
    pip(path / "bin/python", "install", wheel)
    return path


@pytest.fixture
def pixels(environment: Path, tmp_path: Path) -> t.Callable[..., str]:
    """The command as pipx and uv install it: as a link into the environment."""
    link = tmp_path / "pixels"
    link.symlink_to(environment / "bin/pixels")
    home = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": os.environ["XDG_RUNTIME_DIR"], "PIXELS_SESSION_IDLE": "5"}
    return lambda *words, **variables: run(link, *words, **home, **variables)


def test_the_wheel_has_the_code_of_the_command_and_nothing_of_ansible(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(f"pixels_truenas-{VERSION}.dist-info/METADATA").decode()

    layers = {Path(name).parts[3] for name in names if name.startswith("pixels_truenas/plugins/")}
    assert layers == {"_api", "_cli", "_pixel", "_truenas"}
    assert [name for name in names if name.endswith(".pyc")] == []
    assert "pixels_truenas/roles/devtools/files/lock.json" in names
    required = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and line[0] != "#"]
    assert all(f"Requires-Dist: {each}" in metadata for each in required)


def test_the_installed_command_runs_in_its_own_python(environment: Path, pixels: t.Callable[..., str]) -> None:
    assert pixels("--version") == f"pixels {VERSION}\n"

    found = json.loads(pixels("version", "--json"))

    assert found["version"] == VERSION
    assert found["python"]["path"] == str(environment / "bin/python")
    assert None not in found["libraries"].values()


def test_a_pixel_is_listed_and_a_command_runs_in_it(pixels: t.Callable[..., str]) -> None:
    with running_simulator(release="25.10", engine="process") as simulator:
        simulator.world.add_container("px-web")
        nas = {
            "PIXELS_TRUENAS_HOST": simulator.host,
            "PIXELS_TRUENAS_PORT": str(simulator.port),
            "PIXELS_TRUENAS_USERNAME": simulator.username,
            "PIXELS_TRUENAS_API_KEY": simulator.api_key,
            "PIXELS_TRUENAS_CA_PATH": str(simulator.ca_file),
        }

        assert "web" in pixels("list", **nas)
        # Through the daemon, which is now running.
        assert "web" in pixels("list", **nas)
        assert pixels("exec", "--transport", "shell", "web", "echo", "hello", **nas) == "hello\n"


def test_each_verb_has_a_man_page_that_names_its_options(environment: Path, pixels: t.Callable[..., str]) -> None:
    pages = environment / "share/man/man1"
    verbs = {path.stem.removeprefix("pixels-") for path in pages.glob("pixels-*.1")}

    listed = set(pixels("--complete", "").split())

    assert verbs == listed - {"cp", "ls", "rm"}
    assert "\\-\\-stop\\-timeout" in (pages / "pixels-stop.1").read_text()


@pytest.mark.parametrize(
    ("shell", "path"),
    [
        ("bash", "bash-completion/completions/pixels"),
        ("fish", "fish/vendor_completions.d/pixels.fish"),
        ("zsh", "zsh/site-functions/_pixels"),
    ],
)
def test_the_completion_of_each_shell_is_installed(environment: Path, shell: str, path: str) -> None:
    assert "pixels --complete" in (environment / "share" / path).read_text()
