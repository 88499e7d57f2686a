# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verb ssh-config, with OpenSSH itself as the judge."""

from __future__ import annotations

import subprocess

import pytest

from tests.unit.plugins.conftest import put


@pytest.fixture
def engine():
    return "process"


def ssh(command, *words):
    # ssh asks the system for the home, and not the environment.
    config = ["-F", str(command.home / ".ssh/config")]
    return subprocess.run(
        ["ssh", *config, *words], env=command.environment, capture_output=True, text=True, check=False
    )


def test_it_is_printed(inside, truenas):
    truenas.world.add_container("px-off", status="STOPPED")

    shown = inside("ssh-config").stdout

    address = truenas.world.containers["px-web"].aliases[0]["address"]
    assert "Host web.pixels\n" in shown
    assert f"    HostName {address}\n" in shown
    assert "off.pixels" not in shown
    assert inside.json("ssh-config")["text"].strip() == shown.strip()


def test_once_installed_ssh_reaches_a_pixel_by_its_name(inside):
    (inside.home / ".ssh").mkdir(mode=0o700)
    (inside.home / ".ssh/config").write_text("Host other\n    User me\n")

    ended = inside("ssh-config", "--install")

    assert "Included in" in ended.stdout
    there = ssh(inside, "web.pixels", "uname -n")
    assert (there.returncode, there.stdout) == (0, "px-web\n"), there.stderr
    assert "user me\n" in ssh(inside, "-G", "other").stdout


def test_it_pins_the_host_key_that_the_command_pins(inside):
    inside("ssh-config", "--install")
    ssh(inside, "web.pixels", "true")
    known = inside.home / ".local/state/pixels/known_hosts"
    before = known.read_text()

    assert inside("exec", "web", "true").returncode == 0
    assert known.read_text() == before
    assert "|1|" not in before


def test_installing_twice_includes_once(inside):
    inside("ssh-config", "--install")

    assert "included already" in inside("ssh-config", "--install").stdout
    assert (inside.home / ".ssh/config").read_text().count("Include") == 1


def test_it_follows_what_comes_and_goes(inside, truenas):
    inside("ssh-config", "--install")
    (file,) = (inside.home / ".config/pixels/ssh").glob("*.conf")

    inside("create", "new", "--no-provision")
    assert "Host new.pixels\n" in file.read_text()
    inside("stop", "new")
    assert "Host new.pixels\n" not in file.read_text()


def test_it_follows_what_the_console_starts(inside):
    inside("ssh-config", "--install")
    (file,) = (inside.home / ".config/pixels/ssh").glob("*.conf")
    inside("stop", "web")
    assert "web.pixels" not in file.read_text()

    terminal = inside.at_terminal("console", "web")
    terminal.see("# ")
    terminal.type("exit 0\n")

    assert terminal.end() == 0
    assert "Host web.pixels\n" in file.read_text()


def test_who_has_an_address_that_was_another_pixels_is_not_pinned_as_that_one(inside, truenas, key):
    inside("ssh-config", "--install")
    other = truenas.world.add_container("px-other").aliases[0]["address"]
    put(truenas, "/root/.ssh/authorized_keys", f"{key.public}\n", name="px-other", mode=0o600)
    (file,) = (inside.home / ".config/pixels/ssh").glob("*.conf")
    before = truenas.world.containers["px-web"].aliases[0]["address"]
    file.write_text(file.read_text().replace(f"HostName {before}\n", f"HostName {other}\n"))

    ended = ssh(inside, "web.pixels", "uname -n")

    assert (ended.returncode, ended.stdout) == (255, "")


def test_who_was_never_met_is_asked_about(inside, truenas):
    (inside.home / "none").mkdir()

    shown = inside("ssh-config", XDG_STATE_HOME=str(inside.home / "none")).stdout

    assert "    StrictHostKeyChecking ask\n" in shown
    inside("exec", "web", "true")
    assert "    StrictHostKeyChecking yes\n" in inside("ssh-config").stdout


def profile(inside, truenas, name):
    text = (inside.home / ".config/pixels/config.toml").read_text() if name != "home" else ""
    inside.configure(f'{text}[nas.{name}]\nhost = "{truenas.host}"\nport = {truenas.port}\n')
    return ["--nas", name, "ssh-config"]


def test_with_a_profile_both_names_work(inside, truenas):
    inside(*profile(inside, truenas, "home"), "--install")

    for host in ("web.home.pixels", "web.pixels"):
        there = ssh(inside, host, "uname -n")
        assert (there.returncode, there.stdout) == (0, "px-web\n"), there.stderr


def test_the_short_name_stays_with_whom_it_was_given_to(inside, truenas):
    folder = inside.home / ".config/pixels/ssh"
    folder.mkdir(parents=True)
    (folder / "another.conf").write_text("Host web.office.pixels web.pixels\n    HostName 10.9.9.9\n")

    shown = inside(*profile(inside, truenas, "home")).stdout

    assert "Host web.home.pixels\n" in shown


def test_undo_leaves_what_was_there_before(inside):
    (inside.home / ".ssh").mkdir(mode=0o700)
    (inside.home / ".ssh/config").write_text("Host other\n    User me\n")
    inside("ssh-config", "--install")

    inside("ssh-config", "--undo")

    assert (inside.home / ".ssh/config").read_text() == "Host other\n    User me\n"
    assert list((inside.home / ".config/pixels/ssh").iterdir()) == []
