# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Candidates for the word that a shell completes.

The parsers answer what can follow. shtab generates static scripts, which know no names of pixels and no labels, and
argcomplete would be a dependency at run time; both need code for those names as well.
"""

from __future__ import annotations

import glob
import os
import types
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._cli import arguments
from ansible_collections.pixels.truenas.plugins.module_utils._cli.context import CliContext

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output
    from ansible_collections.pixels.truenas.plugins.module_utils._cli.verb_parser import VerbParser

# Arguments by what they take.
PIXELS = ("name", "names", "source", "first")
FILES = ("config", "api_key_file")
PATHS = ("sources", "destination")
PRESETS = ("presets", "network_presets")

CREATING = ("lifecycle_verbs:create", "checkpoint_verb:clone")
"""Functions of the verbs whose names are those of new pixels."""


def offer(words: t.Sequence[str], output: Output) -> int:
    """Print the candidates for the final word, one per line; none where they cannot be determined."""
    *before, last = words or [""]
    if last == "=":
        last = ""
    line = CommandLine(arguments.parser())
    for word in before:
        line.read(word)
    try:
        found = [each for each in line.candidates(last, output) if each.startswith(last)]
    except PixelsError:
        found = []
    for each in sorted(set(found)):
        output.say(each)
    return 0


class CommandLine:
    """A command line as far as it has been read."""

    def __init__(self, parser: VerbParser) -> None:
        self._parser = parser
        self._positional: list[str] = []
        self._options: dict[str, str] = {}
        self._waiting: argparse.Action | None = None
        """The option whose value is the next word."""
        self._ended = False
        """Whether the words that follow are a command to run."""

    def read(self, word: str) -> None:
        """Read the next complete word."""
        if self._waiting and word == "=":
            # bash splits words at the equals sign.
            return
        if self._waiting:
            self._options[self._waiting.dest] = word
            self._waiting = None
        elif word == "--" or self._runs_a_command():
            self._ended = True
        elif word.startswith("-"):
            name, equals, value = word.partition("=")
            action = self._parser.options.get(name)
            if action and equals:
                self._options[action.dest] = value
            elif action and action.nargs != 0:
                self._waiting = action
        elif self._parser.inner:
            self._parser = self._parser.inner.get(word, self._parser)
        else:
            self._positional.append(word)

    def candidates(self, last: str, output: Output) -> t.Iterable[str]:
        """Return what `last` can become, and more."""
        if self._waiting:
            return self._values(self._waiting, last, output)
        if self._ended or self._runs_a_command():
            return []
        if last.startswith("-"):
            return [name for name in self._parser.options if name.startswith("--")]
        if self._parser.inner:
            return list(self._parser.inner)
        expected = self._parser.positionals
        if not expected:
            return []
        return self._values(expected[min(len(self._positional), len(expected) - 1)], last, output)

    def _runs_a_command(self) -> bool:
        """Return whether the next word belongs to a command: without `--`, only the first word is a name."""
        return self._parser.get_default("function") == "exec_verb:execute" and bool(self._positional)

    def _values(self, action: argparse.Action, last: str, output: Output) -> t.Iterable[str]:
        if action.choices:
            return [str(each) for each in action.choices]
        if action.dest in FILES:
            return files(last)
        if action.dest in PRESETS:
            from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import presets

            return presets.NAMES
        context = CliContext(types.SimpleNamespace(**self._options), output)
        if action.dest == "nas":
            return context.resolved.file.profiles
        if action.dest == "bases":
            return bases(context)
        if action.dest == "label" and self._positional:
            return labels(context, self._positional[0])
        if action.dest in PATHS:
            return self._paths(action.dest, last, context)
        if action.dest not in PIXELS or (action.dest == "names" and self._parser.get_default("function") in CREATING):
            return []
        return [name for name in pixels(context) if name not in self._positional]

    def _paths(self, dest: str, last: str, context: CliContext) -> list[str]:
        """Return paths: with push, the last one is in a pixel; with pull, all but the last are.

        Any path from the second on can be the last.
        """
        is_push = self._parser.get_default("verb") == "push"
        are_files = is_push or bool(self._positional)
        are_pixels = (not is_push or dest == "destination") and os.sep not in last
        return [*(files(last) if are_files else []), *(f"{name}:" for name in (pixels(context) if are_pixels else []))]


def files(last: str) -> list[str]:
    """Return the local paths that start with `last`."""
    return [path + os.sep * os.path.isdir(path) for path in glob.glob(f"{glob.escape(last)}*")]


def pixels(context: CliContext) -> list[str]:
    """Return the names of all pixels."""
    from ansible_collections.pixels.truenas.plugins.module_utils._cli import list_table
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas import quick_list

    return [name.removeprefix(list_table.PREFIX) for name in quick_list.list_names(context.session, list_table.PREFIX)]


def bases(context: CliContext) -> list[str]:
    """Return the names of all bases that have a recipe."""
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes.book import RecipeBook

    return RecipeBook(context.resolved.bases).names()


def labels(context: CliContext, name: str) -> list[str]:
    """Return the labels of the checkpoints of a pixel."""
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import checkpoints

    return [each.label for each in checkpoints.list_checkpoints(context.pixels, context.pixels.get(name))]
