# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a running pixel the gateway of segments, and reads what it refused."""

from __future__ import annotations

import re
import shlex
import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, Refused, Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import scripts
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import (
    enforcement,
    gateway_files,
    gateway_program,
    gateway_rules,
    guest_files,
    inspection,
    record,
    segment,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import (
    policy as policies,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.segments import segment as segments

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Shell
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.policy import EgressPolicy
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.segment import Segment
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

TIMEOUT_S = 60.0
LOAD_TIMEOUT_S = 180.0

MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", re.ASCII)
PROTOCOLS = inspection.PROTOCOLS

LISTING = inspection.LISTING.replace("pixels_egress", '"$table"')

# Prints a word and its value in each line, as that of `inspection`. `render` needs the interfaces, which a namespace of
# its own does not have.
SCRIPT = f"""\
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/sbin:/sbin; export PATH
listing={shlex.quote(LISTING)}
[ ! -d /run/systemd/system ] || echo init {guest_files.SYSTEMD}
if command -v networkctl >/dev/null; then echo tool networkd; fi
if command -v nft >/dev/null; then echo tool nft; fi
if command -v dnsmasq >/dev/null && dnsmasq --version | tr ' ' '\\n' | grep -qx nftset; then echo tool dnsmasq; fi
ip -o link show | sed -n 's/^[0-9]*: \\([^:@]*\\)[:@].* link\\/ether \\([0-9a-f:]*\\) .*/nic \\1 \\2/p'
[ ! -f {gateway_files.UPLINK_MAC_PATH} ] || echo "uplink $(cat {gateway_files.UPLINK_MAC_PATH})"
find {gateway_program.DIRECTORY} {gateway_program.PROGRAM_PATH} /etc/systemd/networkd.conf.d/pixels.conf \\
    {gateway_files.NETWORK_DIRECTORY}/{gateway_files.NETWORK_PREFIX}*.network \\
    /etc/systemd/system/pixels-gateway.service /etc/systemd/system/pixels-segment@.service \\
    -type f -exec sha256sum {{}} + 2>/dev/null | sed 's/^\\([0-9a-f]*\\) [ *]\\(.*\\)/file \\2 \\1/'
for dir in {gateway_program.DIRECTORY}/*/; do
    name=${{dir%/}} name=${{name##*/}}
    [ -f "$dir/segment.json" ] || continue
    echo "segment $name $(head -c 1000000 "$dir/segment.json" | base64 | tr -d '\\n')"
    echo "mac $name $(cat "$dir/mac")"
    table={gateway_rules.table_of("$name")}; export table
    if live=$(sh -c "$listing" 2>/dev/null) && [ "$live" = "$({gateway_program.PROGRAM_PATH} render "$name" |
        unshare -n sh -c "nft -f - && {{ $listing }}" 2>&1)" ]
    then echo "rules $name"; fi
    service={gateway_program.SEGMENT_SERVICE}$name
    if systemctl is-enabled -q "$service" && systemctl is-active -q "$service"; then echo "service $service"; fi
done 2>/dev/null
service={gateway_program.SERVICE}
if systemctl is-enabled -q "$service" && systemctl is-active -q "$service"; then echo "service $service"; fi
[ "$(cat /proc/sys/net/ipv4/ip_forward)" = 0 ] || echo "forwards yes"
exit 0
"""

# $1 is boot or load, the rest are segments whose connections may have to end. Files that are not in the archive are of
# segments that the gateway no longer serves.
LOAD = f"""\
set -e
PATH=$PATH:/usr/sbin:/sbin; export PATH
{{
    verb=$1
    shift
    stage=$(mktemp -d /etc/pixels-XXXXXX)
    trap 'rm -rf "$stage"' EXIT
    tar -xof - -C "$stage"
    digest() {{ cat "$@" 2>/dev/null | sha256sum; }}
    networks() {{ digest "$1"/etc/systemd/networkd.conf.d/pixels.conf \\
        "$1"{gateway_files.NETWORK_DIRECTORY}/{gateway_files.NETWORK_PREFIX}*.network; }}
    network=
    [ "$(networks "$stage")" = "$(networks "")" ] || network=changed
    restart=
    for dir in "$stage"{gateway_program.DIRECTORY}/*/; do
        name=${{dir%/}} name=${{name##*/}}
        own={gateway_program.DIRECTORY}/$name
        [ "$(digest "$dir/dnsmasq.conf" "$dir/mac" "$stage"{gateway_program.PROGRAM_PATH})" = \\
            "$(digest "$own/dnsmasq.conf" "$own/mac" {gateway_program.PROGRAM_PATH})" ] || restart="$restart $name"
    done
    for dir in {gateway_program.DIRECTORY}/*/; do
        name=${{dir%/}} name=${{name##*/}}
        [ ! -d "$dir" ] || [ -d "$stage$dir" ] || {{
            systemctl disable -q --now "{gateway_program.SEGMENT_SERVICE}$name"
            rm -rf "$dir" "{gateway_files.NETWORK_DIRECTORY}/{gateway_files.NETWORK_PREFIX}$name.network"
        }}
    done
    (cd "$stage" && find . -type f) | while read -r path; do
        mkdir -p "/${{path%/*}}"
        mv -f "$stage/$path" "/$path"
    done
    {gateway_program.PROGRAM_PATH} "$verb"
    for name; do {gateway_program.PROGRAM_PATH} cut "$name"; done
    systemctl daemon-reload
    systemctl enable -q {gateway_program.SERVICE}
    systemctl start {gateway_program.SERVICE}
    [ -z "$network" ] || systemctl restart systemd-networkd
    for dir in {gateway_program.DIRECTORY}/*/; do
        name=${{dir%/}} name=${{name##*/}}
        service={gateway_program.SEGMENT_SERVICE}$name
        systemctl enable -q "$service"
        case " $restart " in *" $name "*) systemctl restart "$service" ;; *) systemctl start "$service" ;; esac
    done
}} >&2
"""

REFUSED = """\
PATH=$PATH:/usr/sbin:/sbin; export PATH
for set in refused4 refused6; do nft -n list set inet "$1" $set 2>/dev/null; done
exit 0
"""
REFUSED_ELEMENT = re.compile(rf"([0-9a-f.:]{{2,45}}) \. {inspection.REFUSED_ELEMENT.pattern}")


@dataclass(frozen=True)
class GatewayState:
    """What a pixel has of a gateway."""

    init: str = ""
    tools: frozenset[str] = frozenset()
    nics: t.Mapping[str, str] = field(default_factory=dict)
    """MAC addresses by the names of interfaces."""
    uplink: str = ""
    """Recorded MAC address of the interface that leads outside."""
    macs: t.Mapping[str, str] = field(default_factory=dict)
    """Recorded MAC addresses of the interfaces on segments."""
    files: t.Mapping[str, str] = field(default_factory=dict)
    """SHA-256 by path."""
    segments: t.Mapping[str, t.Mapping[str, t.Any]] = field(default_factory=dict)
    """What was set up, as `Segment.as_dict` shows it."""
    loaded: frozenset[str] = frozenset()
    """Segments whose rules in force are those of the files."""
    services: frozenset[str] = frozenset()
    """Services that run and start at boot."""
    forwards: bool = False

    def mac_of(self, recorded: str, interface: str) -> str:
        """Return a MAC address: the recorded one where it is still there, else that of an interface.

        Raises `Refused` where there is no such interface.
        """
        if recorded in self.nics.values():
            return recorded
        if interface not in self.nics:
            found = ", ".join(sorted(self.nics)) or "none"
            raise Refused(f"the gateway has no interface {interface!r} (it has {found}). Add a NIC on the segment")
        return self.nics[interface]

    def render(self, wanted: t.Iterable[Segment], uplink: str) -> dict[str, guest_files.GuestFile]:
        """Return the files for segments. Raises `Refused` where an interface is missing."""
        wanted = tuple(wanted)
        outside = self.mac_of(self.uplink, uplink)
        macs = {each.name: self.mac_of(self.macs.get(each.name, ""), each.interface) for each in wanted}
        twice = next((each.name for each in wanted if [outside, *macs.values()].count(macs[each.name]) > 1), None)
        if twice:
            raise Refused(f"the interface of {twice} is that of another network. Set its interface")
        return gateway_files.render(wanted, macs, outside)

    def drift(self, wanted: t.Iterable[Segment], uplink: str) -> list[str]:
        """Return how the pixel differs from a gateway of segments. Raises `Refused` where an interface is missing."""
        wanted = tuple(wanted)
        expected = self.render(wanted, uplink)
        found = [f"{path} is missing" for path in expected if path not in self.files]
        found += [
            f"{path} differs" for path, file in expected.items() if self.files.get(path, "") not in ("", file.digest)
        ]
        found += [f"{path} is left over" for path in self.files if path not in expected]
        for each in wanted:
            if not found and each.name not in self.loaded:
                found.append(f"the rules of {each.name} in force are not those of its policy")
        services = [
            gateway_program.SERVICE,
            *(f"{gateway_program.SEGMENT_SERVICE}{each.name}" for each in wanted),
        ]
        found += [
            f"{service} does not run or does not start at boot" for service in services if service not in self.services
        ]
        if not self.forwards:
            found.append("nothing is forwarded")
        return found


def inspect(shell: Shell) -> GatewayState:
    """Read the state of a running pixel with one command. Raises `Refused` for output without an end."""
    ended = scripts.run_checked(shell, SCRIPT, action="reading the gateway", user="root", timeout=TIMEOUT_S)
    return parse(ended.stdout.decode("utf-8", "replace"))


def parse(output: str) -> GatewayState:
    """Return what the output of `SCRIPT` says; lines that are invalid are ignored."""
    words: dict[str, list[list[str]]] = {}
    for line in output.splitlines():
        word, *values = line.split(" ")
        words.setdefault(word, []).append(values)

    def pairs(word: str) -> dict[str, str]:
        return {values[0]: values[1] for values in words.get(word, ()) if len(values) == 2}

    def singles(word: str) -> frozenset[str]:
        return frozenset(values[0] for values in words.get(word, ()) if len(values) == 1)

    segments: dict[str, dict[str, t.Any]] = {}
    for name, text in pairs("segment").items():
        try:
            segments[name] = segment.from_text(inspection.decoded(text))
        except Invalid:
            segments[name] = {"name": name}
    return GatewayState(
        init=next(iter(singles("init")), ""),
        tools=singles("tool"),
        nics={name: mac for name, mac in pairs("nic").items() if MAC.fullmatch(mac)},
        uplink=next((mac for mac in singles("uplink") if MAC.fullmatch(mac)), ""),
        macs={name: mac for name, mac in pairs("mac").items() if MAC.fullmatch(mac)},
        files=pairs("file"),
        segments=segments,
        loaded=singles("rules"),
        services=singles("service"),
        forwards=bool(singles("forwards")),
    )


def plan(found: GatewayState, wanted: t.Sequence[Segment], uplink: str) -> Change:
    """Compare a pixel with the wanted gateway. Raises `Unsupported` where it can be none, and `Refused`."""
    if found.init != guest_files.SYSTEMD or "networkd" not in found.tools:
        raise Unsupported("a gateway requires systemd and systemd-networkd. Use an image such as debian/13")
    before = {"segments": [dict(found.segments[name]) for name in sorted(found.segments)]}
    after = {"segments": [each.as_dict() for each in sorted(wanted, key=lambda each: each.name)]}
    drift = found.drift(wanted, uplink)
    if drift and before == after:
        return Change({**before, "drift": drift}, {**after, "drift": []})
    return Change(before, after)


def narrowed(found: GatewayState, wanted: t.Iterable[Segment]) -> list[str]:
    """Return the segments whose policy may refuse something that it allowed before, so that connections have to end."""
    names = []
    for each in wanted:
        if each.name not in found.segments:
            continue
        try:
            before = policies.parse(found.segments[each.name].get("egress"), is_consistent=False)
        except Invalid:
            before = None
        if each.name not in found.loaded or enforcement.narrows(before, each.policy):
            names.append(each.name)
    return names


def apply(shell: Shell, found: GatewayState, wanted: t.Sequence[Segment], uplink: str) -> None:
    """Make a pixel the gateway of segments. Raises `Unsupported` and `Refused`.

    Where rules cannot be loaded for the first time, nothing is forwarded.
    """
    if not {"nft", "dnsmasq"} <= found.tools:
        failure = "installing nftables and dnsmasq failed"
        enforcement.run(shell, enforcement.INSTALL, timeout=enforcement.INSTALL_TIMEOUT_S, failure=failure)
        if not {"nft", "dnsmasq"} <= inspect(shell).tools:
            raise Unsupported("a gateway requires a dnsmasq that fills nft sets. Use an image such as debian/13")
    files = found.render(wanted, uplink)
    verb = "load" if found.forwards and found.loaded else "boot"
    command = scripts.command(LOAD, verb, *narrowed(found, wanted), stdin=guest_files.pack(files))
    failure = "setting up the gateway failed"
    enforcement.run_command(shell, command, timeout=LOAD_TIMEOUT_S, failure=failure)
    left = inspect(shell).drift(wanted, uplink)
    if left:
        raise Refused(f"{failure}: {left[0]}. Look at it with nft list ruleset and journalctl in the gateway")


def set_up(
    pixels: Pixels, name: PixelName, wanted: t.Sequence[Segment], uplink: str, *, check_mode: bool = False
) -> Change:
    """Make a running pixel the gateway of segments, and record that on the NAS. `name` is the full name.

    Raises what `plan` and `apply` raise.
    """
    with trying(f"setting up the gateway {name.bare} on {pixels.nas}"), record.root_shell(pixels, name) as shell:
        found = inspect(shell)
        change = plan(found, wanted, uplink)
        if change.needed and not check_mode:
            apply(shell, found, wanted, uplink)
        container = pixels.get(name)
        kept = " ".join(sorted(each.name for each in wanted))
        if container.metadata.gateway == kept:
            return change
        if not check_mode:
            settings = {
                "environment": container.environment,
                "metadata": replace(container.metadata, gateway=kept),
            }
            pixels.containers.update(container.name, settings, timeout=record.UPDATE_TIMEOUT_S)
    if change.needed:
        return change
    return Change({**(change.before or {}), "recorded": False}, {**(change.after or {}), "recorded": True})


@dataclass(frozen=True)
class Protection:
    """What a gateway does for a pixel."""

    segment: str
    policy: EgressPolicy | None = None
    """The policy of the segment; None where it is unknown."""
    drift: tuple[str, ...] = ()
    """How the gateway differs from what was set up."""
    refused: tuple[dict[str, t.Any], ...] = ()
    """Refused connections from the addresses of the pixel."""


def gateway_of(pixels: Pixels, name: PixelName) -> tuple[Container, str] | None:
    """Return the gateway of a pixel and the segment between them. `name` is the full name.

    None where the pixel has a NIC anywhere else, or the bridge is connected to another network: what leaves by that
    is not restricted.
    """
    gateways = {served: each for each in pixels.list() for served in (each.metadata.gateway or "").split()}
    own = segments.of_pixel(pixels, name) if gateways else None
    return None if own is None or own not in gateways else (gateways[own], own)


def protection(pixels: Pixels, container: Container) -> Protection | None:
    """Return what the gateway of a pixel enforces; None for a pixel without one."""
    found = gateway_of(pixels, container.name)
    if found is None:
        return None
    gateway, name = found
    if not gateway.running:
        return Protection(name, drift=(f"the gateway {gateway.name.bare} is {gateway.status}",))
    with record.root_shell(pixels, gateway.name) as shell:
        state = inspect(shell)
        sources = {each.address for each in container.addresses}
        refused = [each for each in refused_by(shell, name) if each["source"] in sources]
    try:
        policy = policies.parse(state.segments.get(name, {}).get("egress"), is_consistent=False)
    except Invalid:
        policy = None
    lacks = name not in state.loaded or not state.forwards
    drift = (f"the rules of {name} are not in force in {gateway.name.bare}",) if lacks else ()
    without_source = ({key: value for key, value in each.items() if key != "source"} for each in refused)
    return Protection(name, policy, drift, tuple(without_source))


def refused_by(shell: Shell, name: str) -> list[dict[str, t.Any]]:
    """Return which connections of a segment its gateway refused within a day, most packets first."""
    command = scripts.command(REFUSED, gateway_rules.table_of(name))
    ended = scripts.run_command(shell, command, timeout=TIMEOUT_S)
    return parse_refused(ended.stdout.decode("utf-8", "replace"))


def parse_refused(listing: str) -> list[dict[str, t.Any]]:
    """Return the elements of the sets in a listing of nft, most packets first."""
    found = [
        {
            "source": source,
            "address": address,
            "protocol": PROTOCOLS.get(protocol, protocol),
            "port": int(port),
            "packets": int(packets),
        }
        for source, address, protocol, port, packets in REFUSED_ELEMENT.findall(listing)
    ]
    ordered = sorted(found, key=lambda each: (-each["packets"], each["source"], each["address"], each["port"]))
    return ordered[: inspection.REFUSED_LIMIT]
