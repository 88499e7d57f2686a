# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nftables rules of a segment in its gateway, as a pure function. Each segment has a table of its own.

The names of the interfaces (`@SEGMENT@`, `@UPLINK@`) are known in the gateway only, where the program of
`gateway_program.py` finds them by their MAC addresses.
"""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import ruleset

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.segment import Segment

INSIDE, OUTSIDE = "@SEGMENT@", "@UPLINK@"

PASS_MARK = "0x7078"
"""Mark of packets that the table has seen. Packets of a segment without it are not routed, also without the table."""

CHAINS = (
    *("marked", "incoming", "leaving", "entering", "dns_redirect", "nat_uplink"),
    *("filter_new", "refuse"),
)

REFUSED = "size 4096; flags dynamic,timeout; timeout 1d;"

SETS = f"""\
    set allow4 {{ type ipv4_addr; flags dynamic,timeout; timeout 1h; size 65536; }}
    set allow6 {{ type ipv6_addr; flags dynamic,timeout; timeout 1h; size 65536; }}
    set nearby4 {{ type ipv4_addr; flags interval; auto-merge; }}
    set nearby6 {{ type ipv6_addr; flags interval; auto-merge; }}
    set refused4 {{ type ipv4_addr . ipv4_addr . inet_proto . inet_service; {REFUSED} }}
    set refused6 {{ type ipv6_addr . ipv6_addr . inet_proto . inet_service; {REFUSED} }}
"""

HOOKS = """\
    chain marked { type filter hook prerouting priority mangle; }
    chain incoming { type filter hook input priority filter; }
    chain leaving { type filter hook forward priority filter - 1; policy drop; }
    chain entering { type filter hook forward priority filter; policy drop; }
    chain dns_redirect { type nat hook prerouting priority dstnat; }
    chain nat_uplink { type nat hook postrouting priority srcnat; }
    chain filter_new { }
    chain refuse { }
"""

RULES = f"""\
    chain marked {{
        iifname "{INSIDE}" meta mark set {PASS_MARK}
    }}
    chain incoming {{
        iifname != "{INSIDE}" accept
        ct state established,related accept
        udp dport {{ 53, 67, 547 }} accept
        tcp dport 53 accept
        icmpv6 type {{ nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld2-listener-report }} accept
        icmpv6 type echo-request accept
        icmp type echo-request accept
        meta pkttype {{ broadcast, multicast }} drop
        goto refuse
    }}
    chain entering {{
        oifname != "{INSIDE}" accept
        ct direction reply ct state established,related accept
    }}
    chain dns_redirect {{
        iifname "{INSIDE}" meta l4proto {{ tcp, udp }} th dport 53 redirect
    }}
    chain nat_uplink {{
        iifname "{INSIDE}" oifname "{OUTSIDE}" masquerade
    }}
"""

TARGET = "meta l4proto . th dport counter"

REFUSE = f"""\
    chain refuse {{
        meta nfproto ipv4 meta l4proto {{ tcp, udp }} update @refused4 {{ ip saddr . ip daddr . {TARGET} }}
        meta nfproto ipv6 meta l4proto {{ tcp, udp }} update @refused6 {{ ip6 saddr . ip6 daddr . {TARGET} }}
        meta l4proto tcp reject with tcp reset
        reject with icmpx admin-prohibited
    }}
"""


def table_of(segment: str) -> str:
    """Return the name of the table of a segment."""
    return f"pixels_{segment}"


def render(segment: Segment) -> str:
    """Return the rules of a segment as input for `nft -f`, as `ruleset.render` does for those in a pixel."""
    return ruleset.render_table(
        table_of(segment.name),
        segment.policy,
        sets=SETS,
        hooks=HOOKS,
        chains=CHAINS,
        rules=(RULES, leaving(segment), REFUSE),
    )


def leaving(segment: Segment) -> str:
    """Return the chain of packets from a segment. Those of other segments have tables of their own."""
    return f"""\
    chain leaving {{
        iifname != "{INSIDE}" accept
        oifname != "{OUTSIDE}" goto refuse
        meta nfproto ipv4 ip saddr != {segment.network} drop
        meta nfproto ipv6 ip6 saddr != {segment.network6} drop
        goto filter_new
    }}
"""
