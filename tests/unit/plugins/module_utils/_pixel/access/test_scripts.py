# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the shell functions that work on paths in a pixel; those of files and directories show what they prevent."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import scripts
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from tests.unit.plugins.conftest import put


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    return "25.10"


@pytest.fixture
def shell(pixels, truenas):
    truenas.world.add_container("px-web")
    with WebShellClient(pixels, PixelName("px-web")) as shell:
        yield shell


def entered(shell, path, follow=""):
    ended = scripts.run(shell, f'{scripts.ENTER}enter "$1" "$2"; printf "%s|%s" "$here" "$name"', path, follow)
    return ended.stdout.decode() or ended.stderr.decode().strip()


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/etc/hostname", "/etc|hostname"),
        ("/etc//./ssh/", "/etc/ssh|."),
        ("/etc/ssh/../x", "/etc|x"),
        ("/etc/..", "|."),
        ("/../x", "|x"),
        ("/", "|."),
        ("/srv/-a b/$x", "/srv/-a b|$x"),
        ("/none/x", "cannot enter the directory /none: no such directory, or not permitted"),
        ("/etc/hostname/x", "cannot enter the directory /etc/hostname: no such directory, or not permitted"),
    ],
)
def test_a_path_is_entered_up_to_its_last_part(shell, path, found):
    scripts.run(shell, 'mkdir -p "/srv/-a b"')

    assert entered(shell, path) == found


def test_the_last_part_is_followed_only_where_that_is_asked_for(shell):
    scripts.run(shell, "ln -s ../etc/hostname /srv/link")

    assert entered(shell, "/srv/link") == "/srv|link"
    assert entered(shell, "/srv/link", "follow") == "/etc|hostname"


def test_more_output_than_is_taken_is_refused(shell):
    with pytest.raises(Refused, match="larger than 1000 bytes"):
        scripts.run(shell, "yes", limit=1000)

    assert scripts.run(shell, "echo here", limit=5).stdout == b"here\n"


@pytest.mark.parametrize("with_getent", [True, False])
@pytest.mark.parametrize("name", ["b.b", "b*", ".*", "[b]ob", "", "bo"])
def test_a_name_means_itself_and_no_pattern(shell, truenas, name, with_getent):
    put(truenas, "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n")
    if not with_getent:
        scripts.run(shell, "rm -f $(command -v getent) /bin/getent")

    assert not scripts.run(shell, scripts.FIND_USER, name).stdout.startswith(b"bob:x:1001")
    assert scripts.run(shell, scripts.FIND_USER, "bob").stdout.startswith(b"bob:x:1001")


def test_a_checked_script_that_fails_quotes_the_end_of_its_output(shell):
    script = 'for line in 1 2 3 4; do echo "line $line of $1"; done; exit 7'

    with pytest.raises(Refused) as error:
        scripts.run_checked(shell, script, "it", action="testing")

    assert str(error.value) == "testing failed with exit status 7: line 2 of it / line 3 of it / line 4 of it"
    assert scripts.run_checked(shell, "echo done", action="testing").stdout == b"done\n"
