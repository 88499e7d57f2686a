# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of dnsmasq for a policy, as a pure function.

dnsmasq answers the allowed names only, and adds each address that it answers with to the sets of `ruleset.py`. All
other names get NXDOMAIN without being forwarded, so that names carry no data out. Measured with dnsmasq 2.90.
"""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.ruleset import TABLE

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.policy import (
        EffectiveNames,
        EgressPolicy,
    )

USER = "dnsmasq"
RUN_DIRECTORY = "/run/pixels"
SERVERS, LOOKUPS = (f"{RUN_DIRECTORY}/{name}" for name in ("servers", "lookups"))
"""`servers` is made in the pixel from the list of names and the name servers that the pixel has at the time. `lookups`
is the log of queries and answers: which name an allowed address belongs to."""

COMMON = f"""\
no-hosts
no-resolv
bind-dynamic
user={USER}
cache-size=0
max-ttl=1800
log-queries=extra
"""
"""A TTL of at most 1,800 s keeps caches in the pixel from names whose address has left the sets after an hour.

`log-queries=extra` numbers the lines, so that an answer belongs to its query also where it came by a CNAME."""


def render_configuration(policy: EgressPolicy) -> str:
    """Return the file for `dnsmasq --conf-file` in a pixel."""
    return f"except-interface=eth*\n{common_configuration(policy, RUN_DIRECTORY, TABLE)}"


def common_configuration(policy: EgressPolicy, run_directory: str, table: str) -> str:
    """Return the part of the file about names: those that are allowed fill the sets of a table."""
    lines = [COMMON, f"servers-file={run_directory}/servers\n", f"log-facility={run_directory}/lookups\n"]
    if not policy.lan:
        # Otherwise the policy opens private networks, so names may lead there.
        lines.append("stop-dns-rebind\n")
    if not policy.resolves_any_name:
        lines.append("address=/#/\n")
        lines.append(f"nftset=/#/4#inet#{table}#allow4,6#inet#{table}#allow6\n")
    return "".join(lines)


def render_names(policy: EgressPolicy, names: EffectiveNames) -> str:
    """Return what the resolver answers, one `allow`, `close` or `any` line each, for the program in the pixel.

    `allow NAME` is forwarded, `close NAME` is not; a more specific line wins (dnsmasq(8), `server`). A name that is
    allowed exactly closes the names below it, unless they are allowed as well.
    """
    lines = ["any"] if policy.resolves_any_name else []
    allowed = set(names.allowed)
    for name in names.allowed:
        lines.append(f"allow {name}")
        if not name.startswith("*.") and f"*.{name}" not in allowed:
            lines.append(f"close *.{name}")
    lines += [f"close {name}" for name in names.denied]
    return "".join(f"{line}\n" for line in lines)
