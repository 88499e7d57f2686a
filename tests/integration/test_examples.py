# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the examples against a simulated NAS."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.integration.conftest import COMMAND_SECONDS, ROOT
from tests.unit.plugins.conftest import put, read

EXAMPLES = ROOT / "examples"


@pytest.fixture
def release() -> str:
    return "25.10"


@pytest.fixture
def engine() -> str:
    return "process"


@pytest.mark.wide
def test_the_example_of_nightly_checkpoints_keeps_the_newest(ansible, truenas, tmp_path):
    truenas.world.add_container("px-web")
    inventory = tmp_path / "demo.pixels.yml"
    inventory.write_text("plugin: pixels.truenas.pixels\n")
    playbook = str(EXAMPLES / "nightly-checkpoints/nightly.yml")

    for day in ("2026-01-01", "2026-01-02", "2026-01-03"):
        ansible.playbook(playbook, "-i", str(inventory), "-e", f"nightly_date={day} nightly_keep=2")

    ended = ansible.run("ansible", "localhost", "-m", "pixels.truenas.pixels_checkpoint_info", "-a", "name=web")
    assert "nightly-2026-01-01" not in ended.stdout
    assert "nightly-2026-01-02" in ended.stdout
    assert "nightly-2026-01-03" in ended.stdout


@pytest.mark.wide
def test_the_example_of_pull_requests_runs_the_tests_in_a_pixel_and_destroys_it(ansible, truenas, tmp_path):
    job = yaml.safe_load((EXAMPLES / "pull-request/workflow.yml").read_text())["jobs"]["tests"]
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "run-tests").write_text("uname -n\npwd\n")
    environment = {
        **ansible.environment,
        "PATH": f"{ROOT / 'bin'}{os.pathsep}{ansible.environment['PATH']}",
        "PIXELS_PYTHON": sys.executable,
        "PIXEL": "pr-17",
    }

    shown = {}
    for step in job["steps"]:
        if "run" in step:
            ended = subprocess.run(
                ["bash", "-e", "-c", step["run"]],
                env=environment,
                cwd=Path(checkout),
                capture_output=True,
                text=True,
                check=False,
                timeout=COMMAND_SECONDS,
            )
            assert ended.returncode == 0, f"{step['name']}: {ended.stdout}{ended.stderr}"
            shown[step["name"]] = ended.stdout

    assert shown["Run the tests"] == "px-pr-17\n/root/checkout\n"
    assert "px-pr-17" not in truenas.world.containers


@pytest.mark.wide
def test_the_example_of_an_upgrade_restores_the_pixel_that_failed_and_stops(ansible, truenas):
    for name in ("db", "mail", "web"):
        truenas.world.add_container(f"px-{name}")
        put(truenas, "/etc/version", "1", name=f"px-{name}")
    upgrade = "echo 2 >/etc/version"
    check = "test $(uname -n) != px-mail || { echo mail is broken >&2; exit 1; }"

    played = ansible.playbook(
        str(EXAMPLES / "upgrade/upgrade.yml"),
        *("-i", str(EXAMPLES / "upgrade/all.pixels.yml")),
        *("-e", json.dumps({"upgrade_command": upgrade, "upgrade_check": check})),
        check=False,
    )

    assert played["rc"] == 2
    assert [read(truenas, "/etc/version", name=f"px-{name}").strip() for name in ("db", "mail", "web")] == [
        "2",
        "1",
        "1",
    ]
    failed = next(each for each in played["results"] if each["task"] == "Fail with the reason")
    assert re.fullmatch(
        r"mail is restored to px-\d{8}-\d{6}, because the task 'Check' failed: mail is broken", failed["result"]["msg"]
    )
    assert truenas.world.containers["px-mail"].status == "RUNNING"


AGENT = """#!/bin/sh
set -e
[ "$(git branch --show-current)" != agent/3 ] || { echo "task 3 cannot be done" >&2; exit 1; }
uname -n >result
git add result
git commit -qm "Do the task of $(git branch --show-current)"
"""


@pytest.fixture
def repository(tmp_path):
    """A repository with ten branches for agents."""
    path = tmp_path / "app"
    git = ("git", "-c", "user.name=Me", "-c", "user.email=me@example.org", "-C", str(path))
    subprocess.run(["git", "init", "-q", "-b", "main", str(path)], check=True)
    (path / "run-agent").write_text(AGENT)
    (path / "run-agent").chmod(0o755)
    for words in (["add", "."], ["commit", "-qm", "Start"], *(["branch", f"agent/{n}"] for n in range(10))):
        subprocess.run([*git, *words], check=True)
    return path


@pytest.mark.wide
def test_the_example_of_ten_agents_collects_the_commits_of_those_that_succeed(ansible, truenas, tmp_path, repository):
    truenas.world.add_container("px-web")
    settings = yaml.safe_load((EXAMPLES / "agents/agents-vars.yml").read_text())
    settings |= {"agents_repository": str(repository), "agents_results": str(tmp_path / "results")}
    # The pixels have their own Python.
    del ansible.environment["ANSIBLE_PYTHON_INTERPRETER"]

    played = ansible.playbook(
        str(EXAMPLES / "agents/agents.yml"),
        *("-i", str(EXAMPLES / "agents/agents.pixels.yml")),
        *("--forks", "10", "-e", json.dumps(settings)),
        check=False,
    )

    assert played["rc"] == 2
    assert "task 3 cannot be done" in played["text"]
    patches = {path.stem: path.read_text() for path in (tmp_path / "results/agent").iterdir()}
    assert sorted(patches) == [str(n) for n in range(10) if n != 3]
    assert "From: agent-8 <agent-8@pixels.invalid>" in patches["7"]
    assert "+px-agent-8\n" in patches["7"]
    assert list(truenas.world.containers) == ["px-web"]
    assert not list((repository / ".git").glob("*.bundle"))
    assert truenas.stats.logins == 1


SERVER = """\
exec python3 -c '
import socket
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
peer = server.accept()[0]
peer.sendall(b"hello from " + socket.gethostname().encode())
peer.close()
'
"""


@pytest.mark.wide
def test_an_editor_starts_its_server_over_ssh_and_reaches_it_by_a_forwarded_port(ansible, truenas, entering, tmp_path):
    environment = {**ansible.environment, "PIXELS_PYTHON": sys.executable}
    ssh = ["ssh", "-F", str(tmp_path / ".ssh/config")]
    for words in (["create", "web", "--wait", "ssh"], ["ssh-config", "--install"]):
        subprocess.run([ROOT / "bin/pixels", *words], env=environment, check=True)

    with subprocess.Popen([*ssh, "-T", "web.pixels", "sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        shell.stdin.write(SERVER.encode())
        shell.stdin.close()
        port = int(shell.stdout.readline())
        try:
            output = subprocess.run(
                [*ssh, "-W", f"127.0.0.1:{port}", "web.pixels"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=True,
                timeout=COMMAND_SECONDS,
            )
        except BaseException:
            # The server waits for a connection for ever.
            shell.kill()
            raise

    assert output.stdout == b"hello from px-web"
    assert shell.returncode == 0
