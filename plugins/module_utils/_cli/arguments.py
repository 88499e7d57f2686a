# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse the command line: global options, the verb, its options and, for `exec`, the command to run."""

from __future__ import annotations

import argparse
import importlib
import shlex
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._cli.verb_parser import (
    VerbParser,
    add_global_options,
    add_verb,
)
from ansible_collections.pixels.truenas.plugins.module_utils._cli.verbs import ALIASES, VERBS

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output

    Function = t.Callable[[argparse.Namespace, Output], int]

PACKAGE = "ansible_collections.pixels.truenas.plugins.module_utils._cli"

WITH_VALUE = ("--host", "--api-key", "--api-key-file", "-u", "--username", "--config", "--nas")
"""Global options whose value is the next word."""
HIDDEN = "KEY"


def parse(everything: list[str]) -> argparse.Namespace:
    """Parse a command line. End the process with status 2 and a message on stderr if it is invalid."""
    words, command = split(everything)
    verb = verb_of(words)
    top = parser(only=verb)
    if verb and verb not in {*VERBS, *ALIASES}:
        top.error(unknown(verb))
    args = top.parse_args(words)
    args.words = everything
    if "command" in args:
        complete_command(args, command)
    elif command:
        args.parser.error(f"unexpected arguments after --: {' '.join(command)}")
    chosen = getattr(args, "names", None)
    if chosen and getattr(args, "all", False):
        args.parser.error(f"use either {' '.join(chosen)} or --all")
    if chosen == [] and not args.__dict__.get("all", True) and args.needs_names:
        args.parser.error("no pixel is named. Use a name, a pattern or --all")
    return args


def unknown(verb: str) -> str:
    """Return the message about a verb that does not exist."""
    import difflib

    close = difflib.get_close_matches(verb, [*VERBS, *ALIASES], n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(VERBS)}"
    return f"unknown command {verb!r}; {hint}"


def split(words: list[str]) -> tuple[list[str], list[str]]:
    """Return the words before `--` and those after it, which are the command to run."""
    if "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]


def complete_command(args: argparse.Namespace, command: list[str]) -> None:
    """Separate names from the command: `exec web ls -l`, `exec web db -- uptime`, `exec --all -- uptime`."""
    words = [args.first, *args.command] if args.first else []
    args.names = words if command else [] if args.all else words[:1]
    args.command = command or words[len(args.names) :]
    late = [word for word in args.names if word.startswith("-")]
    if late:
        args.parser.error(f"options must precede the names: {' '.join(late)}")
    if not args.names and not args.all:
        args.parser.error("no pixel is named. Use pixels exec NAME -- COMMAND")
    if not args.command:
        args.parser.error("the command to run is missing. Use pixels exec NAME -- COMMAND")


def again(args: argparse.Namespace) -> str:
    """Return a shell command that repeats this one, without the API key, which other users would see."""
    words = list(args.words)
    for at, word in enumerate(words):
        if word == "--api-key":
            words[at + 1] = HIDDEN
        elif word.startswith("--api-key="):
            words[at] = f"--api-key={HIDDEN}"
    return " ".join(["pixels", *(word if HIDDEN in word else shlex.quote(word) for word in words)])


def command_for_same_nas(args: argparse.Namespace) -> str:
    """Return `pixels` with the options that select the same NAS."""
    words = ["pixels"]
    for option, value in (
        ("--nas", args.nas),
        ("--host", args.host),
        ("--username", args.username),
        ("--api-key", args.api_key and HIDDEN),
        ("--api-key-file", args.api_key_file),
        ("--config", args.config),
    ):
        if value:
            words += [option, value if value == HIDDEN else shlex.quote(value)]
    return " ".join(words)


def verb_of(words: t.Sequence[str]) -> str | None:
    """Return the first word that is neither a global option nor the value of one."""
    rest = iter(words)
    for word in rest:
        if word in WITH_VALUE:
            next(rest, None)
        elif not word.startswith("-"):
            return word
    return None


def function_of(args: argparse.Namespace) -> Function:
    """Import and return the function of the verb."""
    module, _colon, name = args.function.partition(":")
    found: Function = getattr(importlib.import_module(f"{PACKAGE}.{module}"), name)
    return found


class ShowVersion(argparse.Action):
    """Print the version and exit. It is read only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_words: t.Any, **_option: t.Any) -> None:
        """Print the version and exit."""
        from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import write
        from ansible_collections.pixels.truenas.plugins.module_utils._cli.version_verb import version

        write(f"pixels {version()}\n")
        parser.exit()


def parser(*, only: str | None = None) -> VerbParser:
    """Return the parser of all verbs, or of the verb `only`: to build them all takes longer than to run most verbs."""
    top = VerbParser(prog="pixels", description="Disposable Linux containers on TrueNAS.")
    top.add_argument("--version", action=ShowVersion, nargs=0, help="show the version of the command")
    add_global_options(top, None)
    verbs = top.add_subparsers(required=True, metavar="VERB", title="verbs", prog="pixels")
    only = ALIASES.get(only or "", only)
    for name, verb in {only: VERBS[only]}.items() if only in VERBS else VERBS.items():
        add_verb(top, verbs, name, verb, aliases=[alias for alias, full in ALIASES.items() if full == name])
    return top
