# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses and the SSH port of one engine beside others."""

from __future__ import annotations

import contextlib
import socket
import typing as t

import pytest

from tests.simulator.engines.process.addresses import Addresses


@pytest.fixture
def claim() -> t.Iterator[t.Callable[..., Addresses]]:
    with contextlib.ExitStack() as stack:

        def claim_one(port: int | None = None) -> Addresses:
            addresses = Addresses(port)
            stack.callback(addresses.close)
            return addresses

        yield claim_one


def test_two_engines_have_no_address_in_common(claim: t.Callable[..., Addresses]) -> None:
    one, other = claim(), claim()

    first = {one.allot() for _each in range(300)}
    second = {other.allot() for _each in range(300)}

    assert len(first) == len(second) == 300
    assert first.isdisjoint(second)


def test_the_port_is_the_one_that_was_asked_for(claim: t.Callable[..., Addresses]) -> None:
    assert claim(2022).port == 2022


def test_the_port_can_be_listened_on(claim: t.Callable[..., Addresses]) -> None:
    addresses = claim()

    with socket.create_server((addresses.allot(), addresses.port)) as server:
        assert server.getsockname()[1] == addresses.port


def test_an_address_that_is_given_back_comes_last(claim: t.Callable[..., Addresses]) -> None:
    addresses = claim()
    first = addresses.allot()

    addresses.give_back(first)

    assert addresses.allot() != first
    assert first in {addresses.allot() for _each in range(253)}
