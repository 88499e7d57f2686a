# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Egress policies on real systems: their init system loads the rules, and packets are refused or not."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from tests.lab.network import ALLOWED, DENIED, MIRROR

NAME = "web"
BOOT_TIMEOUT_S = 60
PIXELS = Path(__file__).resolve().parents[2] / "bin" / "pixels"

CONNECT = """
import socket, sys
for host in sys.argv[1:]:
    try:
        where = socket.getaddrinfo(host, 80, type=socket.SOCK_STREAM)[0]
        client = socket.socket(where[0])
        client.settimeout(5)
        client.connect(where[4])
        print("open")
    except OSError as error:
        print(type(error).__name__)
"""


@pytest.fixture
def engine() -> str:
    return "process"


@pytest.fixture
def release() -> str:
    return "25.10"


@pytest.fixture
def pixel(ansible, truenas, tmp_path, pytestconfig):
    if pytestconfig.getoption("--engine") != "lxc":
        pytest.skip("takes a real system, which the lab has (make lab)")
    truenas.world.add_container(f"px-{NAME}")
    return Pixel(ansible)


class Pixel:
    """One pixel of the lab, its policy and what it reaches."""

    def __init__(self, ansible) -> None:
        self._ansible = ansible

    def task(self, module: str, *, check: bool = False, rc: int = 0, **options: object) -> dict[str, object]:
        """Run one task; its result."""
        tasks = [{"name": "Run", f"pixels.truenas.{module}": {"name": NAME, **options}}]
        play = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
        played = self._ansible.play(json.dumps(play), *(["--check"] if check else []), check=False)
        assert played["rc"] == rc, played["text"]
        return played["results"][-1]["result"]

    def policy(self, *, check: bool = False, rc: int = 0, **options: object) -> dict[str, object]:
        return self.task("pixels_egress", check=check, rc=rc, **options)

    def reaches(self, *hosts: str, name: str = NAME) -> dict[str, str]:
        argv = ["python3", "-c", CONNECT, *hosts]
        output = self.task("pixels_exec", name=name, argv=argv, transport="shell")["stdout"]
        return dict(zip(hosts, output.split(), strict=True))

    def wait_for(self, host: str, **options: str) -> None:
        """Wait until the network and the resolver are there after a start."""
        end = time.monotonic() + BOOT_TIMEOUT_S
        while (found := self.reaches(host, **options)[host]) != "open":
            assert time.monotonic() < end, found
            time.sleep(0.5)


@pytest.mark.timeout(600)
def test_a_policy_is_enforced_and_survives_a_restart_and_is_removed(pixel):
    wanted = {"mode": "allowlist", "allow": [ALLOWED.name, MIRROR.name]}
    pixel.wait_for(DENIED.name)

    predicted = pixel.policy(check=True, **wanted)
    changed = pixel.policy(**wanted)

    assert predicted["changed"]
    assert predicted["diff"] == changed["diff"]
    assert pixel.reaches(ALLOWED.name, DENIED.name, DENIED.v4, DENIED.v6) == {
        ALLOWED.name: "open",
        DENIED.name: "gaierror",
        DENIED.v4: "ConnectionRefusedError",
        DENIED.v6: "ConnectionRefusedError",
    }
    assert not pixel.policy(**wanted)["changed"]

    pixel.task("pixels_container", state="restarted")

    assert pixel.reaches(DENIED.v4) != {DENIED.v4: "open"}
    pixel.wait_for(ALLOWED.name)
    assert pixel.reaches(DENIED.name, DENIED.v4) == {DENIED.name: "gaierror", DENIED.v4: "ConnectionRefusedError"}
    assert not pixel.policy(**wanted)["changed"]

    found = pixel.task("pixels_egress_info")
    assert (found["egress"]["mode"], found["drift"], found["enforced_by"]) == ("allowlist", [], "guest")
    assert {"address": DENIED.v4, "protocol": "tcp", "port": 80} in [
        {name: each[name] for name in ("address", "protocol", "port")} for each in found["refused"]
    ]

    assert pixel.policy(mode="unrestricted")["changed"]
    assert not pixel.policy(mode="unrestricted")["changed"]
    assert pixel.reaches(DENIED.name) == {DENIED.name: "open"}


@pytest.mark.timeout(600)
def test_rules_that_root_changed_are_found_and_put_back(pixel):
    wanted = {"mode": "allowlist", "allow": [ALLOWED.name, MIRROR.name]}
    pixel.wait_for(DENIED.name)
    pixel.policy(**wanted)
    pixel.task("pixels_exec", cmd="nft insert rule inet pixels_egress filter_new accept", transport="shell")
    assert pixel.reaches(DENIED.v4) == {DENIED.v4: "open"}

    assert pixel.task("pixels_egress_info")["drift"] == ["the rules in force are not those of the policy"]
    assert pixel.policy(**wanted)["diff"]["before"]["drift"] == ["the rules in force are not those of the policy"]

    assert pixel.reaches(DENIED.v4) == {DENIED.v4: "ConnectionRefusedError"}
    assert pixel.task("pixels_egress_info")["drift"] == []


@pytest.mark.timeout(600)
def test_a_pixel_that_cannot_get_its_first_rules_is_stopped(pixel, truenas):
    pixel.wait_for(DENIED.name)
    pixel.task("pixels_exec", cmd="rm -f /etc/apt/sources.list /etc/apt/sources.list.d/debian.list", transport="shell")

    failed = pixel.policy(rc=2, mode="none")

    assert "installing nftables and dnsmasq failed" in failed["msg"]
    assert "web was stopped, because it would have had no rules" in failed["msg"]
    assert truenas.world.containers[f"px-{NAME}"].status == "STOPPED"


@pytest.mark.timeout(600)
def test_the_command_edits_a_policy(pixel, ansible):
    def network(*words: str, rc: int = 0) -> list[str]:
        ended = subprocess.run(
            [str(PIXELS), "network", *words], env=ansible.environment, capture_output=True, text=True, check=False
        )
        assert ended.returncode == rc, ended.stdout + ended.stderr
        return ended.stdout.splitlines()

    pixel.wait_for(DENIED.name)

    assert network("set", NAME, "allowlist", "--allow", MIRROR.name) == [f"Egress set to allowlist for {NAME}"]
    assert network("allow", NAME, ALLOWED.name) == [f"Allowed {ALLOWED.name} for {NAME}"]
    assert pixel.reaches(ALLOWED.name, DENIED.v4) == {ALLOWED.name: "open", DENIED.v4: "ConnectionRefusedError"}
    assert network("deny", NAME, ALLOWED.name) == [f"Denied {ALLOWED.name} for {NAME}"]
    assert pixel.reaches(ALLOWED.name, ALLOWED.v4) == {ALLOWED.name: "gaierror", ALLOWED.v4: "ConnectionRefusedError"}

    shown = network("show", NAME)
    assert shown[:5] == [
        "Mode: allowlist",
        "Enforced: in the pixel (root there can remove it)",
        "Live: as declared",
        "Domains:",
        f"  {MIRROR.name}",
    ]
    assert f"  {DENIED.v4} tcp port 80" in "\n".join(shown)
    assert network("check", "--all") == [f"{NAME}: allowlist, as declared"]
    pixel.task("pixels_exec", cmd="nft flush chain inet pixels_egress filter_new", transport="shell")
    assert network("check", "--all", rc=3) == [f"{NAME}: allowlist, the rules in force are not those of the policy"]


@pytest.mark.timeout(600)
def test_a_policy_stays_through_a_restore_to_before_it_and_comes_with_a_clone(pixel):
    wanted = {"mode": "allowlist", "allow": [ALLOWED.name, MIRROR.name]}
    pixel.wait_for(DENIED.name)
    pixel.task("pixels_checkpoint", label="open")

    assert pixel.task("pixels_container", check=True, egress=wanted)["changed"]
    assert pixel.task("pixels_container", egress=wanted)["changed"]
    assert not pixel.task("pixels_container", egress=wanted)["changed"]
    assert pixel.reaches(DENIED.v4) == {DENIED.v4: "ConnectionRefusedError"}

    pixel.task("pixels_checkpoint_restore", label="open")

    assert pixel.reaches(DENIED.v4) == {DENIED.v4: "ConnectionRefusedError"}
    assert not pixel.task("pixels_container", egress=wanted)["changed"]

    # Restored while it is stopped, it gets its rules when it is started.
    pixel.task("pixels_container", state="stopped")
    pixel.task("pixels_checkpoint_restore", label="open", started=False)
    pixel.task("pixels_container", state="started")

    assert pixel.reaches(DENIED.v4) == {DENIED.v4: "ConnectionRefusedError"}
    assert not pixel.task("pixels_container", egress=wanted)["changed"]

    pixel.task("pixels_container", name="copy", **{"from": f"{NAME}@open"})

    assert pixel.reaches(DENIED.v4, name="copy") == {DENIED.v4: "ConnectionRefusedError"}
    pixel.wait_for(ALLOWED.name, name="copy")
    assert not pixel.task("pixels_container", name="copy", egress=wanted)["changed"]
