# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of waiting for a pixel to come up."""

from __future__ import annotations

import socket
import threading

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound, NotPermitted, TimedOut
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Credential, Endpoint, Session
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate import readiness
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from tests.unit.plugins.conftest import put

WEB = PixelName("px-web")

TABLES = """\
#!/bin/sh
case $1 in
    */fib_trie)
        echo "  |-- 172.17.0.1"
        echo "     /32 host LOCAL"
        echo "  |-- 192.168.1.0"
        echo "     /24 link UNICAST"
        echo "  |-- 192.168.1.50"
        echo "     /32 host LOCAL" ;;
    */route)
        echo "Iface Destination Gateway"
        echo "eth0 00000000 0101A8C0" ;;
    *)
        exec /bin/cat "$@" ;;
esac
"""


@pytest.fixture
def server():
    """Start a server that sends its greeting to each client, and return its port."""
    listeners = []

    def serve(greeting):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def answer():
            try:
                while True:
                    connection, _address = listener.accept()
                    with connection:
                        connection.sendall(greeting)
            except OSError:
                return

        threading.Thread(target=answer, daemon=True).start()
        return listener.getsockname()[1]

    yield serve
    for listener in listeners:
        listener.close()


def test_an_ssh_server_is_known_by_its_greeting(server):
    assert readiness.greeting("127.0.0.1", server(b"SSH-2.0-OpenSSH_9.6\r\n")) == b"SSH-2.0-OpenSSH_9.6\r\n"


@pytest.mark.parametrize("greeting", [b"", b"220 mail ready\r\n"])
def test_an_open_port_alone_is_no_ssh_server(server, greeting):
    assert readiness.greeting("127.0.0.1", server(greeting)) is None


def test_a_closed_port_is_no_ssh_server():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert readiness.greeting("127.0.0.1", port) is None


def test_no_ssh_server_in_time_is_reported_with_what_to_check(server):
    with pytest.raises(TimedOut, match=r"web has the address 127\.0\.0\.1, but no SSH server answers.*provision"):
        readiness.wait_for_ssh("web", "127.0.0.1", server(b""), deadline=Deadline(0.2))


def test_waiting_for_nothing_says_how_it_is(pixels, truenas):
    truenas.world.add_container("px-web", status="STOPPED")

    assert readiness.wait_for(pixels, WEB, "none", deadline=Deadline(0)).status == "stopped"


def test_running_is_enough_when_that_is_asked(pixels, truenas):
    truenas.world.add_container("px-web").aliases.clear()

    assert readiness.wait_for(pixels, WEB, "running", deadline=Deadline(5)).running


def test_one_that_does_not_run_in_time_is_reported_as_it_is(pixels, truenas):
    truenas.world.add_container("px-web", status="STOPPED")

    with pytest.raises(TimedOut, match="web on .* is stopped after 0.1 s"):
        readiness.wait_for(pixels, WEB, "address", deadline=Deadline(0.1))


def test_one_without_an_address_is_reported_with_what_to_check(pixels, truenas):
    truenas.world.add_container("px-web").aliases.clear()

    with pytest.raises(TimedOut, match="is running, but the NAS reports no address.*DHCP"):
        readiness.wait_for(pixels, WEB, "address", deadline=Deadline(0.1))


def test_one_that_has_ipv6_alone_is_waited_for_no_longer_than_ipv4_may_take(pixels, truenas):
    truenas.world.add_container("px-web").aliases = [{"type": "INET6", "address": "fd00::5", "netmask": 64}]
    now = [0.0]

    def sleep(seconds):
        now[0] += seconds

    deadline = Deadline(60, clock=lambda: now[0], sleep=sleep)

    found = readiness.wait_for(pixels, WEB, "address", deadline=deadline)

    assert (found.ipv4, found.address) == (None, "fd00::5")
    assert readiness.IPV6_ALONE_AFTER_S <= now[0] < 10


def test_ipv4_that_comes_after_ipv6_is_waited_for(pixels, truenas):
    made = truenas.world.add_container("px-web")
    later, made.aliases = made.aliases, [{"type": "INET6", "address": "fd00::5", "netmask": 64}]
    now = [0.0]

    def sleep(seconds):
        now[0] += seconds
        if now[0] > 1:
            made.aliases = [*made.aliases, *later]

    deadline = Deadline(60, clock=lambda: now[0], sleep=sleep)

    found = readiness.wait_for(pixels, WEB, "address", deadline=deadline)

    assert found.address == later[0]["address"]


def test_ipv6_is_better_than_nothing_when_time_is_up(pixels, truenas):
    truenas.world.add_container("px-web").aliases = [{"type": "INET6", "address": "fd00::5", "netmask": 64}]

    found = readiness.wait_for(pixels, WEB, "address", deadline=Deadline(0.1))

    assert found.address == "fd00::5"


def test_one_that_went_away_is_not_waited_for(pixels, truenas):
    with pytest.raises(NotFound, match="destroyed by another client"):
        readiness.wait_for(pixels, WEB, "address", deadline=Deadline(60))


class TestInPixelsThatLive:
    @pytest.fixture
    def engine(self):
        return "process"

    @pytest.fixture
    def release(self):
        return "25.10"

    def test_one_is_ready_once_its_init_is_through(self, pixels, truenas):
        truenas.world.add_container("px-web", "STOPPED")
        put(truenas, "/etc/rc.local", "#!/bin/sh\nuntil [ -e /root/go ]; do sleep 0.05; done\n", mode=0o755)
        pixels.containers.start("px-web", timeout=30)
        with pytest.raises(TimedOut, match=r"web on \S+ is running, but did not finish booting within 0.5 s"):
            readiness.wait_for(pixels, WEB, "ready", deadline=Deadline(0.5))

        put(truenas, "/root/go", "")

        assert readiness.wait_for(pixels, WEB, "ready", deadline=Deadline(30)).running

    @pytest.mark.parametrize("release", ["26"])
    def test_an_address_that_is_not_reported_is_read_in_the_pixel(self, truenas, nas):
        truenas.world.add_container("px-web")
        # The kernel of this machine says where this machine is.
        put(truenas, "/usr/local/bin/cat", TABLES, mode=0o755)
        key = truenas.add_account("operator", roles=["CONTAINER_WRITE"], web_shell=True)
        endpoint = Endpoint(nas["host"], nas["port"], ca_path=nas["ca_path"])

        with Session(endpoint, Credential("operator", api_key=key)) as session:
            listed = Pixels(session).get("web").ipv4
            found = readiness.wait_for(Pixels(session), WEB, "address", deadline=Deadline(30))

        assert listed is None
        assert [each.address for each in found.addresses] == ["192.168.1.50", "172.17.0.1"]

    @pytest.mark.parametrize("release", ["26"])
    def test_one_that_shows_something_else_has_no_address(self, truenas, nas):
        truenas.world.add_container("px-web")
        put(truenas, "/usr/local/bin/cat", "#!/bin/sh\necho '|-- nowhere'; echo '/32 host LOCAL'", mode=0o755)
        key = truenas.add_account("operator", roles=["CONTAINER_WRITE"], web_shell=True)
        endpoint = Endpoint(nas["host"], nas["port"], ca_path=nas["ca_path"])

        with Session(endpoint, Credential("operator", api_key=key)) as session:
            found = readiness.read_addresses(Pixels(session), WEB)

        assert found == ()

    def test_an_account_that_may_not_read_is_reported(self, pixels, truenas, nas):
        truenas.world.add_container("px-web")
        key = truenas.add_account("operator", roles=["VIRT_INSTANCE_WRITE", "VIRT_GLOBAL_READ"])
        endpoint = Endpoint(nas["host"], nas["port"], ca_path=nas["ca_path"])

        with (
            Session(endpoint, Credential("operator", api_key=key)) as session,
            pytest.raises(NotPermitted, match="web shell access"),
        ):
            readiness.wait_for(Pixels(session), WEB, "ready", deadline=Deadline(30))
