# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether large files go into a pixel and out of it through the shell of the NAS, with what its image has.

All that transfers take is `/bin/sh` and coreutils, or busybox in their place. They are this machine's own.
"""

from __future__ import annotations

import filecmp
import random
import shutil
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionLost
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Credential, Endpoint, Session
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import file_transfer
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell import client as nas_shell
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from tests.simulator.engines.process.image_builder import Ids
from tests.simulator.running import running_simulator

MEGABYTE = 1_000_000
SIZE = 20 * MEGABYTE
"""More than any buffer on the way. The time that each transfer takes grows with it."""
# A user other than root can give only its own ID to a pixel.
OWNER = "1000:1000" if Ids.here().number > 1 else "0:0"

# As root of the pixel: busybox takes the place of all other programs.
ONLY_BUSYBOX = """\
mkdir /programs
cp "$(command -v busybox)" /programs/busybox
/programs/busybox --install /programs
for folder in /bin /sbin /usr/bin /usr/sbin /usr/local/bin /usr/local/sbin; do
    /programs/mount -o bind /programs "$folder"
done
"""
# Family -> the program its shell is, and what makes a pixel one of that family.
FAMILIES = {
    "debian": ("dash", "ln -sf dash /usr/bin/sh"),
    "rocky": ("bash", "ln -sf bash /usr/bin/sh"),
    "alpine": ("busybox", ONLY_BUSYBOX),
}
"""Ubuntu is as Debian, Arch as Rocky."""


@pytest.fixture(scope="module")
def truenas(pytestconfig) -> t.Iterator[t.Any]:
    """One NAS for all families, each of which has a pixel of its own."""
    with running_simulator(release="25.10", engine=pytestconfig.getoption("--engine")) as simulator:
        yield simulator
        assert simulator.contract_errors == []


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> t.Iterator[Path]:
    path = tmp_path_factory.mktemp("large") / "source"
    with path.open("wb") as file:
        for seed in range(SIZE // MEGABYTE):
            file.write(random.Random(seed).randbytes(MEGABYTE))
    yield path
    path.unlink()


@pytest.fixture
def back(tmp_path) -> t.Iterator[Path]:
    """Return the destination of the download: an old file, alone in its directory."""
    (tmp_path / "back").write_bytes(b"old\n")
    yield tmp_path / "back"
    (tmp_path / "back").unlink()


@pytest.fixture(
    params=["debian", pytest.param("rocky", marks=pytest.mark.wide), pytest.param("alpine", marks=pytest.mark.wide)]
)
def shell(request, truenas) -> t.Iterator[WebShellClient]:
    program, script = FAMILIES[request.param]
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} here")
    name = f"px-{request.param}"
    if name not in truenas.world.containers:
        truenas.world.add_container(name)
        made = truenas.run(truenas.world.engine.run(name, ["/bin/sh", "-ec", script]))
        assert made.returncode == 0, made
        # Which of the two families of programs it has: only those of busybox say so.
        usage = truenas.run(truenas.world.engine.run(name, ["/bin/sh", "-c", "sha256sum --help 2>&1"])).stdout
        assert (b"BusyBox" in usage) == (program == "busybox")
    endpoint = Endpoint(truenas.host, truenas.port, ca_path=truenas.ca_file)
    with (
        Session(endpoint, Credential(truenas.username, api_key=truenas.api_key)) as session,
        WebShellClient(Pixels(session), PixelName(name)) as opened,
    ):
        yield opened


@pytest.fixture
def runs_on(monkeypatch):
    """Return immediately that the pixel keeps running, because only shells are lost in these tests."""
    monkeypatch.setattr(nas_shell, "STOP_TIMEOUT_S", 0.0)


def output_of(shell: WebShellClient, script: str) -> str:
    return shell.run(Command(("sh", "-c", script))).stdout.decode().strip()


@pytest.mark.wide
def test_it_comes_back_as_it_went_with_the_mode_and_the_owner_asked_for(shell, source, back):
    file_transfer.put(shell, str(source), "/root/large", mode="0640", owner=OWNER)
    file_transfer.get(shell, "/root/large", str(back))

    assert filecmp.cmp(source, back, shallow=False)
    assert output_of(shell, "stat -c '%a %u:%g' /root/large") == f"640 {OWNER}"


def test_an_upload_that_breaks_off_leaves_the_old_file(shell, source, truenas, runs_on):
    file_transfer.put_bytes(shell, b"old\n", "/srv/large", mode="0604")
    truenas.faults.add("drop_shell", method=shell._name, after_input=SIZE * 9 // 10)

    with pytest.raises(ConnectionLost):
        file_transfer.put(shell, str(source), "/srv/large")

    assert output_of(shell, "cat /srv/large; stat -c %a /srv/large") == "old\n604"
    until = time.monotonic() + 30
    while output_of(shell, "ls -A /srv") != "large":
        assert time.monotonic() < until


def test_a_download_that_breaks_off_leaves_the_old_file(shell, truenas, runs_on, back):
    output_of(shell, f"head -c {SIZE} /dev/zero >/root/other")
    truenas.faults.add("drop_shell", method=shell._name, after_output=SIZE // 10)

    with pytest.raises(ConnectionLost):
        file_transfer.get(shell, "/root/other", str(back))

    assert [path.name for path in back.parent.iterdir()] == ["back"]
    assert back.read_bytes() == b"old\n"
