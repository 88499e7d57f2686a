# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parser of a verb, and the options that all verbs share."""

from __future__ import annotations

import argparse
import os
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.safe_text import safe_text


class HelpFormatter(argparse.HelpFormatter):
    """The formatter of argparse, with a width that takes fewer imports to find out. A parser creates many."""

    def __init__(self, prog: str, **settings: t.Any) -> None:
        super().__init__(prog, **{"width": columns() - 2, **settings})


def columns() -> int:
    """Return the width of the terminal, as `shutil.get_terminal_size` does."""
    try:
        return int(os.environ.get("COLUMNS", "")) or 80
    except ValueError:
        pass
    try:
        return os.get_terminal_size(1).columns or 80
    except OSError:
        return 80


class VerbParser(argparse.ArgumentParser):
    """A parser that remembers its options, its arguments and its verbs, for the completion in shells.

    argparse has no public way to list them.
    """

    def __init__(self, **settings: t.Any) -> None:
        self.options: dict[str, argparse.Action] = {}
        """By flag. A later option replaces an earlier one with the same flag, as `conflict_handler="resolve"` does."""
        self.positionals: list[argparse.Action] = []
        self.inner: dict[str, VerbParser] = {}
        """The parsers of verbs or actions, by name and alias."""
        super().__init__(**{"formatter_class": HelpFormatter, **settings})

    def error(self, message: str) -> t.NoReturn:
        """Exit with a usage error, whose text may quote words that a program made of the output of a pixel."""
        super().error(safe_text(message))

    def add_argument(self, *flags: t.Any, **settings: t.Any) -> argparse.Action:
        """Add an argument and remember it."""
        return self.remember(super().add_argument(*flags, **settings))

    def remember(self, action: argparse.Action) -> argparse.Action:
        """Remember an argument that was added to a group of this parser."""
        self.options.update(dict.fromkeys(action.option_strings, action))
        if not action.option_strings:
            self.positionals.append(action)
        return action


class Verb(t.NamedTuple):
    """The help text of a verb, its function as `module:name`, and the function that adds its options."""

    help: str
    function: str
    add: t.Callable[[VerbParser], None]


def add_verb(parser: VerbParser, verbs: t.Any, name: str, verb: Verb, *, aliases: t.Sequence[str] = ()) -> None:
    """Add a verb or an action to `parser`, whose subparsers are `verbs`."""
    own: VerbParser = verbs.add_parser(
        name,
        # With exec, -u is the user in the pixel; the account on the NAS is --username there.
        conflict_handler="resolve" if name == "exec" else "error",
        help=verb.help,
        description=f"{verb.help}.",
        aliases=aliases,
    )
    # Global options are valid after the verb as well, where their defaults must not override what precedes it.
    add_global_options(own, argparse.SUPPRESS)
    parser.inner.update(dict.fromkeys((name, *aliases), own))
    own.set_defaults(verb=name, function=verb.function, parser=own)
    verb.add(own)


def add_actions(own: VerbParser, actions: t.Mapping[str, Verb]) -> None:
    """Add the actions of a verb, such as `checkpoint create`."""
    # Without prog, argparse would format the help of the verb for each action.
    inner = own.add_subparsers(required=True, metavar="ACTION", title="actions", prog=own.prog)
    for name, action in actions.items():
        add_verb(own, inner, name, action)


def add_global_options(own: VerbParser, default: str | None) -> None:
    """Add the options that all verbs share."""
    group = own.add_argument_group("connection and output")
    switch = {"action": "store_true", "default": default or False}

    def add(*flags: str, **settings: t.Any) -> None:
        own.remember(group.add_argument(*flags, **{"default": default, **settings}))

    add("--host", help="TrueNAS host")
    add("-u", "--username", help="account on the NAS")
    add("--api-key", metavar="KEY", help="API key of the account; visible to other users of this machine")
    add("--api-key-file", metavar="FILE", help="file with the API key of the account")
    add("--config", metavar="FILE", help="configuration file")
    add("--nas", metavar="NAME", help="profile [nas.NAME] of the configuration file")
    add("-v", "--verbose", help="show the calls to the NAS and the transport", **switch)
    add("--json", help="print JSON", **switch)
    add("--no-color", help="print without colors and progress animation", **switch)


def clones_option(own: VerbParser) -> None:
    """Add `--clones`."""
    own.add_argument(
        "--clones",
        choices=("refuse", "promote", "leave"),
        default="refuse",
        help="what to do if pixels were cloned from it (default: refuse)",
    )
