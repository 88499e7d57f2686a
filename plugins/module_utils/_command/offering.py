# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can stand at a place of a command line: for shells that complete it."""

from __future__ import annotations

import argparse
import glob
import os
import types
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._command import arguments
from ansible_collections.pixels.truenas.plugins.module_utils._command.place import Place

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._command.output import Output

PIXELS = ("name", "names", "source", "first")
FILES = ("config", "api_key_file")
# Of these the names are new ones.
MAKING = ("changing:create", "checkpointing:clone")


def offer(words: t.Sequence[str], output: Output) -> int:
    """Print what the last word can become, a line each; nothing where that cannot be known."""
    *before, last = words or [""]
    if last == "=":
        last = ""
    line = Line(arguments.parser())
    for word in before:
        line.read(word)
    try:
        found = [each for each in line.candidates(last, output) if each.startswith(last)]
    except PixelsError:
        found = []
    for each in sorted(set(found)):
        output.say(each)
    return 0


class Line:
    """A command line as far as it has been read."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._parser = parser
        self._positional: list[str] = []
        self._options: dict[str, str] = {}
        self._waiting: argparse.Action | None = None
        """An option whose value comes next."""
        self._ended = False
        """What follows is a command to run."""

    def read(self, word: str) -> None:
        if self._waiting and word == "=":
            # bash makes a word of it.
            return
        if self._waiting:
            self._options[self._waiting.dest] = word
            self._waiting = None
        elif word == "--" or self._runs_a_command():
            self._ended = True
        elif word.startswith("-"):
            name, equals, value = word.partition("=")
            action = self._parser._option_string_actions.get(name)
            if action and equals:
                self._options[action.dest] = value
            elif action and action.nargs != 0:
                self._waiting = action
        elif inner := inner_of(self._parser):
            self._parser = inner.get(word, self._parser)
        else:
            self._positional.append(word)

    def candidates(self, last: str, output: Output) -> t.Iterable[str]:
        if self._waiting:
            return self._values(self._waiting, last, output)
        if self._ended or self._runs_a_command():
            return []
        if last.startswith("-"):
            return [name for name in self._parser._option_string_actions if name.startswith("--")]
        if inner := inner_of(self._parser):
            return list(inner)
        wanted = [action for action in self._parser._actions if not action.option_strings]
        if not wanted:
            return []
        return self._values(wanted[min(len(self._positional), len(wanted) - 1)], last, output)

    def _runs_a_command(self) -> bool:
        """Without C(--) only one word is the name of a pixel: all others are the command."""
        return self._parser.get_default("function") == "running:execute" and bool(self._positional)

    def _values(self, action: argparse.Action, last: str, output: Output) -> t.Iterable[str]:
        if action.choices:
            return [str(each) for each in action.choices]
        if action.dest in FILES:
            return [path + os.sep * os.path.isdir(path) for path in glob.glob(f"{glob.escape(last)}*")]
        place = Place(types.SimpleNamespace(**self._options), output)
        if action.dest == "nas":
            return place.survey.file.profiles
        if action.dest == "label" and self._positional:
            return labels(place, self._positional[0])
        if action.dest not in PIXELS or (action.dest == "names" and self._parser.get_default("function") in MAKING):
            return []
        return [name for name in pixels(place) if name not in self._positional]


def inner_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The verbs or actions below a parser, by their names."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found: dict[str, argparse.ArgumentParser] = action.choices
            return found
    return {}


def pixels(place: Place) -> list[str]:
    from ansible_collections.pixels.truenas.plugins.module_utils._command import quick
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas import at_once

    return [name.removeprefix(quick.PREFIX) for name in at_once.names(place.session, quick.PREFIX)]


def labels(place: Place, name: str) -> list[str]:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel import checkpoints

    return [each.label for each in checkpoints.of(place.pixels, place.pixels.get(name))]
