# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about an error, as data: a task, the inventory and the command each put it into their own words."""

from __future__ import annotations

import typing as t

Value = t.Union[str, bool, None]

ADVICE, SET, OMIT, STATE, RUN_AGAIN, DELETE_CHECKPOINT = "advice", "set", "omit", "state", "run again", "delete"


class Hint(t.NamedTuple):
    """One thing that the user can do. Build it with the class methods below.

    `purpose` is the rest of the clause, such as "to kill it". All values survive JSON.
    """

    kind: str
    purpose: str
    name: str = ""
    """The option, as tasks call it."""
    value: Value = None
    pixel: str = ""

    @classmethod
    def advice(cls, text: str) -> Hint:
        """Return a clause without options, such as "remove the hold in the TrueNAS web interface"."""
        return cls(ADVICE, text)

    @classmethod
    def option(cls, name: str, value: Value = None, purpose: str = "", *, pixel: str = "") -> Hint:
        """Return the hint to set an option, to `value` where it is not None, of a task for `pixel`."""
        return cls(SET, purpose, name, value, pixel)

    @classmethod
    def omit(cls, name: str, purpose: str = "") -> Hint:
        """Return the hint to leave an option unset."""
        return cls(OMIT, purpose, name)

    @classmethod
    def state(cls, state: str, pixel: str, purpose: str = "") -> Hint:
        """Return the hint to set the state of a pixel to `absent`, `started`, `stopped` or `restarted`."""
        return cls(STATE, purpose, "state", state, pixel)

    @classmethod
    def run_again(cls, purpose: str = "", *, after: str = "") -> Hint:
        """Return the hint to repeat what failed, once `after` (such as "remove the cause") is done."""
        return cls(RUN_AGAIN, purpose, value=after)

    @classmethod
    def delete_checkpoint(cls, pixel: str, label: str) -> Hint:
        """Return the hint to delete a checkpoint that was left behind."""
        return cls(DELETE_CHECKPOINT, "", value=label, pixel=pixel)


Describe = t.Callable[[Hint], str]


def for_task(hint: Hint) -> str:
    """Return a hint as the author of a task or of an inventory reads it."""
    if hint.kind == DELETE_CHECKPOINT:
        clause = f"delete the checkpoint with pixels_checkpoint, name {hint.pixel}, label {hint.value}, state absent"
    elif hint.kind == RUN_AGAIN:
        clause = f"{hint.value}, then run this again" if hint.value else "run this again"
    elif hint.kind == OMIT:
        clause = f"omit {hint.name}"
    elif hint.kind == ADVICE:
        clause = ""
    else:
        value = str(hint.value).lower() if isinstance(hint.value, bool) else hint.value
        clause = f"set {hint.name}: {value}" if value is not None else f"set {hint.name}"
        if hint.pixel:
            clause += f" for {hint.pixel}"
    return f"{clause} {hint.purpose}".strip()


def sentence(hints: t.Iterable[Hint], describe: Describe) -> str:
    """Return a sentence of alternatives without its full stop; empty without hints."""
    joined = ", or ".join(filter(None, map(describe, hints)))
    return joined[:1].upper() + joined[1:]
