# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what a NAS says of itself and of an account."""

from __future__ import annotations

import datetime

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotPermitted
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Credential, Endpoint, Session
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import nas as the_nas

NOON = datetime.datetime(2026, 1, 31, 12, 0, 0, tzinfo=datetime.UTC)


def test_the_release_is_the_short_one(session, truenas):
    assert the_nas.release(session).startswith("25.")


def test_a_full_administrator_may_anything(session, truenas):
    account = the_nas.account(session)

    assert account.username == truenas.username
    assert account.may("VIRT_INSTANCE_WRITE")


def test_an_account_may_what_its_roles_say(truenas, nas):
    key = truenas.add_account("lister", roles=["VIRT_INSTANCE_READ"])
    endpoint = Endpoint(nas["host"], nas["port"], ca_path=nas["ca_path"])

    with Session(endpoint, Credential("lister", api_key=key)) as session:
        account = the_nas.account(session)

    assert account.may("VIRT_INSTANCE_READ")
    assert account.may("VIRT_GLOBAL_READ", "VIRT_INSTANCE_READ")
    assert not account.may("VIRT_INSTANCE_WRITE")
    assert not account.web_shell


def test_an_account_without_privileges_may_nothing():
    class Unprivileged:
        def read(self, method, *params, timeout=None):
            return {"pw_name": "guest", "privilege": None}

    assert the_nas.account(Unprivileged()) == the_nas.Account("guest", frozenset(), web_shell=False)


def test_the_clock_of_the_nas_is_known_to_accounts_that_may_read_it():
    class Clock:
        def read(self, method, *params, timeout=None):
            assert method == "system.info"
            return {"datetime": NOON}

    class Forbidding:
        def read(self, method, *params, timeout=None):
            raise NotPermitted("no")

    assert the_nas.clock(Clock()) == NOON
    assert the_nas.clock(Forbidding()) is None
