# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a running pixel to an egress policy, and stops it where it would be left without one."""

from __future__ import annotations

import typing as t
from contextlib import contextmanager

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError, Refused, Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import scripts
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import (
    guest_files,
    guest_program,
    inspection,
    resolver,
    ruleset,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import (
    policy as policies,
)

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Shell
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.inspection import GuestState
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.policy import EgressPolicy
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

INSTALL_TIMEOUT_S = 600.0
LOAD_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 60.0

RESOLVER_PATHS = (
    guest_program.PROGRAM_PATH,
    f"{guest_program.DIRECTORY}/dnsmasq.conf",
    *(path for init in (guest_files.SYSTEMD, guest_files.OPENRC) for path in guest_files.service_files(init)),
)
"""Files that the resolver reads at its start only."""

INSTALL = """\
{
    if command -v apt-get; then
        export DEBIAN_FRONTEND=noninteractive
        apt-get -o DPkg::Lock::Timeout=300 update -qq &&
            apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends nftables dnsmasq-base
    elif command -v dnf; then
        dnf install -y -q nftables dnsmasq
    elif command -v apk; then
        apk add -q --update-cache --wait 300 nftables dnsmasq-nftset || apk add -q --wait 300 nftables dnsmasq
    elif command -v pacman; then
        pacman -Sy --noconfirm --needed nftables dnsmasq
    else
        echo "no package manager that is supported (apt-get, dnf, apk, pacman)"
        false
    fi
} >&2
"""

# $1 is load or cut. Each file is replaced as a whole: a boot in between finds the old one or the new one. The resolver
# reads a list of names again without a restart, in which lookups would fail.
LOAD = f"""\
set -e
PATH=$PATH:/usr/sbin:/sbin; export PATH
{{
    stage=$(mktemp -d /etc/pixels-XXXXXX)
    trap 'rm -rf "$stage"' EXIT
    tar -xof - -C "$stage"
    digest() {{ sha256sum <"$1" 2>/dev/null || true; }}
    restart=
    for path in {" ".join(RESOLVER_PATHS)}; do
        [ ! -f "$stage$path" ] || [ "$(digest "$stage$path")" = "$(digest "$path")" ] || restart=yes
    done
    pid=$(cat {resolver.RUN_DIRECTORY}/resolver.pid 2>/dev/null) && kill -0 "$pid" || restart=yes
    (cd "$stage" && find . -type f) | while read -r path; do
        mkdir -p "/${{path%/*}}"
        mv -f "$stage/$path" "/$path"
    done
    {guest_program.PROGRAM_PATH} "$1"
    if command -v systemctl; then
        systemctl daemon-reload
        systemctl enable -q {" ".join(guest_program.SERVICES)}
        systemctl start {guest_program.SERVICES[0]}
        systemctl is-active -q {guest_program.SERVICES[1]} || restart=yes
        [ -z "$restart" ] || systemctl restart {guest_program.SERVICES[1]}
    else
        rc-update add {guest_program.SERVICES[0]} boot
        rc-update add {guest_program.SERVICES[1]} default
        grep -qs '{guest_program.OPENRC_NETWORK.strip()}' /etc/conf.d/networking ||
            echo '{guest_program.OPENRC_NETWORK.strip()}' >>/etc/conf.d/networking
        rc-service {guest_program.SERVICES[0]} start
        rc-service -q {guest_program.SERVICES[1]} status || restart=yes
        [ -z "$restart" ] || rc-service {guest_program.SERVICES[1]} restart
    fi
    tries=0
    until pid=$(cat {resolver.RUN_DIRECTORY}/resolver.pid 2>/dev/null) && kill -0 "$pid"; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || break
        sleep 0.1 || sleep 1
    done
}} >&2
"""

REMOVE = f"""\
PATH=$PATH:/usr/sbin:/sbin; export PATH
{{
    if command -v systemctl; then
        systemctl disable -q --now {" ".join(guest_program.SERVICES)}
    else
        for service in {" ".join(guest_program.SERVICES)}; do
            rc-service $service stop
            rc-update delete $service -a
        done
        sed -i '/^{guest_program.OPENRC_NETWORK.strip()}$/d' /etc/conf.d/networking
    fi
    rm -rf {" ".join(inspection.PATHS)} {guest_program.DIRECTORY} {resolver.RUN_DIRECTORY}
    command -v systemctl && systemctl daemon-reload
    nft delete table inet {ruleset.TABLE}
}} >/dev/null 2>&1
! nft list table inet {ruleset.TABLE} >/dev/null 2>&1
"""


def plan(found: GuestState, wanted: EgressPolicy) -> Change:
    """Compare the policy of a pixel with the wanted one. Raises `Unsupported` where the pixel can have none.

    Where the policy is the same and the pixel differs from it, the difference is in the diff as `drift`.
    """
    if wanted.enforced and not found.init:
        raise Unsupported(
            "the egress policy cannot be enforced: the pixel has neither systemd nor OpenRC, so nothing would load it "
            "at boot. Use another image"
        )
    drift = found.drift(wanted)
    declared = found.policy
    before = {"mode": "unknown"} if declared is None else declared.as_dict()
    after = wanted.as_dict()
    if drift and before == after:
        return Change({**before, "drift": drift}, {**after, "drift": []})
    return Change(before, after)


def apply(shell: Shell, found: GuestState, wanted: EgressPolicy) -> None:
    """Enforce a policy. Raises `Unsupported` and `Refused`; `found.rules` are then still in force.

    Packages are installed where they are missing, over the network that the pixel has at the time.
    """
    if not wanted.enforced:
        run(shell, REMOVE, timeout=STOP_TIMEOUT_S, failure="removing the egress policy failed")
        return
    if found.tools != {"nft", "dnsmasq"}:
        run(shell, INSTALL, timeout=INSTALL_TIMEOUT_S, failure="installing nftables and dnsmasq failed")
        found = inspection.inspect(shell)
        if found.tools != {"nft", "dnsmasq"}:
            missing = "nft" if "nft" not in found.tools else "a dnsmasq that fills nft sets (nftset)"
            raise Unsupported(
                f"the egress policy cannot be enforced: the pixel has no {missing}. Use an image with Debian 12, "
                "Ubuntu 24.04 or newer"
            )
    files = guest_files.render(wanted, found.init, found.hosts)
    verb = "load" if is_wider(found, wanted) else "cut"
    command = scripts.command(LOAD, verb, stdin=guest_files.pack(files))
    failure = "loading the egress policy failed"
    run_command(shell, command, timeout=LOAD_TIMEOUT_S, failure=failure)
    left = inspection.inspect(shell).drift(wanted)
    if left:
        raise Refused(f"{failure}: {left[0]}. Look at it with nft list ruleset in the pixel")


def is_wider(found: GuestState, wanted: EgressPolicy) -> bool:
    """Whether a policy refuses nothing that the rules in force allow, so that no connection has to end.

    Not where the pixel differs from its own policy: what is in force is then unknown.
    """
    if not found.rules:
        return True
    declared = found.policy
    return declared is not None and not found.drift(declared) and not narrows(declared, wanted)


def narrows(before: EgressPolicy | None, after: EgressPolicy) -> bool:
    """Whether a policy may refuse something that an earlier one allowed, so that connections have to end."""
    if before is None:
        return True
    if before.resolves_any_name or after.resolves_any_name:
        # These rules decide about each packet, so nothing has to end.
        return not after.resolves_any_name
    was, now = policies.names_of(before, {}), policies.names_of(after, {})
    networks_now = set(filter(policies.is_network, after.allow))
    return bool(
        set(was) - set(now)
        # Which names some of them have is known in the pixel only.
        or set(before.presets) - set(after.presets)
        or set(filter(policies.is_network, before.allow)) - networks_now
        or set(after.deny) - set(before.deny)
        or set(before.lan) - set(after.lan)
        or set(before.ports) - set(after.ports)
    )


class Guard:
    """What is known of the rules of a pixel while its policy is changed."""

    has_rules: bool | None = None
    """None until the pixel was read."""


@contextmanager
def stopping_on_failure(pixels: Pixels, name: PixelName, *, is_new: bool) -> t.Iterator[Guard]:
    """Stop the pixel if the block fails, also by Ctrl-C, and no rules are in force.

    For a pixel that is new, cloned or restored (`is_new`), rules that could not be read count as none. `name` is the
    full name.
    """
    guard = Guard()
    try:
        yield guard
    except BaseException as error:
        if guard.has_rules is False or (guard.has_rules is None and is_new):
            stop(pixels, name, error)
        raise


def ensure(shell: Shell, guard: Guard, wanted: EgressPolicy) -> Change:
    """Bring a running pixel to a policy. Raises what `plan` and `apply` raise."""
    found = inspection.inspect(shell)
    # Without a policy, there is nothing to protect.
    guard.has_rules = bool(found.rules) or not wanted.enforced
    change = plan(found, wanted)
    if change.needed:
        apply(shell, found, wanted)
    return change


def stop(pixels: Pixels, name: PixelName, error: BaseException) -> None:
    """Stop a pixel that has no rules, also at the next boot of the NAS, and say so in the error."""
    try:
        pixels.containers.stop(name, graceful=0, force=True, timeout=STOP_TIMEOUT_S)
        found = pixels.find(name)
        if found and found.autostart:
            pixels.containers.update(name, {"autostart": False}, timeout=STOP_TIMEOUT_S)
    except PixelsError as another:
        if isinstance(error, PixelsError):
            error.add_suffix(f"{name.bare} has no rules and could not be stopped ({another})")
            error.hints = (Hint.advice("stop it"),)
        return
    if isinstance(error, PixelsError):
        autostart = ", and its autostart was switched off" if found and found.autostart else ""
        error.add_suffix(f"{name.bare} was stopped, because it would have had no rules{autostart}")
        without_rules = Hint.option("egress", "unrestricted", "to start it without rules", pixel=name.bare)
        error.hints = (*error.hints, without_rules)


def run(shell: Shell, script: str, *, timeout: float, failure: str) -> None:
    """Run a script as root. Raises `Refused`, and `TimedOut` after `timeout` seconds."""
    run_command(shell, scripts.command(script), timeout=timeout, failure=failure)


def run_command(shell: Shell, command: t.Any, *, timeout: float, failure: str) -> None:
    """Run a command as root; the end of its error output is the cause. Raises `Refused`, and `TimedOut`."""
    ended = scripts.run_command(shell, command, timeout=timeout)
    if ended.rc:
        lines = scripts.output_tail(ended.stderr[-1000:])
        raise Refused(f"{failure}: {lines}")
