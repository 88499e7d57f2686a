# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an error tells the writer of a task, as somebody at a prompt would say it."""

from __future__ import annotations

import re

# Options of tasks, and what they are on a command line. Where there is none, the words are left as they are.
FLAGS = (
    (r"\bdiscard_newer: true\b", "--discard-newer"),
    (r"\bsafety: true\b", "--safety"),
    (r"\bset clones: (promote|leave)\b", r"give --clones \1"),
    (r"\bclones: (promote|leave|refuse)\b", r"--clones \1"),
    (r"\bforce: true\b", "--force"),
    (r"\bwith stop_timeout\b", "with --stop-timeout"),
    (r"\bremove (it|what is left) with state absent\b", r"remove \1 with pixels destroy"),
    (r"\bwith state absent\b", "with pixels destroy"),
    (r"\bfrom: ([A-Za-z0-9-]+)@(\S+)", r"--from \1:\2"),
    (r"\bfrom: ([A-Za-z0-9-]+)", r"--from \1"),
    (r"\bRun this again\b", "Run the same command again"),
    (r"\bgive the option (host|username)\b", r"give --\1"),
    (r"\bgive the option api_key\b", "give --api-key-file"),
    (r"\bchoose one with PIXELS_NAS\b", "choose one with --nas"),
    (r"\(option nic skips this\)", "(defaults.parent in the configuration skips this)"),
    (r"\bName an interface with the option nic\b", "Name one with defaults.parent in the configuration"),
    (r"\bat the option nic\b", "at defaults.parent in the configuration"),
    (r"\(option provision\)", "(pixels create does that, where it finds a public key)"),
    (r"\bor leave the option out\b", "or ask for it as it is"),
)


def for_a_prompt(text: str) -> str:
    for found, said in FLAGS:
        text = re.sub(found, said, text)
    return text
