# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A NAS for every test, and a way to run a module against it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible.utils.display import Display

from ansible_collections.pixels.truenas.plugins.module_utils._api import session as api_session
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Credential, Endpoint, Session
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
from tests.simulator.engines.process.image_builder import Ids
from tests.simulator.running import running_simulator
from tests.unit import forwarding
from tests.unit.command import Command
from tests.unit.error_shape import assert_well_formed
from tests.unit.forwarding import forwarded
from tests.unit.jumping_clock import JumpingClock

INCUS = ("25.04", "25.10")
"""Whose containers are those of `virt.*`."""
RELEASES = (*INCUS, "26")
BETA = "26.0.0-BETA.3"
"""The release of 26 on which containers have checkpoints: the candidate, which is `26`, protects them."""

both_generations = pytest.mark.parametrize("release", ["25.10", "26"])
"""For what each of the two APIs for containers does in its own way."""


@pytest.fixture(autouse=True)
def shown_warnings() -> None:
    """Forget what Ansible has shown: a process shows each warning once, and the ports of simulated NAS recur."""
    display = Display()
    for texts in (display._warns, display._deprecations, display._errors):
        texts.clear()


@pytest.fixture
def engine() -> str:
    """What the containers of the NAS are; a test that goes inside one asks for `process`."""
    return "paper"


@pytest.fixture(params=INCUS)
def release(request: pytest.FixtureRequest) -> str:
    """Every test runs once for each, unless it says that one is enough, or `both_generations`.

    The names of methods and datasets in most tests are those of `virt.*`; what differs by the API for containers is
    tested with that API.
    """
    return request.param


@pytest.fixture
def ssh_installed() -> bool:
    """Whether images come with an SSH server, as a real one of Ubuntu does not."""
    return True


@pytest.fixture
def truenas(release, engine, ssh_installed, tmp_path, monkeypatch) -> t.Iterator[t.Any]:
    """A running simulator; the test fails when a request or a reply is not what the real API allows."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # A login for each module: nothing outlives its test. Tests of the shared session ask for it.
    monkeypatch.setenv("PIXELS_SESSION", "direct")
    with running_simulator(release=release, engine=engine, ssh_installed=ssh_installed) as simulator:
        yield simulator
        assert simulator.contract_errors == []


@pytest.fixture
def nas(truenas) -> dict[str, t.Any]:
    """The options that lead to that NAS."""
    return {
        "host": truenas.host,
        "port": truenas.port,
        "username": truenas.username,
        "api_key": truenas.api_key,
        "ca_path": truenas.ca_file,
    }


@pytest.fixture
def run(nas, capfd) -> t.Callable[..., dict[str, t.Any]]:
    """Run a module's main() and return what it printed."""

    def run_module(module: t.Any, *, check_mode: bool = False, **params: t.Any) -> dict[str, t.Any]:
        # What Ansible passes beside the options; lists and dictionaries are JSON on their way to a module.
        arguments = {**nas, **params, "_ansible_check_mode": check_mode}
        with patch_module_args(json.loads(json.dumps(arguments))), pytest.raises(SystemExit):
            module.main()
        result = json.loads(capfd.readouterr().out)
        if result.get("failed"):
            # A fleet has one line for each pixel.
            for message in result["msg"].splitlines():
                assert_well_formed(message)
        return result

    return run_module


@pytest.fixture
def no_pauses(monkeypatch) -> JumpingClock:
    """Sessions that wait for the NAS to come back find that the time for it has passed."""
    clock = JumpingClock()
    monkeypatch.setattr(api_session, "time", clock)
    return clock


@pytest.fixture
def session(nas) -> t.Iterator[Session]:
    """A session with that NAS."""
    endpoint = Endpoint(nas["host"], nas["port"], ca_path=nas["ca_path"])
    with Session(endpoint, Credential(nas["username"], api_key=nas["api_key"])) as opened:
        yield opened


@pytest.fixture
def pixels(session) -> Pixels:
    """The pixels of that NAS."""
    return Pixels(session)


class Key(t.NamedTuple):
    """An SSH key pair."""

    private: str
    """Path of the private half."""
    public: str
    """The public half as a line of authorized_keys."""


@pytest.fixture(scope="session")
def key(tmp_path_factory) -> Key:
    path = tmp_path_factory.mktemp("ssh") / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return Key(str(path), path.with_suffix(".pub").read_text().strip())


@pytest.fixture
def guest(truenas, key, nas) -> str:
    """A running pixel that lets our key in, by its bare name; `nas` then holds how to log in to it."""
    truenas.world.add_container("px-web")
    put(truenas, "/root/.ssh/authorized_keys", f"{key.public}\n", mode=0o600)
    nas.update(ssh_key=key.private, ssh_port=truenas.ssh_port)
    return "web"


@pytest.fixture
def ipv6_guest(truenas, guest, nas) -> t.Iterator[str]:
    """The same pixel as the NAS would report it if it had an IPv6 address alone."""
    made = truenas.world.containers["px-web"]
    with forwarded((made.aliases[0]["address"], truenas.ssh_port)) as port:
        made.aliases = [
            {"type": "INET6", "address": "fe80::216:3eff:fe11:2233", "netmask": 64},
            {"type": "INET6", "address": forwarding.ADDRESS, "netmask": 128},
        ]
        nas.update(ssh_port=port)
        yield guest


# A guest has its own users only if root runs the tests; other users can give it only their own id.
users_of_its_own = pytest.mark.skipif(Ids.here().number == 1, reason="only root can give guests users of their own")


def read(truenas, path: str, *, name: str = "px-web") -> str:
    """A file of a pixel, as its own root sees it."""
    return truenas.run(truenas.world.engine.read_file(name, path)).decode()


def put(truenas, path: str, text: str, *, name: str = "px-web", mode: int = 0o644) -> None:
    """Write a file of a pixel, as its own root could."""
    engine = truenas.world.engine
    truenas.run(engine.write_file(name, path, text.encode(), append=False, mode=mode, uid=0, gid=0))


def boot_slowly(truenas) -> None:
    """Let the pixel look as if systemd had just started in it, and did not answer before it is asked three times."""
    cat = '#!/bin/sh\nif [ "$*" = /proc/1/comm ]; then echo systemd; else exec /bin/cat "$@"; fi\n'
    systemctl = '#!/bin/sh\n[ "$1" = show ] || exit 1\necho >>/root/asked\n[ "$(wc -l </root/asked)" -gt 2 ]\n'
    for name, program in (("cat", cat), ("systemctl", systemctl)):
        put(truenas, f"/usr/local/bin/{name}", program, mode=0o755)


def link_next_names(start: str, target: str) -> str:
    """Return the line of a user who expects names that end in a process ID, and makes links of the next 3000."""
    names = f"os.path.expanduser('{start}') + str(os.getpid() + i)"
    return f"""python3 -c "import os; [os.symlink('{target}', {names}) for i in range(3000)]" """


def set_password(truenas, user: str, password: str, *, name: str = "px-web") -> None:
    """Give a user of a pixel a password, as its own root could."""
    ended = truenas.run(truenas.world.engine.run(name, ["chpasswd"], stdin=f"{user}:{password}\n".encode()))
    assert ended.returncode == 0, ended.stderr


def list_inventory(source: Path) -> subprocess.CompletedProcess[str]:
    """Run `ansible-inventory --list` on a file."""
    command = [str(Path(sys.executable).with_name("ansible-inventory")), "-i", str(source), "--list"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def strike(truenas, fault: str, method: str, after: int = 0) -> None:
    """Order a fault of one call of a method: `fail` as such calls fail, any other by its name in the simulator."""
    if fault != "fail":
        truenas.faults.add(fault, method=method, after=after)
    elif method.startswith("virt.instance.") and not method.endswith("query"):
        truenas.faults.add("fail_job", method=method, after=after, errno=14, text="bad luck")
    else:
        truenas.faults.add("fail_call", method=method, after=after, errno=14, reason="bad luck")


def wait_until(happened: t.Callable[[], t.Any]) -> None:
    """Until something is so that another thread or process brings about."""
    until = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.01)


def wait_until_asked(truenas, method: str, *, times: int = 1) -> None:
    """Until another process has called a method of the NAS so many times."""
    until = time.monotonic() + 30
    while truenas.stats.calls[method] < times:
        assert time.monotonic() < until, f"{method} was called {truenas.stats.calls[method]} times"
        time.sleep(0.02)


@pytest.fixture
def pixels_command(command, truenas, nas) -> Command:
    """The command with that NAS in its environment; a session is shared only where a test says so."""
    command.environment |= {
        "PIXELS_TRUENAS_HOST": truenas.host,
        "PIXELS_TRUENAS_PORT": str(truenas.port),
        "PIXELS_TRUENAS_USERNAME": truenas.username,
        "PIXELS_TRUENAS_API_KEY": truenas.api_key,
        "PIXELS_TRUENAS_CA_PATH": truenas.ca_file,
        "PIXELS_SESSION": "direct",
    }
    if "ssh_key" in nas:
        command.environment |= {"PIXELS_SSH_KEY": nas["ssh_key"], "PIXELS_SSH_PORT": str(nas["ssh_port"])}
    return command
