# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table env of the configuration file, for playbooks."""

from __future__ import annotations

DOCUMENTATION = r"""
name: environment
short_description: Variables that the configuration file has for pixels
version_added: 1.0.0
author:
  - The pixels.truenas contributors (@pixels-truenas)
description:
  - Reads the table C([env]) of the configuration file of the controller's user. Nothing is asked of a NAS.
  - The role P(pixels.truenas.provision#role) writes into a pixel what it finds there.
options:
  _terms:
    description:
      - With V(image), a dictionary of the variables that are written into pixels.
      - With V(session_names), a list with the names of those that only a session gets. Their values are in no answer.
    choices: [image, session_names]
    required: true
  config:
    description: Path of the configuration file. Left out, E(PIXELS_CONFIG) is used, else the usual place.
    type: path
  profile:
    description: Name of a NAS in the file, whose own variables count for more.
    type: str
    vars:
      - name: pixels_nas_profile
"""

EXAMPLES = r"""
- name: See which variables a pixel would get
  ansible.builtin.debug:
    var: lookup('pixels.truenas.environment', 'image')
"""

RETURN = r"""
_raw:
  description: For each term what it stands for.
  type: list
  elements: raw
"""

import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import environment, settings


class LookupModule(LookupBase):
    """Of a file, so that it is the same for each host of a NAS."""

    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[t.Any]:
        self.set_options(var_options=variables, direct=kwargs)
        try:
            found = settings.survey(self._given).environment
            return [self._answer(term, found) for term in terms]
        except PixelsError as error:
            raise AnsibleLookupError(str(error)) from None

    def _given(self, option: str) -> t.Any:
        return self.get_option(option) if option in ("config", "profile") else None

    def _answer(self, term: str, found: environment.Environment) -> t.Any:
        if term == "image":
            return dict(environment.to_write(found))
        if term == "session_names":
            return list(found.names)
        raise AnsibleLookupError(f"there is no {term!r}: the terms are image and session_names")
