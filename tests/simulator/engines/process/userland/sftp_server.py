# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SFTP server (version 3) of a guest: serves the guest's files over stdin and stdout, as the login user."""

from __future__ import annotations

import errno
import os
import stat
import struct
import sys
import time
import typing as t

INIT, VERSION, STATUS, HANDLE, DATA, NAME, ATTRS = 1, 2, 101, 102, 103, 104, 105
OK, EOF, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE, BAD_MESSAGE, UNSUPPORTED = 0, 1, 2, 3, 4, 5, 8
HAS_SIZE, HAS_OWNER, HAS_MODE, HAS_TIMES, HAS_MORE = 1, 2, 4, 8, 0x8000_0000
CODES = {errno.ENOENT: NO_SUCH_FILE, errno.EACCES: PERMISSION_DENIED, errno.EPERM: PERMISSION_DENIED}
ACCESS = {1: os.O_RDONLY, 2: os.O_WRONLY, 3: os.O_RDWR}
OPTIONS = {4: os.O_APPEND, 8: os.O_CREAT, 16: os.O_TRUNC, 32: os.O_EXCL}
LARGEST_READ = 256 * 1024
NAMES_AT_ONCE = 100

Reply = tuple[int, bytes]


class Packet:
    """A request, read field by field. Raises `struct.error` when it is too short."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def number(self, code: str = "I") -> int:
        (value,) = struct.unpack_from(f">{code}", self._content, self._at)
        self._at += struct.calcsize(f">{code}")
        return int(value)

    def text(self) -> bytes:
        size = self.number()
        if self._at + size > len(self._content):
            raise struct.error("a string longer than its packet")
        self._at += size
        return self._content[self._at - size : self._at]

    def attributes(self) -> dict[str, int]:
        """Only what was sent of size, uid, gid, mode, atime, mtime."""
        flags = self.number()
        found: dict[str, int] = {}
        if flags & HAS_SIZE:
            found["size"] = self.number("Q")
        if flags & HAS_OWNER:
            found["uid"], found["gid"] = self.number(), self.number()
        if flags & HAS_MODE:
            found["mode"] = self.number()
        if flags & HAS_TIMES:
            found["atime"], found["mtime"] = self.number(), self.number()
        if flags & HAS_MORE:
            for _text in range(2 * self.number()):
                self.text()
        return found


class Refused(Exception):
    """A status that is not an error of the system."""

    def __init__(self, code: int, words: str) -> None:
        self.code = code
        super().__init__(words)


class Server:
    def __init__(self) -> None:
        self._files: dict[bytes, int] = {}
        self._folders: dict[bytes, tuple[bytes, list[bytes]]] = {}
        self._handles = 0

    def answer(self, kind: int, packet: Packet) -> Reply:
        """What follows the request's number. Raises `Refused`, `OSError` or `struct.error`."""
        if kind not in REQUESTS:
            raise Refused(UNSUPPORTED, f"no request of type {kind} is known")
        return REQUESTS[kind](self, packet)

    def open(self, packet: Packet) -> Reply:
        path, wanted, given = packet.text(), packet.number(), packet.attributes()
        flags = ACCESS.get(wanted & 3, os.O_RDONLY)
        for bit, flag in OPTIONS.items():
            flags |= flag if wanted & bit else 0
        descriptor = os.open(path, flags | os.O_CLOEXEC, stat.S_IMODE(given.get("mode", 0o666)))
        handle = self._new_handle()
        self._files[handle] = descriptor
        return HANDLE, text(handle)

    def close(self, packet: Packet) -> Reply:
        handle = packet.text()
        if self._folders.pop(handle, None) is None:
            os.close(self._file(handle))
            del self._files[handle]
        return done()

    def read(self, packet: Packet) -> Reply:
        descriptor, offset, size = self._file(packet.text()), packet.number("Q"), packet.number()
        content = os.pread(descriptor, min(size, LARGEST_READ), offset)
        if not content:
            raise Refused(EOF, "end of file")
        return DATA, text(content)

    def write(self, packet: Packet) -> Reply:
        descriptor, offset, rest = self._file(packet.text()), packet.number("Q"), memoryview(packet.text())
        while rest:
            written = os.pwrite(descriptor, rest, offset)
            rest, offset = rest[written:], offset + written
        return done()

    def lstat(self, packet: Packet) -> Reply:
        return ATTRS, attributes(os.lstat(packet.text()))

    def stat(self, packet: Packet) -> Reply:
        return ATTRS, attributes(os.stat(packet.text()))

    def fstat(self, packet: Packet) -> Reply:
        return ATTRS, attributes(os.fstat(self._file(packet.text())))

    def setstat(self, packet: Packet) -> Reply:
        return change(packet.text(), packet.attributes())

    def fsetstat(self, packet: Packet) -> Reply:
        return change(self._file(packet.text()), packet.attributes())

    def opendir(self, packet: Packet) -> Reply:
        path = packet.text()
        names = [b".", b"..", *os.listdir(path)]
        handle = self._new_handle()
        self._folders[handle] = (path, names)
        return HANDLE, text(handle)

    def readdir(self, packet: Packet) -> Reply:
        handle = packet.text()
        if handle not in self._folders:
            raise Refused(FAILURE, "no such handle")
        folder, names = self._folders[handle]
        now, names[:] = names[:NAMES_AT_ONCE], names[NAMES_AT_ONCE:]
        if not now:
            raise Refused(EOF, "no more names")
        entries = [entry(name, os.path.join(folder, name)) for name in now]
        return NAME, struct.pack(">I", len(entries)) + b"".join(entries)

    def remove(self, packet: Packet) -> Reply:
        os.unlink(packet.text())
        return done()

    def mkdir(self, packet: Packet) -> Reply:
        path, given = packet.text(), packet.attributes()
        os.mkdir(path, stat.S_IMODE(given.get("mode", 0o777)))
        return done()

    def rmdir(self, packet: Packet) -> Reply:
        os.rmdir(packet.text())
        return done()

    def realpath(self, packet: Packet) -> Reply:
        return one_name(os.path.realpath(packet.text() or b"."))

    def readlink(self, packet: Packet) -> Reply:
        return one_name(os.readlink(packet.text()))

    def symlink(self, packet: Packet) -> Reply:
        # OpenSSH has them the other way round than the draft, and so have all clients.
        target, path = packet.text(), packet.text()
        os.symlink(target, path)
        return done()

    def rename(self, packet: Packet) -> Reply:
        old, new = packet.text(), packet.text()
        if os.path.lexists(new):
            raise Refused(FAILURE, "the target is there already")
        os.rename(old, new)
        return done()

    def extended(self, packet: Packet) -> Reply:
        name = packet.text()
        if name != b"posix-rename@openssh.com":
            raise Refused(UNSUPPORTED, f"no extension {name.decode(errors='replace')} is known")
        old, new = packet.text(), packet.text()
        os.rename(old, new)
        return done()

    def _file(self, handle: bytes) -> int:
        if handle not in self._files:
            raise Refused(FAILURE, "no such handle")
        return self._files[handle]

    def _new_handle(self) -> bytes:
        self._handles += 1
        return str(self._handles).encode()


REQUESTS: dict[int, t.Callable[[Server, Packet], Reply]] = {
    3: Server.open,
    4: Server.close,
    5: Server.read,
    6: Server.write,
    7: Server.lstat,
    8: Server.fstat,
    9: Server.setstat,
    10: Server.fsetstat,
    11: Server.opendir,
    12: Server.readdir,
    13: Server.remove,
    14: Server.mkdir,
    15: Server.rmdir,
    16: Server.realpath,
    17: Server.stat,
    18: Server.rename,
    19: Server.readlink,
    20: Server.symlink,
    200: Server.extended,
}


def text(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def status(code: int, words: str) -> Reply:
    return STATUS, struct.pack(">I", code) + text(words.encode()) + text(b"en")


def done() -> Reply:
    return status(OK, "done")


def one_name(name: bytes) -> Reply:
    return NAME, struct.pack(">I", 1) + text(name) + text(name) + struct.pack(">I", 0)


def attributes(found: os.stat_result) -> bytes:
    flags = HAS_SIZE | HAS_OWNER | HAS_MODE | HAS_TIMES
    times = (max(0, int(found.st_atime)), max(0, int(found.st_mtime)))
    return struct.pack(">IQIIIII", flags, found.st_size, found.st_uid, found.st_gid, found.st_mode, *times)


def entry(name: bytes, path: bytes) -> bytes:
    """Return a directory entry with its long form; without attributes if it was removed meanwhile."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return text(name) + text(name) + struct.pack(">I", 0)
    when = time.strftime("%b %d %H:%M", time.localtime(found.st_mtime))
    owner = f"{found.st_nlink:4} {found.st_uid:<8} {found.st_gid:<8} {found.st_size:8}"
    return text(name) + text(f"{stat.filemode(found.st_mode)} {owner} {when} ".encode() + name) + attributes(found)


def change(target: bytes | int, wanted: dict[str, int]) -> Reply:
    if "size" in wanted:
        os.truncate(target, wanted["size"])
    if "uid" in wanted:
        os.chown(target, wanted["uid"], wanted["gid"])
    if "mode" in wanted:
        os.chmod(target, stat.S_IMODE(wanted["mode"]))
    if "mtime" in wanted:
        os.utime(target, (wanted["atime"], wanted["mtime"]))
    return done()


def send(kind: int, rest: bytes) -> None:
    sys.stdout.buffer.write(struct.pack(">IB", len(rest) + 1, kind) + rest)
    sys.stdout.buffer.flush()


def main() -> int:
    """Serve until the client closes."""
    server = Server()
    while len(head := sys.stdin.buffer.read(5)) == 5:
        size, kind = struct.unpack(">IB", head)
        packet = Packet(sys.stdin.buffer.read(size - 1))
        if kind == INIT:
            send(VERSION, struct.pack(">I", 3) + text(b"posix-rename@openssh.com") + text(b"1"))
            continue
        number = struct.pack(">I", packet.number())
        try:
            answer, rest = server.answer(kind, packet)
        except Refused as refused:
            answer, rest = status(refused.code, str(refused))
        except OSError as error:
            answer, rest = status(CODES.get(error.errno or 0, FAILURE), error.strerror or "failed")
        except struct.error:
            answer, rest = status(BAD_MESSAGE, "the request is too short")
        send(answer, number + rest)
    return 0


if __name__ == "__main__":
    sys.exit(main())
