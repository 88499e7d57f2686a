# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The egress policy in the metadata of a pixel on the NAS, and its enforcement after a start, a clone or a restore.

The files of a policy are part of the pixel: a restore to an earlier checkpoint brings an earlier policy, or none. The
metadata on the NAS does not change with them.
"""

from __future__ import annotations

import time
import typing as t
from dataclasses import replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    Invalid,
    Refused,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import (
    enforcement,
    inspection,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import (
    policy as policies,
)

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.inspection import GuestState
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.policy import EgressPolicy
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

UPDATE_TIMEOUT_S = 60.0

SHELL_PAUSES_S = (1.0, 3.0, 6.0)
"""Pauses before another shell is opened in the place of a lost one."""


def recorded_policy(kept: str | None) -> EgressPolicy | None:
    """Return the policy in the metadata; None where that has only a digest, or is invalid."""
    if kept is None:
        return policies.EgressPolicy()
    try:
        return policies.from_text(kept)
    except Invalid:
        return None


def inherited_policy(source: Container) -> EgressPolicy | None:
    """Return the policy that a clone has to be under: that of its source. Raises `Unsupported` where it is unknown."""
    if source.metadata.egress is None:
        return None
    policy = recorded_policy(source.metadata.egress)
    if policy is None:
        bare = source.name.bare
        problem = (
            f"the egress policy of {bare} is too long for the metadata on the NAS, so that a clone cannot inherit it"
        )
        raise Unsupported(problem).with_hints(Hint.advice("give the clone a policy of its own"))
    return policy


def inspect(pixels: Pixels, container: Container) -> GuestState:
    """Read which policy a running pixel has."""
    with (
        trying(f"reading the egress policy of {container.name.bare} on {pixels.nas}"),
        root_shell(pixels, container.name) as shell,
    ):
        return inspection.inspect(shell)


def root_shell(pixels: Pixels, name: PixelName) -> WebShellClient:
    """Return a shell of root, which needs no network. Raises `NotFound`, and `Refused` where the pixel is stopped."""
    found = pixels.get(name)
    if not found.running:
        raise Refused(f"{name.bare} is {found.status}").with_hints(Hint.state("started", name.bare))
    return WebShellClient(pixels, found.name)


def plan(container: Container, found: GuestState, wanted: EgressPolicy) -> Change:
    """Compare the policy of a running pixel, in it and in its metadata, with the wanted one.

    Raises `Unsupported` where the pixel can have none.
    """
    return with_record_change(enforcement.plan(found, wanted), container, wanted)


def with_record_change(change: Change, container: Container, wanted: EgressPolicy) -> Change:
    """Return a change that also shows where only the metadata of a pixel lacks the policy."""
    if change.needed or wanted.is_recorded(container.metadata.egress):
        return change
    return Change({**(change.before or {}), "recorded": False}, {**(change.after or {}), "recorded": True})


def enforce(
    pixels: Pixels, name: PixelName, wanted: EgressPolicy, *, check_mode: bool = False, is_new: bool = False
) -> Change:
    """Bring a running pixel to a policy, and record it on the NAS. `name` is the full name.

    Raises what `enforcement.ensure` raises, after it has stopped a pixel that would have had no rules; see
    `enforcement.stopping_on_failure` for `is_new`.
    """
    with trying(f"setting the egress policy of {name.bare} on {pixels.nas}"):
        if check_mode:
            with root_shell(pixels, name) as shell:
                return plan(pixels.get(name), inspection.inspect(shell), wanted)
        with enforcement.stopping_on_failure(pixels, name, is_new=is_new) as guard:
            container = pixels.get(name)
            if wanted.enforced:
                # Before the rules are there: a pixel that is stopped for having none gets them at its next start.
                update_record(pixels, container, wanted)
            change = ensure(pixels, name, guard, wanted)
        if not wanted.enforced:
            update_record(pixels, container, wanted)
    return with_record_change(change, container, wanted)


def ensure(pixels: Pixels, name: PixelName, guard: enforcement.Guard, wanted: EgressPolicy) -> Change:
    """Bring a running pixel to a policy, with another shell where one is lost: while a pixel boots, shells end."""
    for pause in SHELL_PAUSES_S:
        try:
            with root_shell(pixels, name) as shell:
                return enforcement.ensure(shell, guard, wanted)
        except ConnectionFailed:
            time.sleep(pause)
    with root_shell(pixels, name) as shell:
        return enforcement.ensure(shell, guard, wanted)


def update_record(pixels: Pixels, container: Container, policy: EgressPolicy) -> None:
    """Record a policy in the metadata of a pixel, unless it is there already."""
    if policy.is_recorded(container.metadata.egress):
        return

    def keep(kept: str | None) -> None:
        settings = {"environment": container.environment, "metadata": replace(container.metadata, egress=kept)}
        pixels.containers.update(container.name, settings, timeout=UPDATE_TIMEOUT_S)

    try:
        keep(policy.note)
    except Invalid:
        # With its labels, the text would be too long for a description of TrueNAS 26.
        keep(policy.digest)


def declared_policy(container: Container, found: GuestState) -> EgressPolicy | None:
    """Return the policy that was set for a pixel; None where the metadata has a digest only, and the pixel another one.

    What the pixel says of its policy is believed where the metadata on the NAS confirms it.
    """
    policy = recorded_policy(container.metadata.egress)
    if policy is None and found.policy is not None and found.policy.digest == container.metadata.egress:
        return found.policy
    return policy


def drift(policy: EgressPolicy | None, found: GuestState) -> list[str]:
    """Return how a pixel differs from the policy that was set for it."""
    return ["the policy in the pixel is not the one that was set"] if policy is None else found.drift(policy)


def enforce_recorded(pixels: Pixels, name: PixelName, *, is_new: bool = False) -> None:
    """Bring a running pixel to the policy that its metadata has, as after a start or a restore.

    `name` is the full name. Raises what `enforce` raises.
    """
    container = pixels.get(name)
    kept = container.metadata.egress
    if kept is None:
        return
    with (
        trying(f"setting the egress policy of {name.bare} on {pixels.nas}"),
        enforcement.stopping_on_failure(pixels, name, is_new=is_new) as guard,
    ):
        wanted = recorded_policy(kept)
        if wanted is not None:
            ensure(pixels, name, guard, wanted)
            return
        with root_shell(pixels, name) as shell:
            found = inspection.inspect(shell)
        guard.has_rules = bool(found.rules)
        wanted = declared_policy(container, found)
        if wanted is None:
            guard.has_rules = False
            problem = "the policy is too long for the metadata on the NAS, and the one in the pixel is another"
            raise Refused(problem).with_hints(Hint.advice("start it and set its policy again"))
        # Another version of this collection may render the same policy as other files.
        ensure(pixels, name, guard, wanted)
