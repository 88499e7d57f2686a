# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the server's side of SCRAM with the official test vector."""

from __future__ import annotations

import pytest

from tests.simulator.scram import ClientFirst, Exchange, ScramKeys, ScramRefused

FIRST = "n,,n=root:7,r=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
NONCE = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="
SERVER_FIRST = f"r={NONCE},s=MDEyMzQ1Njc4OWFiY2RlZg==,i=50000"
PROOF = "39nuMrnYZmV9Z7ql1atHqSkpe7pPawiXGMTgNfCP6g/1X2FEixlUQSNw8Y+OehFft2AAny5mdT2Bg0yjCXP/0w=="
SIGNATURE = "v=CxjtGMJ2rtD0RQdFyj6yFtspm//WnbtXZOeyLlZCKyyffkUsJb0SnVIBXutQ6GPvX7y21gS//OmqzozXkM+K4w=="


@pytest.fixture(scope="module")
def keys() -> ScramKeys:
    return ScramKeys.derive("A" * 64, salt=b"0123456789abcdef", iterations=50_000)


@pytest.fixture
def exchange(keys: ScramKeys) -> Exchange:
    return Exchange(ClientFirst.parse(FIRST), keys, channel=b"", nonce=bytes(range(0x20, 0x40)))


def test_the_first_message_names_user_and_key() -> None:
    first = ClientFirst.parse(FIRST)

    assert (first.username, first.key_id, first.nonce) == ("root", 7, bytes(range(32)))
    assert not first.binds_channel


def test_the_nonces_are_joined_as_bytes(exchange: Exchange) -> None:
    assert exchange.server_first == SERVER_FIRST


def test_the_right_proof_is_answered_with_the_signature(exchange: Exchange) -> None:
    assert exchange.server_final(f"c=biws,r={NONCE},p={PROOF}") == SIGNATURE


@pytest.mark.parametrize(
    "final",
    [
        f"c=biws,r={NONCE},p={PROOF.replace('39nu', '39nv')}",
        f"c=biws,r={NONCE.replace('AAEC', 'AAED')},p={PROOF}",
        f"c=eSws,r={NONCE},p={PROOF}",
        f"c=biws,r={NONCE},p=!",
        "nonsense",
    ],
)
def test_anything_else_is_refused(exchange: Exchange, final: str) -> None:
    with pytest.raises(ScramRefused):
        exchange.server_final(final)


@pytest.mark.parametrize("first", ["", "n,,n=root,r=AAAA", "n,,n=ro=ot:7,r=AAAA", "n,,n=root:7,r=!"])
def test_a_malformed_first_message_is_refused(first: str) -> None:
    with pytest.raises(ScramRefused):
        ClientFirst.parse(first)
