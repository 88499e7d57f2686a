# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values of a container does TrueNAS 26 refuse, and in which words? (plugins/container/utils.py and crud.py)"""

from __future__ import annotations

import errno as errnos
import ipaddress
import re
import typing as t

from tests.simulator.errors import Triple

LONGEST_NAME = 100
LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
WRONG_NAME = (
    "Name must be a valid hostname (up to 100 characters total): 1-63 characters per label, only letters, digits, and "
    "hyphens within each label, labels separated by dots, and must not be an IPv4 address."
)
CAPABILITIES = frozenset(
    "audit_control audit_read audit_write block_suspend bpf checkpoint_restore chown dac_override dac_read_search "
    "fowner fsetid ipc_lock ipc_owner kill lease linux_immutable mac_admin mac_override mknod net_admin "
    "net_bind_service net_broadcast net_raw perfmon setfcap setgid setpcap setuid sys_admin sys_boot sys_chroot "
    "sys_module sys_nice sys_pacct sys_ptrace sys_rawio sys_resource sys_time sys_tty_config syslog wake_alarm".split()
)


def name_is_valid(name: str) -> bool:
    if len(name) > LONGEST_NAME or re.fullmatch(rf"{LABEL}(\.{LABEL})*", name) is None:
        return False
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return True
    return False


def wrong_cpuset(cpuset: str | None) -> str | None:
    """What is wrong with it; cores that the NAS does not have are not."""
    if cpuset is None:
        return None
    if "_" in cpuset:
        return "Underscores are not allowed in CPU set values"
    try:
        for part in cpuset.split(","):
            numbers = part.split("-")
            if len(numbers) > 2:
                raise ValueError(f"Range has to be in format start-end: {part}")
            ends = [int(number) for number in numbers]
            if len(ends) == 2 and ends[0] >= ends[1]:
                raise ValueError(f"End of range has to greater that start: {part}")
    except ValueError as error:
        return f"Invalid cpuset format: {error}"
    return None


def wrong_values(schema: str, data: t.Mapping[str, t.Any], taken: t.Container[str]) -> list[Triple]:
    """What create and update check alike, in the middleware's order; `taken` are the names of other containers."""
    wrong: list[Triple] = []
    unknown = sorted(data.get("capabilities_state", {}).keys() - CAPABILITIES)
    if unknown:
        text = f"Invalid capabilities: {', '.join(unknown)}"
        wrong.append((f"{schema}.capabilities_state", text, errnos.EINVAL))
    cpuset = wrong_cpuset(data.get("cpuset"))
    if cpuset is not None:
        wrong.append((f"{schema}.cpuset", cpuset, errnos.EINVAL))
    if data.get("name") in taken:
        wrong.append((f"{schema}.name", "A container with this name already exists.", errnos.EEXIST))
    if "name" in data and not name_is_valid(data["name"]):
        wrong.append((f"{schema}.name", WRONG_NAME, errnos.EINVAL))
    return wrong
