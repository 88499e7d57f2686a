# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a verb is carried out: the NAS that is meant, and what is known of its pixels here."""

from __future__ import annotations

import typing as t
from functools import cached_property

from ansible_collections.pixels.truenas.plugins.module_utils._pixel import secrecy, settings

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._command.output import Output
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.addresses import Addresses
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.host_keys import HostKeys
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

# The global options, by the settings they are.
OPTIONS = {
    "host": "host",
    "api_key": "api_key",
    "api_key_file": "api_key_file",
    "username": "username",
    "config": "config",
    "profile": "nas",
    "transport": "transport",
}


class Place:
    """Everything in it is found when it is first asked for: a command that needs no NAS speaks to none."""

    def __init__(self, asked: object, output: Output) -> None:
        """C(asked) has what the command line says, as attributes."""
        self._asked = asked
        self.output = output
        if self.given("api_key"):
            output.warn("other users of this machine can see the options of a command: give --api-key-file instead")

    def given(self, option: str) -> t.Any:
        """What the command line says of an option; None for nothing."""
        return getattr(self._asked, OPTIONS[option], None) or None if option in OPTIONS else None

    @property
    def by_options(self) -> bool:
        """Whether the command line says anything of where to go."""
        return any(self.given(option) for option in OPTIONS)

    @cached_property
    def survey(self) -> settings.Survey:
        return settings.survey(self.given)

    @cached_property
    def ssh(self) -> settings.Ssh:
        return settings.ssh(self.survey)

    @cached_property
    def nas(self) -> str:
        """How messages name the NAS."""
        return settings.endpoint(self.survey).nas

    @cached_property
    def settings(self) -> settings.Settings:
        return settings.settle(self.survey)

    @cached_property
    def host_keys(self) -> HostKeys:
        from ansible_collections.pixels.truenas.plugins.module_utils._pixel.host_keys import HostKeys

        return HostKeys()

    @cached_property
    def addresses(self) -> Addresses:
        from ansible_collections.pixels.truenas.plugins.module_utils._pixel.addresses import Addresses

        return Addresses(self.nas)

    @cached_property
    def session(self) -> Wire:
        """With the NAS; it is open until this process ends."""
        from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.opening import open_session

        settled = self.settings
        exposed = secrecy.warning(self.survey)
        if exposed:
            self.output.warn(exposed)
        self.output.detail(self._where())
        session = open_session(
            settled.endpoint,
            settled.credential,
            settled.timeouts,
            self.output.complain,
            mode=settled.session,
            idle=settled.session_idle,
        )
        if not self.output.verbose:
            return session
        from ansible_collections.pixels.truenas.plugins.module_utils._command.talking import Talking

        return Talking(session, self.output.detail)

    def _where(self) -> str:
        settled, survey = self.settings, self.survey
        file = survey.file.path if survey.file.exists else "no configuration file"
        profile = f", profile {survey.profile}" if survey.profile else ""
        how = "of this process alone" if settled.session == "direct" else "shared with other processes, where possible"
        return f"{settled.endpoint.nas} as {settled.credential.username}, by {file}{profile}; the session is {how}"

    @cached_property
    def pixels(self) -> Pixels:
        """The pixels of the NAS."""
        from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels

        return Pixels(self.session, defaults=self.settings.defaults, dataset_prefix=self.settings.dataset_prefix)
