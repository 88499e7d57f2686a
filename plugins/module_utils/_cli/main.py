# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pixels command: run a verb, and turn errors into messages and exit statuses."""

from __future__ import annotations

import sys
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._cli import arguments, nas_note, served_verbs
from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import FAILED, Output


def main(words: t.Sequence[str] | None = None, *, leaves_note: bool = True) -> int:
    """Run a verb. Return 0, 1 after an error, 2 for an invalid command line, or the exit status of a command.

    With `leaves_note`, the next verb may run faster (nas_note.py).
    """
    output = Output()
    return output.run(lambda: run_verb(sys.argv[1:] if words is None else list(words), output, leaves_note=leaves_note))


def run_verb(words: list[str], output: Output, *, leaves_note: bool) -> int:
    """Parse the command line and call the function of the verb."""
    if words[:1] == ["--complete"]:
        # For the completion script of a shell (completion.py).
        from ansible_collections.pixels.truenas.plugins.module_utils._cli import completion_candidates

        return completion_candidates.offer(words[1:], output)
    args = arguments.parse(words)
    output.configure(json=args.json, color=not args.no_color, verbose=args.verbose)
    try:
        status = int(arguments.function_of(args)(args, output))
    except PixelsError as error:
        output.fail(error)
        return FAILED
    if leaves_note and served_verbs.includes(words):
        nas_note.write_after(args, output)
    return status
