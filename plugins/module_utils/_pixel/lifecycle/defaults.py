# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Complete the specification of a new pixel with defaults: from the settings, or from the source of a clone."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning.source import (
    Origin,
    SourceCache,
    image_alias,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.defaults import Defaults, EgressDefaults
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import (
    base_recipes,
    device_changes,
    network,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import RUNNING_STATES, display_value
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import lifetime
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.spec import (
    with_default_devtools,
    with_default_dns,
    with_default_environment,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import SEGMENT, Nic

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.policy import EgressPolicy
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import CurrentState, PixelSpec
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.spec import ProvisionSpec


def resolve_defaults(
    pixels: Pixels,
    spec: PixelSpec,
    found: CurrentState | None,
    *,
    default_nic: t.Callable[[], Nic | None],
    sources: SourceCache | None = None,
) -> PixelSpec:
    """Return the specification with defaults for a new container. Raises `Invalid` for what the NAS does not have.

    `default_nic` returns the interface if neither the specification nor the settings name one. Pass the same `sources`
    for several pixels to read each source of clones once.
    """
    if spec.provision and spec.state not in RUNNING_STATES:
        problem = "provisioning requires a running pixel. Set state to started or restarted"
        raise Invalid.in_field("provision", f"cannot provision {spec.name.bare}", problem)
    if spec.state == "absent":
        return spec
    if spec.provision:
        # Checked before anything is created: variables that cannot be written, and tools that no lock has.
        with_default_environment(pixels, spec.provision)
        reject_unknown_tools(pixels, spec.provision)
    reject_past_lifetime(pixels, spec, found)
    reject_unsupported_limits(pixels, spec)
    is_on_segment = spec.nic is not None and spec.nic.type == SEGMENT
    if spec.nic and is_on_segment:
        spec = replace(spec, nic=network.resolve_segment(pixels, spec.nic))
    if spec.nic and display_value("nic", found and found.nic) != display_value("nic", spec.nic):
        if is_on_segment:
            network.reject_open_segment(pixels, spec.nic)
        else:
            network.reject_unknown_parent(pixels, spec.nic)
    device_changes.reject(pixels, spec, found)
    spec = base_recipes.resolve(pixels, spec, found.container if found else None)
    if found:
        # Creation was interrupted before autostart was set.
        is_pending = found.container.metadata.pending == "autostart" and spec.autostart is None
        return replace(spec, autostart=True) if is_pending else spec
    if spec.origin and not spec.setup:
        return inherit_from_source(pixels, spec, spec.origin, sources or SourceCache(pixels), default_nic=default_nic)
    defaults = pixels.defaults
    pools = pixels.containers.pools()
    pool = spec.pool or defaults.pool
    if pool and pools and pool not in pools:
        problem = f"{pixels.nas} has containers on {', '.join(pools)} only"
        raise Invalid.in_field("storage_pool", f"cannot use the storage pool {pool!r}", problem)
    nic = spec.nic or network.choose_nic(defaults, default_nic)
    return replace(
        spec,
        image=spec.image or defaults.image,
        cpu=spec.cpu or default_limit(pixels, "cpu"),
        memory=spec.memory or default_limit(pixels, "memory"),
        environment=spec.environment or {},
        autostart=True if spec.autostart is None else spec.autostart,
        pool=pool or (pools[0] if pools else None),
        nic=nic,
        provision=spec.provision and with_defaults(pixels, spec.provision),
        egress=spec.egress or default_egress(pixels, nic),
    )


def with_defaults(pixels: Pixels, spec: ProvisionSpec) -> ProvisionSpec:
    """Return the provisioning of a new pixel with the name servers and tools of the settings."""
    defaults = pixels.defaults
    return with_default_dns(with_default_devtools(spec, defaults.devtools, defaults.devtools_lock), defaults.dns)


def reject_unknown_tools(pixels: Pixels, spec: ProvisionSpec) -> None:
    """Raise `Invalid` for tools that the lock does not have, or for a lock that cannot be read."""
    spec = with_default_devtools(spec, pixels.defaults.devtools, pixels.defaults.devtools_lock)
    if spec.devtools:
        # Only here: most pixels have no devtools, and do not wait for what it imports.
        from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import devtools

        devtools.select(spec.devtools, spec.devtools_lock)


def reject_past_lifetime(pixels: Pixels, spec: PixelSpec, found: CurrentState | None) -> None:
    """Raise `Invalid` for a new lifetime that is over by the clock of the NAS. The recorded one may be."""
    if spec.ttl and lifetime.parse_time(spec.ttl) and not (found and found.container.metadata.ttl == spec.ttl):
        with trying(f"cannot set the lifetime of {spec.name.bare} on {pixels.nas}"):
            lifetime.reject_past("ttl", spec.ttl, pixels.now)


def default_egress(pixels: Pixels, nic: Nic | None) -> EgressPolicy | None:
    """Return the configured egress policy of new pixels, if any. Raises `Invalid`.

    On a segment there may be no network to install the packages over that enforce it.
    """
    if pixels.defaults.egress == EgressDefaults() or (nic is not None and network.is_on_segment(pixels, nic)):
        return None
    # Only here: most pixels have no policy, and do not wait for what it imports.
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import configured_policy

    policy = configured_policy.build(pixels.defaults.egress)
    return policy if policy and policy.enforced else None


def inherit_from_source(
    pixels: Pixels,
    spec: PixelSpec,
    origin: Origin,
    sources: SourceCache,
    *,
    default_nic: t.Callable[[], Nic | None],
) -> PixelSpec:
    """Return the specification of a clone with the settings of its source. Raises `NotFound` for an unknown source."""
    if pixels.containers.no_swap_reason:
        problem = f"cannot clone {spec.name.bare} from {origin} on {pixels.nas}: {pixels.containers.no_swap_reason}"
        raise Unsupported(problem).with_hints(Hint.advice("create it from an image and provision it"))
    source, nic = sources.find(origin, spec.name)
    model = source.container
    if spec.pool and spec.pool != model.pool:
        problem = f"a clone is on the pool of its source, and {model.name.bare} is on {model.pool}"
        raise Invalid.in_field("storage_pool", f"cannot use the storage pool {spec.pool!r}", problem)
    egress = spec.egress
    if egress is None and model.metadata.egress:
        from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import record

        # The checkpoint may be from before the policy of its pixel.
        egress = record.inherited_policy(model)
    nic = spec.nic or nic or network.choose_nic(pixels.defaults, default_nic)
    egress = egress or default_egress(pixels, nic)
    return replace(
        spec,
        source=source,
        image=spec.image or image_alias(model) or pixels.defaults.image,
        cpu=spec.cpu or model.cpu,
        memory=spec.memory or model.memory,
        environment=model.environment if spec.environment is None else spec.environment,
        autostart=True if spec.autostart is None else spec.autostart,
        pool=model.pool,
        nic=nic,
        # A clone has the tools of its source.
        provision=spec.provision and with_default_dns(spec.provision, pixels.defaults.dns),
        egress=egress,
    )


def reject_unsupported_limits(pixels: Pixels, spec: PixelSpec) -> None:
    """Raise `Unsupported` for limits that this NAS does not support, before anything is changed."""
    with trying(f"preparing {spec.name.bare} on {pixels.nas}"):
        pixels.containers.reject_limits(cpu=spec.cpu, memory=spec.memory)


def default_limit(pixels: Pixels, name: str) -> t.Any:
    """Return the default of a limit: from the settings, or the built-in one if the NAS supports it (else None)."""
    value = getattr(pixels.defaults, name)
    if value == getattr(Defaults, name):
        try:
            pixels.containers.reject_limits(**{name: value})
        except Unsupported:
            return None
    else:
        with trying(f"cannot apply the setting default_{name}"):
            pixels.containers.reject_limits(**{name: value})
    return value
