# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs push and pull: copy files and directories to and from pixels, over SSH or the web shell."""

from __future__ import annotations

import contextlib
import os
import posixpath
import re
import shutil
import signal
import stat
import sys
import tempfile
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, PixelsError, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._cli.context import CliContext
from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import FAILED, failure
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import (
    connect,
    directory_transfer,
    file_transfer,
    scripts,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import users
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

if t.TYPE_CHECKING:
    import argparse
    from types import FrameType

    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output, Progress
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Shell

STREAM = "-"
"""Local path that stands for standard input or output."""

NAME_RE = r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*"
OWNER = re.compile(rf"{NAME_RE}(:({NAME_RE})?)?|:{NAME_RE}")
MODE = re.compile(r"[0-7]{3,4}")
MEGABYTE = 1_000_000

KIND = f"""\
{scripts.ENTER}
enter "$1" follow
if [ -d "./$name" ]; then echo directory; elif [ -e "./$name" ] || [ -L "./$name" ]; then echo file; else echo none; fi
"""

Row = dict[str, t.Any]


class Remote(t.NamedTuple):
    """A path in a pixel, as given on the command line."""

    pixel: PixelName
    path: str


def push(args: argparse.Namespace, output: Output) -> int:
    """Copy local files and directories to a pixel. Return 1 if any of them failed."""
    target = remote(args, args.destination)
    for value, pattern, option in ((args.owner, OWNER, "--owner"), (args.mode, MODE, "--mode")):
        if value is not None and not pattern.fullmatch(value):
            args.parser.error(f"argument {option}: invalid value {value!r}")
    check_user(args.user)
    context = CliContext(args, output)
    with interruptible(), connect.open_shell(context.pixels, target.pixel, context.ssh) as shell:
        inside = Inside(context, shell, args, target.pixel.bare)
        path = inside.absolute(target.path)
        is_directory = inside.kind(path) == "directory"
        if not is_directory and (target.path.endswith("/") or len(args.sources) > 1):
            raise Refused(
                f"push to {path} in {target.pixel.bare} failed: it is not a directory. Create the directory first"
            )

        def push_one(source: str) -> Row:
            name = posixpath.basename(os.path.abspath(source)) if is_directory and source != STREAM else ""
            if is_directory and not name:
                raise Invalid(f"push to {path} failed: it is a directory. Name the file in it to write")
            return inside.push(source, posixpath.join(path, name) if name else path)

        return transfer_all(output, args.sources, push_one)


def pull(args: argparse.Namespace, output: Output) -> int:
    """Copy files and directories of pixels to this machine. Return 1 if any of them failed."""
    sources = {text: remote(args, text) for text in args.sources}
    target = args.destination
    if target == STREAM and (len(sources) > 1 or output.json or args.recursive):
        args.parser.error("standard output takes one file, and no --json or --recursive")
    check_user(args.user)
    is_directory = os.path.isdir(target)
    if not is_directory and target != STREAM and (target.endswith(os.sep) or len(sources) > 1):
        raise Refused(f"pull to {target} failed: it is not a directory. Create the directory first")
    context = CliContext(args, output)

    def pull_one(text: str) -> Row:
        source = sources[text]
        with connect.open_shell(context.pixels, source.pixel, context.ssh) as shell:
            inside = Inside(context, shell, args, source.pixel.bare)
            path = inside.absolute(source.path)
            name = posixpath.basename(path) if is_directory else ""
            if is_directory and not name:
                raise Invalid(f"pull of {text} failed: it has no name of its own. Name a new directory to write it to")
            return inside.pull(path, os.path.join(target, name) if name else target)

    with interruptible():
        return transfer_all(output, list(sources), pull_one)


def remote(args: argparse.Namespace, text: str) -> Remote:
    """Parse NAME:PATH; end the process with status 2 if it is invalid."""
    pixel, colon, path = text.partition(":")
    if not colon or not pixel or "/" in pixel:
        order = "SRC... NAME:DEST" if args.verb == "push" else "NAME:SRC... DEST"
        args.parser.error(f"{text!r} names no pixel. Use pixels {args.verb} {order}")
    return Remote(PixelName.parse(pixel), path)


def transfer_all(output: Output, sources: t.Sequence[str], transfer: t.Callable[[str], Row]) -> int:
    """Transfer the sources one by one, also after errors. Return the exit status."""
    rows: list[Row] = []
    errors: list[PixelsError] = []
    for source in sources:
        try:
            rows.append(transfer(source))
        except PixelsError as error:
            errors.append(error)
            output.report(error)
    if output.json:
        output.print_json([*rows, *({"error": failure(error)} for error in errors)])
    return FAILED if errors else 0


def check_user(name: str | None) -> None:
    """Raise `Invalid` for an invalid user name, before anything is sent."""
    Command(("true",), user=name)


class Inside:
    """The files of a pixel, accessed as one of its users."""

    def __init__(self, context: CliContext, shell: Shell, args: argparse.Namespace, pixel: str) -> None:
        self._output = context.output
        self._shell = shell
        self._args = args
        self._pixel = pixel
        # Both transports use the same user.
        self._user: str = context.ssh.user if args.user is None else args.user

    def absolute(self, path: str) -> str:
        """Return a path from the root of the pixel on; a relative one begins in the home of the user."""
        if not path.startswith("/"):
            found = users.find(self._shell, self._user)
            if found is None or found.home_problem:
                problem = found.home_problem if found else f"there is no user {self._user!r} in {self._pixel}"
                raise Refused(f"cannot find {path or 'the home directory'}: {problem}. Write a path that begins with /")
            path = f"{found.home}/{path.removeprefix('~/') if path != '~' else ''}"
        return path.rstrip("/") or "/"

    def kind(self, path: str) -> str:
        """Return `directory`, `file` or `none`."""
        action = f"reading the type of {path} in {self._pixel}"
        ended = scripts.run_checked(self._shell, KIND, path, action=action, user=self._user)
        return ended.stdout.decode("ascii", "replace").strip()

    def push(self, source: str, path: str) -> Row:
        """Copy a file or directory, or standard input, into the pixel."""
        with self._progress(f"Pushing {source} to {self._pixel}") as progress:
            if source == STREAM:
                with tempfile.NamedTemporaryFile() as file:
                    shutil.copyfileobj(sys.stdin.buffer, file)
                    file.flush()
                    return self._push_file(file.name, path, progress, mode=self._args.mode or "")
            if not os.path.isdir(source):
                try:
                    permissions = stat.S_IMODE(os.stat(source).st_mode) & 0o777
                except OSError as error:
                    raise Refused(f"cannot read {source}: {error.strerror}") from None
                return self._push_file(source, path, progress, mode=self._args.mode or f"{permissions:o}")
            if self._args.mode:
                raise Invalid(f"push of {source} failed: --mode is for files. Omit it for a directory")
            self._check_directory(source, path, exists=self.kind(path) != "none")
            owner = self._args.owner or ""
            directory_transfer.put(self._shell, source, path, owner=owner, user=self._user, progress=progress)
            return {"name": self._pixel, "source": source, "destination": path, "kind": "directory"}

    def _push_file(self, source: str, path: str, progress: file_transfer.Progress, *, mode: str) -> Row:
        owner = self._args.owner or ""
        file_transfer.put(self._shell, source, path, mode=mode, owner=owner, user=self._user, progress=progress)
        size = os.path.getsize(source)
        return {"name": self._pixel, "source": source, "destination": path, "kind": "file", "bytes": size}

    def pull(self, path: str, target: str) -> Row:
        """Copy a file or directory from the pixel, or to standard output."""
        row: Row = {"name": self._pixel, "source": path, "destination": target}
        with self._progress(f"Pulling {path} from {self._pixel}") as progress:
            if target == STREAM:
                with tempfile.TemporaryDirectory(prefix="pixels-") as directory:
                    file = os.path.join(directory, "content")
                    size = file_transfer.get(self._shell, path, file, user=self._user, progress=progress)
                    with open(file, "rb") as content:
                        shutil.copyfileobj(content, sys.stdout.buffer)
                return {**row, "kind": "file", "bytes": size}
            if self.kind(path) == "directory":
                self._check_directory(path, target, exists=os.path.lexists(target))
                directory_transfer.get(self._shell, path, target, user=self._user, progress=progress)
                return {**row, "kind": "directory"}
            size = file_transfer.get(self._shell, path, target, user=self._user, keeps_mode=True, progress=progress)
            return {**row, "kind": "file", "bytes": size}

    def _check_directory(self, source: str, target: str, *, exists: bool) -> None:
        verb = self._args.verb
        if not self._args.recursive:
            raise Invalid(
                f"{verb} of {source} failed: it is a directory. Use --recursive to {verb} it with its contents"
            )
        if exists and not self._args.replace:
            raise Refused(
                f"{verb} of {source} failed: {target} exists. Use --replace to replace it with its contents, or "
                "another destination"
            )

    @contextlib.contextmanager
    def _progress(self, what: str) -> t.Iterator[file_transfer.Progress]:
        with self._output.progress(f"{what}...") as shown:
            yield lambda count, total: show(shown, what, count, total)


def show(shown: Progress, what: str, count: int, total: int) -> None:
    """Show the progress of a transfer; `count` and `total` are in bytes."""
    amount = f"{count / MEGABYTE:.1f} MB"
    shown.update(f"{what}: {amount} of {total / MEGABYTE:.1f} MB" if total else f"{what}: {amount}")


@contextlib.contextmanager
def interruptible() -> t.Iterator[None]:
    """Handle SIGTERM and SIGHUP like Ctrl-C, so that no temporary file stays."""

    def interrupt(_number: int, _frame: FrameType | None) -> t.NoReturn:
        raise KeyboardInterrupt

    previous = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
