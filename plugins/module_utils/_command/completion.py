# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb completion: lets a shell complete verbs, options and their values, pixels, labels and profiles.

The shells are only told to ask us: what is right at a place is read off the parsers themselves, by C(offering.py).
"""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._command.output import Output

# What the command is called with by a shell, in front of the words of a line; the last of them is to be completed.
ASKED = "--complete"

# A prompt is no place for errors.
BASH = f"""\
_pixels() {{
    local IFS=$'\\n'
    COMPREPLY=($(pixels {ASKED} "${{COMP_WORDS[@]:1:COMP_CWORD}}" 2>/dev/null))
    [ "${{#COMPREPLY[@]}}" -ne 1 ] || [ ! -d "${{COMPREPLY[0]}}" ] || compopt -o nospace
}}
complete -F _pixels pixels
"""

ZSH = f"""\
#compdef pixels
_pixels() {{
    local -a offered
    offered=("${{(@f)$(pixels {ASKED} "${{(@)words[2,CURRENT]}}" 2>/dev/null)}}")
    compadd -a offered
}}
compdef _pixels pixels
"""

FISH = f"""\
function __pixels_offer
    set -l words (commandline -opc) (commandline -ct)
    pixels {ASKED} $words[2..-1] 2>/dev/null
end
complete -c pixels -f -a "(__pixels_offer)"
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def show(asked: argparse.Namespace, output: Output) -> int:
    text = SCRIPTS[asked.shell]
    if output.json:
        output.give({"text": text})
    else:
        output.say(text.rstrip("\n"))
    return 0
