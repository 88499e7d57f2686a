# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the files of a user lie that outlive a command; also of users without a home, as in execution environments."""

from __future__ import annotations

import os

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid


def folder(variable: str, *usual: str) -> str:
    """What an XDG variable says, else a folder below the home, else one that only this user can enter.

    Raises C(Invalid) where there is none of them.
    """
    named = os.environ.get(variable)
    if named:
        return named
    home = os.path.expanduser("~")
    if os.path.isabs(home):
        return os.path.join(home, *usual)
    # Neither HOME nor an entry in passwd: it would be a folder named ~, wherever we happen to be.
    from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.rendezvous import NoRendezvous, find

    try:
        return os.path.join(find().folder, *usual)
    except NoRendezvous as error:
        problem = f"there is no place for the files of this user ({error})"
    raise Invalid(f"{problem}: set HOME or {variable}", fields=((None, problem),))
