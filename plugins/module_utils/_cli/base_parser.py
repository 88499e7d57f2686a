# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the verb bases."""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._cli.verb_parser import (
    Verb,
    VerbParser,
    add_actions,
    clones_option,
)


def bases_options(own: VerbParser) -> None:
    """Add the actions of bases."""
    add_actions(
        own,
        {
            "list": Verb("List bases", "base_verb:show_list", lambda _own: None),
            "build": Verb("Build bases", "base_verb:build", build_options),
            "delete": Verb("Destroy bases", "base_verb:delete", delete_options),
        },
    )


def build_options(own: VerbParser) -> None:
    """Add the options of bases build."""
    own.add_argument("bases", nargs="*", metavar="NAME", help="base")
    own.add_argument("--all", action="store_true", help="all bases of the configuration file")
    own.add_argument("--rebuild", action="store_true", help="build them even if their recipes are unchanged")


def delete_options(own: VerbParser) -> None:
    """Add the options of bases delete."""
    own.add_argument("bases", nargs="+", metavar="NAME", help="base")
    own.add_argument("-f", "--force", action="store_true", help="skip the confirmation")
    clones_option(own)
