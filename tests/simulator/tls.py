# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate of the simulated NAS."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import ssl
import typing as t
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DEFAULT_DAYS = 397
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Certificate:
    """Files of the server, and what a client has to trust."""

    chain_file: Path
    key_file: Path
    ca_file: Path
    channel_binding: bytes
    """`tls-server-end-point`: the hash of the certificate that a SCRAM login may be bound to."""

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain_file, self.key_file)
        return context


SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def signed_by_a_ca(folder: Path) -> Certificate:
    """For 127.0.0.1, ::1 and localhost, signed by a CA made for this run."""
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name = _name("pixels simulator CA")
    # Python 3.13 verifies strictly (VERIFY_X509_STRICT): it wants to know which key signed what, and that it may.
    ca = (
        _builder(ca_name, ca_name, ca_key, days=1)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(SIGNS_CERTIFICATES, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
    )
    ca_certificate = ca.sign(ca_key, hashes.SHA256())
    key = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]
    server = (
        _builder(_name("simulated TrueNAS"), ca_name, key, days=1)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    return _written(folder, server, key, ca=ca_certificate)


def like_a_new_nas(folder: Path) -> Certificate:
    """Self-signed for localhost only, as `truenas_default` is: to be trusted, it must itself be the CA file."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = _name("localhost", organization="iXsystems")
    certificate = (
        _builder(name, name, key, days=DEFAULT_DAYS)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _written(folder, certificate, key, ca=certificate)


KINDS: dict[str, t.Callable[[Path], Certificate]] = {"ca": signed_by_a_ca, "default": like_a_new_nas}


def _name(common_name: str, *, organization: str | None = None) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization is not None:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


def _builder(subject: x509.Name, issuer: x509.Name, key: Key, *, days: int) -> x509.CertificateBuilder:
    now = datetime.datetime.now(tz=datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # an hour of clock error between machines is common
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _written(folder: Path, certificate: x509.Certificate, key: Key, *, ca: x509.Certificate) -> Certificate:
    pem = serialization.Encoding.PEM
    chain_file, key_file, ca_file = folder / "server.pem", folder / "server.key", folder / "ca.pem"
    chain_file.write_bytes(certificate.public_bytes(pem))
    ca_file.write_bytes(ca.public_bytes(pem))
    key_file.touch(mode=0o600)
    key_file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, encryption_algorithm=serialization.NoEncryption())
    )
    binding = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest()
    return Certificate(chain_file, key_file, ca_file, binding)
