# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens a TCP or TLS connection to a NAS, or says in a sentence why there is none."""

from __future__ import annotations

import os
import socket
import ssl
import time

from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Endpoint
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionFailed

HOSTNAME_MISMATCH = 62
"""X509_V_ERR_HOSTNAME_MISMATCH of OpenSSL; 64 is the same for an address."""
ADDRESS_MISMATCH = 64
NOT_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")


def dial(endpoint: Endpoint, timeout: float) -> socket.socket:
    """A connected socket, encrypted unless the endpoint is plain; C(timeout) is in seconds for all of it.

    Raises ConnectionFailed. Proxy variables of the environment play no part: the NAS is reached directly.
    """
    context = None if endpoint.plain else tls_context(endpoint)
    deadline = time.monotonic() + timeout
    raw = _connected(endpoint, timeout)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context is None:
        return raw

    try:
        raw.settimeout(max(deadline - time.monotonic(), 0.1))
        return context.wrap_socket(raw, server_hostname=endpoint.host)
    except (OSError, ValueError) as error:
        raw.close()
        raise ConnectionFailed(_why_no_tls(endpoint, error, timeout)) from None


def tls_context(endpoint: Endpoint) -> ssl.SSLContext:
    """How the NAS's certificate is checked: by C(ca_path) alone where it is given, else by the system's authorities."""
    if not endpoint.validate_certs:
        unchecked = ssl.create_default_context()
        unchecked.check_hostname = False
        unchecked.verify_mode = ssl.CERT_NONE
        return unchecked

    is_folder = bool(endpoint.ca_path) and os.path.isdir(str(endpoint.ca_path))
    try:
        context = ssl.create_default_context(
            cafile=None if is_folder else endpoint.ca_path, capath=endpoint.ca_path if is_folder else None
        )
    except OSError as error:
        is_unreadable = not isinstance(error, ssl.SSLError)
        reason = error.strerror if is_unreadable else "it holds no certificate in PEM format"
        raise ConnectionFailed(
            f"cannot use ca_path {endpoint.ca_path} to check the certificate of {endpoint.nas}: {reason}"
        ) from None
    # Python 3.13 turned this on; home-made authorities, and the certificate TrueNAS makes itself, often fail it.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _connected(endpoint: Endpoint, timeout: float) -> socket.socket:
    try:
        return socket.create_connection((endpoint.host, endpoint.port), timeout=timeout)
    except (OSError, UnicodeError) as error:
        raise ConnectionFailed(_why_no_tcp(endpoint, error, timeout)) from None


def _why_no_tcp(endpoint: Endpoint, error: Exception, timeout: float) -> str:
    nas = endpoint.nas
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return f"cannot find {nas}: no address is known for the name {endpoint.host}; check the spelling and the DNS"
    if isinstance(error, TimeoutError):
        return f"{nas} did not answer on port {endpoint.port} within {timeout:g} s: is it switched on and reachable?"
    if isinstance(error, ConnectionRefusedError):
        return (
            f"{nas} refused the connection to port {endpoint.port}: "
            "check the port of its web interface, and that it has finished starting"
        )
    return f"cannot reach {nas} on port {endpoint.port}: {_words(error)}"


def _why_no_tls(endpoint: Endpoint, error: Exception, timeout: float) -> str:
    nas = endpoint.nas
    if isinstance(error, ssl.SSLCertVerificationError):
        return _why_not_trusted(endpoint, error)
    if isinstance(error, TimeoutError):
        return f"{nas} did not answer the TLS greeting on port {endpoint.port} within {timeout:g} s: is it a TLS port?"
    if isinstance(error, ssl.SSLError) and error.reason in NOT_TLS:
        return (
            f"{nas} does not speak TLS on port {endpoint.port}: "
            "give the HTTPS port of its web interface (443 unless it was changed)"
        )
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError, BrokenPipeError)):
        return f"{nas} hung up during the TLS greeting on port {endpoint.port}: is it its HTTPS port?"
    return f"no TLS connection to {nas} on port {endpoint.port}: {_words(error)}"


def _why_not_trusted(endpoint: Endpoint, error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in (HOSTNAME_MISMATCH, ADDRESS_MISMATCH):
        return (
            f"the certificate of {endpoint.nas} is for another name than {endpoint.host} "
            "(the one TrueNAS makes itself is for localhost): give the NAS a certificate with its name, "
            "use the name the certificate has, or set validate_certs: false"
        )
    return (
        f"the certificate of {endpoint.nas} cannot be trusted (certificate verify failed: {error.verify_message}): "
        "set ca_path to the certificate authority that signed it, or validate_certs: false "
        "for the self-signed certificate that TrueNAS comes with"
    )


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return str(error.reason or "the TLS greeting failed").lower().replace("_", " ")
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)
