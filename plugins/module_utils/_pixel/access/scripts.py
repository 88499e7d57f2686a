# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs scripts in a pixel, and defines shell functions for paths that other users of the pixel may change meanwhile.

Scripts run as root, or as the user that owns the files, with `/bin/sh` of any image: dash, bash, BusyBox. They change a
file only from a directory that they have entered and checked, because a path can lead elsewhere a moment later.
"""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused
from ansible_collections.pixels.truenas.plugins.module_utils._api.safe_text import safe_text
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command, Result

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Shell, Sink

LINK_LIMIT = 40
"""Symlinks that are followed to resolve a path, as in Linux (path_resolution(7))."""

OUTPUT_LIMIT = 1024 * 1024
"""Bytes of output that a script may print: a hostile pixel could print without end."""

CHECK_TIMEOUT_S = 60.0
"""For a command that only checks something, such as whether a file exists."""

MESSAGE_LIMIT = 500
"""Characters of an error message of a pixel that are shown."""

ERRORS_KEPT = 64 * 1024
"""Bytes of stderr that are kept: the last ones, which have the cause of a failure."""

ERRORS_LIMIT = 16 * 1024 * 1024
"""Bytes of stderr after which a script is ended. tar prints a line for each file that it cannot pack."""

LAST_LINES = 3
"""Lines of output of a failed script that an error quotes."""

BOOT_TRIES = 300

WAIT_FOR_SYSTEMD = f"""\
case $(cat /proc/1/comm):$(readlink -f /sbin/init) in systemd:*|init:*/systemd)
    tries=0
    until [ -d /run/systemd/system ] && systemctl show -p Version >/dev/null 2>&1 || [ $tries -ge {BOOT_TRIES} ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
esac
"""
"""Waits for up to 30 seconds until systemd answers, in a pixel that has just started. Before, the pixel looks as if it
had no init system, and no service can be started."""

ENTER = f"""\
set -u
LC_ALL=C; export LC_ALL
fail() {{ printf '%s\\n' "$1" >&2; exit 1; }}
me=$(id -u) || fail "cannot determine the user: the program id failed"

# Whether only root and this user could have made the link $1 of this directory.
is_trusted_link() {{
    # Links of the kernel belong to root of the host, which has no user in a container.
    case $here/$1 in /proc/self | /proc/thread-self | /proc/mounts | /proc/net | /sys/*) return 0 ;; esac
    owners=$(stat -c %u . "./$1") || return 1
    count=0
    for owner in $owners; do
        [ "$owner" = 0 ] || [ "$owner" = "$me" ] || return 1
        count=$((count + 1))
    done
    [ "$count" = 2 ]
}}

# Enter the directory $1, and verify that it has not been replaced since it was checked.
go_down() {{
    cd -P "./$1" 2>/dev/null || fail "cannot enter the directory $here/$1: no such directory, or not permitted"
    now=$(pwd -P; printf .); now=${{now%?.}}
    [ "$now" = "$here/$1" ] || fail "$here/$1 was replaced by something else meanwhile. Try again"
    here=$now
}}

# Enter the parent directory of the absolute path $1, and set `here` to its path and `name` to the last component, or to
# `.` if there is none. If the last component is a symlink, it is followed only with `follow` as $2.
enter() {{
    here= links=0 left=$1
    cd / || fail "cannot enter the directory /"
    while :; do
        while case $left in /*) ;; *) false ;; esac; do left=${{left#/}}; done
        name=${{left%%/*}} is_last=
        case $left in */*) left=${{left#*/}} ;; *) is_last=yes left= ;; esac
        case $name in
        "" | .)
            [ "$is_last" ] || continue
            name=.
            return 0
            ;;
        ..)
            cd -P .. || fail "cannot enter the directory above $here"
            here=$(pwd -P; printf .); here=${{here%?.}}
            [ "$here" != / ] || here=
            [ "$is_last" ] || continue
            name=.
            return 0
            ;;
        esac
        if [ -L "./$name" ] && {{ [ ! "$is_last" ] || [ "$2" = follow ]; }}; then
            is_trusted_link "$name" ||
                fail "$here/$name is a symlink that another user controls. Name the path that it leads to"
            links=$((links + 1))
            [ "$links" -le {LINK_LIMIT} ] || fail "too many levels of symlinks"
            case $here/$name in
            /proc/self | /proc/thread-self) target=$$ ;; # not of readlink
            *) target=$(readlink "./$name"; printf .); target=${{target%?.}} ;;
            esac
            case $target in /*) cd / && here= ;; esac
            left=$target${{left:+/$left}}
            continue
        fi
        [ ! "$is_last" ] || return 0
        go_down "$name"
    done
}}
"""
"""Defines `enter PATH [follow]`, and `fail TEXT`, which ends the script. Requires `id`, `stat` and `readlink`."""

STAGE = """\
stage= staged=
# Create and enter a directory beside the destination. Only this user can enter it, so its content cannot be replaced.
make_stage() {
    umask 077
    if ! stage=$(mktemp -d ./.pixels-XXXXXXXXXX 2>&1); then
        why=${stage##*: } stage=
        fail "cannot write to the directory ${here:-/}: $why"
    fi
    cd -P "$stage" || exit 1
    [ "$(pwd -P)" = "$here/${stage#./}" ] || fail "$here changed meanwhile. Try again"
    case $(stat -c '%u %a' .) in
    "$me 700" | "$me "[0-7]700) ;;
    *) fail "$here changed meanwhile. Try again" ;;
    esac
    staged=yes
}
# Restore the old destination, unless it has been replaced.
remove_stage() {
    if [ "$staged" ]; then
        if [ -d ./old ] && [ ! -e "../$name" ] && [ ! -L "../$name" ]; then mv -T ./old "../$name"; fi
        rm -rf ./new ./old ./content ./table
        cd ..
    fi
    [ ! "$stage" ] || rmdir "$stage"
}
trap remove_stage EXIT
trap 'exit 1' HUP INT PIPE TERM
"""
"""Defines `make_stage`, to be called after `enter`. The directory is removed when the script ends."""

FIND_USER = """\
getent passwd "$1" 2>/dev/null && exit
while IFS= read -r line; do
    case $line in "$1:"*) printf '%s\\n' "$line" ;; esac
done </etc/passwd
"""
"""Prints the passwd entry of the user $1. `getent` knows more users than the file, but is not in every image."""


class TooMuch(OSError):
    """A pixel sent more than is accepted."""


def limited(sink: Sink, limit: int, name: str) -> Sink:
    """Return a sink that passes at most `limit` bytes to `sink`, and raises `TooMuch` for more."""
    left = limit

    def take(piece: bytes) -> None:
        nonlocal left
        left -= len(piece)
        if left < 0:
            raise TooMuch(f"{name} is larger than {limit} bytes, so the rest was not read")
        sink(piece)

    return take


class Errors:
    """A sink for stderr that keeps the last bytes."""

    def __init__(self) -> None:
        self._count = 0
        self.content = b""

    def __call__(self, piece: bytes) -> None:
        """Keep a piece. Raises `TooMuch` after `ERRORS_LIMIT` bytes."""
        self._count += len(piece)
        if self._count > ERRORS_LIMIT:
            raise TooMuch(
                f"the error output of a command is larger than {ERRORS_LIMIT} bytes, so the rest was not read"
            )
        self.content = (self.content + piece)[-ERRORS_KEPT:]


def command(script: str, *arguments: str, user: str | None = None, stdin: bytes = b"") -> Command:
    """Return a command that runs a script as a user of the pixel, which need not be allowed to log in."""
    return Command(("/bin/sh", "-c", script, "sh", *arguments), stdin=stdin, user=user, needs_login=False)


def execute(
    shell: Shell,
    command: Command,
    *,
    out: Sink,
    timeout: float | None = None,
    sent: t.Callable[[int], None] | None = None,
) -> Result:
    """Run a command of this collection. The pixel may have replaced its programs, so its outputs are limited.

    The result has the last `ERRORS_KEPT` bytes of stderr. Raises `TooMuch` for more than `ERRORS_LIMIT`, the errors of
    `out`, and `TimedOut` after `timeout` seconds.
    """
    errors = Errors()
    ended = shell.run(command, timeout=timeout, out=out, err=errors, sent=sent)
    return Result(ended.rc, b"", errors.content)


def run(
    shell: Shell,
    script: str,
    *arguments: str,
    user: str | None = None,
    timeout: float | None = None,
    limit: int = OUTPUT_LIMIT,
) -> Result:
    """Run a script as a user of the pixel, and return its exit status and its output of at most `limit` bytes.

    Raises `Refused` for more output, and `TimedOut` after `timeout` seconds.
    """
    return run_command(shell, command(script, *arguments, user=user), timeout=timeout, limit=limit)


def run_checked(
    shell: Shell,
    script: str,
    *arguments: str,
    action: str,
    user: str | None = None,
    timeout: float | None = None,
    limit: int = OUTPUT_LIMIT,
) -> Result:
    """Run a script as `run` does. Raises `Refused` with `action`, the exit status and the last lines if it fails."""
    result = run(shell, script, *arguments, user=user, timeout=timeout, limit=limit)
    if result.rc:
        raise Refused(f"{action} failed with exit status {result.rc}: {output_tail(result.stdout + result.stderr)}")
    return result


def output_tail(output: bytes) -> str:
    """Return the last lines of an output, as one line without a final full stop that is safe to show in a sentence."""
    lines = output[-4 * MESSAGE_LIMIT :].decode("utf-8", "replace").strip().splitlines()
    last = " / ".join(" ".join(line.split()) for line in lines[-LAST_LINES:]).rstrip(".")
    return safe_text(last, limit=MESSAGE_LIMIT) or "no output"


def run_command(shell: Shell, command: Command, *, timeout: float | None = None, limit: int = OUTPUT_LIMIT) -> Result:
    """Run a command as `run` does a script."""
    pieces: list[bytes] = []
    try:
        ended = execute(shell, command, out=limited(pieces.append, limit, "the output of a command"), timeout=timeout)
    except TooMuch as error:
        problem = str(error)
    else:
        return Result(ended.rc, b"".join(pieces), ended.stderr)
    raise Refused(f"reading from the pixel failed: {problem}. Look for a file that is much too large")
