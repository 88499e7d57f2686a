# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of sending and fetching directories, over both transports, with tar and without."""

from __future__ import annotations

import contextlib
import io
import os
import random
import socket
import stat
import tarfile
import threading
import time

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import (
    connect,
    directory_transfer,
    extraction,
    file_transfer,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.file_transfer import NotTransferred
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell import client
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import settings
from tests.unit.plugins.conftest import users_of_its_own


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    return "25.10"


@pytest.fixture(params=["shell", pytest.param("ssh", marks=pytest.mark.wide)])
def transport(request):
    return request.param


both_transports = pytest.mark.parametrize("transport", ["shell", "ssh"])
"""For what each transport does in its own way. The scripts that run in a pixel are the same."""


@pytest.fixture
def shell(transport, pixels, guest, key, truenas):
    how = settings.SshSettings("root", key.private, truenas.ssh_port, transport=transport)
    with connect.open_shell(pixels, guest, how) as opened:
        yield opened


@pytest.fixture(params=["tar", "file by file"])
def way(request, shell):
    """Whether the pixel has tar."""
    if request.param != "tar":
        sh(shell, "rm -f $(command -v tar) /bin/tar")
        assert sh(shell, "command -v tar || echo none") == "none\n"
    return request.param


def sh(shell, script):
    ended = shell.run(Command(("sh", "-c", script)))
    assert ended.rc == 0, ended.stderr
    return ended.stdout.decode()


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    (folder / "a b" / "deep").mkdir(parents=True)
    (folder / "empty").mkdir(mode=0o700)
    (folder / "a b" / "deep" / "it's €").write_bytes(random.Random(5).randbytes(100_000))
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    (folder / "nothing").touch(mode=0o600)
    (folder / "link").symlink_to("a b/deep")
    (folder / "broken").symlink_to("nowhere")
    folder.chmod(0o750)
    return folder


def seen(folder):
    """Every path with what it is."""
    found = {".": oct(folder.stat().st_mode)}
    for path in folder.rglob("*"):
        what = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = (what, None if path.is_symlink() else oct(path.stat().st_mode))
    return found


@both_transports
def test_a_directory_goes_in_and_comes_out_as_it_was(shell, way, source, tmp_path):
    directory_transfer.put(shell, str(source), "/srv/here")
    directory_transfer.get(shell, "/srv/here", str(tmp_path / "back"))

    assert seen(tmp_path / "back") == seen(source)
    assert {path.name for path in tmp_path.iterdir()} - {"state"} == {"back", "source"}
    assert sh(shell, "ls /srv") == "here\n"


def test_what_was_there_is_replaced_as_a_whole(shell, way, source, tmp_path):
    sh(shell, "mkdir -p /srv/here/old; touch /srv/here/old/file")
    (tmp_path / "back" / "old").mkdir(parents=True)

    directory_transfer.put(shell, str(source), "/srv/here/")
    directory_transfer.get(shell, "/srv/here", str(tmp_path / "back"))

    assert seen(tmp_path / "back") == seen(source)


@users_of_its_own
def test_all_of_it_has_the_owner_that_is_asked_for(shell, way, source):
    directory_transfer.put(shell, str(source), "/srv/here", owner="ubuntu:ubuntu")

    assert set(sh(shell, "find /srv/here -exec stat -c %U:%G {} +").split()) == {"ubuntu:ubuntu"}


@both_transports
@users_of_its_own
@pytest.mark.wide
def test_what_a_user_writes_belongs_to_that_user_and_stays_in_place(shell, way, source, tmp_path):
    sh(shell, "mkdir /srv/victim")
    put = "ln -s /srv/victim ~/there; i=0; while [ $i -lt 50 ]; do i=$((i+1)); ln -s /srv/victim ~/.pixels-$i; done"
    assert shell.run(Command(("sh", "-c", put), user="ubuntu")).rc == 0

    directory_transfer.put(shell, str(source), "/home/ubuntu/here", user="ubuntu")
    directory_transfer.get(shell, "/home/ubuntu/here", str(tmp_path / "back"), user="ubuntu")

    assert seen(tmp_path / "back") == seen(source)
    assert set(sh(shell, "find /home/ubuntu/here -exec stat -c %U:%G {} +").split()) == {"ubuntu:ubuntu"}
    with pytest.raises(NotTransferred, match="there is a symlink that another user controls"):
        directory_transfer.put(shell, str(source), "/home/ubuntu/there/x")
    with pytest.raises(NotTransferred, match="there is a symlink that another user controls"):
        directory_transfer.get(shell, "/home/ubuntu/there", str(tmp_path / "none"))
    with pytest.raises(NotTransferred, match="cannot write to the directory /srv"):
        directory_transfer.put(shell, str(source), "/srv/x", user="ubuntu")
    assert sh(shell, "ls -A /srv/victim") == ""


def test_links_are_never_followed_into_a_pixel(shell, way, source, tmp_path):
    (tmp_path / "secret").write_text("sesame")
    (source / "out").symlink_to(tmp_path / "secret")

    directory_transfer.put(shell, str(source), "/srv/here")

    assert sh(shell, "readlink /srv/here/out") == f"{tmp_path}/secret\n"


@pytest.mark.parametrize("target", ["/etc/passwd", "../../etc", "a/../../.."])
def test_a_link_that_leads_out_of_it_is_refused_by_the_receiver(shell, way, tmp_path, target):
    sh(shell, f"mkdir -p /srv/here/a; ln -s {target} /srv/here/a/link")

    with pytest.raises(NotTransferred, match=r"/srv/here: \S*a/link is a symlink that leads out of the directory, to "):
        directory_transfer.get(shell, "/srv/here", str(tmp_path / "back"))

    assert {path.name for path in tmp_path.iterdir()} <= {"state"}


def test_what_is_neither_file_nor_directory_nor_link_is_refused(shell, way, source, tmp_path):
    sh(shell, "mkdir -p /srv/here; mkfifo /srv/here/pipe")
    os.mkfifo(source / "pipe")

    with pytest.raises(NotTransferred, match="pipe is neither a file, a directory nor a link"):
        directory_transfer.get(shell, "/srv/here", str(tmp_path / "back"))
    with pytest.raises(NotTransferred, match="pipe is neither a file, a directory nor a link"):
        directory_transfer.put(shell, str(source), "/srv/there")

    assert not (tmp_path / "back").exists()
    assert sh(shell, "ls /srv") == "here\n"


@pytest.mark.parametrize("place", ["/etc/hostname", "/srv/link", "/srv/none/here"])
def test_a_path_that_cannot_have_a_directory_is_reported_and_unchanged(shell, way, source, place):
    sh(shell, "ln -s /etc /srv/link")
    before = sh(shell, "ls -d /etc/* | sort")

    with pytest.raises(NotTransferred, match=place.rsplit("/", maxsplit=1)[0]):
        directory_transfer.put(shell, str(source), place)

    assert sh(shell, "ls -d /etc/* | sort") == before
    assert sh(shell, "ls /srv") == "link\n"


def test_what_is_no_directory_is_reported(shell, way, tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(NotTransferred, match="/etc/hostname is not a directory"):
        directory_transfer.get(shell, "/etc/hostname", str(tmp_path / "back"))
    with pytest.raises(NotTransferred, match="file is not a directory"):
        directory_transfer.put(shell, str(tmp_path / "file"), "/srv/here")
    with pytest.raises(NotTransferred, match="file on the controller is not a directory"):
        directory_transfer.get(shell, "/etc/ssh", str(tmp_path / "file"))


def test_owner_and_special_bits_of_a_pixel_are_not_taken_over(shell, way, tmp_path):
    sh(
        shell,
        "mkdir -p /srv/here; cp /bin/true /srv/here/true; chmod 4755 /srv/here/true; ln /srv/here/true /srv/here/same",
    )

    directory_transfer.get(shell, "/srv/here", str(tmp_path / "back"))

    found = (tmp_path / "back" / "same").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o755, os.getuid())


@pytest.mark.parametrize("transport", ["shell"])
def test_one_that_is_interrupted_leaves_what_was_there(shell, pixels, source, truenas, monkeypatch):
    # The pixel keeps running, so there is no wait for a stop.
    monkeypatch.setattr(client, "STOP_TIMEOUT_S", 0.0)
    sh(shell, "mkdir -p /srv/here; touch /srv/here/old")
    (source / "large").write_bytes(bytes(3_000_000))
    truenas.faults.add("drop_shell", method="px-web", after_input=1_000_000)

    with pytest.raises(PixelsError, match="lost the web shell"):
        directory_transfer.put(shell, str(source), "/srv/here")

    until = time.monotonic() + 20
    while sh(shell, "ls -A /srv") != "here\n":
        assert time.monotonic() < until
        time.sleep(0.1)
    assert sh(shell, "ls /srv/here") == "old\n"


def archive(*members, end=True):
    """What a hostile tar says: each member is a TarInfo, or a name with attributes of one, or bytes as they are."""
    file = io.BytesIO()
    for each in [{"name": ".", "type": tarfile.DIRTYPE, "mode": 0o755}, *members]:
        if isinstance(each, bytes):
            file.write(each)
            continue
        member = tarfile.TarInfo(each["name"])
        content = each.get("content", b"")
        member.size = len(content)
        for attribute, value in each.items():
            if attribute not in ("content", "format"):
                setattr(member, attribute, value)
        file.write(member.tobuf(each.get("format", tarfile.PAX_FORMAT), errors="surrogateescape"))
        file.write(content + bytes(-len(content) % 512))
    file.write(bytes(1024 if end else 0))
    return file.getvalue()


def folder(name):
    return {"name": name, "type": tarfile.DIRTYPE, "mode": 0o755}


def link(name, target, kind=tarfile.SYMTYPE):
    return {"name": name, "type": kind, "linkname": target}


def extended(**headers):
    """A header of its own with records, each of which has its length in front."""
    records = b""
    for name, value in headers.items():
        rest = b" %s=%s\n" % (name.replace("_", ".").encode(), value)
        size = len(rest) + len(str(len(rest)))
        size = len(rest) + len(str(size))
        records += b"%d%s" % (size, rest)
    member = tarfile.TarInfo("headers")
    member.type, member.size = tarfile.XHDTYPE, len(records)
    return member.tobuf(tarfile.USTAR_FORMAT) + records + bytes(-len(records) % 512)


HOSTILE = {
    "a link that leads out through another": archive(
        *(folder("a"), folder("a/b"), link("a/b/up", "../.."), link("e", "a/b/up/../../../etc/passwd"))
    ),
    "a link that leads out through one that comes later": archive(link("e", "up/../x"), link("up", ".")),
    "a hard link to nothing": archive(link("hard", "none", tarfile.LNKTYPE)),
    "a hard link to a folder": archive(folder("a"), link("hard", "a", tarfile.LNKTYPE)),
    "a hard link to a file outside": archive(link("hard", "/etc/passwd", tarfile.LNKTYPE)),
    "a hard link to itself": archive(link("hard", "hard", tarfile.LNKTYPE)),
    "links in a circle": archive(link("a", "b"), link("b", "a")),
    "hard links in a circle": archive(link("a", "b", tarfile.LNKTYPE), link("b", "a", tarfile.LNKTYPE)),
    "a bad sparse header": archive(
        extended(GNU_sparse_major=b"1", GNU_sparse_minor=b"0"), {"name": "s", "content": b"many\n" * 200}
    ),
    "a bad sparse map": archive(extended(GNU_sparse_map=b"1,x"), {"name": "s"}),
    "a sparse file": archive({"name": "s", "type": tarfile.GNUTYPE_SPARSE, "format": tarfile.GNU_FORMAT}),
    "a zero byte in a path": archive(extended(path=b"a\0b"), {"name": "x"}),
    "a zero byte in a link": archive(extended(linkpath=b"a\0b"), link("x", "y")),
    "a size that is none": archive(extended(size=b"-512"), {"name": "x"}),
    "a size beyond all": archive(extended(size=b"9" * 30), {"name": "x"}),
    "a longer file than comes": archive({"name": "x", "size": 1 << 40}),
    "a negative size": archive({"name": "x", "size": -1024, "format": tarfile.GNU_FORMAT}),
    "a name without an end": archive({"name": "n", "type": tarfile.GNUTYPE_LONGNAME, "size": 1 << 40}),
    "nothing but names of names": archive(
        *[{"name": "n", "type": tarfile.GNUTYPE_LONGNAME, "content": b"x"} for _each in range(1500)]
    ),
    "a depth of 1400": archive(*[folder("/".join("d" * depth)) for depth in range(1, 1400)]),
    "an absolute name": archive({"name": "/etc/x"}),
    "a name that leads out": archive({"name": "../x"}),
    "a device": archive({"name": "null", "type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}),
    "a pipe": archive({"name": "pipe", "type": tarfile.FIFOTYPE}),
    "a kind that nobody knows": archive({"name": "what", "type": b"Z"}),
    "two of one name": archive({"name": "x"}, folder("x")),
    "a file through a link": archive(link("up", "a"), folder("a"), {"name": "up/x"}),
    "a file in a file": archive({"name": "x"}, {"name": "x/y"}),
    "a name as long as none can be": archive(extended(path=b"x" * 5000), {"name": "x"}),
    "the folder as a link": archive(link(".", "a")),
    "one that breaks off": archive({"name": "x", "content": bytes(1000)}, end=False)[:-700],
    "one that goes on after its end": archive() + bytes(3 << 20),
    "no archive": b"tar: this is a text\n" * 1000,
    "nothing": b"",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_one_error_and_leaves_all_as_it_was(tmp_path, name):
    target = tmp_path / "place" / "back"
    target.mkdir(parents=True)
    (target / "old").touch()

    with (
        pytest.raises(NotTransferred, match="/srv/here") as failed,
        directory_transfer.arriving_at("/srv/here", str(target)) as there,
    ):
        directory_transfer.unpack_all(stream_of(HOSTILE[name]), there)

    assert str(failed.value).isprintable()
    assert [path.name for path in target.parent.iterdir()] == ["back"]
    assert [path.name for path in target.iterdir()] == ["old"]


def stream_of(content):
    """The end of a pipe to read it from."""
    reading, writing = os.pipe()

    def write():
        with contextlib.suppress(BrokenPipeError), open(writing, "wb") as file:
            file.write(content)

    threading.Thread(target=write, daemon=True).start()
    return reading


def test_names_that_are_no_text_and_special_bits_arrive_as_they_can(tmp_path):
    content = archive({"name": "\udcff\udcfe", "mode": 0o6755, "content": b"x"}, folder("closed") | {"mode": 0o7500})

    with directory_transfer.arriving_at("/srv/here", str(tmp_path / "back")) as there:
        directory_transfer.unpack_all(stream_of(content), there)

    modes = {os.fsencode(path.name): stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "back").iterdir()}
    assert modes == {b"\xff\xfe": 0o755, b"closed": 0o500}


@pytest.mark.timeout(60)
@pytest.mark.wide
def test_archives_with_any_damage_are_one_error_or_a_tree_that_stays_inside(tmp_path):
    """Each of many archives that a seed makes is as odd as the next; what it did is in what it leaves."""
    chance = random.Random(11)
    place = tmp_path / "place"
    place.mkdir()
    outside = {path.name for path in tmp_path.iterdir()}
    came = 0
    until = time.monotonic() + 15
    for turn in range(1500):
        if time.monotonic() > until:
            break
        content = damaged(chance)
        with contextlib.suppress(NotTransferred):
            with directory_transfer.arriving_at("/srv/here", str(place / "back")) as there:
                directory_transfer.unpack_all(stream_of(content), there)
            came += 1
        left = [path.name for path in place.iterdir()]
        assert left in ([], ["back"]), turn
        for path in place.rglob("*"):
            assert path.resolve().is_relative_to(place / "back"), (turn, path)
            assert path.is_symlink() or path.is_file() or path.is_dir()
            assert path.is_symlink() or not path.lstat().st_mode & 0o7000
        assert {path.name for path in tmp_path.iterdir()} == outside
        extraction.remove(str(place / "back"))
    assert came > 0


NAMES = ("a", "b", "a/b", "a/b/c", "b/c", "..", "a/..", "/x", "../place", "a/../../x", "a\udcff", "./a", "A", "")
TYPES = (
    *(tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE),
    *(tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE),
)


def damaged(chance):
    """Some members of any kind, of which bytes are then changed, or the end is cut off."""
    kinds = TYPES[: chance.choice((2, 4, len(TYPES)))]
    members = []
    for _each in range(chance.randint(1, 8)):
        content = chance.choice((b"", b"content", chance.choice(NAMES).encode("utf-8", "surrogateescape") + b"\0"))
        kind = chance.choice(kinds)
        member = {"name": chance.choice(NAMES), "type": kind, "mode": chance.choice((0o644, 0o755, 0o7777, 0))}
        member |= {"linkname": "/".join(chance.choices(("..", ".", "a", "b", "c", ""), k=chance.randint(1, 6)))}
        if kind not in (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE):
            member["content"] = content
        members.append(member | {"format": chance.choice((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT))})
    content = bytearray(archive(*members))
    for _each in range(chance.choice((0, 0, 0, 1, 3))):
        at = chance.randrange(len(content))
        content[at] = chance.choice((0, 0x80, 0xFF, 0x2F, chance.randrange(256)))
        mend_checksum(content, at)
    return bytes(content[: chance.choice((len(content), len(content), chance.randrange(len(content))))])


def mend_checksum(content, at):
    """A header with a correct checksum is parsed, regardless of other errors in it."""
    start = at - at % 512
    header = content[start : start + 512]
    header[148:156] = b" " * 8
    content[start + 148 : start + 156] = b"%06o\0 " % sum(header)


def pretend(shell, program, script):
    """Have the pixel's own program be another one."""
    put = 'cat >"/usr/local/bin/$1" && chmod 755 "/usr/local/bin/$1"'
    assert shell.run(Command(("sh", "-c", put, "sh", program), stdin=script.encode())).rc == 0


@both_transports
@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("cat /dev/zero", "continues after its end"),
        ("yes", "the archive cannot be unpacked"),
        ("exit 3", "no output"),
        ("cat /srv/evil", "leads out of the directory"),
        ("[ -e /srv/once ] && echo other; touch /srv/once; cat /srv/good", "was changed meanwhile"),
    ],
)
def test_each_hostile_tar_is_one_error(shell, tmp_path, script, problem):
    for name, content in (("evil", HOSTILE["a link that leads out through another"]), ("good", archive())):
        assert shell.run(Command(("sh", "-c", f"mkdir -p /srv/here; cat >/srv/{name}"), stdin=content)).rc == 0
    pretend(shell, "tar", f"#!/bin/sh\n{script}\n")

    with pytest.raises(NotTransferred, match=f"/srv/here: .*{problem}"):
        directory_transfer.get(shell, "/srv/here", str(tmp_path / "back"))

    assert {path.name for path in tmp_path.iterdir()} <= {"state"}
    assert sh(shell, "echo here") == "here\n"


@pytest.mark.parametrize(
    ("listing", "problem"),
    [
        (r"41ed\000.\000\000zz\000./x\000\000", "x has an invalid mode: zz"),
        (
            r"41ed\000.\000\000a1ff\000./e\000up/../x\000a1ff\000./up\000.\000",
            "e is a symlink that leads out of the directory",
        ),
        (r"41ed\000.\000\00081a4\000../x\000\000", "is not inside the directory"),
        (r"41ed\000.\000\00081a4\000/x\000\000", "is not inside the directory"),
        (r"41ed\000.\000\00081a4\000./none\000\000", "cannot enter|is not a file"),
        (r"41ed\000.\000\00021b6\000./null\000\000", "null is neither a file, a directory nor a link"),
        (r"41ed\000.\000\00041ed\000./a\000\000a1ff\000./a\000b\000", "a comes more than once"),
        (r"41ed\000.\000\000ffffffff\000./a\000\000", "a is neither a file, a directory nor a link"),
        (r"\000\000\000", "has an invalid mode"),
        (r"41ed\000.", "the list of files is invalid"),
    ],
)
def test_each_hostile_list_is_one_error(shell, tmp_path, listing, problem):
    sh(shell, "rm -f $(command -v tar) /bin/tar; mkdir -p /srv/here")
    pretend(shell, "find", f"#!/bin/sh\nprintf '{listing}'\n")

    with pytest.raises(NotTransferred, match=f"/srv/here.*: .*({problem})"):
        directory_transfer.get(shell, "/srv/here", str(tmp_path / "back"))

    assert {path.name for path in tmp_path.iterdir()} <= {"state"}


@both_transports
def test_a_list_without_an_end_is_given_up(shell, tmp_path, monkeypatch):
    monkeypatch.setattr(directory_transfer, "LIST_LIMIT_BYTES", 100_000)
    sh(shell, "rm -f $(command -v tar) /bin/tar; mkdir -p /srv/here")
    pretend(shell, "find", "#!/bin/sh\nyes\n")

    with pytest.raises(PixelsError, match="larger than 100000 bytes"):
        directory_transfer.get(shell, "/srv/here", str(tmp_path / "back"))

    assert {path.name for path in tmp_path.iterdir()} <= {"state"}


@both_transports
def test_more_than_there_is_room_for_is_given_up(shell, way, tmp_path, monkeypatch):
    monkeypatch.setattr(file_transfer, "space_in", lambda directory: 200_000)
    sh(shell, "mkdir -p /srv/here; head -c 1000000 /dev/zero >/srv/here/large")

    with pytest.raises(NotTransferred, match="200000 bytes of free space"):
        directory_transfer.get(shell, "/srv/here", str(tmp_path / "back"))

    assert {path.name for path in tmp_path.iterdir()} <= {"state"}


def test_what_is_odd_here_is_not_sent(shell, way, tmp_path):
    deep = tmp_path / "deep" / "/".join("d" * 300)
    deep.mkdir(parents=True)
    (tmp_path / "odd").mkdir()
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(str(tmp_path / "odd" / "socket"))

    with pytest.raises(NotTransferred, match="socket is neither a file, a directory nor a link"):
        directory_transfer.put(shell, str(tmp_path / "odd"), "/srv/odd")
    with pytest.raises(NotTransferred, match="more than 256 levels"):
        directory_transfer.put(shell, str(tmp_path / "deep"), "/srv/deep")
    bound.close()

    assert sh(shell, "ls -A /srv") == ""


def test_what_changes_while_it_is_read_is_reported(tmp_path):
    (tmp_path / "file").touch()
    inside = directory_transfer.entries(str(tmp_path))
    (tmp_path / "file").unlink()
    os.mkfifo(tmp_path / "file")

    for pack in (directory_transfer.packed, directory_transfer.listed):
        with pytest.raises(OSError, match="it changed while it was read"), pack(str(tmp_path), inside):
            pass
