# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb `network`: show and change the egress policies of running pixels."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, PixelsError, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._cli import targets
from ansible_collections.pixels.truenas.plugins.module_utils._cli.context import CliContext
from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import failure
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import (
    guest_sudo,
    inspection,
    record,
    report,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import (
    policy as policies,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate import failure_report
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.policy import EgressPolicy
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

FAILED = 1
DRIFTED = 3
"""Exit status of `network check` when a pixel differs from its policy."""

CONCURRENCY = 8
REFUSED_SHOWN = 10

Edit = t.Callable[["EgressPolicy"], "EgressPolicy"]


def show(arguments: argparse.Namespace, output: Output) -> int:
    """Print the policy of a pixel, whether it is in force, and what it refused."""
    context = CliContext(arguments, output)
    name = PixelName.parse(arguments.name)
    found = report.read(context.pixels, name)
    policy, drift, refused = found.policy, found.drift, found.refused
    if output.json:
        output.print_json({"name": name.bare, **found.as_dict()})
        return 0
    output.say(f"Mode: {policy.mode if policy else 'unknown'}")
    if policy is None or policy.enforced or drift:
        output.say(f"Enforced: {enforcer(found)}")
        output.say(f"Live: {'drifted: ' + drift[0] if drift else 'as declared'}")
    for title, entries in sections(policy).items():
        output.say(f"{title}:")
        for entry in entries:
            output.say(f"  {entry}")
    if refused:
        output.say("Refused in the last 24 hours:")
        for each in refused[:REFUSED_SHOWN]:
            output.say(f"  {each['address']} {each['protocol']} port {each['port']} ({each['packets']} packets)")
    return 0


def enforcer(found: report.Report) -> str:
    """Return what enforces a policy, and whether root in the pixel can change that."""
    if found.enforced_by == report.GATEWAY:
        return "by a gateway (root in the pixel cannot change it)"
    if found.enforced_by == report.NOTHING:
        return "no"
    advisory = found.policy is not None and found.policy.sudo == guest_sudo.ALL
    return f"in the pixel ({'users there can become root and remove it' if advisory else 'root there can remove it'})"


def sections(policy: EgressPolicy | None) -> dict[str, tuple[t.Any, ...]]:
    """Return the lists of a policy that have entries, by their titles."""
    if policy is None:
        return {}
    lists = {
        "Domains": policy.allow,
        "Denied": policy.deny,
        "Presets": policy.presets,
        "Local networks": policy.lan,
        "Name servers": policy.dns,
    }
    return {title: entries for title, entries in lists.items() if entries}


def set_mode(arguments: argparse.Namespace, output: Output) -> int:
    """Replace the policy of a pixel."""
    lists = {name: getattr(arguments, name) or None for name in policies.LISTS}
    wanted = policies.parse({"mode": arguments.mode, "sudo": arguments.sudo, **lists}, option="")
    return change(arguments, output, lambda _found: wanted, f"Egress set to {wanted.mode} for", replaces=True)


def allow(arguments: argparse.Namespace, output: Output) -> int:
    """Allow domains or networks in addition."""
    entries = [policies.as_entry("allow", text) for text in arguments.entries]

    def edit(policy: EgressPolicy) -> EgressPolicy:
        left = tuple(entry for entry in policy.deny if entry not in entries)
        for entry in entries:
            if denying := next((each for each in left if policies.denies(each, entry)), None):
                raise Invalid(f'"{entry}" cannot be allowed: "{denying}" is denied, and includes it')
        wanted = policies.names_of(policy, {})
        added = [entry for entry in entries if entry not in wanted and not policy.resolves_any_name]
        return replace(policy, allow=policies.normal((*policy.allow, *added)), deny=left)

    return change(arguments, output, edit, f"Allowed {', '.join(arguments.entries)} for")


def deny(arguments: argparse.Namespace, output: Output) -> int:
    """Deny domains or networks that are allowed."""
    entries = [policies.as_entry("deny", text) for text in arguments.entries]

    def edit(policy: EgressPolicy) -> EgressPolicy:
        kept = tuple(entry for entry in policy.allow if entry not in entries)
        left = replace(policy, allow=kept)
        denied = [entry for entry in entries if policies.affects(left, entry)]
        unknown = [entry for entry in entries if entry not in (*policy.allow, *denied, *policy.deny)]
        if unknown:
            raise Invalid(f'"{unknown[0]}" is not allowed. Nothing was changed')
        return replace(left, deny=policies.normal((*policy.deny, *denied)))

    return change(arguments, output, edit, f"Denied {', '.join(arguments.entries)} for")


def change(arguments: argparse.Namespace, output: Output, edit: Edit, done: str, *, replaces: bool = False) -> int:
    """Change the policy of one pixel, and print `done` with its name. `replaces` does not need the present policy."""
    context = CliContext(arguments, output)
    pixels, name = context.pixels, PixelName.parse(arguments.name)
    bare = name.bare
    with failure_report.reporting_state(pixels, name), trying(f"setting the egress policy of {bare} on {context.nas}"):
        with record.root_shell(pixels, name) as shell:
            found = record.declared_policy(pixels.get(name), inspection.inspect(shell))
        if found is None and not replaces:
            problem = (
                f"the egress policy of {bare} is too long for the metadata on the NAS, and the pixel has another one"
            )
            raise Refused(problem).with_hints(Hint.advice(f"set it again: pixels network set {bare}"))
        wanted = edit(found or policies.EgressPolicy())
        if not wanted.enforced and wanted != policies.EgressPolicy():
            advice = f"set one first: pixels network set {bare} allowlist --allow NAME"
            raise Refused(f"{bare} has no egress policy").with_hints(Hint.advice(advice))
        policies.check_combination(wanted, "")
        result = record.enforce(pixels, name, wanted)
    if output.json:
        output.print_json({"name": bare, "changed": result.needed, "egress": wanted.as_dict()})
    else:
        output.say(f"{done} {bare}")
    return 0


def check(arguments: argparse.Namespace, output: Output) -> int:
    """Compare running pixels with their policies. Returns 3 when one differs."""
    from concurrent.futures import ThreadPoolExecutor

    context = CliContext(arguments, output)
    chosen = targets.find(context.pixels, arguments.names, everything=arguments.all)

    def inspect(container: Container) -> dict[str, t.Any]:
        try:
            with record.root_shell(context.pixels, container.name) as shell:
                found = inspection.inspect(shell)
        except PixelsError as error:
            return {"name": container.name.bare, "error": failure(error)}
        policy = record.declared_policy(container, found)
        drift = record.drift(policy, found)
        return {"name": container.name.bare, "mode": policy.mode if policy else "unknown", "drift": drift}

    named = {PixelName.parse(word) for word in arguments.names if not targets.is_pattern(word)}
    containers = [each for each in chosen.found if each.running or each.name in named]
    with ThreadPoolExecutor(max_workers=CONCURRENCY) as pool:
        results = list(pool.map(inspect, containers))
    results += [{"error": failure(error)} for error in chosen.missing]
    if output.json:
        output.print_json(results)
    else:
        for each in results:
            if "error" in each:
                output.error(f"Error: {each['error']['message']}")
            else:
                output.say(f"{each['name']}: {each['mode']}, {each['drift'][0] if each['drift'] else 'as declared'}")
    if any("error" in each for each in results):
        return FAILED
    return DRIFTED if any(each["drift"] for each in results) else 0
