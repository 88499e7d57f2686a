# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pixels command: finds the verb, carries it out, and turns errors into sentences and exit statuses."""

from __future__ import annotations

import sys
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._command import arguments
from ansible_collections.pixels.truenas.plugins.module_utils._command.output import FAILED, Output


def main(words: t.Sequence[str] | None = None) -> int:
    """Carry out one verb; the exit status: 0, 1 for an error, 2 for words that make no sense, or that of a command."""
    output = Output()
    return output.ending(lambda: carry_out(sys.argv[1:] if words is None else list(words), output))


def carry_out(words: list[str], output: Output) -> int:
    if words[:1] == ["--complete"]:
        # A shell asks, see completion.py.
        from ansible_collections.pixels.truenas.plugins.module_utils._command import offering

        return offering.offer(words[1:], output)
    asked = arguments.parse(words)
    output.settle(json=asked.json, color=not asked.no_color, verbose=asked.verbose)
    try:
        return int(arguments.function_of(asked)(asked, output))
    except PixelsError as error:
        output.fail(error)
        return FAILED
