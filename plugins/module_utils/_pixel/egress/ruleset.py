# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nftables rules of a policy, as a pure function.

Two values are known in the pixel only, where the program of `guest_program.py` fills them in: the user ID of the
resolver (`@RESOLVER@`), and the mark of allowed connections (`@MARK@`), which changes when something is denied.
Measured with nftables 1.0.6 on Linux 6.18.
"""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.policy import PRIVATE, is_network

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.policy import EgressPolicy, Network

TABLE = "pixels_egress"
RESOLVER = "@RESOLVER@"
MARK = "@MARK@"

LAYOUT = 1
"""Raised with every change of sets or chains: a set cannot be redefined, so the table is deleted in the transaction."""

STATIC_SETS = ("private", "allowed_net", "denied_net", "lan")
"""Sets that only the policy fills, each for IPv4 and IPv6. What is loaded is compared with them."""

CHAINS = ("output", "forwarded", "dns_output", "dns_nested", "filter_new", "refuse")

SETS = """\
    set allow4 { type ipv4_addr; flags dynamic,timeout; timeout 1h; size 65536; }
    set allow6 { type ipv6_addr; flags dynamic,timeout; timeout 1h; size 65536; }
    set nearby4 { type ipv4_addr; flags interval; auto-merge; }
    set nearby6 { type ipv6_addr; flags interval; auto-merge; }
    set dns4 { type ipv4_addr; }
    set dns6 { type ipv6_addr; }
    set refused4 { type ipv4_addr . inet_proto . inet_service; size 4096; flags dynamic,timeout; timeout 1d; }
    set refused6 { type ipv6_addr . inet_proto . inet_service; size 4096; flags dynamic,timeout; timeout 1d; }
"""

HOOKS = """\
    chain output { type filter hook output priority filter; policy drop; }
    chain forwarded { type filter hook forward priority filter; policy drop; }
    chain dns_output { type nat hook output priority -100; }
    chain dns_nested { type nat hook prerouting priority -100; }
    chain filter_new { }
    chain refuse { }
"""

OUTPUT = f"""\
    chain output {{
        oifname "lo" accept
        ip daddr 127.0.0.1 meta l4proto {{ tcp, udp }} th dport 53 accept
        ip6 daddr ::1 meta l4proto {{ tcp, udp }} th dport 53 accept
        ct direction reply accept
        udp sport 68 udp dport 67 accept
        udp sport 546 udp dport 547 accept
        icmpv6 type {{ nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld2-listener-report }} accept
        meta skuid {RESOLVER} ip daddr @dns4 meta l4proto {{ tcp, udp }} th dport 53 accept
        meta skuid {RESOLVER} ip6 daddr @dns6 meta l4proto {{ tcp, udp }} th dport 53 accept
        goto filter_new
    }}
    chain forwarded {{
        ct direction reply accept
        goto filter_new
    }}
    chain dns_output {{
        meta skuid != {RESOLVER} oifname != "lo" meta l4proto {{ tcp, udp }} th dport 53 redirect
    }}
    chain dns_nested {{
        iifname != "eth*" meta l4proto {{ tcp, udp }} th dport 53 redirect
    }}
"""

REFUSE = """\
    chain refuse {
        meta nfproto ipv4 meta l4proto { tcp, udp } update @refused4 { ip daddr . meta l4proto . th dport counter }
        meta nfproto ipv6 meta l4proto { tcp, udp } update @refused6 { ip6 daddr . meta l4proto . th dport counter }
        meta l4proto tcp reject with tcp reset
        reject with icmpx admin-prohibited
    }
"""


def render(policy: EgressPolicy) -> str:
    """Return the rules as input for `nft -f`: one transaction that replaces what an earlier policy loaded.

    The sets of allowed addresses and of refused connections keep their elements.
    """
    return render_table(TABLE, policy, sets=SETS, hooks=HOOKS, chains=CHAINS, rules=(OUTPUT, REFUSE))


def render_table(
    table: str, policy: EgressPolicy, *, sets: str, hooks: str, chains: t.Iterable[str], rules: t.Iterable[str]
) -> str:
    """Return the transaction that loads a policy into a table.

    `sets` and `hooks` declare sets and chains, `chains` are the names of all chains, `rules` fill those that are the
    same for each policy.
    """
    static = [f"{name}{version}" for name in STATIC_SETS for version in (4, 6)]
    declared = [f"    set {name} {{ type ipv{name[-1]}_addr; flags interval; auto-merge; }}\n" for name in static]
    return "".join(
        [
            f'table inet {table} {{\n    comment "pixels egress layout {LAYOUT}"\n',
            sets,
            *declared,
            hooks,
            "}\n",
            *(f"flush chain inet {table} {name}\n" for name in chains),
            *(f"flush set inet {table} {name}\n" for name in static),
            f"table inet {table} {{\n",
            *elements(policy),
            new_connections(policy),
            *rules,
            "}\n",
        ]
    )


def elements(policy: EgressPolicy) -> t.Iterator[str]:
    """Yield the sets that only the policy fills, as far as they have elements."""
    networks: dict[str, t.Iterable[Network]] = {
        "private": PRIVATE,
        "allowed_net": map(ipaddress.ip_network, filter(is_network, policy.allow)),
        "denied_net": map(ipaddress.ip_network, filter(is_network, policy.deny)),
        "lan": map(ipaddress.ip_network, policy.lan),
    }
    for name, found in networks.items():
        for version, members in by_version(found).items():
            kind = f"type ipv{version}_addr; flags interval; auto-merge;"
            yield f"    set {name}{version} {{ {kind} elements = {{ {', '.join(members)} }} }}\n"


def by_version(networks: t.Iterable[Network]) -> dict[int, list[str]]:
    """Group networks by IP version, as text."""
    found: dict[int, list[str]] = {}
    for each in networks:
        found.setdefault(each.version, []).append(str(each))
    return found


def new_connections(policy: EgressPolicy) -> str:
    """Return the chain that decides about a connection by where it goes.

    A connection that was allowed stays open by its mark, also when the address of its name has expired since.
    """
    allow = f"ct mark set {MARK} accept"
    rules = [
        "meta l4proto { tcp, udp } th dport { 53, 853 } goto refuse",
        "ip daddr @denied_net4 goto refuse",
        "ip6 daddr @denied_net6 goto refuse",
        f"ip daddr @lan4 {allow}",
        f"ip6 daddr @lan6 {allow}",
        "ip daddr @private4 goto refuse",
        "ip6 daddr @private6 goto refuse",
    ]
    # The networks that the pixel is connected to may have public addresses. Names must not lead there.
    nearby = ["ip daddr @nearby4 goto refuse", "ip6 daddr @nearby6 goto refuse"]
    if policy.resolves_any_name:
        rules += [*nearby, allow]
    elif policy.mode != "none":
        ports = ", ".join(map(str, policy.ports)) or "0"
        rules += [
            f"ip daddr @allowed_net4 {allow}",
            f"ip6 daddr @allowed_net6 {allow}",
            *nearby,
            f"ct state established,related ct mark {MARK} accept",
            f"tcp dport {{ {ports} }} ip daddr @allow4 update @allow4 {{ ip daddr }} {allow}",
            f"tcp dport {{ {ports} }} ip6 daddr @allow6 update @allow6 {{ ip6 daddr }} {allow}",
        ]
    rules.append("goto refuse")
    return "    chain filter_new {\n" + "".join(f"        {rule}\n" for rule in rules) + "    }\n"
