# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look up the table `[env]` of the configuration file."""

from __future__ import annotations

DOCUMENTATION = r"""
name: environment
short_description: Look up the variables for pixels in the configuration file
version_added: 1.0.0
author:
  - The pixels.truenas contributors (@pixels-truenas)
description:
  - Reads the table C([env]) of the configuration file of the user on the controller. Does not connect to a NAS.
  - The role P(pixels.truenas.provision#role) sets these variables in a pixel.
options:
  _terms:
    description:
      - V(image) returns a dictionary of the variables that provisioning writes into pixels.
      - V(session_names) returns a list of the names of variables that only a session sets. Their values are never
        returned.
    choices: [image, session_names]
    required: true
  config:
    description:
      - Path of the configuration file.
      - Defaults to E(PIXELS_CONFIG), then C(~/.config/pixels/config.toml).
    type: path
  profile:
    description:
      - Name of a NAS in the file. Its variables override those of the file.
    type: str
    vars:
      - name: pixels_nas_profile
"""

EXAMPLES = r"""
- name: Show the variables that provisioning writes into a pixel
  ansible.builtin.debug:
    var: lookup('pixels.truenas.environment', 'image')
"""

RETURN = r"""
_raw:
  description: One value for each term.
  type: list
  elements: raw
"""

import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import env_table, resolver


class LookupModule(LookupBase):
    """The lookup plugin."""

    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[t.Any]:
        """Return one value for each term."""
        self.set_options(var_options=variables, direct=kwargs)
        try:
            environment = resolver.resolve(self._given).environment
            return [self._value(term, environment) for term in terms]
        except PixelsError as error:
            raise AnsibleLookupError(str(error)) from None

    def _given(self, option: str) -> t.Any:
        return self.get_option(option) if option in ("config", "profile") else None

    def _value(self, term: str, environment: env_table.Environment) -> t.Any:
        if term == "image":
            return dict(env_table.to_write(environment))
        if term == "session_names":
            return list(environment.names)
        raise AnsibleLookupError(f"unknown term {term!r}: use image or session_names")
