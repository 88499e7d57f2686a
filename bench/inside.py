# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure commands and transfers through the web shell, and over an open OpenSSH connection."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from ansible.plugins.loader import init_plugin_loader

ROOT = Path(__file__).resolve().parents[1]
init_plugin_loader([str(ROOT / "build")])

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.open_session import open_session  # noqa: E402
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import (  # noqa: E402 (the loader comes first)
    Credential,
    Endpoint,
    Timeouts,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command  # noqa: E402
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient  # noqa: E402
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels  # noqa: E402
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName  # noqa: E402
from bench.rows import Row  # noqa: E402
from tests.simulator.running import RunningSimulator, running_simulator  # noqa: E402

BIN = Path(sys.executable).parent
HOSTS, TASKS = 20, 5
COMMANDS = 50
MEGABYTES = 50

PLAY = f"""
- hosts: pixels
  gather_facts: false
  tasks:
    - ansible.builtin.command: 'true'
      loop: "{{{{ range({TASKS}) | list }}}}"
"""


def measure(runs: int) -> list[Row]:
    # Socket paths are limited to about 100 characters, so the directory has a short one.
    home = Path(tempfile.mkdtemp(prefix="px-"))
    os.environ["XDG_RUNTIME_DIR"] = str(home)
    try:
        with running_simulator(engine="process", ssh_installed=True) as nas:
            return in_a_home(nas, home, runs)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def in_a_home(nas: RunningSimulator, home: Path, runs: int) -> list[Row]:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / "key")], check=True)
    for number in range(HOSTS):
        name = f"px-p{number}"
        nas.world.add_container(name)
        public = (home / "key.pub").read_bytes()
        path = "/root/.ssh/authorized_keys"
        nas.run(nas.world.engine.write_file(name, path, public, append=False, mode=0o600, uid=0, gid=0))
    return [*commands(nas, home), plays(nas, home, runs)]


def commands(nas: RunningSimulator, home: Path) -> list[Row]:
    address = nas.world.containers["px-p0"].aliases[0]["address"]
    at = ["-S", str(home / "master"), "-i", str(home / "key"), "-p", str(nas.ssh_port), "-o", "BatchMode=yes"]
    nobody = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
    ssh = ["ssh", *at, *nobody, f"root@{address}"]
    subprocess.run([*ssh, "-M", "-N", "-f"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    endpoint = Endpoint(nas.host, nas.port, ca_path=nas.ca_file)
    credential = Credential(nas.username, api_key=nas.api_key)
    content = os.urandom(MEGABYTES * 1_000_000)
    try:
        with (
            open_session(endpoint, credential, Timeouts(), lambda text: None, idle=5) as session,
            WebShellClient(Pixels(session), PixelName("px-p0")) as shell,
        ):
            once, peer_once = beside(lambda: shell.run(Command(("true",))), lambda: run([*ssh, "true"]), times=COMMANDS)
            put, peer_put = beside(
                lambda: shell.run(Command(("sh", "-c", "cat >/root/put"), stdin=content)),
                lambda: run([*ssh, "cat >/root/put"], content),
                times=3,
            )
    finally:
        subprocess.run(["ssh", *at, "-O", "exit", "pixel"], capture_output=True, check=False)
    return [
        Row("a command through the shell, warm", once, peer_once, "ssh over an open ControlPersist master", 1.2),
        Row(f"put of {MEGABYTES} MB through the shell", put, MEGABYTES / 20, "20 MB/s", 1.0),
        Row(f"put of {MEGABYTES} MB through the shell", put, peer_put, "ssh and cat"),
    ]


def beside(ours: t.Callable[[], t.Any], peer: t.Callable[[], t.Any], *, times: int) -> tuple[float, float]:
    """Return the medians of both, run alternately so that other load affects both."""
    ours(), peer()
    taken = [(seconds(ours), seconds(peer)) for _turn in range(times)]
    return statistics.median(one for one, _other in taken), statistics.median(other for _one, other in taken)


def seconds(action: t.Callable[[], t.Any]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def run(words: list[str], stdin: bytes = b"") -> None:
    subprocess.run(words, input=stdin, capture_output=True, check=True)


def plays(nas: RunningSimulator, home: Path, runs: int) -> Row:
    (home / "play.yml").write_text(PLAY)
    for way in ("shell", "ssh"):
        (home / f"{way}.pixels.yml").write_text(
            f"plugin: pixels.truenas.pixels\nconnect_with: {way}\n"
            f"ssh_key: {home}/key\nssh_port: {nas.ssh_port}\n"
            "compose: {ansible_python_interpreter: \"'/usr/bin/python3'\"}\n"
        )
    environment = {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),
        "LANG": "C.UTF-8",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_FORKS": "10",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(home / "cp"),
        "PIXELS_TRUENAS_HOST": nas.host,
        "PIXELS_TRUENAS_PORT": str(nas.port),
        "PIXELS_TRUENAS_USERNAME": nas.username,
        "PIXELS_TRUENAS_API_KEY": nas.api_key,
        "PIXELS_TRUENAS_CA_PATH": nas.ca_file,
        "PIXELS_SESSION_IDLE": "10",
    }

    def play(way: str) -> t.Callable[[], t.Any]:
        words = [str(BIN / "ansible-playbook"), "-i", str(home / f"{way}.pixels.yml"), str(home / "play.yml")]
        return lambda: subprocess.run(
            words, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=True
        )

    ours, peer = beside(play("shell"), play("ssh"), times=runs)
    return Row(
        f"command on {HOSTS} hosts x {TASKS} over the connection plugin",
        ours,
        peer,
        "ssh, pipelining, ControlPersist",
        1.0,
    )
