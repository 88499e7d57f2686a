# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the command writes: tables and sentences for people, JSON for programs, and how far work has come."""

from __future__ import annotations

import os
import sys

# Not from typing: this is loaded for the quickest of commands as well.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import types
    import typing as t

    from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError

    Row = t.Sequence[str]

FAILED = 1
INTERRUPTED = 130

# What an error of it has for the name of a file.
STDOUT = "standard output"

COLORS = {"running": "32", "stopped": "2", "error": "31", "Error:": "31", "Warning:": "33"}
FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
EVERY = 0.1


class Output:
    """Stdout has what was asked for, stderr all the rest. Colors go to terminals only, never where NO_COLOR is set."""

    def __init__(self, *, json: bool = False, color: bool = True) -> None:
        self._progress: Progress | None = None
        self.settle(json=json, color=color)

    def settle(self, *, json: bool, color: bool, verbose: bool = False) -> None:
        """How to write, once it is known."""
        self.json = json
        self.verbose = verbose
        self._color = color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def ending(self, work: t.Callable[[], int]) -> int:
        """The exit status of work, whatever ends it: a reader that has enough, a full disk, Ctrl-C."""
        try:
            try:
                return work()
            finally:
                write("")
        except KeyboardInterrupt:
            return self._end("Interrupted", "Interrupted.", INTERRUPTED)
        except BrokenPipeError:
            forget_what_is_buffered(1)
            return FAILED
        except OSError as error:
            if error.filename == STDOUT:
                forget_what_is_buffered(1)
            said = ": ".join(filter(None, [error.filename and str(error.filename), error.strerror or str(error)]))
            return self._end(type(error).__name__, f"Error: {said}", FAILED)

    def _end(self, kind: str, text: str, status: int) -> int:
        if sys.stderr.isatty() and status == INTERRUPTED:
            # The terminal has shown ^C.
            text = f"\n{text}"
        self.complain(text)
        if self.json:
            try:
                self.give({"error": {"kind": kind, "message": text.strip().removeprefix("Error: ")}})
            except OSError:
                forget_what_is_buffered(1)
        return status

    def say(self, text: str) -> None:
        """A line for people; where JSON is asked for there are none."""
        if not self.json:
            self._write(sys.stdout, text)

    def give(self, value: t.Any) -> None:
        """What is asked for, as JSON."""
        import json

        self._write(sys.stdout, json.dumps(value, indent=2, ensure_ascii=False))

    def complain(self, text: str) -> None:
        """A line beside what is asked for."""
        from ansible_collections.pixels.truenas.plugins.module_utils._command.wording import for_a_prompt

        text = for_a_prompt(text)
        word, _blank, rest = text.partition(" ")
        shown = f"{self.paint(word, sys.stderr)} {rest}" if word in COLORS else text
        self._write(sys.stderr, shown)

    def detail(self, text: str) -> None:
        """A line for those who asked for more (-v)."""
        if self.verbose:
            self.complain(f"# {text}")

    def warn(self, text: str) -> None:
        self.complain(f"Warning: {text}")

    def fail(self, error: PixelsError) -> None:
        self.complain(f"Error: {error}")
        if self.json:
            self.give({"error": failure(error)})

    def table(self, header: Row, rows: t.Sequence[Row]) -> None:
        """Columns with two blanks between them, as upstream's."""
        lines = [header, *rows]
        widths = [max(len(line[column]) for line in lines) + 2 for column in range(len(header) - 1)]
        for line in lines:
            cells = zip(line[:-1], widths, strict=True)
            start = "".join(self.paint(cell, sys.stdout) + " " * (width - len(cell)) for cell, width in cells)
            self.say(start + line[-1])

    def paint(self, word: str, stream: t.TextIO) -> str:
        code = COLORS.get(word if word.endswith(":") else word.lower())
        return f"\033[{code}m{word}\033[0m" if code and self._color and stream.isatty() else word

    def progress(self, text: str) -> Progress:
        """Shows what is being done, for as long as the block runs: moving on a terminal, else a line for each step."""
        self._progress = Progress(text, moving=sys.stderr.isatty() and self._color)
        return self._progress

    def _write(self, stream: t.TextIO, text: str) -> None:
        if self._progress:
            self._progress.make_room()
        if stream is sys.stderr:
            tell(f"{text}\n")
            return
        write(f"{text}\n")


def write(text: str) -> None:
    """Write to stdout. Raises C(OSError) that says so."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, STDOUT) from None


def tell(text: str) -> None:
    """Write to stderr; what is beside the point must not end what is being done."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        forget_what_is_buffered(2)


def forget_what_is_buffered(number: int) -> None:
    """It would be written again at the end, and fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), number)


class Progress:
    """One line on stderr that says what is being done."""

    def __init__(self, text: str, *, moving: bool) -> None:
        import threading

        self._text = text
        self._moving = moving
        self._lock = threading.Lock()
        self._shown = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._move, daemon=True)
        self._told = ""

    def __enter__(self) -> Progress:
        if self._moving:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._moving:
            self._thread.join()
            self.make_room()

    def tell(self, text: str) -> None:
        """What is being done now."""
        self._text = text
        step = "".join(character for character in text if not character.isdigit())
        # A file of the output has a line for each step, not for each percent of it.
        if not self._moving and step != self._told and not self._ended.is_set():
            self._told = step
            tell(f"{text}\n")

    def make_room(self) -> None:
        """Take the line away, for others to write there."""
        with self._lock:
            if self._shown:
                tell("\r\033[K")
                self._shown = False

    def _move(self) -> None:
        turn = 0
        while turn == 0 or not self._ended.wait(EVERY):
            with self._lock:
                width = os.get_terminal_size(sys.stderr.fileno()).columns - 3
                tell(f"\r\033[K{FRAMES[turn % len(FRAMES)]} {self._text[: max(width, 10)]}")
                self._shown = True
            turn += 1


def leave_at_once(status: int = INTERRUPTED) -> t.NoReturn:
    """Without waiting for threads that wait for others."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def missing(errors: t.Iterable[PixelsError]) -> list[dict[str, t.Any]]:
    """What was asked for and is not there, among what is."""
    return [{"error": failure(error)} for error in errors]


def failure(error: PixelsError) -> dict[str, t.Any]:
    """An error as JSON has it."""
    # Only here and above: the quickest of commands go well.
    from ansible_collections.pixels.truenas.plugins.module_utils._command.wording import for_a_prompt

    return {"kind": type(error).__name__, "message": for_a_prompt(str(error))}
