# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the certificates."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509

from tests.simulator import tls


def names(certificate: x509.Certificate) -> list[str]:
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return [str(name.value) for name in extension.value]


def test_a_signed_certificate_names_the_loopback_addresses(tmp_path: Path) -> None:
    files = tls.signed_by_a_ca(tmp_path)

    certificate = x509.load_pem_x509_certificate(files.chain_file.read_bytes())
    assert names(certificate) == ["localhost", "127.0.0.1", "::1"]
    assert certificate.issuer == x509.load_pem_x509_certificate(files.ca_file.read_bytes()).subject


def test_the_default_certificate_is_its_own_issuer_and_names_localhost_only(tmp_path: Path) -> None:
    files = tls.like_a_new_nas(tmp_path)

    certificate = x509.load_pem_x509_certificate(files.chain_file.read_bytes())
    assert certificate.issuer == certificate.subject
    assert certificate.subject.rfc4514_string() == "O=iXsystems,CN=localhost"
    assert names(certificate) == ["localhost"]
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == tls.DEFAULT_DAYS


@pytest.mark.parametrize("kind", sorted(tls.KINDS))
def test_others_may_not_read_the_key(tmp_path: Path, kind: str) -> None:
    assert tls.KINDS[kind](tmp_path).key_file.stat().st_mode & 0o077 == 0
