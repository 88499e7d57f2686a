# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is the key of the NAS anywhere but where it was put? All processes and files of whole runs are looked through."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import typing as t
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PLAY = """
- hosts: pixels
  gather_facts: false
  tasks:
    - pixels.truenas.pixels_container: {memory: 1GiB, wait: none}
    - pixels.truenas.pixels_exec: {transport: shell, cmd: hostname}
    - ansible.builtin.raw: hostname
    - pixels.truenas.pixels_checkpoint: {label: saved}
    - pixels.truenas.pixels_container_info:
      async: 30
      poll: 1
    - pixels.truenas.pixels_checkpoint: {label: "not a label"}
      ignore_errors: true
"""


class Watch:
    """Looks through the arguments and variables of every process that appears, again and again."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._over = threading.Event()
        self.seen: set[str] = set()
        self.found: set[str] = set()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_how: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.01):
            for process in Path("/proc").glob("[0-9]*"):
                if process.name == str(os.getpid()):
                    # The test itself, in which the NAS lives.
                    continue
                for what in ("cmdline", "environ"):
                    self._read(process / what)

    def _read(self, path: Path) -> None:
        try:
            content = path.read_bytes()
        except OSError:
            return
        if path.name == "cmdline":
            self.seen.add(content.replace(b"\0", b" ").decode("utf-8", "replace"))
        if self._secret in content:
            self.found.add(f"{path.name} of {content[:200]!r}")


def files_with(secret: str, *folders: Path) -> t.Iterator[Path]:
    for folder in folders:
        for path in folder.rglob("*"):
            try:
                if path.is_file() and secret.encode() in path.read_bytes():
                    yield path
            except OSError:
                continue


@pytest.fixture
def engine() -> str:
    return "process"


@pytest.fixture
def release() -> str:
    return "25.10"


@pytest.mark.wide
def test_the_key_is_nowhere_but_in_its_file(ansible, truenas, tmp_path):
    truenas.world.add_container("px-web")
    key = tmp_path / "nas.key"
    key.write_text(truenas.api_key)
    key.chmod(0o600)
    del ansible.environment["PIXELS_TRUENAS_API_KEY"]
    ansible.environment |= {"PIXELS_TRUENAS_API_KEY_FILE": str(key), "PIXELS_PYTHON": sys.executable}
    (tmp_path / "all.pixels.yml").write_text(
        "plugin: pixels.truenas.pixels\nconnect_with: shell\ncache: true\ncache_plugin: ansible.builtin.jsonfile\n"
        f"cache_connection: {tmp_path}/cache\n"
    )
    inventory = ("-i", str(tmp_path / "all.pixels.yml"))
    pixels = str(ROOT / "bin" / "pixels")

    with Watch(truenas.api_key) as watch:
        output = [
            subprocess.run(
                [pixels, "-v", "exec", "--transport", "shell", "web", "hostname"],
                env=ansible.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=True,
            ),
        ]
        played = ansible.play(PLAY, *inventory, "-vvvv")

    outcomes = [result["outcome"] for result in played["results"]]
    assert outcomes.count("failed") == 1
    assert any("main.py" in line for line in watch.seen), "the daemon of the session was not seen"
    assert watch.found == set()
    assert [
        text
        for text in (played["text"], *(f"{each.stdout}{each.stderr}" for each in output))
        if truenas.api_key in text
    ] == []
    runtime = Path(ansible.environment["XDG_RUNTIME_DIR"])
    assert set(files_with(truenas.api_key, tmp_path, runtime)) == {key}
