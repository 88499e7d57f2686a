# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that enforces the policies of segments in their gateway, and the services that start it at boot."""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.gateway_rules import (
    INSIDE,
    OUTSIDE,
    PASS_MARK,
    table_of,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.guest_program import CORE
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.resolver import RUN_DIRECTORY
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.ruleset import MARK

DIRECTORY = "/etc/pixels/gateway"
PROGRAM_PATH = "/usr/local/lib/pixels/gateway"
SERVICE = "pixels-gateway"
SEGMENT_SERVICE = "pixels-segment@"

PROGRAM = f"""\
#!/bin/sh
# Enforces the egress policies of segments in {DIRECTORY}. Made by the Ansible collection pixels.truenas.
#   gateway boot             load all rules, then forward packets
#   gateway load             the same without an interruption; open connections stay open
#   gateway cut SEGMENT      load the rules of a segment, and end the connections that they do not allow any more
#   gateway render SEGMENT   print the rules of a segment with the names of the interfaces
#   gateway resolve SEGMENT  run DHCP, router advertisements and the resolver of a segment
set -u
LC_ALL=C; export LC_ALL
umask 022

select_segment() {{ here={DIRECTORY}/$1 run={RUN_DIRECTORY}/$1 table={table_of("$1")}; }}

{CORE}
# The name of the interface with the MAC address in file $1. Names depend on the order in which the NAS attaches NICs.
interface() {{
    ip -o link show | awk -v mac="$(cat "$1")" '
        {{
            for (i = 3; i < NF; i++) if ($i == "link/ether" && $(i + 1) == mac) {{
                sub(/[:@].*/, "", $2)
                print $2
                exit
            }}
        }}
    '
}}

render() {{
    inside=$(interface "$here/mac") outside=$(interface {DIRECTORY}/uplink)
    if [ -z "$inside" ] || [ -z "$outside" ]; then
        echo "egress: no interface has the MAC address in $here/mac or {DIRECTORY}/uplink" >&2
        return 1
    fi
    sed "s/{INSIDE}/$inside/; s/{OUTSIDE}/$outside/; s/{MARK}/$1/" "$here/rules.nft"
}}

# The networks around, to which names must not lead.
render_network() {{ networks | fill nearby; }}

# Where no rules can be loaded, nothing is forwarded.
close() {{ forward 0; }}

forward() {{
    for file in /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding; do
        if [ -e "$file" ]; then echo "$1" >"$file" || return 1; fi
    done
}}

# Add a routing rule, which the kernel does not do twice: version of IP, priority, interface, rest.
add_rule() {{
    if ! ip "$1" rule show | grep -q "^$2:.* iif $3 "; then
        version=$1 pref=$2 nic=$3
        shift 3
        ip "$version" rule add pref "$pref" iif "$nic" "$@"
    fi
}}

# Packets that did not pass the table of their segment have no route, so nothing gets out where the table is gone.
guard() {{
    for each_version in -4 -6; do
        if [ "$each_version" = -6 ] && [ ! -e /proc/sys/net/ipv6 ]; then continue; fi
        add_rule "$each_version" 100 "$1" fwmark {PASS_MARK} lookup main &&
            add_rule "$each_version" 101 "$1" blackhole || return 1
    done
}}

load_all() {{
    for each in {DIRECTORY}/*/; do
        each=${{each%/}}
        select_segment "${{each##*/}}"
        load "$(mark)" </dev/null
        guard "$(interface "$here/mac")" || fail "cannot add the routing rules of ${{each##*/}}"
    done
    # Segments that are not served any more stay closed by their routing rules.
    nft list tables | sed -n 's/^table inet {table_of("")}\\(br[0-9]*\\)$/\\1/p' | while read -r each; do
        [ -d "{DIRECTORY}/$each" ] || nft delete table inet "{table_of("$each")}"
    done
    forward 1 || fail "cannot switch on forwarding"
}}

case ${{1:-}} in cut | render | resolve) select_segment "${{2:?}}" ;; esac

case ${{1:-}} in
boot)
    # A pixel inherits this setting from the NAS, which forwards packets as well.
    forward 0 || fail "cannot switch off forwarding"
    load_all
    ;;
load) load_all ;;
cut) cut ;;
render) render "$(mark)" ;;
resolve)
    inside=$(interface "$here/mac")
    resolve --interface="$inside" --dhcp-range="::,constructor:$inside,ra-stateless,64,1h"
    ;;
*) fail "use boot, load, cut, render or resolve" ;;
esac
"""

SYSTEMD_LOAD = f"""\
# Without rules there is no network, and nothing is forwarded. Stopping this unit leaves the rules in force.
[Unit]
Description=Gateway of pixels.truenas
DefaultDependencies=no
After=local-fs.target
Before=network-pre.target
Wants=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={PROGRAM_PATH} boot

[Install]
RequiredBy=systemd-networkd.service
WantedBy=sysinit.target
"""

SYSTEMD_SEGMENT = f"""\
[Unit]
Description=DHCP, router advertisements and resolver of segment %i of pixels.truenas
Requires={SERVICE}.service
After={SERVICE}.service
StartLimitIntervalSec=0

[Service]
ExecStart={PROGRAM_PATH} resolve %i
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""
