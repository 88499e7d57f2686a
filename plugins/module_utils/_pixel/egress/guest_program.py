# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that loads a policy inside a pixel, and what starts it at boot.

It is POSIX shell for dash, bash and BusyBox, and needs `nft`, `dnsmasq` with nftset, and `ip`.
"""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.resolver import RUN_DIRECTORY, USER
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.ruleset import LAYOUT, MARK, RESOLVER, TABLE

DIRECTORY = "/etc/pixels/egress"
PROGRAM_PATH = "/usr/local/lib/pixels/egress"
SERVICES = ("pixels-egress", "pixels-resolver")

LOOKUPS_BYTES = 1024 * 1024
"""Size of the log of lookups from which on it is replaced; there are two."""
ADMISSIONS = 20_000
"""Pairs of a name and an address that are remembered, the newest ones."""

CORE = f"""\
fail() {{ printf 'egress: %s\\n' "$1" >&2; exit 1; }}

# Connections that are allowed have this mark, until another one is taken to end some of them.
mark() {{ cat "$run/mark" 2>/dev/null || echo 1; }}

# The name servers to ask: those of the policy, else those of DHCP, else those of the image.
name_servers() {{
    if [ -s "$here/dns" ]; then cat "$here/dns"; return; fi
    {{
        sed -n 's/^nameserver[[:space:]]*//p' /run/systemd/resolve/resolv.conf
        sed -n 's/^DNS=//p' /run/systemd/netif/leases/* | tr ' ' '\\n'
        cat /run/NetworkManager/resolv.conf /run/resolvconf/resolv.conf /etc/resolv.conf |
            sed -n 's/^nameserver[[:space:]]*//p'
    }} 2>/dev/null | awk '
        /^127\\./ || /^::1$/ || /^fe80:/ || seen[$1]++ {{ next }}
        $1 ~ /^[0-9a-fA-F:.]+$/ {{ print $1 }}
    '
}}

# The networks that the pixel is connected to.
networks() {{
    {{ ip -4 route; ip -6 route; }} 2>/dev/null | awk '
        $1 ~ /^fe80/ || $1 ~ /^ff00/ {{ next }}
        $1 ~ /^[0-9a-fA-F]*[:.][0-9a-fA-F:.]*(\\/[0-9]+)?$/ {{ print $1 }}
    '
}}

# Fill the set $1 for both versions of IP with the addresses on stdin.
fill() {{
    awk -v set="$1" -v table="$table" '
        /:/ {{ six = six (six ? ", " : "") $1; next }}
        NF {{ four = four (four ? ", " : "") $1 }}
        END {{
            print "flush set inet " table " " set "4"
            print "flush set inet " table " " set "6"
            if (four) print "add element inet " table " " set "4 {{ " four " }}"
            if (six) print "add element inet " table " " set "6 {{ " six " }}"
        }}
    '
}}

# A set of an older layout cannot be redefined: remove the table in the same transaction.
replace_layout() {{
    if ! nft list table inet "$table" >/dev/null 2>&1; then return 0; fi
    nft list table inet "$table" | grep -q 'comment "pixels egress layout {LAYOUT}"' || echo "delete table inet $table"
}}

# One line for dnsmasq for each name and name server; see server in dnsmasq(8). The resolver and a change may write at
# the same time, so each process has files of its own until they are complete.
write_servers() {{
    name_servers >"$run/name-servers.$$"
    awk '
        FILENAME == ARGV[1] {{ servers[++count] = $1; next }}
        $1 == "any" {{ for (i = 1; i <= count; i++) print "server=" servers[i] }}
        $1 == "allow" {{ for (i = 1; i <= count; i++) print "server=/" $2 "/" servers[i] }}
        $1 == "close" {{ print "server=/" $2 "/" }}
    ' "$run/name-servers.$$" "$here/names" >"$run/servers.$$" || return 1
    mv "$run/name-servers.$$" "$run/name-servers"
    mv "$run/servers.$$" "$run/servers"
    if [ -s "$run/resolver.pid" ]; then kill -HUP "$(cat "$run/resolver.pid")" 2>/dev/null; fi
    return 0
}}

# The names that were looked up, each with an address that it was answered with. The files are read in the order in
# which lines move on, so that none is missed. Names with blanks make longer lines, which count for nothing.
admissions() {{
    cat "$run/lookups" "$run/lookups.old" "$run/admitted" 2>/dev/null | awk '
        NF == 2 {{ known[++count] = $0; next }}
        NF != 10 {{ next }}
        $7 ~ /^query\\[/ && $9 == "from" {{ name[$5, $6] = tolower($8) }}
        $7 == "reply" && $9 == "is" && $10 ~ /^[0-9a-f]*[.:][0-9a-f.:]+$/ {{
            number[++replies] = $5 SUBSEP $6
            address[replies] = $10
        }}
        END {{
            for (i = 1; i <= replies; i++) {{
                if (!(number[i] in name)) continue
                line = name[number[i]] " " address[i]
                if (!seen[line]++) print line
            }}
            for (i = 1; i <= count; i++) if (!seen[known[i]]++) print known[i]
        }}
    ' | head -n {ADMISSIONS}
}}

# The log of lookups is bounded. A query and its answer may be in different files, so one older file is kept.
rotate_lookups() {{
    size=$(wc -c <"$run/lookups") || return 0
    if [ "$size" -lt {LOOKUPS_BYTES} ]; then return 0; fi
    umask 077
    admissions >"$run/admitted.$$" && mv "$run/admitted.$$" "$run/admitted" &&
        mv "$run/lookups" "$run/lookups.old" && : >"$run/lookups" && chown {USER} "$run/lookups"
    umask 022
    kill -USR2 "$(cat "$run/resolver.pid")"
}} 2>/dev/null

# The addresses that were admitted for names that stay allowed, by the rules of dnsmasq(8): the longest name decides.
# No name is looked up: its server may be silent, or give other addresses than those in use.
still_allowed() {{
    admissions | awk '
        function is_allowed(name) {{
            if (("allow " name) in rule) return 1
            if (("close " name) in rule) return 0
            while (sub(/^[^.]*[.]/, "", name)) {{
                if (("allow *." name) in rule) return 1
                if (("close *." name) in rule) return 0
                if (("allow " name) in rule) return 1
                if (("close " name) in rule) return 0
            }}
            return "any" in rule
        }}
        FILENAME == ARGV[1] {{ rule[$0]; next }}
        is_allowed($1) && !seen[$2]++ {{ print $2 }}
    ' "$here/names" -
}}

# Wait until the resolver has read its list again, after which no answer from before adds an address: it handles signals
# in turn, and logs its statistics at this one.
await_resolver() {{
    statistics() {{ grep -c "dnsmasq.*: cache size" "$run/lookups"; }}
    before=$(statistics)
    kill -USR1 "$(cat "$run/resolver.pid")" || return 0
    tries=0
    until [ "$(statistics)" != "$before" ] || [ "$tries" = 20 ]; do
        tries=$((tries + 1))
        sleep 0.1 || sleep 1
    done
}} 2>/dev/null

load() {{
    mkdir -p "$run" || exit 1
    if ! {{ replace_layout && render "$1" && render_network && cat; }} >"$run/rules.$$" ||
        ! nft -f "$run/rules.$$"
    then
        nft list table inet "$table" >/dev/null 2>&1 || close
        fail "nft refused the rules. The earlier ones are still in force, or nothing is open"
    fi
    rm -f "$run/rules.$$"
    write_servers || fail "cannot write $run/servers"
}}

resolve() {{
    mkdir -p "$run"
    write_servers
    dnsmasq --keep-in-foreground --conf-file="$here/dnsmasq.conf" --pid-file="$run/resolver.pid" "$@" &
    child=$!
    trap 'kill "$child"; wait "$child"; exit 0' TERM INT
    turns=0 last=
    while kill -0 "$child" 2>/dev/null; do
        now=$(render_network)
        if [ "$now" != "$last" ]; then
            printf '%s\\n' "$now" | nft -f - && write_servers && last=$now
        fi
        rotate_lookups
        turns=$((turns + 1))
        if [ "$turns" -lt 60 ]; then sleep 1; else sleep 5; fi &
        wait $!
    done
    wait "$child"
    fail "dnsmasq ended"
}}

# Load the rules with another mark, which ends the connections that they no longer allow.
cut() {{
    mkdir -p "$run"
    write_servers
    next=$(($(mark) % 1000000000 + 1))
    await_resolver
    still_allowed >"$run/allowed"
    fill allow <"$run/allowed" >"$run/allowed.nft"
    # Written first: where the load fails, the rules in force differ from the rendered ones, and that is repaired.
    echo "$next" >"$run/mark"
    load "$next" <"$run/allowed.nft"
}}
"""
"""What the programs of a pixel and of a gateway have in common. They set `here`, `run` and `table`, and
define `render`, `render_network` and `close`."""

PROGRAM = f"""\
#!/bin/sh
# Enforces the egress policy in {DIRECTORY}. Made by the Ansible collection pixels.truenas.
#   egress load      load the rules, as at boot; open connections stay open
#   egress cut       load the rules, and end the connections that they do not allow any more
#   egress render    print the rules with the values of this pixel
#   egress resolve   run the resolver, and keep its name servers up to date
#   egress unload    remove the rules
set -u
LC_ALL=C; export LC_ALL
umask 022
here={DIRECTORY} run={RUN_DIRECTORY} table={TABLE}

{CORE}
render() {{
    uid=$(id -u {USER}) || return 1
    sed "s/{RESOLVER}/$uid/; s/{MARK}/$1/" "$here/rules.nft"
}}

# What depends on the network: name servers, and the networks around.
render_network() {{
    name_servers | fill dns
    networks | fill nearby
}}

# Where no rules can be loaded, nothing is open but answers to connections from outside.
close() {{
    nft -f - <<END
table inet $table {{
    chain output {{
        type filter hook output priority filter; policy drop;
        oifname "lo" accept
        ct direction reply accept
        icmpv6 type {{ nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert }} accept
    }}
    chain forwarded {{ type filter hook forward priority filter; policy drop; }}
}}
END
}}

case ${{1:-}} in
load) load "$(mark)" </dev/null ;;
cut) cut ;;
render) render "${{2:-$(mark)}}" ;;
resolve) shift && resolve "$@" ;;
unload) nft delete table inet "$table" ;;
*) fail "use load, cut, render, resolve or unload" ;;
esac
"""

SYSTEMD_LOAD = f"""\
# Without rules there is no network: what manages it requires this unit. Stopping it leaves the rules in force.
[Unit]
Description=Egress policy of pixels.truenas
DefaultDependencies=no
After=local-fs.target
Before=network-pre.target
Wants=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={PROGRAM_PATH} load

[Install]
RequiredBy=systemd-networkd.service networking.service NetworkManager.service dhcpcd.service
WantedBy=sysinit.target
"""

SYSTEMD_RESOLVE = f"""\
[Unit]
Description=Resolver of the egress policy of pixels.truenas
Requires=pixels-egress.service
After=pixels-egress.service
StartLimitIntervalSec=0

[Service]
ExecStart={PROGRAM_PATH} resolve
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""

OPENRC_LOAD = f"""\
#!/sbin/openrc-run
description="Egress policy of pixels.truenas"
depend() {{
    need localmount
    before net
}}
start() {{
    ebegin "Loading the egress policy"
    {PROGRAM_PATH} load
    eend $?
}}
stop() {{
    return 0
}}
"""

OPENRC_RESOLVE = f"""\
#!/sbin/openrc-run
description="Resolver of the egress policy of pixels.truenas"
supervisor=supervise-daemon
command={PROGRAM_PATH}
command_args=resolve
respawn_delay=1
respawn_max=0
depend() {{
    need pixels-egress
}}
"""

OPENRC_NETWORK = 'rc_need="pixels-egress"\n'
"""For /etc/conf.d/networking: without rules there is no network."""
