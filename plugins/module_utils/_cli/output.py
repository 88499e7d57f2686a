# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Output of the command: tables and messages for people, JSON for programs, and progress."""

from __future__ import annotations

import codecs
import os
import sys

from ansible_collections.pixels.truenas.plugins.module_utils._api.safe_text import safe_text

# Not from typing: the fast path of `list` imports this module.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t

    from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError

    Row = t.Sequence[str]

FAILED = 1
HIDDEN = "********"
SHORTEST_SECRET = 8
"""Characters. A shorter password may occur as a part of names."""
INTERRUPTED = 130

STDOUT = "standard output"
"""The file name of an `OSError` about it."""

COLORS = {"running": "32", "stopped": "2", "error": "31", "Error:": "31", "Warning:": "33"}
FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
PLAIN_FRAMES = "|/-\\"
FRAME_INTERVAL_S = 0.1

LINE_LIMIT = 65_536
"""Characters of a line of output: more than any value that TrueNAS stores."""
CELL_LIMIT = 1024
STEP_LIMIT = 500
"""Characters of a progress line."""

SUBSTITUTES = {"—": "-", "…": "..."}
"""Replacements for characters of this command that the encoding of a terminal or file lacks."""
UNENCODABLE = "pixels.unencodable"


def substitute(error: UnicodeError) -> tuple[str, int]:
    """Return the replacement for characters that an encoding lacks. Never fails for them."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    shown = (SUBSTITUTES.get(one) or one.encode("ascii", "backslashreplace").decode() for one in characters)
    return "".join(shown), error.end


codecs.register_error(UNENCODABLE, substitute)


def tolerate_any_text() -> None:
    """Let the standard streams accept any text in any encoding."""
    for stream, errors in ((sys.stdin, "surrogateescape"), (sys.stdout, UNENCODABLE), (sys.stderr, UNENCODABLE)):
        # A test or a program may have replaced the stream by one of another type.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=errors)


def cannot_encode(stream: t.TextIO, text: str) -> bool:
    """Return whether the encoding of a stream cannot represent the text."""
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return True
    return False


def as_json(value: t.Any, *, ascii_only: bool) -> str:
    """Return `value` as JSON without characters that a terminal would interpret."""
    import json

    text = json.dumps(value, indent=2, ensure_ascii=ascii_only)
    if text.replace("\n", "").isprintable():
        return text
    return "".join(each if each.isprintable() or each == "\n" else json_escape(each) for each in text)


def json_escape(character: str) -> str:
    r"""Return a character as a JSON escape, such as `\u001b`."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


class Output:
    """Write results to stdout and everything else to stderr. Colors appear on terminals, unless NO_COLOR is set."""

    def __init__(self, *, json: bool = False, color: bool = True) -> None:
        self._progress: Progress | None = None
        self.secrets: t.Sequence[str] = ()
        """Masked in all output. Errors were already masked where they were raised, in more encodings."""
        tolerate_any_text()
        self.configure(json=json, color=color)

    def configure(self, *, json: bool, color: bool, verbose: bool = False) -> None:
        """Set the format, once the command line is parsed."""
        self.json = json
        self.verbose = verbose
        self._color = color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def run(self, work: t.Callable[[], int]) -> int:
        """Run `work` and return its exit status, also after a closed pipe, a full disk or Ctrl-C."""
        try:
            try:
                return work()
            finally:
                write("")
        except KeyboardInterrupt:
            return self._end("Interrupted", "Interrupted.", INTERRUPTED)
        except BrokenPipeError:
            discard_buffer(1)
            return FAILED
        except OSError as error:
            if error.filename == STDOUT:
                discard_buffer(1)
            problem = ": ".join(filter(None, [error.filename and str(error.filename), error.strerror or str(error)]))
            return self._end(type(error).__name__, f"Error: {problem}", FAILED)

    def _end(self, kind: str, text: str, status: int) -> int:
        if sys.stderr.isatty() and status == INTERRUPTED:
            # The terminal shows ^C on the current line.
            write_stderr("\n")
        self.error(text)
        if self.json:
            try:
                self.print_json({"error": {"kind": kind, "message": text.strip().removeprefix("Error: ")}})
            except OSError:
                discard_buffer(1)
        return status

    def say(self, text: str) -> None:
        """Write a line for people, unless the output is JSON."""
        if not self.json:
            self._write(sys.stdout, safe_text(text, limit=LINE_LIMIT))

    def ask(self, question: str) -> str:
        """Show a question and return the line that answers it; empty at the end of the input."""
        # With --json, a program reads stdout.
        show = write_stderr if self.json else write
        show(safe_text(question))
        answer = sys.stdin.readline()
        if not answer:
            show("\n")
        return answer

    def document(self, text: str) -> None:
        """Write lines such as a script, exactly, except for characters that a terminal would interpret, or as JSON."""
        if self.json:
            self.print_json({"text": text})
        else:
            lines = text.rstrip("\n").split("\n")
            self._write(sys.stdout, "\n".join("\t".join(map(safe_text, line.split("\t"))) for line in lines))

    def print_json(self, value: t.Any) -> None:
        """Write a result as JSON."""
        text = as_json(value, ascii_only=False)
        self._write(sys.stdout, as_json(value, ascii_only=True) if cannot_encode(sys.stdout, text) else text)

    def error(self, text: str) -> None:
        """Write a line to stderr."""
        text = safe_text(text)
        word, _blank, rest = text.partition(" ")
        shown = f"{self.paint(word, sys.stderr)} {rest}" if word in COLORS else text
        self._write(sys.stderr, shown)

    def detail(self, text: str) -> None:
        """Write a line to stderr with -v."""
        if self.verbose:
            self.error(f"# {text}")

    def warn(self, text: str) -> None:
        """Write a warning to stderr."""
        self.error(f"Warning: {text}")

    def report(self, error: PixelsError) -> None:
        """Write an error with its hints to stderr."""
        from ansible_collections.pixels.truenas.plugins.module_utils._cli.hints import text_of

        self.error(f"Error: {text_of(error)}")

    def fail(self, error: PixelsError) -> None:
        """Write an error that ends the command, with --json also as JSON."""
        self.report(error)
        if self.json:
            self.print_json({"error": failure(error)})

    def table(self, header: Row, rows: t.Sequence[Row]) -> None:
        """Write rows in columns, two spaces apart, as upstream does."""
        lines = [header, *([safe_text(cell, limit=CELL_LIMIT) for cell in row] for row in rows)]
        widths = [max(len(line[column]) for line in lines) + 2 for column in range(len(header) - 1)]
        for line in lines:
            cells = zip(line[:-1], widths, strict=True)
            start = "".join(self.paint(cell, sys.stdout) + " " * (width - len(cell)) for cell, width in cells)
            if not self.json:
                # The cells are safe, and the colors are added here.
                self._write(sys.stdout, start + line[-1])

    def paint(self, word: str, stream: t.TextIO) -> str:
        """Return a word in its color, if it has one and the stream is a terminal."""
        code = COLORS.get(word if word.endswith(":") else word.lower())
        return f"\033[{code}m{word}\033[0m" if code and self._color and stream.isatty() else word

    def progress(self, text: str) -> Progress:
        """Show progress while the block runs: animated on a terminal, otherwise a line for each step."""
        self._progress = Progress(text, moving=sys.stderr.isatty() and self._color)
        return self._progress

    def _write(self, stream: t.TextIO, text: str) -> None:
        if self._progress:
            self._progress.make_room()
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        if stream is sys.stderr:
            write_stderr(f"{text}\n")
            return
        write(f"{text}\n")


def write(text: str) -> None:
    """Write to stdout. Raises `OSError` with `STDOUT` as its file name."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, STDOUT) from None


def write_stderr(text: str) -> None:
    """Write to stderr. A failure does not end the command."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        discard_buffer(2)


def discard_buffer(number: int) -> None:
    """Discard the buffer of a stream, which Python would write again at exit, and fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), number)


class Progress:
    """A line on stderr about the current step."""

    def __init__(self, text: str, *, moving: bool) -> None:
        import threading

        self._text = safe_text(text, limit=STEP_LIMIT)
        self._moving = moving
        self._frames = PLAIN_FRAMES if cannot_encode(sys.stderr, FRAMES) else FRAMES
        self._lock = threading.Lock()
        self._shown = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._move, daemon=True)
        self._last_step = ""

    def __enter__(self) -> Progress:
        if self._moving:
            self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ended.set()
        if self._moving:
            self._thread.join()
            self.make_room()

    def update(self, text: str) -> None:
        """Show the current step."""
        text = safe_text(text, limit=STEP_LIMIT)
        self._text = text
        step = "".join(character for character in text if not character.isdigit())
        # A log file gets one line per step, not one per percent.
        if not self._moving and step != self._last_step and not self._ended.is_set():
            self._last_step = step
            write_stderr(f"{text}\n")

    def make_room(self) -> None:
        """Clear the line, so that other output can take its place."""
        with self._lock:
            if self._shown:
                write_stderr("\r\033[K")
                self._shown = False

    def _move(self) -> None:
        turn = 0
        while turn == 0 or not self._ended.wait(FRAME_INTERVAL_S):
            with self._lock:
                width = columns() - 3
                write_stderr(f"\r\033[K{self._frames[turn % len(self._frames)]} {self._text[: max(width, 10)]}")
                self._shown = True
            turn += 1


def columns() -> int:
    """Return the width of the terminal, which may be closed by now."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):
        return 80


def exit_immediately(status: int = INTERRUPTED) -> t.NoReturn:
    """Exit without waiting for threads."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            # The reader closed the pipe.
            continue
    os._exit(status)


def missing(errors: t.Iterable[PixelsError]) -> list[dict[str, t.Any]]:
    """Return errors as entries of a JSON list of results."""
    return [{"error": failure(error)} for error in errors]


def failure(error: PixelsError) -> dict[str, t.Any]:
    """Return an error as JSON."""
    # Not at the top: the fast path of `list` has no use for it.
    from ansible_collections.pixels.truenas.plugins.module_utils._cli.hints import text_of

    return {"kind": type(error).__name__, "message": text_of(error)}
