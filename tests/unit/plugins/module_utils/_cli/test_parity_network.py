# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that the command does what upstream's does for egress, each named after the row of the comparison it is for.

The NAS is simulated. Commands inside the pixel run in a network namespace, with real rules and packets.
"""

from __future__ import annotations

import json

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._cli.main import main
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import policy, presets, record
from tests.unit.plugins.module_utils._pixel.egress import namespaces

pytestmark = pytest.mark.skipif(bool(namespaces.unavailable()), reason=namespaces.unavailable() or "-")

DOCS, OTHER, GITHUB, PLAIN = "93.184.215.14", "93.184.215.15", "140.82.112.3", "151.101.1.1"
NAMES = {"docs.example.com": (DOCS,), "other.example.com": (OTHER,), "github.com": (GITHUB,)}

UPSTREAM_AGENT = """
    api.anthropic.com api.openai.com generativelanguage.googleapis.com registry.npmjs.org pypi.org
    files.pythonhosted.org crates.io static.crates.io proxy.golang.org sum.golang.org github.com
    api.github.com gitlab.com objects.githubusercontent.com raw.githubusercontent.com
    codeload.github.com github-releases.githubusercontent.com tmaproduction.blob.core.windows.net
    tuf-repo-cdn.sigstore.dev mise.run mise.jdx.dev nodejs.org archive.ubuntu.com
    security.ubuntu.com
""".split()
"""The names of mode agent there. Its networks are left to the user: they are those of whole providers."""


@pytest.fixture(scope="module")
def internet():
    made = namespaces.Internet(NAMES, extra=(PLAIN,))
    yield made
    made.close()


@pytest.fixture
def release():
    return "25.10"


@pytest.fixture
def shell(internet, monkeypatch):
    """The inside of every pixel."""
    made = namespaces.GuestShell(internet.guest)
    monkeypatch.setattr(record, "root_shell", lambda _pixels, _name: made)
    yield made
    made.reset()


@pytest.fixture
def run(shell, pixels, monkeypatch, capfd):
    """The command in this process: its exit status, output and errors."""
    for name, value in pixels.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def run_main(*words):
        status = main(list(words))
        return status, *capfd.readouterr()

    return run_main


@pytest.fixture
def network(run, truenas):
    """The command for the running pixel web."""
    truenas.world.add_container("px-web")

    def run_network(*words, status=0):
        ended, out, err = run("network", *words)
        assert ended == status, out + err
        return err if status else out

    return run_network


def noted(truenas, name="px-web"):
    return json.loads(truenas.world.containers[name].environment.get("PIXELS/egress", '{"mode": "unrestricted"}'))


@pytest.mark.wide
def test_n1_the_mode_is_that_of_the_flag_else_the_variable_else_the_file(run, pixels, truenas, monkeypatch):
    pixels.configure('[network]\negress = "allowlist"\nallow = ["docs.example.com"]\n')
    assert run("create", "file", "--no-provision", "--wait", "none")[0] == 0
    monkeypatch.setenv("PIXELS_NETWORK_EGRESS", "none")
    assert run("create", "variable", "--no-provision", "--wait", "none")[0] == 0
    assert run("create", "flag", "--no-provision", "--wait", "none", "--egress", "agent")[0] == 0
    assert run("create", "open", "--no-provision", "--wait", "none", "--egress", "unrestricted")[0] == 0

    found = {name.removeprefix("px-"): noted(truenas, name) for name in truenas.world.containers}
    assert {name: (each["mode"], each.get("allow")) for name, each in found.items()} == {
        "file": ("allowlist", ["docs.example.com"]),
        "variable": ("none", []),
        "flag": ("agent", ["docs.example.com"]),
        "open": ("unrestricted", None),
    }


@pytest.mark.wide
def test_n1_another_mode_is_refused_with_those_that_exist(run, capfd):
    with pytest.raises(SystemExit, match="2"):
        run("create", "web", "--egress", "x")
    output = capfd.readouterr().err
    assert "argument --egress: invalid choice: 'x'" in output
    assert all(mode in output for mode in ("unrestricted", "agent", "allowlist"))


@pytest.mark.parametrize("name", UPSTREAM_AGENT)
def test_n2_mode_agent_has_the_names_of_upstream(name):
    hosts = {presets.DISTRIBUTION: presets.GROUPS["ubuntu"]}

    assert policy.is_covered(name, set(policy.effective_names(policy.parse("agent"), hosts).allowed))


@pytest.mark.wide
def test_n2_names_of_the_user_are_added_once(run, truenas, internet):
    flags = [word for name in ("github.com", "docs.example.com", "docs.example.com") for word in ("--allow", name)]

    assert run("create", "web", "--no-provision", "--wait", "none", "--egress", "agent", *flags)[0] == 0

    assert noted(truenas)["allow"] == ["docs.example.com", "github.com"]
    assert noted(truenas)["presets"] == list(presets.AGENT)
    names = internet.guest.run("cat", "/etc/pixels/egress/names").splitlines()
    assert len(names) == len(set(names))
    assert {"allow docs.example.com", "allow github.com", "allow pypi.org"} <= set(names)


@pytest.mark.wide
def test_n3_what_is_not_allowed_is_refused(network, internet):
    network("set", "web", "allowlist", "--allow", "docs.example.com")

    internet.wait_for("docs.example.com")
    assert internet.connect(PLAIN) == "ConnectionRefusedError"
    rules = internet.guest.run("nft", "list", "table", "inet", "pixels_egress")
    for hook in ("output", "forward"):
        assert f"hook {hook} priority filter; policy drop;" in rules


@pytest.mark.wide
def test_n4_the_resolver_opens_the_addresses_of_allowed_names_only(network, internet):
    network("set", "web", "allowlist", "--allow", "docs.example.com")
    assert internet.connect(DOCS) == "ConnectionRefusedError"

    internet.wait_for("docs.example.com")

    assert internet.connect(DOCS) == "open"
    assert internet.connect("other.example.com") == "no such name"


@pytest.mark.wide
def test_n5_show(network):
    assert network("show", "web") == "Mode: unrestricted\n"

    network("set", "web", "allowlist", "--allow", "other.example.com", "--allow", "docs.example.com")

    assert network("show", "web") == (
        "Mode: allowlist\nEnforced: in the pixel (root there can remove it)\nLive: as declared\n"
        "Domains:\n  docs.example.com\n  other.example.com\n"
    )


@pytest.mark.wide
def test_n6_set_while_the_pixel_runs(network, internet):
    assert network("set", "web", "agent") == "Egress set to agent for web\n"
    internet.wait_for("github.com")
    assert internet.connect("docs.example.com") == "no such name"

    assert network("set", "web", "allowlist", "--allow", "docs.example.com") == "Egress set to allowlist for web\n"
    internet.wait_for("docs.example.com")
    assert internet.connect("github.com") == "no such name"

    assert network("set", "web", "unrestricted") == "Egress set to unrestricted for web\n"
    assert internet.guest.run("nft", "list", "ruleset") == ""


@pytest.mark.wide
def test_n7_allow_and_deny(network, internet, truenas):
    network("set", "web", "allowlist", "--allow", "docs.example.com")

    for _again in range(2):
        assert network("allow", "web", "other.example.com") == "Allowed other.example.com for web\n"
    internet.wait_for("other.example.com")
    assert noted(truenas)["allow"] == ["docs.example.com", "other.example.com"]

    assert network("deny", "web", "other.example.com") == "Denied other.example.com for web\n"
    assert internet.connect("other.example.com") == "no such name"
    assert noted(truenas)["allow"] == ["docs.example.com"]

    assert '"x.example.com" is not allowed' in network("deny", "web", "x.example.com", status=1)
    internet.wait_for("docs.example.com")


@pytest.mark.wide
def test_n8_under_a_policy_sudo_installs_packages_only(network, internet):
    network("set", "web", "agent")
    assert internet.guest.run("stat", "-c", "%a %U", "/usr/local/bin/pixels-install") == "755 root\n"
    rules = internet.guest.run("cat", "/etc/sudoers.d/zz-pixels-egress")
    assert "ALL, !root ALL = (ALL:ALL) !ALL\n#1000 ALL = (root) NOPASSWD: /usr/local/bin/pixels-install\n" in rules
    output = internet.guest.run("/usr/local/bin/pixels-install", "-oAPT::Update::Pre-Invoke::=id", check=False)
    assert "argument 1 is not the name of a package" in output

    network("set", "web", "unrestricted")
    internet.guest.shell("! [ -e /etc/sudoers.d/zz-pixels-egress ] && ! [ -e /usr/local/bin/pixels-install ]")
