# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`system.*`: which TrueNAS this is, and whether it is up."""

from __future__ import annotations

import datetime
import typing as t

from tests.simulator.models.base import Nothing
from tests.simulator.registry import Context, method
from tests.simulator.releases import SINCE_GOLDEYE

BOOTED = datetime.datetime.now(tz=datetime.UTC)


@method("system.version", role_needed=False, model=Nothing)
def version(context: Context) -> str:
    return context.release.brand_version


@method("system.version_short", role_needed=False, model=Nothing)
def version_short(context: Context) -> str:
    return context.release.version


@method("system.info", roles=("READONLY_ADMIN",), model=Nothing)
def info(context: Context) -> dict[str, t.Any]:
    """`version` is the short one here."""
    ahead = datetime.timedelta(seconds=context.world.options.clock_ahead)
    # The encoder of the middleware sends whole seconds.
    now = (datetime.datetime.now(tz=datetime.UTC) + ahead).replace(microsecond=0)
    return {
        "version": context.release.version,
        "buildtime": BOOTED,
        "hostname": "truenas",
        "physmem": context.world.memory_bytes,
        "model": "Simulated CPU",
        "cores": context.world.cores,
        "physical_cores": context.world.cores,
        "loadavg": [0.1, 0.1, 0.1],
        "uptime": str(now - BOOTED),
        "uptime_seconds": (now - BOOTED).total_seconds(),
        "system_serial": None,
        "system_product": "simulator",
        "system_product_version": None,
        "license": None,
        "boottime": BOOTED,
        "datetime": now,
        "timezone": "Etc/UTC",
        "system_manufacturer": None,
        "ecc_memory": False,
    }


@method("system.ready", releases=["25.04"], model=Nothing)
def ready_for_full_admins(context: Context) -> bool:
    return True


@method("system.ready", releases=SINCE_GOLDEYE, roles=("SYSTEM_GENERAL_READ",), model=Nothing)
def ready(context: Context) -> bool:
    return True


@method("system.state", releases=["25.04"], model=Nothing)
def state_for_full_admins(context: Context) -> str:
    return "READY"


@method("system.state", releases=SINCE_GOLDEYE, roles=("SYSTEM_GENERAL_READ",), model=Nothing)
def state(context: Context) -> str:
    return "READY"


@method("system.product_type", releases=["25.04"], roles=("READONLY_ADMIN",), model=Nothing)
def old_product_type(context: Context) -> str:
    return "COMMUNITY_EDITION"


@method("system.product_type", releases=SINCE_GOLDEYE, roles=("SYSTEM_PRODUCT_READ",), model=Nothing)
def product_type(context: Context) -> str:
    return "COMMUNITY_EDITION"


@method("system.boot_id", login=False, model=Nothing)
def boot_id(context: Context) -> str:
    boot: str = context.simulator.boot_id
    return boot
