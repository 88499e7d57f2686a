# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What egress policy a running pixel has, read by one script that trusts no program of the policy itself."""

from __future__ import annotations

import base64
import binascii
import re
import shlex
import typing as t
from dataclasses import dataclass, field

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import scripts
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import (
    guest_files,
    guest_program,
    guest_sudo,
    presets,
    ruleset,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import (
    policy as policies,
)

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Shell
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.policy import EgressPolicy

TIMEOUT_S = 60.0
HOST_LIMIT = 64
"""Hosts of one package manager that are taken over."""
REFUSED_LIMIT = 4096

PATHS = (
    *guest_files.render(policies.EgressPolicy("none"), guest_files.SYSTEMD, {}),
    *guest_files.service_files(guest_files.OPENRC),
)
STATIC_SETS = tuple(f"{name}{version}" for name in ruleset.STATIC_SETS for version in (4, 6))

LISTING = f"""\
nft -s -t list table inet {ruleset.TABLE} && for set in {" ".join(STATIC_SETS)}; do
    nft -s list set inet {ruleset.TABLE} $set || exit 1
done
"""
"""Prints all that the policy alone decides: rules, and the sets that nothing else fills (nft 1.0.6)."""

# Prints a word and its value in each line. The settings of package managers count only where root alone writes them:
# those of another user could widen the policy. What should be in force is seen where the files of the policy are loaded
# into a namespace of their own.
SCRIPT = f"""\
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/sbin:/sbin; export PATH
listing={shlex.quote(LISTING)}
hosts() {{
    group=$1; shift
    cat "$@" 2>/dev/null | sed 's/^[[:space:]]*#.*//' | tr ' ,="|' '\\n\\n\\n\\n\\n' |
        grep -i '^[a-z+]*https\\{{0,1\\}}://' | sed 's|.*://||; s|/.*||; s|.*@||; s|:.*||' |
        sort -u | head -n {HOST_LIMIT} | sed "s/^/host $group /"
}}
{scripts.WAIT_FOR_SYSTEMD}
[ ! -r /etc/os-release ] || sed -n 's/^ID=/os /p; s/^ID_LIKE=/like /p' /etc/os-release | tr -d "\\"'"
if [ -d /run/systemd/system ]; then echo init {guest_files.SYSTEMD}
elif command -v rc-service >/dev/null; then echo init {guest_files.OPENRC}
fi
if command -v nft >/dev/null; then echo tool nft; fi
if command -v dnsmasq >/dev/null && dnsmasq --version | tr ' ' '\\n' | grep -qx nftset; then echo tool dnsmasq; fi
set --
for path in {" ".join(PATHS)}; do [ ! -f "$path" ] || [ -L "$path" ] || set -- "$@" "$path"; done
[ $# = 0 ] || sha256sum "$@" | sed 's/^\\([0-9a-f]*\\) [ *]\\(.*\\)/file \\2 \\1/'
[ ! -f {guest_files.POLICY_PATH} ] ||
    echo "policy $(head -c 1000000 {guest_files.POLICY_PATH} | base64 | tr -d '\\n')"
if live=$(sh -c "$listing" 2>/dev/null); then
    if [ "$live" = "$(unshare -n sh -c "{guest_program.PROGRAM_PATH} render | nft -f - && {{ $listing }}" 2>&1)" ]
    then echo rules same; else echo rules other; fi
fi
for service in {" ".join(guest_program.SERVICES)}; do
    if systemctl is-enabled -q $service 2>/dev/null || rc-update show 2>/dev/null | grep -qw $service
    then echo enabled $service; fi
    if systemctl is-active -q $service 2>/dev/null || rc-service -q $service status >/dev/null 2>&1
    then echo active $service; fi
done
user=$(awk -F: '$3 == {guest_sudo.UID} {{ print $1; exit }}' /etc/passwd)
if [ -n "$user" ] && command -v sudo >/dev/null && sudo -n -l -U "$user" /bin/sh >/dev/null 2>&1
then echo sudo all; fi
hosts distribution /etc/apt/sources.list /etc/apt/sources.list.d/* /etc/apk/repositories /etc/pacman.d/mirrorlist
hosts distribution /etc/yum.repos.d/*.repo
hosts npm /etc/npmrc /usr/etc/npmrc
hosts pypi /etc/pip.conf /etc/xdg/pip/pip.conf /etc/uv/uv.toml
sed -n 's/^\\(export \\)*GO\\(PROXY\\|SUMDB\\)=//p' /etc/environment 2>/dev/null | hosts go -
exit 0
"""

REFUSED = f"""\
PATH=$PATH:/usr/sbin:/sbin; export PATH
for set in refused4 refused6; do nft -n list set inet {ruleset.TABLE} $set 2>/dev/null; done
exit 0
"""
PROTOCOLS = {"6": "tcp", "17": "udp"}
REFUSED_ELEMENT = re.compile(
    r"([0-9a-f.:]{2,45}) \. (\w{1,8}) \. (\d{1,5})[^,}]{0,100}? counter packets (\d{1,18}) bytes \d"
)


@dataclass(frozen=True)
class GuestState:
    """What a pixel has of an egress policy."""

    init: str = ""
    """`systemd`, `openrc`, or empty for another one."""
    distribution: str = ""
    """A name of `presets.DISTRIBUTIONS`, or empty."""
    tools: frozenset[str] = frozenset()
    """`nft`, and `dnsmasq` where it can fill nft sets."""
    files: t.Mapping[str, str] = field(default_factory=dict)
    """SHA-256 by path, of those that a policy has."""
    policy_text: str = ""
    rules: str = ""
    """`same` as the files, `other`, or empty where no rules are loaded."""
    enabled: frozenset[str] = frozenset()
    active: frozenset[str] = frozenset()
    """Services that start at boot, and those that run."""
    sudo: str = ""
    """`all` where the user of the pixel can become root with sudo."""
    hosts: t.Mapping[str, t.Sequence[str]] = field(default_factory=dict)
    """Hosts that the package managers use, by group of `presets.GROUPS`."""

    @property
    def policy(self) -> EgressPolicy | None:
        """The policy that was declared last; None where its file is gone or invalid."""
        if not self.policy_text:
            return policies.EgressPolicy() if not self.files and not self.rules else None
        try:
            return policies.from_text(self.policy_text)
        except Invalid:
            return None

    def drift(self, wanted: EgressPolicy) -> list[str]:
        """Return how the pixel differs from a policy; empty where nothing does."""
        expected = guest_files.render(wanted, self.init, self.hosts)
        found = [f"{path} is missing" for path in expected if path not in self.files]
        for path, file in expected.items():
            if self.files.get(path, "") not in ("", file.digest):
                # The policy may be the same: presets change with this collection, and mirrors with the pixel.
                is_resolved = path == guest_files.NAMES_PATH and wanted.presets
                found.append(f"{path} differs{' (its presets or mirrors have changed)' if is_resolved else ''}")
        found += [f"{path} is left over" for path in self.files if path not in expected]
        if not wanted.enforced:
            return found + (["rules are loaded"] if self.rules else [])
        if not self.rules:
            found.append("no rules are loaded")
        elif self.rules != "same" and not found:
            found.append("the rules in force are not those of the policy")
        found += [
            f"{service} does not start at boot" for service in guest_program.SERVICES if service not in self.enabled
        ]
        if guest_program.SERVICES[1] not in self.active:
            found.append("the resolver does not run")
        if self.sudo and wanted.sudo != guest_sudo.ALL:
            found.append("sudo allows more than the policy does (look at /etc/sudoers and /etc/sudoers.d)")
        return found


def inspect(shell: Shell) -> GuestState:
    """Read the state of a running pixel with one command. Raises `Refused` for output without an end."""
    ended = scripts.run_checked(shell, SCRIPT, action="reading the egress policy", user="root", timeout=TIMEOUT_S)
    return parse(ended.stdout.decode("utf-8", "replace"))


def parse(output: str) -> GuestState:
    """Return what the output of `SCRIPT` says; lines that are invalid are ignored."""
    words: dict[str, list[str]] = {}
    for line in output.splitlines():
        word, _space, value = line.partition(" ")
        words.setdefault(word, []).append(value)
    distribution = distribution_of(words)
    files = dict(value.split(" ")[:2] for value in words.get("file", ()) if " " in value)
    return GuestState(
        init=first(words, "init"),
        distribution=distribution,
        tools=frozenset(words.get("tool", ())),
        files={path: digest for path, digest in files.items() if path in PATHS},
        policy_text=decoded(first(words, "policy")),
        rules=first(words, "rules"),
        enabled=frozenset(words.get("enabled", ())),
        active=frozenset(words.get("active", ())),
        sudo=first(words, "sudo"),
        hosts=hosts_of(words.get("host", ()), distribution),
    )


def refused_destinations(shell: Shell) -> list[dict[str, t.Any]]:
    """Return which destinations were refused within a day, most packets first."""
    return parse_refused(scripts.run(shell, REFUSED, user="root", timeout=TIMEOUT_S).stdout.decode("utf-8", "replace"))


def parse_refused(listing: str) -> list[dict[str, t.Any]]:
    """Return the elements of the sets in a listing of nft, most packets first."""
    found = [
        {
            "address": address,
            "protocol": PROTOCOLS.get(protocol, protocol),
            "port": int(port),
            "packets": int(packets),
        }
        for address, protocol, port, packets in REFUSED_ELEMENT.findall(listing)
    ]
    return sorted(found, key=lambda each: (-each["packets"], each["address"], each["port"]))[:REFUSED_LIMIT]


def first(words: t.Mapping[str, t.Sequence[str]], word: str) -> str:
    """Return the first value of a word, or an empty string."""
    return next(iter(words.get(word, ())), "")


def decoded(text: str) -> str:
    """Decode base64 text; return an empty string if it is invalid."""
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace").strip()
    except (binascii.Error, ValueError):
        return ""


def distribution_of(words: t.Mapping[str, t.Sequence[str]]) -> str:
    """Return the distribution whose package hosts apply, or an empty string."""
    names = [first(words, "os"), *first(words, "like").split()]
    return next((name for name in names if name in presets.DISTRIBUTIONS), "")


def hosts_of(lines: t.Iterable[str], distribution: str) -> dict[str, tuple[str, ...]]:
    """Return hosts by group. What is no public name, such as a mirror in the own network, is opened by `lan`."""
    found: dict[str, set[str]] = {}
    for line in lines:
        group, _space, host = line.partition(" ")
        try:
            name = policies.as_name("host", host)
        except Invalid:
            continue
        if not name.startswith("*."):
            found.setdefault(group, set()).add(name)
    hosts = {group: tuple(sorted(names)) for group, names in found.items()}
    if distribution == "fedora":
        # Its configuration names a list of mirrors only.
        hosts[presets.DISTRIBUTION] = tuple(sorted({*hosts.get(presets.DISTRIBUTION, ()), *presets.GROUPS["fedora"]}))
    elif distribution:
        hosts.setdefault(presets.DISTRIBUTION, presets.GROUPS[distribution])
    return hosts
