# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the version that the NAS reports."""

from __future__ import annotations

from tests.simulator.running import RunningSimulator
from tests.unit.simulator.conftest import Connect
from tests.unit.simulator.talk import Talk


def test_every_login_may_ask_for_the_version(each_release: RunningSimulator, connect: Connect) -> None:
    talk = connect(each_release)
    talk.login("limited", each_release.add_account("limited", roles=[]))

    short = talk.call("system.version_short")

    assert short == each_release.release.version
    assert talk.call("system.version") == f"TrueNAS-{short}"


def test_the_version_of_system_info_is_the_short_one(talk: Talk) -> None:
    info = talk.call("system.info")

    assert info["version"] == "25.10.6"
    assert info["datetime"]["$date"] % 1000 == 0


def test_the_boot_id_needs_no_login(stranger: Talk) -> None:
    assert isinstance(stranger.call("system.boot_id"), str)


def test_25_04_tells_only_full_admins_that_it_is_ready(each_release: RunningSimulator, connect: Connect) -> None:
    talk = connect(each_release)
    talk.login("limited", each_release.add_account("limited", roles=["SYSTEM_GENERAL_READ"]))

    allowed = "result" in talk.ask("system.ready")

    assert allowed is (each_release.release.name != "25.04")
