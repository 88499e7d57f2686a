# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SCRAM-SHA-512 login of TrueNAS 26."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.scram import ScramClient, ScramError

API_KEY = "7-" + "A" * 64
NONCE = bytes(range(0x20))

# A run of the vendor's own code (truenas_scram): user root, key 7, salt 0123456789abcdef, nonces 00..1f and 20..3f.
CLIENT_FIRST = "n,,n=root:7,r=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
COMBINED = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="
SERVER_FIRST = f"r={COMBINED},s=MDEyMzQ1Njc4OWFiY2RlZg==,i=50000"
CLIENT_FINAL = (
    f"c=biws,r={COMBINED},p=39nuMrnYZmV9Z7ql1atHqSkpe7pPawiXGMTgNfCP6g/1X2FEixlUQSNw8Y+OehFft2AAny5mdT2Bg0yjCXP/0w=="
)
SERVER_FINAL = "v=CxjtGMJ2rtD0RQdFyj6yFtspm//WnbtXZOeyLlZCKyyffkUsJb0SnVIBXutQ6GPvX7y21gS//OmqzozXkM+K4w=="


@pytest.fixture
def client():
    return ScramClient("root", API_KEY, nonce=NONCE)


def test_the_vendors_own_exchange_comes_out_the_same(client):
    assert client.first() == CLIENT_FIRST
    assert client.final(SERVER_FIRST) == CLIENT_FINAL
    client.verify(SERVER_FINAL)


@pytest.mark.parametrize("answer", ["v=" + "A" * 86 + "==", "v=", "", "e=other-error", "v=not base64"])
def test_a_nas_that_does_not_know_the_key_is_not_believed(client, answer):
    client.final(SERVER_FIRST)

    with pytest.raises(ScramError):
        client.verify(answer)


def test_a_signature_before_the_proof_is_not_believed(client):
    with pytest.raises(ScramError):
        client.verify("v=")


@pytest.mark.parametrize(
    "challenge",
    [
        SERVER_FIRST.replace("r=AAEC", "r=BAEC"),
        f"r={CLIENT_FIRST.partition('r=')[2]},s=MDEyMzQ1Njc4OWFiY2RlZg==,i=50000",
        SERVER_FIRST.replace("i=50000", "i=1"),
        SERVER_FIRST.replace("i=50000", "i=999999999"),
        SERVER_FIRST.replace("i=50000", "i=many"),
        SERVER_FIRST.replace("s=MDEy", "s=%%%%"),
        "nonsense",
        "",
    ],
    ids=["other nonce", "no server nonce", "cheap", "endless", "not a number", "salt", "nonsense", "nothing"],
)
def test_a_challenge_out_of_the_protocol_is_refused(client, challenge):
    with pytest.raises(ScramError):
        client.final(challenge)


@pytest.mark.parametrize("api_key", ["", "secret", "x-secret", "7-"])
def test_something_that_is_no_api_key_is_refused(api_key):
    with pytest.raises(ScramError, match="NUMBER-SECRET"):
        ScramClient("root", api_key)


def test_a_username_that_would_break_the_message_is_refused():
    with pytest.raises(ScramError, match="comma"):
        ScramClient("root,admin", API_KEY)


def test_no_two_logins_share_a_nonce_and_none_shows_the_key():
    one, other = ScramClient("root", API_KEY), ScramClient("root", API_KEY)

    assert one.first() != other.first()
    assert "AAAA" not in repr(one)
