# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb completion: print a script that completes verbs, options and their values, pixels, labels and profiles.

The scripts run `pixels --complete WORD...`, which prints the candidates (completion_candidates.py).
"""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output

COMPLETE = "--complete"
"""The option that precedes the words of a command line, of which the final one is to be completed."""

# Errors would clutter the prompt.
BASH = f"""\
_pixels() {{
    local IFS=$'\\n'
    COMPREPLY=($(pixels {COMPLETE} "${{COMP_WORDS[@]:1:COMP_CWORD}}" 2>/dev/null))
    [ "${{#COMPREPLY[@]}}" -ne 1 ] || [ ! -d "${{COMPREPLY[0]}}" ] || compopt -o nospace
    [ "${{COMPREPLY[0]%:}}" = "${{COMPREPLY[0]}}" ] || compopt -o nospace
}}
complete -F _pixels pixels
"""

ZSH = f"""\
#compdef pixels
_pixels() {{
    local -a candidates
    candidates=("${{(@f)$(pixels {COMPLETE} "${{(@)words[2,CURRENT]}}" 2>/dev/null)}}")
    compadd -a candidates
}}
compdef _pixels pixels
"""

FISH = f"""\
function __pixels_candidates
    set -l words (commandline -opc) (commandline -ct)
    pixels {COMPLETE} $words[2..-1] 2>/dev/null
end
complete -c pixels -f -a "(__pixels_candidates)"
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def show(args: argparse.Namespace, output: Output) -> int:
    """Print the script for a shell."""
    output.document(SCRIPTS[args.shell])
    return 0
