# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-core's integration targets for connection plugins against this collection's, on simulated pixels.

The targets are unmodified. Only their inputs differ: the inventory, variables, and the plays that `ansible-test` writes
for roles. `--only connection` selects targets by name.
"""

from __future__ import annotations

import argparse
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.conformance import sdist
from tests.simulator.engines.process.image_builder import Ids
from tests.simulator.running import RunningSimulator, running_simulator

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/conformance"
# Of one release: two of them can run at the same time.
FILTERS = BUILD / sdist.VERSION / "filters"
BIN = Path(sys.executable).parent
TIMEOUT_S = 300

TRANSPORTS = ("shell", "ssh")
# For the hosts of targets that only use the connection. `connection`, which tests it, has hosts with and without.
PIPELINING = {"shell": "true", "ssh": "false"}

ROLES = ("become", "slurp", "wait_for_connection")
TARGETS = ("connection", "raw", *ROLES, "delegate_to", "connection_delegation")

# Playbooks of delegate_to/runme.sh that connect to hosts of the inventory. The others compare the addresses 127.0.0.3
# and 127.0.0.4 with $SSH_CONNECTION, or test another connection plugin.
DELEGATE_TO_PLAYBOOKS = (
    "test_delegate_to_loop_randomness.yml",
    "delegate_and_nolog.yml",
    "delegate_facts_block.yml",
    "test_delegate_to_loop_caching.yml",
    "resolve_vars.yml",
    "test_delegate_to_lookup_context.yml",
    "delegate_facts_loop.yml",
    "test_random_delegate_to_with_loop.yml",
    "test_random_delegate_to_without_loop.yml",
)

ROLE_PLAY = """\
- hosts: testhost
  roles:
    - {role}
"""


class Run(t.NamedTuple):
    """One target over one transport."""

    target: str
    transport: str

    def __str__(self) -> str:
        return f"{self.target:22}{self.transport:7}"


def why_skipped(target: str) -> str | None:
    """Return why a target cannot run on this machine; None if it can."""
    if target == "connection_delegation":
        return None if shutil.which("sshpass") else "it requires sshpass, which this machine does not have"
    if target in ("become", "slurp") and Ids.here().number == 1:
        return "it creates users, which simulated pixels have only if root runs them"
    if target == "become" and not shutil.which("sudo"):
        return "it requires sudo in simulated pixels, which have the programs of this machine"
    return None


def commands(run: Run, targets: Path, inventory: Path, scratch: Path) -> list[list[str]]:
    """Return the commands that run a target, in the directory of the target."""
    options = ["-e", f"output_dir={scratch}", "-e", "resource_prefix=conformance"]
    playbook = str(BIN / "ansible-playbook")
    if run.target == "connection":
        paths = ["-e", f"local_tmp={scratch}/ansible-local", "-e", "remote_tmp=/tmp/ansible-remote"]
        return [["./test.sh", "-e", "target_hosts=pixels", "-e", "action_prefix=", *paths]]
    if run.target in ROLES:
        play = targets / run.target / "conformance.yml"
        play.write_text(ROLE_PLAY.format(role=run.target))
        return [[playbook, "-i", str(inventory), *options, str(play)]]
    if run.target == "delegate_to":
        return [[playbook, "-i", str(inventory), *options, *DELEGATE_TO_PLAYBOOKS]]
    return [["./runme.sh"]]


def write_inventory(run: Run, nas: RunningSimulator, key: Path, path: Path) -> Path:
    """Write a static inventory, which only sets the connection plugin, the transport and the login."""
    # The target `connection` tests one host after the other, so each is there for a reason.
    hosts = {"pipelining": "true", "no-pipelining": "false"}
    if run.target != "connection":
        hosts = {f"testhost{number}": PIPELINING[run.transport] for number in ("", 2, 3, 4)}
    path.write_text(
        "[pixels]\n"
        + "".join(f"{host} ansible_pipelining={value}\n" for host, value in hosts.items())
        + "[pixels:vars]\n"
        f"ansible_host=conformance-{run.transport}\n"
        "ansible_connection=pixels.truenas.pixels\n"
        "ansible_python_interpreter=/usr/bin/python3\n"
        f"ansible_ssh_private_key_file={key}\n"
        f"ansible_port={nas.ssh_port}\n"
        f"pixels_transport={run.transport}\n"
    )
    return path


def run_target(run: Run, nas: RunningSimulator, key: Path, environment: t.Mapping[str, str]) -> str | None:
    """Run a target; return its output if it failed."""
    # Both transports run at the same time, so each has its own copy.
    directory = BUILD / sdist.VERSION / run.transport
    targets = directory / "test/integration/targets"
    scratch = Path(tempfile.mkdtemp(prefix="run-", dir=directory))
    inventory = write_inventory(run, nas, key, targets.parent / "inventory")
    more = {"INVENTORY": str(inventory), "ANSIBLE_ROLES_PATH": str(targets), "OUTPUT_DIR": str(scratch)}
    for command in commands(run, targets, inventory, scratch):
        with subprocess.Popen(
            command,
            cwd=targets / run.target,
            env={**environment, **more},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                output, _none = process.communicate(timeout=TIMEOUT_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                output = f"{process.communicate()[0]}\nended after {TIMEOUT_S} s"
        if process.returncode:
            return f"$ {' '.join(command)}\n{output}"
    return None


def report(run: Run, nas: RunningSimulator, key: Path, environment: t.Mapping[str, str]) -> str:
    """Run a target and print its outcome; return `passed`, `failed` or `skipped`."""
    if reason := why_skipped(run.target):
        print(f"{run}skipped: {reason}", flush=True)
        return "skipped"
    began = time.monotonic()
    output = run_target(run, nas, key, environment)
    outcome = "passed" if output is None else "failed"
    print(f"{run}{outcome}, {time.monotonic() - began:.0f} s", flush=True)
    if output is not None:
        log = BUILD / sdist.VERSION / f"{run.target}-{run.transport}.log"
        log.write_text(output)
        print("\n".join(output.splitlines()[-40:]), f"\nfull output: {log}", flush=True)
    return outcome


def make_pixels(nas: RunningSimulator, key: Path) -> None:
    """Create a pixel for each transport, which accepts the key."""
    for transport in TRANSPORTS:
        name = f"px-conformance-{transport}"
        nas.world.add_container(name)
        nas.run(
            nas.world.engine.write_file(
                name,
                "/root/.ssh/authorized_keys",
                key.with_suffix(".pub").read_bytes(),
                append=False,
                mode=0o600,
                uid=0,
                gid=0,
            )
        )


def environment_of(nas: RunningSimulator, home: Path) -> dict[str, str]:
    """Return the environment of the commands, which neither read nor write files of the user."""
    return {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(FILTERS),
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "PIXELS_SESSION_IDLE": "5",
        "PIXELS_TRUENAS_HOST": nas.host,
        "PIXELS_TRUENAS_PORT": str(nas.port),
        "PIXELS_TRUENAS_USERNAME": nas.username,
        "PIXELS_TRUENAS_API_KEY": nas.api_key,
        "PIXELS_TRUENAS_CA_PATH": nas.ca_file,
    }


def runs(wanted: t.Container[str]) -> dict[str, list[Run]]:
    """Return the runs by transport."""
    # connection_delegation has its own inventory and plugin, so it runs once.
    return {
        transport: [
            Run(target, transport)
            for target in TARGETS
            if target in wanted and (target, transport) != ("connection_delegation", "ssh")
        ]
        for transport in TRANSPORTS
    }


def main() -> int:
    """Run the selected targets; return 1 if any failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=TARGETS, default=TARGETS, help="run these targets")
    arguments = parser.parse_args()
    archive = sdist.download(BUILD)
    sdist.install_filters(FILTERS)
    for transport in TRANSPORTS:
        sdist.extract(archive, BUILD / sdist.VERSION / transport, TARGETS)
    print(f"targets of ansible-core {sdist.VERSION}", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="pixels-") as home,
        running_simulator(release="25.10", engine="process", ssh_installed=True) as nas,
        ThreadPoolExecutor(len(TRANSPORTS)) as pool,
    ):
        key = Path(home) / "id_ed25519"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        make_pixels(nas, key)
        run_one = functools.partial(report, nas=nas, key=key, environment=environment_of(nas, Path(home)))
        done = list(pool.map(lambda group: [run_one(run) for run in group], runs(arguments.only).values()))
    outcomes = [outcome for group in done for outcome in group]
    print(", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in ("passed", "failed", "skipped")))
    return int("failed" in outcomes)


if __name__ == "__main__":
    sys.exit(main())
