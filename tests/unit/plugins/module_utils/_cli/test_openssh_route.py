# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the SSH connection to a pixel, and of which cached addresses it trusts."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.unit.plugins.conftest import put


@pytest.fixture
def engine():
    return "process"


def addresses(home):
    (file,) = (home / ".cache/pixels").glob("addresses-*.json")
    return file


def hang_up(command):
    for path in command.sockets:
        subprocess.run(["ssh", "-S", str(path), "-O", "exit", "pixel"], capture_output=True, check=True)


@pytest.mark.wide
def test_an_address_that_has_become_another_pixels_is_never_spoken_to(inside, truenas, home, key):
    inside("exec", "web", "true")
    hang_up(inside)
    other = truenas.world.add_container("px-other").aliases[0]["address"]
    put(truenas, "/root/.ssh/authorized_keys", f"{key.public}\n", name="px-other", mode=0o600)
    addresses(home).write_text(json.dumps({"px-web": other}))

    ended = inside("exec", "web", "uname", "-n")

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "px-web\n", "")
    assert json.loads(addresses(home).read_text())["px-web"] != other


@pytest.mark.wide
def test_an_address_is_not_believed_without_the_host_key(inside, truenas, home, key):
    inside("exec", "web", "true")
    hang_up(inside)
    other = truenas.world.add_container("px-other").aliases[0]["address"]
    put(truenas, "/root/.ssh/authorized_keys", f"{key.public}\n", name="px-other", mode=0o600)
    addresses(home).write_text(json.dumps({"px-web": other}))
    (home / ".local/state/pixels/known_hosts").write_text("")

    assert inside("exec", "web", "uname", "-n").stdout == "px-web\n"


@pytest.mark.wide
def test_another_host_key_at_the_address_the_nas_gives_is_refused(inside, truenas, home):
    inside("exec", "web", "true")
    hang_up(inside)
    known = home / ".local/state/pixels/known_hosts"
    alias, kind, _key = known.read_text().split()[:3]
    stranger = home / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stranger)], check=True)
    known.write_text(f"{alias} {kind} {stranger.with_suffix('.pub').read_text().split()[1]}\n")

    ended = inside("exec", "web", "true")

    assert ended.returncode == 1
    assert "SSH host key mismatch for web" in ended.stderr
    assert f"remove the lines of {alias} from {known}" in ended.stderr


@pytest.mark.wide
def test_a_broken_cache_is_an_empty_one(inside, home):
    inside("exec", "web", "true")
    hang_up(inside)
    addresses(home).write_text("{broken")

    assert inside("exec", "web", "uname", "-n").stdout == "px-web\n"
    assert "px-web" in json.loads(addresses(home).read_text())


def test_a_home_that_cannot_be_written_is_no_obstacle(inside, home):
    (home / ".cache").write_text("not a folder")

    ended = inside("exec", "web", "--", "sh", "-c", "uname -n; exit 255")

    assert (ended.returncode, ended.stdout) == (255, "px-web\n")


class TestAHomeThatKeepsNoFiles:
    """As service accounts have it."""

    @pytest.fixture(params=["/dev/null", "/proc"])
    def homeless(self, request, inside, home):
        run = home / "run"
        run.mkdir(mode=0o700)
        inside.environment |= {"HOME": request.param, "XDG_RUNTIME_DIR": str(run)}
        return inside

    @pytest.mark.wide
    def test_commands_and_files_enter_the_pixel_and_its_host_key_is_kept(self, homeless, home):
        (home / "file").write_text("content")
        for _time in range(2):
            ended = homeless("exec", "web", "uname", "-n")
            assert (ended.returncode, ended.stdout, ended.stderr) == (0, "px-web\n", "")
        assert homeless("push", str(home / "file"), "web:/file").returncode == 0
        assert homeless("exec", "web", "cat", "/file").stdout == "content"
        (known,) = (home / "run").rglob("known_hosts")
        assert known.read_text()

    def test_a_pixel_starts_and_a_configuration_is_shown(self, homeless):
        assert homeless("stop", "web").returncode == 0
        ended = homeless("start", "web")
        assert (ended.returncode, "Error" in ended.stderr) == (0, False)

        ended = homeless("ssh-config")

        assert (ended.returncode, ended.stderr) == (0, "")
        assert "Host web.pixels" in ended.stdout

    def test_links_of_ansible_have_another_place(self, homeless):
        ended = homeless("setup", "ad-hoc")

        assert ended.returncode == 1
        assert ended.stderr.startswith(f"Error: cannot write {homeless.environment['HOME']}/.ansible/plugins/modules/")
        assert ended.stderr.endswith("Set ANSIBLE_HOME to a directory that can be written\n")

    def test_a_place_for_state_that_was_named_is_used_or_refused_with_the_variable(self, homeless):
        homeless.environment["XDG_STATE_HOME"] = "/dev/null"

        ended = homeless("exec", "web", "true")
        shown = homeless("ssh-config")

        assert (ended.returncode, shown.returncode, shown.stderr) == (1, 0, "")
        assert ended.stderr == (
            "Error: cannot write /dev/null/pixels/known_hosts: Not a directory. Set XDG_STATE_HOME to a directory that "
            "can be written\n"
        )


def test_a_key_that_is_not_taken_is_reported(inside, home):
    stranger = home / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stranger)], check=True)

    ended = inside("exec", "web", "true", PIXELS_SSH_KEY=str(stranger))

    assert ended.returncode == 1
    assert "took none of the keys" in ended.stderr


@pytest.mark.wide
def test_a_connection_that_crashed_is_made_again(inside):
    inside("exec", "web", "true")
    (path,) = inside.sockets
    output = subprocess.run(
        ["ssh", "-S", str(path), "-O", "check", "pixel"], capture_output=True, text=True, check=True
    )
    subprocess.run(["kill", "-9", output.stderr.partition("pid=")[2].rstrip(")\r\n")], check=True)

    assert inside("exec", "web", "uname", "-n").stdout == "px-web\n"
    assert inside("exec", "--config", "/dev/null", "web", "uname", "-n").stdout == "px-web\n"


def test_no_daemon_of_a_connection_keeps_an_output_open(inside):
    process = inside.start("exec", "web", "true")

    process.communicate(timeout=20)

    assert process.returncode == 0
    assert inside.sockets


def test_what_keeps_a_connection_open_does_not_have_the_key_of_the_nas(inside, truenas):
    inside.environment["PIXELS_TRUENAS_PASSWORD"] = "sesame"
    inside("exec", "web", "true")
    (path,) = inside.sockets
    output = subprocess.run(
        ["ssh", "-S", str(path), "-O", "check", "pixel"], capture_output=True, text=True, check=True
    )
    pid = output.stderr.partition("pid=")[2].rstrip(")\r\n")

    variables = Path(f"/proc/{pid}/environ").read_bytes()

    assert b"HOME=" in variables
    assert b"PIXELS_TRUENAS" not in variables
    assert truenas.api_key.encode() not in variables


HOWS = [
    pytest.param(["ln", "-sfn"], id="linked"),
    pytest.param(["mv"], id="moved"),
    pytest.param(["cp", "-p"], id="copied with its time"),
]


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.wide
def test_a_configuration_that_was_switched_to_an_older_one_means_another_nas(inside, truenas, how):
    path = inside.configure(f'[truenas]\nhost = "{truenas.host}"\n')
    other = path.with_name("office.toml")
    other.write_text('[truenas]\nhost = "office.invalid"\n')
    os.utime(other, (1, 1))
    assert inside("exec", "web", "uname", "-n", PIXELS_TRUENAS_HOST=None).stdout == "px-web\n"

    subprocess.run([*how, str(other), str(path)], check=True)

    ended = inside("exec", "web", "uname", "-n", PIXELS_TRUENAS_HOST=None)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "office.invalid" in ended.stderr


@pytest.mark.wide
def test_a_link_to_a_configuration_of_the_same_age_means_another_nas(inside, truenas):
    path = inside.configure(f'[truenas]\nhost = "{truenas.host}"\n')
    home, office = path.rename(path.with_name("home.toml")), path.with_name("office.toml")
    office.write_text('[truenas]\nhost = "office.invalid"\n')
    # As a package manager leaves them.
    for file in (home, office):
        os.utime(file, (1, 1))
    path.symlink_to(home)
    assert inside("exec", "web", "uname", "-n", PIXELS_TRUENAS_HOST=None).stdout == "px-web\n"

    subprocess.run(["ln", "-sfn", str(office), str(path)], check=True)

    assert "office.invalid" in inside("exec", "web", "uname", "-n", PIXELS_TRUENAS_HOST=None).stderr


def test_the_shell_goes_by_the_note_of_a_configuration(inside, truenas, home):
    inside.configure(f'[truenas]\nhost = "{truenas.host}"\n')
    inside("exec", "web", "true")

    # Without a Python only the shell can do it.
    assert inside("exec", "web", "uname", "-n", PIXELS_PYTHON="/nonexistent").stdout == "px-web\n"
