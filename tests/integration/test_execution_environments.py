# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run Ansible as AWX does: ansible-runner, a user ID without a passwd entry, and almost no writable directory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.build.working_tree import copy_to
from tests.integration.conftest import BIN, COMMAND_SECONDS, ROOT

UID = 123_456
UNSHARE = ("unshare", "--user", f"--map-user={UID}", f"--map-group={UID}")

RUNNER = """
import sys, ansible_runner
ended = ansible_runner.run(private_data_dir=sys.argv[1], playbook="play.yml", inventory="localhost,", quiet=True)
print(ended.status, ended.stdout.read())
"""

PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - pixels.truenas.pixels_container:
        name: web
        provision: {public_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJw8bDuvfOWWuFSzVh9zNkzaK1e5MFLBMeNPDgfZ5hRa]}
        wait: running
      register: first
    - pixels.truenas.pixels_container:
        name: web
      register: second
    - ansible.builtin.assert:
        that: [first is changed, second is not changed]
"""

INVENTORY = """
plugin: pixels.truenas.pixels
connect_with: shell
cache: true
cache_plugin: jsonfile
cache_connection: {cache}
"""


@pytest.fixture
def release() -> str:
    return "25.10"


@pytest.fixture
def engine() -> str:
    return "process"


@pytest.fixture
def ssh_installed() -> bool:
    return True


@pytest.fixture
def execution_environment(truenas, tmp_path):
    """Return a function that runs a program as in an execution environment. Only ANSIBLE_HOME and /tmp are writable."""
    if subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("takes user namespaces, in which a user ID has no passwd entry")
    collections, home, ansible_home = (tmp_path / name for name in ("collections", "home", "ansible"))
    copy_to(collections / "ansible_collections/pixels/truenas")
    for directory in (home, ansible_home):
        directory.mkdir()
    for path in (home, *collections.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)
    temporary = tempfile.mkdtemp(prefix="px-")
    environment = {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TMPDIR": temporary,
        "ANSIBLE_HOME": str(ansible_home),
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_NOCOLOR": "1",
        "PIXELS_PYTHON": sys.executable,
        "PIXELS_TRUENAS_HOST": truenas.host,
        "PIXELS_TRUENAS_PORT": str(truenas.port),
        "PIXELS_TRUENAS_USERNAME": truenas.username,
        "PIXELS_TRUENAS_API_KEY": truenas.api_key,
        "PIXELS_TRUENAS_CA_PATH": str(truenas.ca_file),
    }

    def run(*command: str | Path) -> str:
        ended = subprocess.run(
            [*UNSHARE, *command],
            env=environment,
            cwd=ansible_home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_SECONDS,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert "Traceback" not in ended.stderr
        return ended.stdout

    yield run
    run(collections / "ansible_collections/pixels/truenas/bin/pixels", "session", "stop")
    for path in (home, *collections.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(temporary)


@pytest.mark.wide
def test_a_job_of_awx_creates_lists_and_enters_a_pixel(execution_environment, truenas, tmp_path):
    private = tmp_path / "ansible/private"
    (private / "project").mkdir(parents=True)
    (private / "project/play.yml").write_text(PLAY)
    inventory = tmp_path / "ansible/demo.pixels.yml"
    inventory.write_text(INVENTORY.format(cache=tmp_path / "ansible/cache"))

    played = execution_environment(sys.executable, "-c", RUNNER, private)
    assert played.startswith("successful"), played
    listed = json.loads(execution_environment("ansible-inventory", "-i", inventory, "--list"))
    answered = execution_environment("ansible", "-i", inventory, "web", "-m", "raw", "-a", "id -u")

    assert listed["pixels"]["hosts"] == ["web"]
    assert list((tmp_path / "ansible/cache").iterdir())
    assert "CHANGED | rc=0 >>\n0\n" in answered
    assert truenas.stats.logins == 1
    assert not any((tmp_path / "home").iterdir())


NODES = 5
NODE_PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - pixels.truenas.pixels_fleet:
        count: 4
        name: "{{ node }}-{n}"
        fleet: "{{ node }}"
        defaults: {wait: running}
    - pixels.truenas.pixels_container_info:
      loop: "{{ range(10) | list }}"
    - pixels.truenas.pixels_fleet:
        pixels: []
        fleet: "{{ node }}"
        prune: true
"""


class TestSeveralNodes:
    @pytest.fixture
    def engine(self) -> str:
        return "paper"

    @pytest.mark.wide
    def test_each_logs_in_once_and_no_login_is_refused(self, ansible, truenas, tmp_path):
        (tmp_path / "play.yml").write_text(NODE_PLAY)
        nodes = []
        for number in range(NODES):
            home = Path(tempfile.mkdtemp(prefix="px-"))
            names = ("HOME", "ANSIBLE_HOME", "XDG_RUNTIME_DIR")
            environment = {**ansible.environment, **dict.fromkeys(names, str(home)), "PIXELS_PYTHON": sys.executable}
            nodes.append((f"node{number}", home, environment))

        running = [
            subprocess.Popen(
                [BIN / "ansible-playbook", "play.yml", "-e", f"node={name}"],
                env=environment,
                cwd=tmp_path,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for name, _home, environment in nodes
        ]
        printed = [process.communicate(timeout=COMMAND_SECONDS)[0] for process in running]
        for _name, home, environment in nodes:
            subprocess.run([ROOT / "bin/pixels", "session", "stop"], env=environment, check=True, capture_output=True)
            shutil.rmtree(home)

        assert [process.returncode for process in running] == [0] * NODES, printed
        assert truenas.stats.calls["virt.instance.create"] == 4 * NODES
        assert not truenas.world.containers
        assert (truenas.stats.logins, truenas.stats.rate_limited) == (NODES, 0)
        # Those of TrueNAS 25.10, which sends the key: a login is one call of the 20 that it accepts in a minute.
        assert truenas.stats.login_attempts == NODES
