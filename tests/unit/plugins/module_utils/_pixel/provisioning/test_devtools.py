# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the installation of tools in a pixel, from files in the pixel instead of a registry."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused, TimedOut
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import devtools, step_record
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from tests.unit.plugins.conftest import put, read, wait_until

WEB = PixelName("px-web")


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    return "25.10"


def archive(program):
    """A package as npm has them."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as packed:
        entry = tarfile.TarInfo("package/bin/tool")
        entry.size = len(program)
        packed.addfile(entry, io.BytesIO(program))
    return content.getvalue()


class Registry:
    """Writes packages into a pixel, and a lock of them."""

    def __init__(self, truenas, path):
        self.truenas = truenas
        self.path = path
        self.tools = {}

    def add(self, name, program="echo 1", *, checksum=None, **entry):
        content = archive(program if isinstance(program, bytes) else f"#!/bin/sh\n{program}\n".encode())
        place = f"/srv/registry/{name}.tgz"
        engine = self.truenas.world.engine
        self.truenas.run(engine.write_file("px-web", place, content, append=False, mode=0o644, uid=0, gid=0))
        checksum = checksum or hashlib.sha512(content).hexdigest()
        files = [{"url": f"file://{place}", "checksum": checksum}]
        links = [{"name": name, "target": "bin/tool"}]
        self.tools[name] = {"version": "1", "files": files, "links": links, **entry}
        self.path.write_text(json.dumps({"format": 1, "tools": self.tools}))

    def select(self, *names):
        return devtools.select(names, str(self.path))


@pytest.fixture
def registry(truenas, tmp_path):
    truenas.world.add_container("px-web")
    return Registry(truenas, tmp_path / "lock.json")


def install(pixels, tools, **options):
    messages = []
    devtools.install(pixels, WEB, tools, deadline=Deadline(60), say=messages.append, **options)
    return messages


def output_of(pixels, *argv):
    with WebShellClient(pixels, WEB) as shell:
        return shell.run(Command(argv)).stdout.decode().strip()


def test_tools_are_installed_with_what_they_require_and_found_by_each_kind_of_shell(pixels, registry):
    registry.add("python-like", "echo snake")
    registry.add("agent", "exec python-like", requires=["python-like"])
    tools = registry.select("agent")
    assert not devtools.is_complete(pixels, WEB, tools)

    install(pixels, tools)

    assert devtools.is_complete(pixels, WEB, tools)
    assert output_of(pixels, "agent") == "snake"
    for shell in (("sh", "-c"), ("sh", "-lc"), ("bash", "-c"), ("bash", "-lc"), ("env", "-i", "bash", "-lc")):
        assert output_of(pixels, *shell, "agent") == "snake", shell


@pytest.mark.wide
def test_an_installed_tool_is_not_touched_and_another_version_replaces_it(pixels, registry):
    registry.add("one", "echo 1")
    registry.add("two", "echo 1")
    install(pixels, registry.select("one", "two"))
    before = output_of(pixels, "stat", "-c", "%i", "/opt/pixels/one")
    registry.add("two", "echo 2")

    install(pixels, registry.select("one", "two"))

    assert output_of(pixels, "two") == "2"
    assert output_of(pixels, "stat", "-c", "%i", "/opt/pixels/one") == before


@pytest.mark.wide
def test_a_wrong_checksum_fails_its_tool_alone_and_the_next_run_installs_only_that(pixels, truenas, registry):
    registry.add("good")
    registry.add("bad", checksum="0" * 128)
    with pytest.raises(Refused, match=r"not installed: bad\. bad failed with exit status 1: wrong checksum of file"):
        install(pixels, registry.select("bad", "good"))
    with WebShellClient(pixels, WEB) as shell:
        record = step_record.read(shell)
        found = {step.name: (step.state, step.rc) for step in record.steps}
        assert found == {"downloader": ("done", 0), "bad": ("failed", 1), "good": ("done", 0)}
        assert shell.run(Command(("bad",))).rc == 127
    assert "wrong checksum" in read(truenas, "/var/log/pixels-devtools.log")
    registry.add("bad")

    install(pixels, registry.select("bad", "good"))

    assert output_of(pixels, "bad") == "1"


@pytest.mark.wide
def test_a_program_that_lacks_a_library_fails_its_tool_and_names_the_library(pixels, registry):
    registry.add("lost", Path("/bin/true").read_bytes().replace(b"libc.so.6", b"libx.so.6"))

    with pytest.raises(Refused, match=r"not installed: lost.*lost cannot run: libx.so.6 => not found"):
        install(pixels, registry.select("lost"))


def test_a_command_that_something_else_installed_is_not_replaced(pixels, truenas, registry):
    registry.add("mine")
    put(truenas, "/usr/local/bin/mine", "#!/bin/sh\necho precious\n", mode=0o755)

    with pytest.raises(Refused, match="/usr/local/bin/mine exists already. Remove it"):
        install(pixels, registry.select("mine"))

    assert output_of(pixels, "mine") == "precious"


@pytest.mark.wide
def test_the_pixel_goes_on_without_a_controller_and_another_one_waits_for_it(pixels, truenas, registry):
    registry.add("slow")
    put(
        truenas,
        "/usr/local/bin/curl",
        '#!/bin/sh\nuntil [ -e /root/go ]; do :; done\nexec /usr/bin/curl "$@"\n',
        mode=0o755,
    )
    tools = registry.select("slow")

    install(pixels, tools, wait=False)

    def state():
        with WebShellClient(pixels, WEB) as shell:
            return {step.name: step.state for step in step_record.read(shell).steps}

    wait_until(lambda: state().get("slow") == "running")
    assert output_of(pixels, "bash", "-lic", "true").startswith("pixels: tools are being installed, now slow")
    with pytest.raises(TimedOut, match=r"now slow. The installation continues in web"):
        devtools.install(pixels, WEB, tools, deadline=Deadline(0.5), say=lambda _text: None)
    put(truenas, "/root/go", "")
    messages = install(pixels, tools)
    assert state() == {"downloader": "done", "slow": "done"}
    assert messages in ([], ["1 of 2 steps are done, now slow"])
    assert output_of(pixels, "slow") == "1"


@pytest.mark.wide
def test_an_installation_that_was_killed_is_interrupted_and_continued(pixels, truenas, registry):
    registry.add("slow")
    put(truenas, "/usr/local/bin/curl", "#!/bin/sh\nkill -9 $PPID\n", mode=0o755)
    tools = registry.select("slow")
    with pytest.raises(Refused, match="not installed: slow. the program ended early"):
        install(pixels, tools)
    with WebShellClient(pixels, WEB) as shell:
        assert step_record.read(shell).state == "interrupted"
    assert "some tools are not installed" in output_of(pixels, "bash", "-lic", "true")
    truenas.run(truenas.world.engine.run("px-web", ["rm", "/usr/local/bin/curl"]))

    install(pixels, tools)

    assert output_of(pixels, "slow") == "1"
    assert output_of(pixels, "bash", "-lic", "true") == ""
