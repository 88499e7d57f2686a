# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a verb works with: the configuration, the session with the NAS, and the local caches."""

from __future__ import annotations

import typing as t
from functools import cached_property

from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import SHORTEST_SECRET
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import exposure, resolver, schema, settings

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.address_cache import AddressCache
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.known_hosts import KnownHosts
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.ssh_answers import SshAnswers
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

# Names of global options by the settings that they set.
OPTIONS = {
    "host": "host",
    "api_key": "api_key",
    "api_key_file": "api_key_file",
    "username": "username",
    "config": "config",
    "profile": "nas",
    "transport": "transport",
}


class CliContext:
    """Create each part at its first use: a verb that needs no NAS opens no session."""

    def __init__(self, args: object, output: Output) -> None:
        """Take the parsed command line."""
        self._args = args
        self.output = output
        if self.given("api_key"):
            output.warn("other users of this machine can see the API key. Use --api-key-file instead of --api-key")

    def given(self, option: str) -> t.Any:
        """Return the value of a setting on the command line; None if it is not set there."""
        name = option if option in schema.NETWORK else OPTIONS.get(option)
        return getattr(self._args, name, None) or None if name else None

    @property
    def by_options(self) -> bool:
        """Whether the command line sets any connection option."""
        return any(self.given(option) for option in OPTIONS)

    @cached_property
    def resolved(self) -> resolver.ResolvedSettings:
        """Resolve the settings once."""
        return resolver.resolve(self.given)

    @cached_property
    def ssh(self) -> settings.SshSettings:
        """Build the settings for SSH."""
        return settings.build_ssh(self.resolved)

    @cached_property
    def nas(self) -> str:
        """The name of the NAS in messages."""
        return settings.build_endpoint(self.resolved).nas

    @cached_property
    def settings(self) -> settings.Settings:
        """Build the settings for a session. Raises `Invalid`."""
        return settings.build(self.resolved)

    @cached_property
    def host_keys(self) -> KnownHosts:
        """Return the pinned host keys."""
        from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.known_hosts import KnownHosts

        return KnownHosts(warn=self.output.warn)

    @cached_property
    def addresses(self) -> AddressCache:
        """Return the cached addresses of the NAS."""
        from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.address_cache import AddressCache

        return AddressCache(self.nas)

    @cached_property
    def ssh_answers(self) -> SshAnswers:
        """Return the record of SSH servers that responded."""
        from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.ssh_answers import SshAnswers

        return SshAnswers(self.nas)

    @cached_property
    def session(self) -> Wire:
        """The session with the NAS, open until this process ends."""
        from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.open_session import open_session

        settled = self.settings
        secrets = (settled.credential.api_key, settled.credential.password)
        self.output.secrets = [each for each in secrets if each and len(each) >= SHORTEST_SECRET]
        exposed = exposure.warning(self.resolved)
        if exposed:
            self.output.warn(exposed)
        self.output.detail(self._where())
        session = open_session(
            settled.endpoint,
            settled.credential,
            settled.timeouts,
            self.output.error,
            mode=settled.session,
            idle=settled.session_idle,
        )
        if not self.output.verbose:
            return session
        from ansible_collections.pixels.truenas.plugins.module_utils._cli.tracing_wire import TracingWire

        return TracingWire(session, self.output.detail)

    def _where(self) -> str:
        settled, resolved = self.settings, self.resolved
        file = resolved.file.path if resolved.file.exists else "no configuration file"
        profile = f", profile {resolved.profile}" if resolved.profile else ""
        how = "not shared" if settled.session == "direct" else "shared with other processes if possible"
        return f"{settled.endpoint.nas} as {settled.credential.username}, from {file}{profile}; the session is {how}"

    @cached_property
    def pixels(self) -> Pixels:
        """The pixels of the NAS."""
        from ansible_collections.pixels.truenas.plugins.module_utils._api.redaction import masking
        from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels

        return Pixels(
            self.session,
            defaults=self.settings.defaults,
            dataset_prefix=self.settings.dataset_prefix,
            warn=masking(self.output.warn, self.settings.credential),
        )
