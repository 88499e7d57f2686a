# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb completion: lets a shell complete verbs, options and the names of pixels."""

from __future__ import annotations

import argparse
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._command import arguments

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._command.output import Output

# The names of pixels are asked of the NAS, quietly: a prompt is no place for errors.
NAMES = "pixels list --quiet 2>/dev/null"

BASH = """\
_pixels() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} verb= next= index
    for ((index = 1; index < COMP_CWORD; index++)); do
        case ${{COMP_WORDS[index]}} in
            -*) ;;
            *) if [ -z "$verb" ]; then verb=${{COMP_WORDS[index]}}; else next=${{COMP_WORDS[index]}}; fi ;;
        esac
    done
    case $verb in
        '') COMPREPLY=($(compgen -W "{verbs} {options}" -- "$word")) ;;
{cases}
    esac
}}
complete -F _pixels pixels
"""

ZSH = """\
#compdef pixels
autoload -U +X bashcompinit && bashcompinit
{bash}"""

FISH = """\
complete -c pixels -f
complete -c pixels -n __fish_use_subcommand -a "{verbs}"
{lines}
"""


def show(asked: argparse.Namespace, output: Output) -> int:
    text = {"bash": bash, "zsh": lambda: ZSH.format(bash=bash()), "fish": fish}[asked.shell]()
    if output.json:
        output.give({"text": text})
    else:
        output.say(text.rstrip("\n"))
    return 0


class Known(t.NamedTuple):
    """What can follow a verb."""

    options: list[str]
    actions: list[str]
    names: bool


def known() -> dict[str, Known]:
    """Read off the parsers themselves, so that nothing can be missing."""
    return {name: what_follows(parser) for name, parser in choices(arguments.parser()).items()}


def choices(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found: dict[str, argparse.ArgumentParser] = action.choices
            return found
    return {}


def what_follows(parser: argparse.ArgumentParser) -> Known:
    options = sorted(
        option for action in parser._actions for option in action.option_strings if option.startswith("--")
    )
    positional = [action for action in parser._actions if not action.option_strings]
    words = [str(word) for action in positional if action.choices for word in action.choices]
    takes_names = any(action.dest in ("name", "names", "source") for action in positional)
    inner = choices(parser).values()
    return Known(options, words, takes_names or any(what_follows(each).names for each in inner))


def bash() -> str:
    cases = []
    for name, follows in known().items():
        words = " ".join([*follows.options, *follows.actions])
        if follows.actions and follows.names:
            first, rest = " ".join(follows.actions), f"$({NAMES})"
            cases.append(
                f'        {name}) if [ -z "$next" ]; then COMPREPLY=($(compgen -W "{first}" -- "$word")); '
                f'else COMPREPLY=($(compgen -W "{rest}" -- "$word")); fi ;;'
            )
            continue
        more = f" $({NAMES})" if follows.names and name != "create" else ""
        cases.append(f'        {name}) COMPREPLY=($(compgen -W "{words}{more}" -- "$word")) ;;')
    top = sorted(option for action in arguments.parser()._actions for option in action.option_strings)
    options = " ".join(option for option in top if option.startswith("--"))
    return BASH.format(verbs=" ".join(known()), options=options, cases="\n".join(cases))


def fish() -> str:
    lines: list[str] = []
    for name, follows in known().items():
        seen = f'-n "__fish_seen_subcommand_from {name}"'
        lines.extend(f"complete -c pixels {seen} -l {option.removeprefix('--')}" for option in follows.options)
        if follows.actions:
            lines.append(f'complete -c pixels {seen} -a "{" ".join(follows.actions)}"')
        if follows.names and name != "create":
            lines.append(f'complete -c pixels {seen} -a "({NAMES})"')
    return FISH.format(verbs=" ".join(known()), lines="\n".join(lines))
