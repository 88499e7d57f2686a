# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verbs push and pull, over SSH and through the web shell."""

from __future__ import annotations

import os
import signal
import stat

import pytest

from tests.unit.plugins.conftest import put, read, users_of_its_own, wait_until


@pytest.fixture
def engine():
    return "process"


@pytest.fixture(params=["ssh", "shell"])
def transport(request):
    return request.param


@pytest.fixture
def over(inside, transport):
    """The command, by one of the two ways in."""
    inside.environment["PIXELS_TRANSPORT"] = transport
    return inside


@pytest.fixture
def by_shell(inside):
    """By the way in that takes less to set up, for what does not depend on it."""
    inside.environment["PIXELS_TRANSPORT"] = "shell"
    return inside


def sh(command, script):
    ended = command("exec", "--transport", "shell", "web", "sh", "-c", script)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    (folder / "sub").mkdir(parents=True)
    (folder / "index").write_text("hello")
    (folder / "sub" / "run").write_bytes(bytes(range(256)) * 1000)
    (folder / "sub" / "run").chmod(0o750)
    (folder / "link").symlink_to("sub/run")
    return folder


def done(ended):
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    return ended


def refused(ended, text):
    assert ended.returncode == 1
    assert text in ended.stderr


@pytest.mark.wide
def test_a_file_goes_in_and_comes_out_with_its_mode(over, site, tmp_path):
    done(over("push", str(site / "sub" / "run"), "web:/srv/tool"))
    done(over("pull", "web:/srv/tool", str(tmp_path / "back")))

    assert (tmp_path / "back").read_bytes() == (site / "sub" / "run").read_bytes()
    assert stat.S_IMODE((tmp_path / "back").stat().st_mode) == 0o750
    assert sh(over, "stat -c '%a %U' /srv/tool; ls -A /srv") == "750 root\ntool\n"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.wide
def test_a_directory_goes_in_and_comes_out_whole(over, site, tmp_path):
    done(over("push", "-r", str(site), "web:/srv/new"))
    done(over("pull", "--recursive", "web:/srv/new", str(tmp_path / "back")))

    found = {str(path.relative_to(tmp_path / "back")) for path in (tmp_path / "back").rglob("*")}
    assert found == {"index", "link", "sub", "sub/run"}
    assert (tmp_path / "back" / "link").readlink().as_posix() == "sub/run"
    assert stat.S_IMODE((tmp_path / "back" / "sub" / "run").stat().st_mode) == 0o750


@pytest.mark.wide
def test_what_is_a_directory_is_copied_into(by_shell, site, tmp_path):
    (tmp_path / "here").mkdir()

    done(by_shell("push", str(site / "index"), str(site / "sub" / "run"), "web:/srv"))
    done(by_shell("push", "-r", str(site), "web:/srv/"))
    done(by_shell("pull", "-r", "web:/srv/index", "web:/srv/site/", str(tmp_path / "here")))

    assert sh(by_shell, "ls /srv /srv/site").split() == [
        "/srv:",
        "index",
        "run",
        "site",
        "/srv/site:",
        "index",
        "link",
        "sub",
    ]
    assert {path.name for path in (tmp_path / "here").iterdir()} == {"index", "site"}


@pytest.mark.wide
def test_directories_take_an_option_and_replacing_one_takes_another(by_shell, site, tmp_path):
    sh(by_shell, "mkdir -p /srv/site; touch /srv/site/old")
    (tmp_path / "back").mkdir()
    (tmp_path / "back" / "mine").touch()

    refused(by_shell("push", str(site), "web:/srv"), "it is a directory. Use --recursive")
    refused(by_shell("pull", "web:/srv/site", str(tmp_path)), "it is a directory. Use --recursive")
    refused(by_shell("push", "-r", str(site), "web:/srv"), "/srv/site exists. Use --replace to replace it")
    refused(by_shell("pull", "-r", "web:/srv/site", str(tmp_path)), f"{site} exists. Use --replace to replace it")
    assert sh(by_shell, "ls /srv/site") == "old\n"
    assert (site / "index").exists()

    done(by_shell("push", "-r", "--replace", str(site), "web:/srv"))
    assert sh(by_shell, "ls /srv/site") == "index\nlink\nsub\n"


@pytest.mark.wide
def test_a_relative_path_begins_in_the_home_of_the_user(over, site, tmp_path):
    done(over("push", str(site / "index"), "web:"))
    done(over("push", str(site / "index"), "web:~/there"))

    assert sh(over, "ls /root") == "index\nthere\n"
    done(over("pull", "web:there", str(tmp_path / "back")))
    assert (tmp_path / "back").read_text() == "hello"


@users_of_its_own
@pytest.mark.wide
def test_a_user_of_the_pixel_can_be_named_and_an_owner(over, site):
    done(over("push", "--user", "ubuntu", str(site / "index"), "web:mine"))
    done(over("push", "--owner", "ubuntu:daemon", "--mode", "0640", str(site / "index"), "web:/srv/given"))
    done(over("push", "-r", "--user", "ubuntu", str(site), "web:"))

    assert sh(over, "cd /home/ubuntu; stat -c '%U:%G %a' mine /srv/given") == "ubuntu:ubuntu 644\nubuntu:daemon 640\n"
    assert set(sh(over, "find /home/ubuntu/site -exec stat -c %U {} +").split()) == {"ubuntu"}
    refused(over("push", "--user", "ubuntu", str(site / "index"), "web:/etc/x"), "cannot write to the directory /etc")
    refused(over("pull", "--user", "ubuntu", "web:/etc/shadow", "/dev/null"), "ermission denied")


def test_an_empty_user_is_refused(by_shell, site, tmp_path):
    for words in (("push", str(site / "index"), "web:/srv/mine"), ("pull", "web:/etc/passwd", str(tmp_path / "back"))):
        refused(by_shell(*words, "--user", ""), "invalid user ''")
    assert not (tmp_path / "back").exists()
    assert "mine" not in sh(by_shell, "ls -A /srv")


@pytest.mark.wide
def test_standard_input_and_output_take_part(over, truenas):
    done(over("push", "-", "web:/srv/text", stdin="from a pipe"))

    assert read(truenas, "/srv/text") == "from a pipe"
    assert over("pull", "web:/srv/text", "-").stdout == "from a pipe"
    refused(over("push", "-", "web:/srv/"), "it is a directory. Name the file in it to write")


@pytest.mark.wide
def test_one_that_fails_keeps_no_other_from_it(by_shell, site, tmp_path):
    sh(by_shell, "touch /srv/a /srv/b")
    (tmp_path / "here").mkdir()

    ended = by_shell("pull", "web:/srv/a", "web:/srv/none", "none:/x", "web:/srv/b", str(tmp_path / "here"))

    assert ended.returncode == 1
    assert "/srv/none is not a file" in ended.stderr
    assert "there is no pixel named none on" in ended.stderr
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == ["a", "b"]


def test_json_says_what_went_where(by_shell, site, tmp_path):
    rows = by_shell.json("push", "-r", str(site / "index"), str(site), str(tmp_path / "none"), "web:/srv")

    assert rows[:2] == [
        {"name": "web", "source": str(site / "index"), "destination": "/srv/index", "kind": "file", "bytes": 5},
        {"name": "web", "source": str(site), "destination": "/srv/site", "kind": "directory"},
    ]
    assert f"cannot read {tmp_path}/none" in rows[2]["error"]["message"]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["push", "a", "b"], "'b' names no pixel. Use pixels push SRC... NAME:DEST"),
        (["push", "web:/a", "./b:c"], "'./b:c' names no pixel"),
        (["pull", "a", "b"], "'a' names no pixel. Use pixels pull NAME:SRC... DEST"),
        (["pull", ":/a", "b"], "':/a' names no pixel"),
        (["push", "--mode", "rwx", "a", "web:/b"], "argument --mode: invalid value 'rwx'"),
        (["push", "--owner=-R", "a", "web:/b"], "argument --owner: invalid value '-R'"),
        (["--json", "pull", "web:/a", "-"], "standard output takes one file"),
        (["pull", "web:/a", "web:/b", "-"], "standard output takes one file"),
    ],
)
def test_invalid_arguments_are_reported_before_anything_is_done(pixels_command, words, problem):
    ended = pixels_command(*words)

    assert ended.returncode == 2
    assert problem in ended.stderr


@pytest.mark.wide
def test_a_destination_that_is_no_directory_is_reported(by_shell, site, tmp_path):
    refused(by_shell("push", str(site / "index"), "web:/srv/none/"), "/srv/none in web failed: it is not a directory")
    refused(by_shell("push", str(site / "index"), str(site / "link"), "web:/srv/none"), "it is not a directory")
    refused(by_shell("pull", "web:/etc/hostname", f"{tmp_path}/none/"), "it is not a directory")
    refused(by_shell("push", str(site / "index"), "web:/none/x"), "cannot enter the directory /none")
    refused(by_shell("push", "--user=-x", str(site / "index"), "web:/x"), "invalid user")
    refused(by_shell("push", "--user", "eve", str(site / "index"), "web:x"), "there is no user 'eve' in web")


def test_a_pixel_that_does_not_run_is_reported(inside, site, truenas):
    truenas.world.containers["px-web"].status = "STOPPED"

    refused(inside("push", str(site / "index"), "web:/srv"), "is stopped: start it first")


@pytest.mark.wide
def test_progress_is_shown_at_a_terminal(over, tmp_path):
    (tmp_path / "large").write_bytes(bytes(3_000_000))

    terminal = over.at_terminal("push", str(tmp_path / "large"), "web:/srv/large", columns=200)

    terminal.see(f"Pushing {tmp_path}/large to web")
    assert terminal.end() == 0
    assert over("push", str(tmp_path / "large"), "web:/srv/large").stderr.startswith(
        f"Pushing {tmp_path}/large to web: "
    )


def pretend(truenas, program, script):
    put(truenas, f"/usr/local/bin/{program}", f"#!/bin/sh\n{script}\n", mode=0o755)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_pull_that_is_interrupted_leaves_nothing(over, truenas, tmp_path, number):
    pretend(truenas, "tar", "touch /srv/begun; sleep 600")
    place = tmp_path / "place"
    place.mkdir()

    process = over.start("pull", "-r", "web:/etc/ssh", str(place / "back"))
    wait_until(lambda: list(place.iterdir()) and has(truenas, "/srv/begun"))
    os.kill(process.pid, number)

    _out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert b"Interrupted" in err
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_push_that_is_interrupted_leaves_what_was_there(over, truenas, tmp_path, number):
    put(truenas, "/srv/x", "old")
    pretend(truenas, "sha256sum", "touch /tmp/begun; sleep 600")
    (tmp_path / "new").write_text("new")

    process = over.start("push", str(tmp_path / "new"), "web:/srv/x")
    wait_until(lambda: has(truenas, "/tmp/begun"))
    os.kill(process.pid, number)

    _out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    wait_until(lambda: sh(over, "ls -A /srv") == "x\n")
    assert read(truenas, "/srv/x") == "old"


def has(truenas, path):
    try:
        read(truenas, path)
    except OSError:
        return False
    return True
