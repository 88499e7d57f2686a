# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open a TCP or TLS connection to a NAS, with an error message for each way in which that can fail."""

from __future__ import annotations

import socket
import ssl
import time

from ansible_collections.pixels.truenas.plugins.module_utils._api import tls_context
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Endpoint
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionFailed
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint

HOSTNAME_MISMATCH = 62
"""X509_V_ERR_HOSTNAME_MISMATCH of OpenSSL; 64 is the same for an address."""
ADDRESS_MISMATCH = 64
SELF_SIGNED = 18
"""X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT of OpenSSL."""
NOT_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
HTTPS_PORT_HINT = "Use the HTTPS port of its web interface (443 by default)"


def connect(endpoint: Endpoint, timeout: float) -> socket.socket:
    """Return a connected socket, with TLS unless the endpoint is plain; `timeout` is in seconds for all steps.

    Raises `ConnectionFailed`. Proxy variables in the environment are ignored.
    """
    context = None if endpoint.plain else context_of(endpoint)
    deadline = time.monotonic() + timeout
    raw = _connect_tcp(endpoint, timeout)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context is None:
        return raw

    try:
        raw.settimeout(max(deadline - time.monotonic(), 0.1))
        return context.wrap_socket(raw, server_hostname=endpoint.host)
    except (OSError, ValueError) as error:
        raw.close()
        is_untrusted = isinstance(error, ssl.SSLCertVerificationError)
        failure = ConnectionFailed(_why_no_tls(endpoint, error, timeout), permanent=is_untrusted)
        raise failure.with_hints(*_tls_hints(error)) from None


def context_of(endpoint: Endpoint) -> ssl.SSLContext:
    """Return the TLS context of an endpoint. Raises `ConnectionFailed` if its `ca_path` cannot be used."""
    if not endpoint.validate_certs:
        return tls_context.unverified()
    try:
        return tls_context.verifying(endpoint.ca_path)
    except OSError as error:
        is_unreadable = not isinstance(error, ssl.SSLError)
        reason = error.strerror if is_unreadable else "it has no certificate in PEM format"
        raise ConnectionFailed(
            f"cannot verify the certificate of {endpoint.nas} with ca_path '{endpoint.ca_path}': {reason}",
            permanent=True,
        ) from None


def _connect_tcp(endpoint: Endpoint, timeout: float) -> socket.socket:
    try:
        return socket.create_connection((endpoint.host, endpoint.port), timeout=timeout)
    except (OSError, UnicodeError) as error:
        raise ConnectionFailed(_why_no_tcp(endpoint, error, timeout)) from None


def _why_no_tcp(endpoint: Endpoint, error: Exception, timeout: float) -> str:
    nas = endpoint.nas
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return f"cannot connect to {nas}: no address found for '{endpoint.host}'. Check the spelling and the DNS"
    if isinstance(error, TimeoutError):
        return (
            f"cannot connect to {nas}: no reply on port {endpoint.port} within {timeout:g} s. "
            "Check that it is running and reachable"
        )
    if isinstance(error, ConnectionRefusedError):
        return (
            f"{nas} refused the connection to port {endpoint.port}. "
            "Check the port of its web interface, and that it has finished starting"
        )
    return f"cannot connect to {nas} on port {endpoint.port}: {_reason(error)}"


def _why_no_tls(endpoint: Endpoint, error: Exception, timeout: float) -> str:
    nas = endpoint.nas
    if isinstance(error, ssl.SSLCertVerificationError):
        return _why_not_trusted(endpoint, error)
    if isinstance(error, TimeoutError):
        return (
            f"TLS handshake with {nas} failed: no reply on port {endpoint.port} within {timeout:g} s. {HTTPS_PORT_HINT}"
        )
    if isinstance(error, ssl.SSLError) and error.reason in NOT_TLS:
        return f"TLS handshake with {nas} failed: port {endpoint.port} does not use TLS. {HTTPS_PORT_HINT}"
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError, BrokenPipeError)):
        return f"TLS handshake with {nas} failed: it closed the connection to port {endpoint.port}. {HTTPS_PORT_HINT}"
    return f"TLS handshake with {nas} failed on port {endpoint.port}: {_reason(error)}"


def _why_not_trusted(endpoint: Endpoint, error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in (HOSTNAME_MISMATCH, ADDRESS_MISMATCH):
        return (
            f"the certificate of {endpoint.nas} is not valid for the name '{endpoint.host}' "
            "(the one that TrueNAS generates is for localhost)"
        )
    if error.verify_code == SELF_SIGNED:
        return f"the certificate of {endpoint.nas} is self-signed"
    return f"the certificate of {endpoint.nas} is not trusted: {error.verify_message}"


def _tls_hints(error: Exception) -> tuple[Hint, ...]:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return ()
    if error.verify_code in (HOSTNAME_MISMATCH, ADDRESS_MISMATCH):
        return (
            Hint.advice("install a certificate with its name on the NAS"),
            Hint.advice("use the name in the certificate"),
            Hint.option("validate_certs", False),
        )
    return (
        Hint.advice("install a trusted certificate on the NAS"),
        Hint.option("ca_path", purpose="to the certificate, or to the certificate authority that signed it"),
        Hint.option("validate_certs", False, "to skip the check"),
    )


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return str(error.reason or "unknown reason").lower().replace("_", " ")
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)
