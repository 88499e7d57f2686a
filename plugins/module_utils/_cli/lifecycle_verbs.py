# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs create, start, stop, restart and destroy, for one or more pixels."""

from __future__ import annotations

import threading
import time
import typing as t
from dataclasses import replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, PixelsError, TimedOut
from ansible_collections.pixels.truenas.plugins.module_utils._cli import ssh_config, targets
from ansible_collections.pixels.truenas.plugins.module_utils._cli.context import CliContext
from ansible_collections.pixels.truenas.plugins.module_utils._cli.hints import text_of
from ansible_collections.pixels.truenas.plugins.module_utils._cli.lifecycle_report import (
    VerbResult,
    print_interrupted_state,
    report,
)
from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import FAILED, exit_immediately
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import public_keys
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh import control_master
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning.source import parse_origin
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common import memory_size
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import schema
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import fleet
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import PixelSpec
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import lifetime
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import users
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.spec import ProvisionSpec
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate import readiness
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state import known_hosts
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import SEGMENT, Nic

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output, Progress
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.policy import EgressPolicy
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.devices import Device

from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

T = t.TypeVar("T")

POLL_INTERVAL_S = 0.2
CONCURRENCY = 8
"""Pixels that are changed at the same time; others are only waited for."""

OPERATION_TIMEOUT_S = 600.0

ADDRESS_TIMEOUT_S = 15.0
"""How long to wait for an address. It is not an error if there is none."""

SSH_TIMEOUT_S = {"create": 90.0, "start": 30.0, "restart": 30.0}
"""How long to wait for an SSH server, by verb. It is not an error if none answers."""

DOING = {
    "create": "Creating",
    "start": "Starting",
    "stop": "Stopping",
    "restart": "Restarting",
    "destroy": "Destroying",
}
STATES = {"create": "started", "start": "started", "stop": "stopped", "restart": "restarted", "destroy": "absent"}


def create(args: argparse.Namespace, output: Output) -> int:
    """Create pixels, and open a console if `--console` is set."""
    context = CliContext(args, output)
    if args.console and len(args.names) > 1:
        raise Invalid("cannot open a console in several pixels. Create one pixel with --console")
    full = [PixelName.parse(name) for name in args.names]
    origin = parse_origin(args.source) if args.source else None
    if origin and (args.devtools or args.tools):
        problem = "a clone has the tools of its source. Install them there, or use the module pixels_devtools"
        raise Invalid.in_field("devtools", "cannot install devtools", problem)
    wanted = PixelSpec(
        name=PixelName(),
        image=args.image,
        cpu=args.cpu,
        memory=None if args.memory is None else memory_size.parse_memory(args.memory),
        pool=args.pool,
        nic=Nic(args.segment, SEGMENT) if args.segment else None,
        devices=devices(args),
        ttl=None if args.ttl is None else lifetime.parse_ttl(args.ttl),
        ttl_keep=None if args.ttl_keep is None else lifetime.parse_keep(args.ttl_keep),
        protected=args.protected,
        idle_stop=None if args.idle_stop is None else lifetime.parse_keep(args.idle_stop, "idle_stop"),
        origin=origin,
        # A clone keeps the provisioning of its source. That of a base need not include the key of this user.
        provision=None if origin and not origin.base else provision_spec(args, context),
        egress=egress_policy(context),
    )
    rc = create_pixels(args, context, full, wanted)
    if rc == 0 and args.console:
        from ansible_collections.pixels.truenas.plugins.module_utils._cli import console

        return console.open_console(context, full[0])
    return rc


def devices(args: argparse.Namespace) -> tuple[Device, ...] | None:
    """Return the devices of the command line; None without one. Raises `Invalid`."""
    if not args.devices:
        return None
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import device_spec

    return device_spec.parse(map(device_spec.parse_text, args.devices))


def create_pixels(args: argparse.Namespace, context: CliContext, full: t.Sequence[PixelName], wanted: PixelSpec) -> int:
    """Create pixels that differ only in their names."""
    return change(args, context, "create", [replace(wanted, name=name) for name in dict.fromkeys(full)])


def provision_spec(args: argparse.Namespace, context: CliContext) -> ProvisionSpec | None:
    """Return the provisioning with the public key of the user; None without a key or with `--no-provision`."""
    wants_tools = bool(args.devtools or args.tools)
    if args.no_provision or not (wants_tools or context.settings.defaults.provision):
        return None
    tools = tuple(args.tools) or context.settings.defaults.devtools or schema.DEFAULT_TOOLS
    login = users.check(context.ssh.user)
    try:
        return ProvisionSpec(
            public_keys=(public_keys.read(public_keys.path_beside(context.ssh.key)),),
            user=login,
            devtools=tools if wants_tools else None,
            devtools_lock=context.settings.defaults.devtools_lock,
            # The pixel installs them in the background, and a console says so.
            wait_for_devtools=not args.console and args.wait is None,
        )
    except Invalid as error:
        context.output.warn(
            f"{error.fields[0][1]}. The pixel is not provisioned, because no key could log in over SSH. "
            "Create a key with ssh-keygen, or use --no-provision"
        )
        return None


def egress_policy(context: CliContext) -> EgressPolicy | None:
    """Return the egress policy of the command line; None without one, for the default. Raises `Invalid`."""
    if not any(context.given(name) for name in schema.NETWORK):
        return None
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import configured_policy

    return configured_policy.build(context.settings.defaults.egress)


def start(args: argparse.Namespace, output: Output) -> int:
    """Start pixels."""
    return change_existing(args, CliContext(args, output), "start")


def stop(args: argparse.Namespace, output: Output) -> int:
    """Stop pixels."""
    return change_existing(args, CliContext(args, output), "stop")


def restart(args: argparse.Namespace, output: Output) -> int:
    """Restart pixels."""
    return change_existing(args, CliContext(args, output), "restart")


def destroy(args: argparse.Namespace, output: Output) -> int:
    """Destroy pixels, after a confirmation."""
    context = CliContext(args, output)
    chosen = select(args, context)
    if not chosen.found:
        return report(context, "destroy", [], chosen.missing)
    if not args.force:
        answer = confirm(context, [each.name.bare for each in chosen.found])
        if answer is None:
            output.error("Aborted: no confirmation (use --force to skip it)")
            return FAILED
        if not answer:
            output.say("Aborted.")
            return 0
    to_destroy = [replace(each, clones=args.clones, unprotect=args.force) for each in desired_states("destroy", chosen)]
    return change(args, context, "destroy", to_destroy, chosen.missing)


def confirm(context: CliContext, bare: t.Sequence[str]) -> bool | None:
    """Ask for confirmation; return None at the end of the input."""
    question = f'Destroy pixel "{bare[0]}" and all its checkpoints?'
    if len(bare) > 1:
        for name in bare:
            context.output.error(f"  {name}")
        question = f"Destroy these {len(bare)} pixels and all their checkpoints?"
    answer = context.output.ask(f"{question} [y/N] ")
    if not answer:
        return None
    return answer.strip().lower() in ("y", "yes")


def change_existing(args: argparse.Namespace, context: CliContext, verb: str) -> int:
    """Run a verb on existing pixels."""
    chosen = select(args, context)
    return change(args, context, verb, desired_states(verb, chosen), chosen.missing)


def select(args: argparse.Namespace, context: CliContext) -> targets.Targets:
    """Return the pixels that the command line names."""
    return targets.find(context.pixels, args.names, everything=args.all)


def desired_states(verb: str, chosen: targets.Targets) -> list[PixelSpec]:
    """Return the specifications that a verb applies to existing pixels."""
    return [PixelSpec(each.name, state=STATES[verb]) for each in chosen.found]


def change(
    args: argparse.Namespace,
    context: CliContext,
    verb: str,
    wanted: t.Sequence[PixelSpec],
    missing: t.Sequence[PixelsError] = (),
) -> int:
    """Apply the specifications, several at a time, and print the results. Return the exit status."""
    if not wanted:
        return report(context, verb, [], missing)
    options = ApplyOptions(
        stop_timeout=getattr(args, "stop_timeout", 30),
        # For destroy, --force skips the confirmation.
        force=verb != "destroy" and getattr(args, "force", False),
        wait="none" if getattr(args, "wait", None) == "none" else "running",
        ssh_port=context.ssh.port,
    )
    members = [fleet.Member(each, options, OPERATION_TIMEOUT_S) for each in wanted]
    bare = [each.name.bare for each in wanted]
    what = bare[0] if len(bare) == 1 else f"{len(bare)} pixels"
    with context.output.progress(f"{DOING[verb]} {what}...") as progress:
        try:
            ended = run_interruptibly(lambda: apply_members(context, verb, members, args, progress))
        except KeyboardInterrupt:
            progress.make_room()
            try:
                print_interrupted_state(args, context, verb, bare)
            finally:
                # A normal exit would wait for the thread.
                exit_immediately()
    for each in ended:
        remember(context, verb, each)
    ssh_config.keep_up_to_date(context)
    return report(context, verb, ended, missing)


def run_interruptibly(work: t.Callable[[], T]) -> T:
    """Run `work` in a thread, so that Ctrl-C raises `KeyboardInterrupt` immediately."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 (raised again below)
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(POLL_INTERVAL_S)
    if errors:
        raise errors[0]
    return results[0]


def apply_members(
    context: CliContext, verb: str, members: t.Sequence[fleet.Member], args: argparse.Namespace, progress: Progress
) -> list[VerbResult]:
    """Apply a verb to pixels, several at the same time, and return the result of each."""
    from concurrent.futures import ThreadPoolExecutor

    pixels, wait = context.pixels, getattr(args, "wait", None)
    plans = fleet.plan(pixels, members, concurrency=CONCURRENCY, warn=context.output.warn)
    limit = threading.Semaphore(CONCURRENCY)

    def apply_one(planned: fleet.Planned) -> VerbResult:
        with limit:
            began = time.monotonic()
            outcome = fleet.apply(pixels, [planned], concurrency=1, say=lambda text: show_step(progress, text))[0]
        container, warning = outcome.container, None
        if (
            container
            and container.running
            and not outcome.error
            and verb in SSH_TIMEOUT_S
            and wait not in ("none", "running")
        ):
            progress.update(f"{planned.name}: running, waiting for its address")
            container, warning = wait_until_reachable(
                context, verb, container, wait, provisioned=planned.member.spec.provision
            )
        return VerbResult(planned.name, outcome, time.monotonic() - began, container, warning)

    # Waiting for a pixel puts no load on the NAS, so more threads than CONCURRENCY may wait.
    with ThreadPoolExecutor(max_workers=CONCURRENCY + fleet.MAX_WAITING) as pool:
        return list(pool.map(apply_one, plans))


def show_step(progress: Progress, text: str) -> None:
    """Show the progress of a job. Its last step is not shown, because the result follows."""
    name, _colon, step = text.partition(": ")
    if " % " in step and not step.startswith("100 % "):
        progress.update(f"{name}: {step.removeprefix('0 % ')}")


def wait_until_reachable(
    context: CliContext, verb: str, container: Container, wait: str | None, *, provisioned: object
) -> tuple[Container, str | None]:
    """Wait for an address, and for SSH if the pixel was provisioned or its host key is known.

    Return the container and, after a timeout, a warning.
    """
    pixels = context.pixels
    context.ssh_answers.forget(container.name)
    try:
        found = readiness.wait_for(pixels, container.name, "address", deadline=Deadline(ADDRESS_TIMEOUT_S))
    except TimedOut as error:
        return container, text_of(error)
    container = found or container
    expected = provisioned or context.host_keys.find(known_hosts.alias(container.name, pixels.nas))
    if container.address and (wait == "ssh" or (wait is None and expected)):
        where = f"{container.name.bare} on {pixels.nas}"
        answered = False
        try:
            readiness.wait_for_ssh(where, container.address, context.ssh.port, deadline=Deadline(SSH_TIMEOUT_S[verb]))
            answered = True
        except TimedOut as error:
            return container, f"SSH not ready: {text_of(error)}"
        finally:
            context.ssh_answers.note(container.name, container.address, context.ssh.port, answered=answered)
    return container, None


def remember(context: CliContext, verb: str, ended: VerbResult) -> None:
    """Update the caches: note the address, and close connections to a pixel that was stopped or destroyed."""
    full = PixelName.parse(ended.name)
    if verb in ("stop", "restart", "destroy") or (verb == "create" and ended.outcome.result == "created"):
        context.addresses.forget(full)
        control_master.close_connections(full)
    if verb in ("stop", "destroy"):
        context.ssh_answers.forget(full)
    if ended.container and ended.container.running and ended.container.address:
        context.addresses.note(full, ended.container.address)
