# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb exec: run a command in one pixel as if it ran locally, or in several pixels at the same time."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import typing as t
from dataclasses import replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    NotFound,
    PixelsError,
    Refused,
)
from ansible_collections.pixels.truenas.plugins.module_utils._cli import openssh_route, targets
from ansible_collections.pixels.truenas.plugins.module_utils._cli.context import CliContext
from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import FAILED, exit_immediately, failure
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command, process_id
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh import pipes, signal_forwarder
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh_probe import NoSshServer
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output

CONCURRENCY = 16
POLL_INTERVAL_S = 0.2
"""How often a signal is checked for."""


class ExecResult(t.NamedTuple):
    """The result of a command in one pixel."""

    name: str
    rc: int
    captured: BufferedOutput | None = None
    error: PixelsError | None = None


def execute(args: argparse.Namespace, output: Output) -> int:
    """Run a command in pixels."""
    if args.detach and args.tty:
        args.parser.error("-t and -d exclude each other: a detached command has no terminal")
    context = CliContext(args, output)
    if len(args.names) == 1 and not args.all and not targets.is_pattern(args.names[0]) and not output.json:
        return in_one(context, PixelName.parse(args.names[0]), args)
    return in_many(context, args.names, args)


def in_one(context: CliContext, name: PixelName, args: argparse.Namespace) -> int:
    """Run the command with the standard streams of this process. Return its exit status."""
    command = command_of(context, args)
    if context.ssh.transport != "shell":
        try:
            return over_ssh(context, name, command, args)
        except NoSshServer as reason:
            context.output.detail(f"{reason}: using the web shell of {context.nas}")
            command = as_ssh_user(context, command)
    from ansible_collections.pixels.truenas.plugins.module_utils._cli import web_shell_route

    return web_shell_route.run(context, name, command, terminal=args.tty)


def as_ssh_user(context: CliContext, command: Command) -> Command:
    """Return a command for the web shell, whose user is root, that runs as the user it would have over SSH."""
    return command if command.user is not None else replace(command, user=context.ssh.user)


def over_ssh(context: CliContext, name: PixelName, command: Command, args: argparse.Namespace) -> int:
    """Run a command over SSH. Raises `NoSshServer`."""
    # sudo drops environment variables, and a server may not accept them.
    ahead = bool(args.env) or command.user not in (None, context.ssh.user)
    return openssh_route.run(context, name, command, terminal=args.tty, ahead=ahead)


def command_of(context: CliContext, args: argparse.Namespace, stdin: bytes = b"") -> Command:
    """Return the command that the options describe. Raises `Invalid`."""
    return Command(
        tuple(args.command),
        stdin=stdin,
        environment={**dict(context.ssh.variables), **variables(args.env)},
        chdir=args.workdir,
        user=args.user,
        detach=args.detach,
    )


def variables(words: t.Sequence[str]) -> dict[str, str]:
    """Return the variables that `-e` names, without a value those of this process."""
    found: dict[str, str] = {}
    for word in words:
        name, has_value, value = word.partition("=")
        if has_value or name in os.environ:
            found[name] = value if has_value else os.environ[name]
    return found


def in_many(context: CliContext, wanted: t.Sequence[str], args: argparse.Namespace) -> int:
    """Run the command in several pixels and prefix each line with the name. Return the highest exit status."""
    if args.tty:
        args.parser.error("-t requires a single pixel")
    chosen = targets.find(context.pixels, wanted, everything=args.all)
    # Stopped pixels that a pattern matches are skipped; a stopped pixel that is named is an error.
    named = {PixelName.parse(word) for word in wanted if not targets.is_pattern(word)}
    full = [each.name for each in chosen.found if each.running or each.name in named]
    reads = not (args.detach or sys.stdin is None or sys.stdin.isatty())
    command = command_of(context, args, sys.stdin.buffer.read() if reads else b"")
    ended, complete = run_all(context, full, command)
    ended.extend(ExecResult("", FAILED, error=error) for error in chosen.missing)
    if not ended:
        raise NotFound(f"none of the selected pixels is running on {context.nas}")
    report(context.output, ended, detached=args.detach)
    status = max(each.rc for each in ended)
    return status if complete else exit_immediately(status)


def run_all(context: CliContext, full: t.Sequence[PixelName], command: Command) -> tuple[list[ExecResult], bool]:
    """Return the results, and whether they are complete: after a signal, no further command is started."""
    from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

    lock = threading.Lock()

    def run_one(name: PixelName) -> ExecResult:
        bare = name.bare
        captured = BufferedOutput() if context.output.json else PrefixedLines(bare, lock)
        try:
            rc = run_in(context, name, command, captured, forwarder)
        except PixelsError as error:
            return ExecResult(bare, FAILED, error=error)
        return ExecResult(bare, rc, captured)

    with signal_forwarder.SignalForwarder() as forwarder:
        pool = ThreadPoolExecutor(max_workers=CONCURRENCY)
        futures = {name: pool.submit(run_one, name) for name in full}
        pending = set(futures.values())
        try:
            while pending and (forwarder.running or not forwarder.number):
                done, pending = wait(pending, timeout=POLL_INTERVAL_S, return_when=FIRST_EXCEPTION)
                for each in done:
                    each.result()
        except OSError:
            # The reader of the output closed the pipe.
            forwarder.hang_up()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        stopped = 128 + (forwarder.number or 0)
        return [
            futures[name].result() if futures[name] not in pending else not_begun(name.bare, stopped) for name in full
        ], not pending


def not_begun(bare: str, status: int) -> ExecResult:
    """Return the result of a command that a signal kept from starting."""
    return ExecResult(bare, status, error=Refused(f"interrupted before the command began in {bare}"))


def run_in(
    context: CliContext,
    name: PixelName,
    command: Command,
    captured: BufferedOutput,
    forwarder: signal_forwarder.SignalForwarder,
) -> int:
    """Run a command in one of several pixels, and return its exit status."""
    if context.ssh.transport != "shell":
        try:
            return openssh_route.run(context, name, command, stdin=command.stdin, receive=captured, forwarder=forwarder)
        except NoSshServer as reason:
            context.output.detail(f"{reason}: using the web shell of {context.nas}")
            command = as_ssh_user(context, command)
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import connect

    with connect.open_shell(context.pixels, name, replace(context.ssh, transport="shell")) as shell:
        ended = shell.run(command)
    for number, content in ((1, ended.stdout), (2, ended.stderr)):
        captured(number, content)
        captured(number, b"")
    return ended.rc


class BufferedOutput:
    """Collect the output of a command."""

    def __init__(self) -> None:
        self.written = {1: bytearray(), 2: bytearray()}

    def __call__(self, number: int, chunk: bytes) -> None:
        """Keep a chunk of the output `number`."""
        self.written[number] += chunk


class PrefixedLines(BufferedOutput):
    """Write each complete line with the name of its pixel in front."""

    def __init__(self, name: str, lock: threading.Lock) -> None:
        super().__init__()
        self._prefix = f"{name}: ".encode()
        self._lock = lock

    def __call__(self, number: int, chunk: bytes) -> None:
        """Write the lines that a chunk of the output `number` completes."""
        left = self.written[number]
        left += chunk
        if b"\n" not in chunk and (chunk or not left):
            return
        *lines, rest = left.split(b"\n")
        # Ends a last line that has no line break.
        self.written[number] = rest if chunk else bytearray()
        if lines := lines if chunk else [rest]:
            with self._lock:
                write(number, b"".join(self._prefix + line + b"\n" for line in lines))


def write(number: int, content: bytes) -> None:
    """Write to stdout (1) or stderr (2)."""
    if number == 1:
        pipes.write_stdout(content)
        return
    with contextlib.suppress(OSError):
        sys.stderr.buffer.write(content)
        sys.stderr.flush()


def report(output: Output, ended: t.Sequence[ExecResult], *, detached: bool = False) -> None:
    """Print the results as JSON, and the errors."""
    if output.json:
        output.print_json([as_json(each, detached=detached) for each in ended])
    for each in ended:
        if each.error:
            output.report(each.error)


def as_json(ended: ExecResult, *, detached: bool = False) -> dict[str, t.Any]:
    """Return a result as JSON. Bytes that are not UTF-8 become replacement characters."""
    if ended.error:
        return {"name": ended.name or None, "error": failure(ended.error)}
    written = ended.captured.written if ended.captured else {}
    shown: dict[str, t.Any] = {
        "name": ended.name,
        "rc": ended.rc,
        "stdout": written.get(1, bytearray()).decode("utf-8", "replace"),
        "stderr": written.get(2, bytearray()).decode("utf-8", "replace"),
    }
    if detached:
        shown["pid"] = process_id(shown["stdout"])
    return shown
