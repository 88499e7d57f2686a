# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how the certificate of a NAS is verified."""

from __future__ import annotations

import ssl

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api import tls_context


def test_a_certificate_is_verified_with_its_name(trusted, tmp_path):
    for ca_path in (None, str(trusted.ca_file), str(tmp_path)):
        context = tls_context.verifying(ca_path)

        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_file_without_certificates_is_an_error(tmp_path):
    (tmp_path / "empty").write_text("")

    with pytest.raises(OSError, match="."):
        tls_context.verifying(str(tmp_path / "empty"))


def test_a_context_that_verifies_nothing_accepts_any_name():
    context = tls_context.unverified()

    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)
