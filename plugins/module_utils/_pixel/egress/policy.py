# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An egress policy: what a pixel may connect to, checked and in one normal form."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.schema import EGRESS_MODES, SUDO_RULES
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import presets

Network = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

MODES = EGRESS_MODES
DEFAULT_PORTS = (22, 80, 443)
LIST_LIMIT = 20_000
"""Entries of one list; 20,000 addresses load within a tenth of a second."""

TEXT_LIMIT = 512 * 1024
"""Characters of a whole policy, which is read back from the pixel."""

NOTE_LIMIT = 600
"""Characters of a policy that the metadata of a pixel keeps. TrueNAS 26 keeps 1,024 for all metadata of a pixel."""

NAME_LIMIT_BYTES = 253
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)

PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3"),
        *("::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16"),
        *("fc00::/7", "fe80::/10", "ff00::/8"),
    )
)
"""Networks that every mode but `unrestricted` refuses: private, link-local and multicast addresses, the metadata
services of clouds, and the IPv6 networks that embed IPv4 addresses."""


@dataclass(frozen=True)
class EgressPolicy:
    """A policy in its normal form: names in lower case, lists sorted and without duplicates."""

    mode: str = "unrestricted"
    allow: tuple[str, ...] = ()
    """Names (`x.org`), names below a name (`*.x.org`), addresses and networks."""
    deny: tuple[str, ...] = ()
    """The same; it wins over `allow` and `presets`. A name stands for itself and all names below it."""
    presets: tuple[str, ...] = ()
    """Names of `presets.GROUPS`, and `presets.DISTRIBUTION`."""
    ports: tuple[int, ...] = DEFAULT_PORTS
    """TCP ports that are open at allowed names."""
    lan: tuple[str, ...] = ()
    """Private networks that are open."""
    dns: tuple[str, ...] = ()
    """Addresses of name servers; empty for those that the pixel gets from DHCP."""
    sudo: str = SUDO_RULES[0]
    """What users may do as root: `packages` (install some by name), `none`, or `all`, which includes the removal of
    the policy."""

    @property
    def enforced(self) -> bool:
        """Whether there is anything to enforce."""
        return self.mode != "unrestricted"

    @property
    def resolves_any_name(self) -> bool:
        """Return whether the resolver answers queries for all names."""
        return self.mode == "internet"

    def as_dict(self) -> dict[str, t.Any]:
        """Return the policy as plain values, as for a diff."""
        if not self.enforced:
            return {"mode": self.mode}
        shown: dict[str, t.Any] = {"mode": self.mode}
        for name in ("allow", "deny", "presets", "ports", "lan", "dns"):
            shown[name] = list(getattr(self, name))
        shown["sudo"] = self.sudo
        return shown

    @property
    def text(self) -> str:
        """The policy as one line of JSON. What its presets contain is not part of it."""
        return json.dumps(self.as_dict(), sort_keys=True)

    @property
    def digest(self) -> str:
        """Return 16 hexadecimal digits that are the same for the same policy only."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    @property
    def note(self) -> str | None:
        """What the metadata of a pixel keeps: the text, its digest if the text is long, or None for no policy."""
        if not self.enforced:
            return None
        return self.text if len(self.text) <= NOTE_LIMIT else self.digest

    def is_recorded(self, kept: str | None) -> bool:
        """Return whether `kept`, from the metadata of a pixel, stands for this policy."""
        return kept in (self.text, self.digest) if self.enforced else kept is None


def parse(value: t.Any, option: str = "egress", *, is_consistent: bool = True) -> EgressPolicy:
    """Return the policy that an option describes: a mode, or a mapping with `mode` and lists.

    Raises `Invalid`, naming the option and its part; the part alone where `option` is empty. Unless `is_consistent`,
    parts may contradict each other.
    """
    prefix = f"{option}." if option else ""
    if isinstance(value, str):
        value = {"mode": value}
    if not isinstance(value, t.Mapping):
        raise invalid(option, f"{value!r} is neither a mode nor a mapping", f"use one of {', '.join(MODES)}")
    unknown = sorted(set(map(str, value)) - {"mode", "sudo", *LISTS})
    if unknown:
        raise invalid(option, f"unknown key {unknown[0]!r}", f"use {', '.join(('mode', *LISTS, 'sudo'))}")
    mode = value.get("mode") or ("allowlist" if value.get("allow") else None)
    if mode not in MODES:
        raise invalid(f"{prefix}mode", f"{mode!r} is no mode", f"use one of {', '.join(MODES)}")
    lists: dict[str, t.Any] = {}
    for name, check in LISTS.items():
        given = value.get(name)
        if given is None:
            continue
        if isinstance(given, (str, int)):
            given = [given]
        if not isinstance(given, t.Sequence) or len(given) > LIST_LIMIT:
            raise invalid(f"{prefix}{name}", "not a list of at most 20,000 entries", "give a list")
        lists[name] = normal(check(f"{prefix}{name}", each) for each in given)
    if "presets" not in lists and mode == "agent":
        lists["presets"] = presets.AGENT
    sudo = value.get("sudo") or SUDO_RULES[0]
    if sudo not in SUDO_RULES:
        raise invalid(f"{prefix}sudo", f"{sudo!r} is not a rule for sudo", f"use one of {', '.join(SUDO_RULES)}")
    policy = EgressPolicy(mode, **lists, sudo=sudo)
    if is_consistent:
        check_combination(policy, prefix)
    return policy


def from_text(text: str) -> EgressPolicy:
    """Return the policy of `EgressPolicy.text`. Raises `Invalid` for another text, which may come from a pixel."""
    if len(text) > TEXT_LIMIT:
        raise invalid("egress", "the text of the policy is too long", "set the policy again")
    try:
        return parse(json.loads(text), is_consistent=False)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise invalid("egress", "the text is not a policy", "set the policy again") from error


def normal(entries: t.Iterable[t.Any]) -> tuple[t.Any, ...]:
    """Sort entries and remove duplicates."""
    return tuple(sorted(set(entries)))


def check_combination(policy: EgressPolicy, prefix: str) -> None:
    """Raise `Invalid` for parts that contradict each other."""
    if not policy.enforced or policy.mode == "none":
        for name in ("allow", "deny", "presets", "lan"):
            if getattr(policy, name) and not (policy.mode == "none" and name == "lan"):
                raise invalid(
                    f"{prefix}{name}", f"mode {policy.mode!r} takes no {name}", "remove it or change the mode"
                )
    if not policy.enforced and policy.sudo != SUDO_RULES[0]:
        raise invalid(f"{prefix}sudo", f"mode {policy.mode!r} takes no sudo", "remove it or change the mode")
    if policy.resolves_any_name and (policy.allow or policy.presets):
        part = "allow" if policy.allow else "presets"
        raise invalid(
            f"{prefix}{part}", "mode 'internet' allows every public address already", "use deny, or mode 'allowlist'"
        )
    if len(policy.text) > TEXT_LIMIT:
        raise invalid(prefix.rstrip(".") or "policy", "it is too long", "list fewer entries")
    if policy.resolves_any_name or policy.mode == "none":
        return
    if presets.DISTRIBUTION in policy.presets:
        # Which names it has is known in the pixel only.
        return
    names = names_of(policy, {})
    allowed, parents = set(names), {parent for name in names for parent in parents_of(name)}
    for entry in policy.deny:
        # Something allowed is the entry or below it, or includes it.
        is_wide = bare(entry) in parents or entry in allowed
        if not is_network(entry) and not is_wide and not is_covered(entry, allowed):
            raise invalid(f"{prefix}deny", f"{entry!r} is not allowed by anything", "remove it")


def names_of(policy: EgressPolicy, hosts: t.Mapping[str, t.Sequence[str]]) -> tuple[str, ...]:
    """Return all names that a policy allows before `deny`.

    `hosts` has, by group, the hosts that the pixel's own package managers use in place of the defaults.
    """
    names = {entry for entry in policy.allow if not is_network(entry)}
    for group in policy.presets:
        names |= set(hosts.get(group) or presets.GROUPS.get(group, ()))
    return tuple(sorted(names))


def bare(name: str) -> str:
    """Return a name without a wildcard."""
    return name.removeprefix("*.")


def parents_of(name: str) -> t.Iterator[str]:
    """Yield the domains that a name, or all names of a wildcard, are below."""
    rest = name
    while "." in rest:
        rest = rest.partition(".")[2]
        yield rest


def is_covered(name: str, entries: t.Container[str]) -> bool:
    """Return whether one of the entries, names and `*.name`, includes all that `name` stands for.

    The time does not depend on the number of entries, which a pixel or a user may make large.
    """
    return name in entries or any(f"*.{parent}" in entries for parent in parents_of(name))


def denies(denied: str, entry: str) -> bool:
    """Return whether an entry of `deny` includes an entry: a name stands for itself and all names below it."""
    if is_network(denied) or is_network(entry):
        return is_network(denied) and is_network(entry) and is_within(as_known(entry), as_known(denied))
    return is_covered(entry, {denied, f"*.{bare(denied)}"})


def affects(policy: EgressPolicy, denied: str) -> bool:
    """Return whether an entry of `deny` changes what a policy allows."""
    if policy.resolves_any_name or is_network(denied):
        return True
    names = names_of(policy, {})
    return is_covered(denied, set(names)) or any(denies(denied, name) for name in names)


def as_known(entry: str) -> Network:
    """Return a network that was checked already."""
    return ipaddress.ip_network(entry)


def is_within(inner: Network, outer: Network) -> bool:
    """Return whether a network is part of another one."""
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]


def is_network(entry: str) -> bool:
    """Return whether an entry is an address or a network, and not a name."""
    return entry[-1:].isdigit() or ":" in entry


def as_entry(option: str, value: t.Any) -> str:
    """Return a name, `*.name`, or network in its normal form."""
    text = str(value).strip()
    network = as_network(text)
    if network is not None:
        if any(network.version == each.version and network.overlaps(each) for each in PRIVATE):
            if option.endswith("deny"):
                raise invalid(option, f"{text!r} is private and closed already", "remove it")
            raise invalid(option, f"{text!r} has private addresses", "use lan for those of your own network")
        return str(network)
    return as_name(option, text)


def as_name(option: str, text: str) -> str:
    """Return a domain name in its normal form. Raises `Invalid`."""
    if "://" in text or "/" in text or "@" in text:
        host = text.rsplit("://", maxsplit=1)[-1].split("/", maxsplit=1)[0].rsplit("@", maxsplit=1)[-1]
        raise invalid(option, f"{text!r} is not a domain name", f"give the name alone: {host}")
    name = text.rstrip(".").lower()
    below = name.startswith("*.")
    base = bare(name)
    if ":" in base:
        raise invalid(option, f"{text!r} is not a domain name", "list ports in ports")
    try:
        if not base.isascii():
            base = base.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise invalid(option, f"{text!r} is not a domain name ({error})", "check its spelling") from None
    labels = base.split(".")
    if not all(LABEL.fullmatch(label) for label in labels) or len(base) > NAME_LIMIT_BYTES or labels[-1].isdigit():
        raise invalid(option, f"{text!r} is not a domain name, an address or a network", "check its spelling")
    if below and len(labels) < 2:
        raise invalid(option, f"{text!r} is too wide", "a wildcard needs two labels after it, as *.example.com")
    return f"*.{base}" if below else base


def as_network(text: str) -> Network | None:
    """Parse an address or a network; return None if it is invalid."""
    if "%" in text:
        # A scope ID is any text, which ipaddress keeps.
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def as_private_network(option: str, value: t.Any) -> str:
    """Return a private network in its normal form. Raises `Invalid`."""
    network = as_network(str(value).strip())
    if network is None:
        raise invalid(option, f"{value!r} is not a network", "give one such as 192.168.1.0/24")
    if not any(is_within(network, each) for each in PRIVATE):
        raise invalid(option, f"{value!r} is not private", "use allow for public networks")
    return str(network)


def as_port(option: str, value: t.Any) -> int:
    """Return a port from 1 to 65535. Raises `Invalid`."""
    try:
        port = int(value)
    except (TypeError, ValueError, OverflowError):
        port = 0
    if isinstance(value, bool) or not 0 < port < 65536:
        raise invalid(option, f"{value!r} is not a port", "give numbers from 1 to 65535")
    return port


def as_preset(option: str, value: t.Any) -> str:
    """Return the name of a preset. Raises `Invalid`."""
    if value not in presets.NAMES:
        raise invalid(option, f"there is no preset {value!r}", f"use {', '.join(presets.NAMES)}")
    return str(value)


def as_server(option: str, value: t.Any) -> str:
    """Return the address of a name server. Raises `Invalid`."""
    try:
        address = str(ipaddress.ip_address(str(value).strip()))
    except ValueError:
        address = "%"
    # A scope ID is any text, which ipaddress keeps.
    if "%" in address:
        raise invalid(option, f"{value!r} is not an address of a name server", "give one such as 192.168.1.1")
    return address


def invalid(option: str, problem: str, advice: str) -> Invalid:
    """Build the error about one option of a policy."""
    return Invalid(f"invalid {option}: {problem}. {advice[0].upper()}{advice[1:]}", fields=((option, problem),))


LISTS: t.Mapping[str, t.Callable[[str, t.Any], t.Any]] = {
    "allow": as_entry,
    "deny": as_entry,
    "presets": as_preset,
    "ports": as_port,
    "lan": as_private_network,
    "dns": as_server,
}


@dataclass(frozen=True)
class EffectiveNames:
    """The names that a resolver answers: `deny` is applied already."""

    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    """Names below allowed wildcards (in mode `internet`, any) that are refused."""


def effective_names(policy: EgressPolicy, hosts: t.Mapping[str, t.Sequence[str]]) -> EffectiveNames:
    """Apply `deny` to the names that a policy allows; see `names_of` for `hosts`."""
    refused = [entry for entry in policy.deny if not is_network(entry)]
    closed = {*refused, *(f"*.{bare(entry)}" for entry in refused)}
    allowed = tuple(name for name in names_of(policy, hosts) if not is_covered(name, closed))
    opened = set(allowed)
    denied = tuple(entry for entry in refused if policy.resolves_any_name or is_covered(entry, opened))
    return EffectiveNames(allowed, denied)
