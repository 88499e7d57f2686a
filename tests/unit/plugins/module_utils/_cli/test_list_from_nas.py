# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the listing where no session is open: it prints the same as the verb with an option."""

from __future__ import annotations

import os

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import login_times
from ansible_collections.pixels.truenas.plugins.module_utils._cli import list_from_nas
from tests.unit.plugins.conftest import wait_until

ONE_LOGIN = {"auth.login_ex": 1, "virt.instance.query": 1}


@pytest.fixture
def both(pixels):
    """The output, which is the same without a note, with the note of that listing, and with an option."""

    def tell(**variables):
        ways = [pixels("list", *options, **variables) for options in ((), (), ("--no-color",))]
        without_note, with_note, long_way = ((each.returncode, each.stdout, each.stderr) for each in ways)
        assert without_note == with_note == long_way
        return with_note

    return tell


@pytest.fixture
def noted(pixels, truenas):
    """The command after it has listed a pixel."""
    truenas.world.add_container("px-web")
    pixels("list")
    truenas.stats.calls.clear()
    return pixels


def test_pixels_are_listed(both, truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_container("px-db", status="STOPPED")

    status, out, err = both()

    assert (status, [line.split()[0] for line in out.splitlines()], err) == (0, ["NAME", "db", "web"], "")


def test_none_are_none(both):
    assert both() == (0, "No pixels found.\n", "")


def test_a_nas_without_containers_says_so(both, truenas):
    truenas.world.state = "NO_POOL"

    status, _out, err = both()

    assert status == 1
    assert "choose a storage pool" in err


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ({"PIXELS_TRUENAS_API_KEY": "1-wrong"}, "refused the login"),
        ({"PIXELS_TRUENAS_API_KEY": None}, "api_key"),
        ({"PIXELS_TRUENAS_HOST": None}, "host"),
        ({"PIXELS_TRUENAS_CA_PATH": None}, "certificate"),
        ({"PIXELS_TRUENAS_PORT": "1"}, "refused"),
    ],
)
def test_errors_are_the_same(noted, both, variables, text):
    status, out, err = both(**variables)

    assert (status, out) == (1, "")
    assert err.startswith("Error: ")
    assert text in err


def test_one_login_and_one_query_are_all(noted, truenas):
    assert "web" in noted("list").stdout

    assert dict(truenas.stats.calls) == ONE_LOGIN


def test_a_password_is_as_good(noted, truenas):
    variables = {"PIXELS_TRUENAS_API_KEY": None, "PIXELS_TRUENAS_PASSWORD": truenas.password}
    noted("list", **variables)
    truenas.stats.calls.clear()

    assert "web" in noted("list", **variables).stdout
    assert dict(truenas.stats.calls) == ONE_LOGIN


def test_a_key_is_never_sent_to_a_nas_whose_certificate_is_not_verified(noted, truenas):
    variables = {"PIXELS_TRUENAS_VALIDATE_CERTS": "false"}
    first = noted("list", **variables)
    truenas.stats.calls.clear()

    # By the long way, which warns each time.
    assert noted("list", **variables).stderr == first.stderr
    assert dict(truenas.stats.calls) != ONE_LOGIN


def test_a_connection_that_is_lost_is_opened_again(noted, truenas):
    truenas.faults.add("drop_before_call", method="virt.instance.query")

    assert "web" in noted("list").stdout


@pytest.mark.parametrize(
    ("method", "calls"), [("virt.instance.query", ONE_LOGIN), ("auth.login_ex", {"auth.login_ex": 1})]
)
def test_the_time_for_a_call_is_that_of_the_settings(noted, truenas, method, calls):
    noted.environment["PIXELS_CALL_TIMEOUT"] = "0.5"
    noted("list")
    truenas.faults.add("delay", method=method, seconds=30, times=2)
    truenas.stats.calls.clear()

    ended = noted("list")

    assert ended.returncode == 1
    assert f"{method} on" in ended.stderr
    assert "no reply within 0.5 s" in ended.stderr
    # No other route waits for the same time again.
    assert dict(truenas.stats.calls) == calls


def test_logins_are_counted(noted, truenas, home):
    noted.environment["XDG_RUNTIME_DIR"] = str(home)
    noted("list")
    noted("list")
    (counted,) = (home / "pixels").glob("logins-*")

    noted("list")

    assert len(login_times._read(os.open(counted, os.O_RDONLY))["auth.login_ex"]) == 3


def test_a_session_is_open_afterwards(shared, truenas):
    truenas.world.add_container("px-web")
    shared("list")
    shared("session", "stop")
    truenas.stats.calls.clear()

    ended = shared("list")

    assert "web" in ended.stdout
    assert dict(truenas.stats.calls) == ONE_LOGIN
    wait_until(lambda: shared.json("session", "status"))


def test_a_session_that_is_being_opened_is_closed_as_well(shared, truenas):
    truenas.world.add_container("px-web")
    shared("list")
    shared("session", "stop")
    shared("list")

    assert shared("session", "stop").stdout == "Closed 1 session.\n"


@pytest.mark.wide
def test_a_second_process_waits_for_the_session_of_the_first(shared, truenas, home):
    truenas.world.add_container("px-web")
    shared("list")
    shared("session", "stop")
    truenas.stats.calls.clear()
    lock = list_from_nas.lock_file(str(home / "run/pixels" / list_from_nas.LOCK))

    assert "web" in shared("list").stdout

    os.close(lock)
    # The long way, which detects the API.
    assert truenas.stats.calls["virt.global.config"] == 1


def test_a_login_that_is_one_too_many_is_not_made(tmp_path):
    path = str(tmp_path / "logins")
    for _login in range(login_times.LIMIT):
        list_from_nas.count_login(path)

    with pytest.raises(list_from_nas.NotNow):
        list_from_nas.count_login(path)


def test_a_directory_that_others_can_enter_is_not_used(tmp_path):
    private, shared = tmp_path / "private", tmp_path / "shared"
    private.mkdir(mode=0o700)
    shared.mkdir(mode=0o755)
    link = tmp_path / "link"
    link.symlink_to(private)

    assert [list_from_nas.is_private(str(each)) for each in (private, shared, link)] == [True, False, False]


def test_a_pixel_with_docker_has_the_address_of_its_card(both, truenas):
    made = truenas.world.add_container("px-web")
    made.bridges = {"docker0": [{"type": "INET", "address": "172.17.0.1", "netmask": 16}]}

    _status, out, err = both()

    assert (out.splitlines()[1].split(), err) == (["web", "RUNNING", made.aliases[0]["address"]], "")


def test_a_pixel_that_has_ipv6_alone_is_listed_with_it(both, truenas):
    truenas.world.add_container("px-web").aliases = [{"type": "INET6", "address": "fd00::5", "netmask": 64}]

    assert both()[1].splitlines()[1].split() == ["web", "RUNNING", "fd00::5"]


def test_what_is_invalid_is_omitted_with_a_warning(both, truenas):
    truenas.world.add_container("px-web").aliases = [{"type": "INET", "address": "-oProxyCommand=x", "netmask": 24}]
    truenas.world.add_container("px-bad").name = "px-\x1b[31mbad"

    status, out, err = both()

    assert (status, [line.split() for line in out.splitlines()[1:]]) == (0, [["web", "RUNNING", "—"]])
    assert err.count("Warning:") == 2
    assert "\x1b" not in err


@pytest.mark.parametrize("release", ["26"])
def test_a_release_with_another_api_leaves_no_note(pixels, truenas, home):
    truenas.world.add_container("px-web")

    assert "web" in pixels("list").stdout

    assert not (home / ".cache/pixels/nas.json").exists()
