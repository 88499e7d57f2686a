# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verb ssh-config, with OpenSSH itself as the judge."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._cli import ssh_config
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
    assert "Host off.pixels\n    ProxyCommand " in shown
    assert inside.json("ssh-config")["text"].strip() == shown.strip()


def test_once_installed_ssh_reaches_a_pixel_by_its_name(inside):
    (inside.home / ".ssh").mkdir(mode=0o700)
    (inside.home / ".ssh/config").write_text("Host other\n    User me\n")

    ended = inside("ssh-config", "--install")

    assert "Included in" in ended.stdout
    there = ssh(inside, "web.pixels", "uname -n")
    assert (there.returncode, there.stdout) == (0, "px-web\n"), there.stderr
    assert "user me\n" in ssh(inside, "-G", "other").stdout


@pytest.mark.wide
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

    assert "Already included in" in inside("ssh-config", "--install").stdout
    assert (inside.home / ".ssh/config").read_text().count("Include") == 1


@pytest.mark.wide
def test_it_follows_what_comes_and_goes(inside, truenas):
    inside("ssh-config", "--install")
    (file,) = (inside.home / ".config/pixels/ssh").glob("*.conf")

    inside("create", "new", "--no-provision")
    assert "Host new.pixels\n    HostName " in file.read_text()
    inside("stop", "new")
    assert "Host new.pixels\n    ProxyCommand " in file.read_text()
    inside("destroy", "--force", "new")
    assert "Host new.pixels\n" not in file.read_text()


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("STOPPED", "off is stopped. Start it: pixels start off\n"),
        ("RUNNING", "off has no IP address. Use the web shell: pixels console off\n"),
    ],
)
def test_without_an_address_ssh_fails_with_the_reason_and_asks_no_dns(inside, truenas, status, reason):
    truenas.world.add_container("px-off", status=status).aliases = []
    inside("ssh-config", "--install")

    ended = ssh(inside, "off.pixels", "true")

    assert ended.returncode == 255
    assert ended.stderr.startswith(reason)
    assert "resolve" not in ended.stderr


@pytest.mark.wide
def test_it_follows_what_the_console_starts(inside):
    inside("ssh-config", "--install")
    (file,) = (inside.home / ".config/pixels/ssh").glob("*.conf")
    inside("stop", "web")
    assert "Host web.pixels\n    ProxyCommand " in file.read_text()

    terminal = inside.at_terminal("console", "web")
    terminal.see("# ")
    terminal.type("exit 0\n")

    assert terminal.end() == 0
    assert "Host web.pixels\n    HostName " in file.read_text()


def test_a_pixel_with_the_former_address_of_another_is_not_pinned_as_that_one(inside, truenas, key):
    inside("ssh-config", "--install")
    other = truenas.world.add_container("px-other").aliases[0]["address"]
    put(truenas, "/root/.ssh/authorized_keys", f"{key.public}\n", name="px-other", mode=0o600)
    (file,) = (inside.home / ".config/pixels/ssh").glob("*.conf")
    before = truenas.world.containers["px-web"].aliases[0]["address"]
    file.write_text(file.read_text().replace(f"HostName {before}\n", f"HostName {other}\n"))

    ended = ssh(inside, "web.pixels", "uname -n")

    assert (ended.returncode, ended.stdout) == (255, "")


@pytest.mark.wide
def test_an_unknown_host_is_asked_about(inside, truenas):
    (inside.home / "none").mkdir()

    shown = inside("ssh-config", XDG_STATE_HOME=str(inside.home / "none")).stdout

    assert "    StrictHostKeyChecking ask\n" in shown
    inside("exec", "web", "true")
    assert "    StrictHostKeyChecking yes\n" in inside("ssh-config").stdout


def profile(inside, truenas, name):
    text = (inside.home / ".config/pixels/config.toml").read_text() if name != "home" else ""
    inside.configure(f'{text}[nas.{name}]\nhost = "{truenas.host}"\nport = {truenas.port}\n')
    return ["--nas", name, "ssh-config"]


@pytest.mark.wide
def test_with_a_profile_both_names_work(inside, truenas):
    inside(*profile(inside, truenas, "home"), "--install")

    for host in ("web.home.pixels", "web.pixels"):
        there = ssh(inside, host, "uname -n")
        assert (there.returncode, there.stdout) == (0, "px-web\n"), there.stderr


def test_the_short_name_stays_with_the_pixel_that_has_it(inside, truenas):
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


def test_a_pixel_that_has_ipv6_alone_is_reached(ipv6_guest, pixels_command):
    pixels_command("ssh-config", "--install")

    there = ssh(pixels_command, "web.pixels", "uname -n")

    assert (there.returncode, there.stdout) == (0, "px-web\n"), there.stderr


HOSTILE = "10.0.0.5\n    ProxyCommand touch owned\nHost *\n    ProxyCommand touch owned"


@pytest.mark.parametrize("address", ["-oProxyCommand=touch owned", HOSTILE, "fd00::1%x\n    ProxyCommand touch owned"])
@pytest.mark.parametrize("name", ["px-db", "px-a\n    ProxyCommand touch owned"])
def test_nothing_that_a_nas_reports_becomes_a_line_of_it(inside, truenas, address, name):
    made = truenas.world.add_container("px-db")
    made.name = name
    made.aliases = [{"type": "INET", "address": address, "netmask": 24}]

    ended = inside("ssh-config", "--install")

    (file,) = (inside.home / ".config/pixels/ssh").glob("*.conf")
    assert "owned" not in file.read_text()
    assert "Host web.pixels" in file.read_text()
    assert "Warning:" in ended.stderr


@pytest.fixture
def user_config(monkeypatch, tmp_path):
    """The path of the user's OpenSSH configuration, in a home of this test's own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    path = tmp_path / ".ssh" / "config"
    path.parent.mkdir(mode=0o700)
    return path


CONTENTS = {
    "empty": b"",
    "usual": b"Host other\n    User me\n",
    "without newline at the end": b"Host other\n    User me",
    "latin-1": "# K\xfchlschrank, caf\xe9\nHost fridge\n    User me\n".encode("latin-1"),
    "no text at all": b"# \xff\xfe\x00\x01\nHost a\n",
    "lone carriage returns": b"# a\rb\nHost a\n",
    "other line separators": "# a\x0bb\x85c\u2028d\nHost a\n".encode(),
    "comments first": b"# mine\n\n# vim: ft=sshconfig\nHost a\n",
    "host first": b"Host *\n    ServerAliveInterval 5\n",
    "match first": b'Match host a exec "true"\n    User me\n',
    "another include": b"Include ~/.orbstack/ssh/config\n\nHost a\n",
    "an include for one host": b"Host a\n    Include ~/.config/pixels/ssh/*.conf\n",
    "a comment that looks like it": b"#Include ~/.config/pixels/ssh/*.conf\n",
    "byte order mark": b"\xef\xbb\xbfHost a\n",
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o444])
@pytest.mark.wide
def test_only_the_metadata_line_is_added_and_removed(user_config, content, newline, mode):
    content = content.replace(b"\n", newline)
    user_config.write_bytes(content)
    user_config.chmod(mode)

    assert ssh_config.include()
    ending = newline if newline in content else b"\n"
    assert user_config.read_bytes() == ssh_config.line_of_include().encode() + ending + content
    assert stat.S_IMODE(user_config.stat().st_mode) == mode

    assert not ssh_config.include()
    ssh_config.exclude()
    assert user_config.read_bytes() == content
    assert stat.S_IMODE(user_config.stat().st_mode) == mode
    assert list(user_config.parent.iterdir()) == [user_config]


@pytest.mark.parametrize(
    "line",
    [
        "Include ~/.config/pixels/ssh/*.conf",
        "include ~/.config/pixels/ssh/*.conf",
        '  Include "~/.config/pixels/ssh/*.conf"  ',
        "Include=~/.config/pixels/ssh/*.conf",
        "Include\t~/.other/*  ../.config/pixels/ssh/*.conf",
        "Include {home}/.config/pixels/ssh/*.conf\r",
    ],
)
def test_a_line_that_the_user_has_written_is_enough(user_config, tmp_path, line):
    content = f"# mine\nCompression yes\n{line.format(home=tmp_path)}\nHost a\n".encode()
    user_config.write_bytes(content)

    assert not ssh_config.include()

    assert user_config.read_bytes() == content


def test_openssh_finds_the_line_in_a_file_of_any_kind(user_config):
    file = ssh_config.directory() / "nas.conf"
    file.parent.mkdir(parents=True)
    file.write_text("Host web.pixels\n    HostName 192.0.2.7\n")
    for content in (CONTENTS["latin-1"], CONTENTS["match first"], CONTENTS["usual"].replace(b"\n", b"\r\n")):
        user_config.write_bytes(content)
        ssh_config.include()

        shown = subprocess.run(
            ["ssh", "-F", str(user_config), "-G", "web.pixels"], capture_output=True, text=True, check=True
        )
        assert "hostname 192.0.2.7\n" in shown.stdout


def test_a_configuration_in_a_dotfiles_repository_stays_there(user_config, tmp_path):
    kept = tmp_path / "dotfiles" / "ssh_config"
    kept.parent.mkdir()
    kept.write_bytes(b"Host a\n")
    kept.chmod(0o644)
    user_config.symlink_to("../dotfiles/ssh_config")

    ssh_config.include()

    assert user_config.is_symlink()
    assert kept.read_bytes() == ssh_config.line_of_include().encode() + b"\nHost a\n"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o644


@pytest.mark.parametrize("engine", ["paper"])
class TestHomes:
    """Homes in which nothing can be installed, or whose name is unusual."""

    @pytest.fixture(autouse=True)
    def web(self, truenas):
        return truenas.world.add_container("px-web")

    def test_without_a_home_nothing_is_installed_below_the_working_directory(self, pixels_command):
        # As expanded for a user without HOME and without an entry in passwd.
        pixels_command.environment["HOME"] = "~"

        assert "Host web.pixels" in pixels_command("ssh-config").stdout
        for words in (("ssh-config", "--install"), ("ssh-config", "--undo"), ("setup", "ad-hoc")):
            ended = pixels_command(*words)
            assert ended.returncode == 1
            assert "this user has no home directory: set HOME to an absolute path" in ended.stderr
        assert pixels_command("stop", "web").returncode == 0
        assert not Path("~").exists()

    def test_a_home_may_have_a_name_that_is_no_utf_8(self, pixels_command):
        home = pixels_command.home / "\udcff"
        home.mkdir()
        pixels_command.environment["HOME"] = str(home)

        ended = pixels_command.as_own_process("ssh-config", "--install")

        assert (ended.returncode, ended.stderr) == (0, "")
        (file,) = (home / ".config/pixels/ssh").glob("*.conf")
        assert os.fsencode(home / ".local/state/pixels/known_hosts") in file.read_bytes()

    def test_a_home_that_cannot_be_written_is_named_with_the_variable_to_set(self, pixels_command):
        pixels_command.environment["HOME"] = "/proc/self"

        output = pixels_command("ssh-config", "--install").stderr

        assert "cannot write /proc/self/.config/pixels/ssh/" in output
        assert "Set XDG_CONFIG_HOME to a directory that can be written" in output

    def test_a_change_succeeds_though_the_file_cannot_be_updated(self, pixels_command, web):
        pixels_command("ssh-config", "--install")
        (file,) = (pixels_command.home / ".config/pixels/ssh").glob("*.conf")
        file.unlink()
        file.mkdir()

        ended = pixels_command("stop", "web")

        assert (ended.returncode, web.status) == (0, "STOPPED")
        assert f"Warning: {file} is outdated: cannot write {file}: " in ended.stderr
        assert "Update it with pixels ssh-config --install" in ended.stderr


def test_without_a_configuration_there_is_one_afterwards(user_config):
    user_config.parent.rmdir()

    assert ssh_config.include()

    assert user_config.read_text() == f"{ssh_config.line_of_include()}\n"
    assert stat.S_IMODE(user_config.stat().st_mode) == 0o600
    assert stat.S_IMODE(user_config.parent.stat().st_mode) == 0o700


def test_where_it_cannot_be_included_nothing_is_installed(inside):
    config = inside.home / ".ssh" / "config"
    config.mkdir(parents=True)

    ended = inside("ssh-config", "--install")

    assert ended.returncode == 1
    assert f"Error: cannot read {config}: it is not a regular file. Nothing was installed" in ended.stderr
    assert "Include " in ended.stderr
    assert list(inside.home.glob(".config/pixels/ssh/*.conf")) == []


def test_where_it_cannot_be_rolled_back_nothing_is(inside):
    inside("ssh-config", "--install")
    config = inside.home / ".ssh" / "config"
    config.unlink()
    config.symlink_to(config)

    ended = inside("ssh-config", "--undo")

    assert ended.returncode == 1
    assert f"Error: cannot read {config}" in ended.stderr
    assert len(list(inside.home.glob(".config/pixels/ssh/*.conf"))) == 1


def test_the_key_that_was_installed_is_offered(inside):
    key = Path(inside.environment.pop("PIXELS_SSH_KEY"))
    (inside.home / ".ssh").mkdir(mode=0o700)
    for suffix in ("", ".pub"):
        shutil.copy(f"{key}{suffix}", inside.home / f".ssh/id_ed25519{suffix}")

    inside("ssh-config", "--install")

    there = ssh(inside, "web.pixels", "uname -n")
    assert (there.returncode, there.stdout) == (0, "px-web\n"), there.stderr
    assert f"identityfile {inside.home}/.ssh/id_ed25519\n" in ssh(inside, "-G", "web.pixels").stdout
