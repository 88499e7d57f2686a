# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verbs config show and config path."""

from __future__ import annotations

import pytest

VARIABLES = {"PIXELS_TRUENAS_HOST": None, "PIXELS_TRUENAS_API_KEY": None}


def rows(ended):
    return {line.split()[0]: line.split(maxsplit=2)[1:] for line in ended.stdout.splitlines() if "." in line.split()[0]}


def test_every_value_is_shown_with_where_it_comes_from(command):
    path = command.configure('[truenas]\nhost = "nas"\n\n[defaults]\nmemory = 4096\ndns = ["9.9.9.9", "1.1.1.1"]\n')

    shown = rows(command("config", "show", "-u", "me", PIXELS_SSH_PORT="2222"))

    assert shown["truenas.host"] == ["nas", f"{path} line 2"]
    assert shown["defaults.memory"] == ["4GiB", f"{path} line 5"]
    assert shown["truenas.username"] == ["me", "--username"]
    assert shown["ssh.port"] == ["2222", "PIXELS_SSH_PORT"]
    assert shown["truenas.validate_certs"] == ["true", "default"]


@pytest.mark.parametrize("name", ["api_key", "password"])
def test_no_secret_is_shown(command, name):
    command.configure(f'[truenas]\n{name} = "hunter2"\n')

    for words in (["config", "show"], ["--json", "config", "show"]):
        ended = command(*words)
        assert "hunter2" not in ended.stdout + ended.stderr
        assert "********" in ended.stdout


def test_what_a_command_is_given_is_not_shown(command):
    command.configure("[truenas]\napi_key_command = \"curl -H 'Authorization: Bearer hunter2' vault\"\n")

    for words in (["config", "show"], ["--json", "config", "show"]):
        ended = command(*words)
        assert "hunter2" not in ended.stdout
        assert "curl ********" in ended.stdout


def test_a_secret_that_others_can_read_is_warned_of(command):
    path = command.configure('[truenas]\npassword = "hunter2"\n')
    path.chmod(0o640)

    assert (
        command("config", "show").stderr
        == f"Warning: other users can read the password in {path}. Run: chmod 600 {path}\n"
    )
    path.chmod(0o600)
    assert command("config", "show").stderr == ""


def test_a_command_that_has_the_key_is_not_run_to_show_it(command, home):
    command.configure(f'[truenas]\napi_key_command = "touch {home}/was-run"\n')

    command("config", "show")

    assert not (home / "was-run").exists()


def test_programs_get_json(command):
    assert command.json("config", "show")["truenas.port"] == {"value": "443", "source": "default"}


def test_a_profile_is_reported(command):
    command.configure('[nas.home]\nhost = "h"\n[nas.home.ssh]\nuser = "me"\n')

    ended = command("--nas", "home", "config", "show")

    assert ended.stdout.splitlines()[0].endswith(", profile home")
    assert rows(ended)["ssh.user"][0] == "me"


def test_the_path_is_reported_even_of_a_file_that_cannot_be_read(command):
    path = command.configure("broken [")

    assert command("config", "path").stdout == f"{path}\n"
    assert command.json("config", "path") == {"path": str(path), "exists": True}
    assert command("config", "path", "--config", "/else.toml").stdout == "/else.toml\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[truenas]\nhots = 1\n", "line 2: unknown key truenas.hots: did you mean host?"),
        ('[truenas]\nport = "x"\n', "line 2: truenas.port is not a whole number"),
        ("broken [", "(at line 1"),
    ],
)
def test_what_is_wrong_with_the_file_is_reported_with_its_line_by_each_verb(command, text, problem):
    path = command.configure(text)

    ended = command("list")

    assert ended.returncode == 1
    assert str(path) in ended.stderr
    assert problem in ended.stderr


def test_variables_are_shown_by_their_kind_and_without_their_values(command):
    path = command.configure(
        '[env]\nA = "hunter2"\nB = {forward = true}\nC = {value = "hunter2", session_only = true}\n'
    )

    ended = command("config", "show", B="hunter2")

    assert "hunter2" not in ended.stdout + ended.stderr
    shown = {line.split()[0]: line for line in ended.stdout.splitlines()}
    assert shown["env.A"].split()[1:] == ["image,", "********", str(path), "line", "2"]
    assert shown["env.B"].split()[1] == "forward"
    assert shown["env.C"].split()[1:3] == ["session_only,", "********"]
