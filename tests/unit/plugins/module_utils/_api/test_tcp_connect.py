# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening a TCP or TLS connection, and saying why there is none."""

from __future__ import annotations

import socket
import ssl

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Endpoint
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionFailed
from ansible_collections.pixels.truenas.plugins.module_utils._api.tcp_connect import connect, context_of


def why_not(endpoint, timeout=5.0):
    with pytest.raises(ConnectionFailed) as caught:
        connect(endpoint, timeout)
    assert endpoint.nas in str(caught.value)
    assert not caught.value.passing
    return str(caught.value)


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_a_certificate_of_a_trusted_authority_is_accepted(peer, trusted):
    nas = peer(context=trusted.context())

    with connect(Endpoint("127.0.0.1", nas.port, ca_path=str(trusted.ca_file)), 5) as connection:
        assert isinstance(connection, ssl.SSLSocket)


def test_a_directory_of_certificate_authorities_is_accepted(peer, trusted, tmp_path):
    context = context_of(Endpoint("127.0.0.1", ca_path=str(tmp_path)))

    assert context.verify_mode is ssl.CERT_REQUIRED


def test_a_plain_connection_is_not_encrypted(peer):
    with connect(Endpoint("127.0.0.1", peer().port, plain=True), 5) as connection:
        assert not isinstance(connection, ssl.SSLSocket)


def test_certificates_are_checked_by_default(peer, trusted, self_signed):
    assert context_of(Endpoint("nas.lan")).verify_mode is ssl.CERT_REQUIRED
    assert context_of(Endpoint("nas.lan")).check_hostname

    nas = peer(context=self_signed.context())
    with connect(Endpoint("127.0.0.1", nas.port, validate_certs=False), 5) as connection:
        assert isinstance(connection, ssl.SSLSocket)


def test_the_certificate_a_nas_comes_with_leads_to_ca_path_and_validate_certs(peer, self_signed):
    message = why_not(Endpoint("127.0.0.1", peer(context=self_signed.context()).port))

    assert "is self-signed" in message
    assert "ca_path" in message
    assert "validate_certs: false" in message


def test_a_certificate_for_another_name_is_reported_from_an_untrusted_one(peer, self_signed):
    nas = peer(context=self_signed.context())

    message = why_not(Endpoint("127.0.0.1", nas.port, ca_path=str(self_signed.ca_file)))

    assert "not valid for the name '127.0.0.1'" in message
    assert "validate_certs: false" in message


def test_a_missing_ca_file_is_named():
    message = why_not(Endpoint("nas.lan", ca_path="/nowhere/ca.pem"))

    assert "with ca_path '/nowhere/ca.pem'" in message
    assert "No such file" in message


def test_a_ca_file_without_a_certificate_is_named(tmp_path):
    empty = tmp_path / "ca.pem"
    empty.write_text("nothing")

    assert "no certificate in PEM format" in why_not(Endpoint("nas.lan", ca_path=str(empty)))


def test_a_closed_port_is_reported_as_refused(free_port):
    assert f"refused the connection to port {free_port}" in why_not(Endpoint("127.0.0.1", free_port))


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70 + ".example"])
def test_a_name_without_an_address_is_reported_as_such(host):
    assert f"no address found for '{host}'" in why_not(Endpoint(host))


@pytest.mark.parametrize("says", [b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["ssh", "http"])
def test_a_port_that_does_not_speak_tls_is_reported_as_such(peer, says):
    message = why_not(Endpoint("127.0.0.1", peer(says, greeting=True).port))

    assert "does not use TLS" in message
    assert "HTTPS port" in message


def test_a_port_that_hangs_up_is_reported_as_such(peer):
    assert "it closed the connection" in why_not(Endpoint("127.0.0.1", peer(b"").port))


def test_a_silent_port_is_given_up_in_time():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        message = why_not(Endpoint("127.0.0.1", silent.getsockname()[1]), timeout=0.2)

    assert "within 0.2 s" in message


def test_no_route_is_reported_with_the_message_of_the_system(monkeypatch):
    def unreachable(*args, **kwargs):
        raise OSError(113, "No route to host")

    monkeypatch.setattr(socket, "create_connection", unreachable)

    assert "No route to host" in why_not(Endpoint("10.0.0.1"))


def test_a_host_that_does_not_answer_is_given_up_in_time(monkeypatch):
    def silent(*args, **kwargs):
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", silent)

    assert "no reply on port 443 within 3 s" in why_not(Endpoint("10.0.0.1"), timeout=3)
