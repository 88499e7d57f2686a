# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of a NAS or a guest at each place where it is shown: no terminal interprets it, and it is bounded."""

from __future__ import annotations

import json
import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.pixels.truenas.plugins.modules import pixels_container, pixels_container_info
from tests.simulator.faults import FOREVER
from tests.unit.command import PIXELS
from tests.unit.plugins.conftest import list_inventory

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\nError: the disk is on fire\x7f\u202egpj\u2066\u2028\x00\ud800" + "x" * 300
SHOWN = r"\x1b]0;owned\x07\x1b[2J\x9b31m\r\nError: the disk is on fire\x7f\u202egpj\u2066\u2028"
LONG = "y" * 1_000_000


@pytest.fixture
def release() -> str:
    return "25.10"


def unsafe(text: str) -> set[str]:
    """The characters of an output, other than its own line ends, that a terminal would not simply print."""
    return {each for each in text if not each.isprintable() and each != "\n"}


@pytest.fixture
def hostile(truenas: t.Any) -> t.Any:
    """A pixel of whose record a guest's friend chose all that can be chosen."""
    truenas.world.add_container(
        "px-web",
        environment={"A": HOSTILE, "PIXELS/owner": HOSTILE, "PIXELS/fleet": HOSTILE, "PIXELS/label/role": HOSTILE},
    )
    image = truenas.world.containers["px-web"].image
    image |= {"os": HOSTILE, "release": HOSTILE, "variant": HOSTILE}
    return truenas


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("list", "-q"),
        ("info", "web"),
        ("status",),
        ("status", "web"),
        ("stop", "web"),
        ("start", "web"),
        ("checkpoint", "create", "web"),
        ("checkpoint", "list", "web"),
        ("ssh-config",),
        ("--complete", "info", ""),
        ("-v", "info", "web"),
    ],
    ids=" ".join,
)
def test_the_command_shows_only_safe_text(pixels_command: t.Any, hostile: t.Any, words: tuple[str, ...]) -> None:
    ended = pixels_command(*words)

    assert unsafe(ended.stdout + ended.stderr) == set()
    assert "Traceback" not in ended.stderr
    assert not [line for line in (ended.stdout + ended.stderr).splitlines() if line.startswith("Error: the disk")]


def test_what_was_hidden_in_a_label_is_seen(pixels_command: t.Any, hostile: t.Any) -> None:
    assert SHOWN in pixels_command("info", "web").stdout


@pytest.mark.parametrize("words", [("list",), ("info", "web")], ids=" ".join)
def test_json_is_exact_and_safe(pixels_command: t.Any, hostile: t.Any, words: tuple[str, ...]) -> None:
    ended = pixels_command("--json", *words)

    assert unsafe(ended.stdout) == set()
    [found] = json.loads(ended.stdout)
    assert found["environment"]["A"] == HOSTILE
    assert found["image"]["os"] == HOSTILE


@pytest.mark.parametrize("text", [HOSTILE, LONG], ids=["hostile", "long"])
@pytest.mark.parametrize(
    "words",
    [("list",), ("--json", "list"), ("info", "web"), ("stop", "web"), ("--complete", "info", "")],
    ids=" ".join,
)
def test_the_command_shows_errors_of_the_nas_safely(
    pixels_command: t.Any, truenas: t.Any, words: tuple[str, ...], text: str
) -> None:
    truenas.world.add_container("px-web")
    truenas.faults.add("fail_call", method="virt.instance.query", times=FOREVER, errno=14, reason=text)

    ended = pixels_command(*words)

    assert unsafe(ended.stdout + ended.stderr) == set()
    assert len(ended.stderr) < 6000
    assert len(ended.stderr.splitlines()) <= 1


def test_a_job_that_fails_is_reported_safely(pixels_command: t.Any, truenas: t.Any) -> None:
    truenas.world.add_container("px-web", status="STOPPED")
    truenas.faults.add("fail_job", method="virt.instance.start", text=HOSTILE + LONG, errno=14)

    ended = pixels_command("start", "web")

    assert ended.returncode == 1
    assert unsafe(ended.stdout + ended.stderr) == set()
    assert SHOWN in ended.stdout + ended.stderr
    assert len(ended.stdout + ended.stderr) < 8000


def test_a_module_fails_in_one_safe_line(run: t.Any, truenas: t.Any) -> None:
    truenas.world.add_container("px-web", status="STOPPED")
    truenas.faults.add("fail_job", method="virt.instance.start", text=HOSTILE + LONG, errno=14)

    msg = run(pixels_container, name="web", wait="none")["msg"]

    assert unsafe(msg) == set()
    assert "\n" not in msg
    assert SHOWN in msg
    assert "[... truncated]" in msg


def test_a_module_returns_exactly_what_is_there(run: t.Any, hostile: t.Any) -> None:
    [found] = run(pixels_container_info, name="web")["containers"]

    assert found["environment"]["A"] == HOSTILE


@pytest.mark.parametrize("on_error", ["warn", "fail"])
@pytest.mark.wide
def test_the_inventory_warns_safely(truenas: t.Any, nas: dict[str, t.Any], tmp_path: Path, on_error: str) -> None:
    truenas.world.add_container("px-web")
    truenas.faults.add("fail_call", method="virt.instance.query", times=FOREVER, errno=14, reason=HOSTILE)
    source = tmp_path / "x.pixels.yml"
    source.write_text(json.dumps({"plugin": "pixels.truenas.pixels", "on_error": on_error, **nas}))

    listed = list_inventory(source)

    assert unsafe(listed.stderr) == set()
    assert not [line for line in listed.stderr.splitlines() if line.startswith("Error: the disk")]


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "ascii:strict", "cp1252", "utf-8"])
@pytest.mark.parametrize(
    "words",
    [("list",), ("info", "web"), ("--json", "info", "web"), ("status", "web"), ("info", "nöbody"), ("stop", "web")],
    ids=" ".join,
)
def test_a_terminal_that_lacks_a_character_causes_no_traceback(
    pixels_command: t.Any, truenas: t.Any, words: tuple[str, ...], encoding: str
) -> None:
    truenas.world.add_container("px-web", status="STOPPED", environment={"A": "wéb 漢 🙂", "PIXELS/owner": "Änn"})

    ended = subprocess.run(
        [str(PIXELS), *words],
        env={**pixels_command.environment, "PYTHONIOENCODING": encoding},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )

    assert b"Traceback" not in ended.stderr
    if words == ("list",) and encoding != "utf-8":
        assert ended.stdout.splitlines()[1].split() == (
            [b"web", b"STOPPED", b"\x97"] if encoding == "cp1252" else [b"web", b"STOPPED", b"-"]
        )
    if "--json" in words:
        [found] = json.loads(ended.stdout.decode(encoding.partition(":")[0]))
        assert found["environment"]["A"] == "wéb 漢 🙂"


@pytest.mark.parametrize("locale", ["C", "POSIX", "en_US.ISO-8859-1"])
def test_a_locale_without_unicode_causes_no_traceback(pixels_command: t.Any, truenas: t.Any, locale: str) -> None:
    truenas.world.add_container("px-web", status="STOPPED")
    pixels_command.environment |= {"LANG": locale, "LC_ALL": locale, "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}

    ended = pixels_command("list")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.split()[3:5] == ["web", "STOPPED"]


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", ">&- 2>&- <&-", ">/dev/full", "2>/dev/full"])
@pytest.mark.parametrize(
    "words", ["list", "info web", "--json list", "status", "stop nobody", "destroy web", "list --x"]
)
def test_closed_and_full_outputs_cause_no_traceback(
    pixels_command: t.Any, truenas: t.Any, words: str, closed: str
) -> None:
    truenas.world.add_container("px-web")

    ended = subprocess.run(
        ["/bin/sh", "-c", f"{PIXELS} {words} {closed}"],
        env=pixels_command.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert "Traceback" not in ended.stderr + ended.stdout
    assert "Exception ignored" not in ended.stderr


@pytest.mark.parametrize("words", ["list", "--json info web", "info web"])
def test_a_reader_that_is_gone_causes_no_traceback(pixels_command: t.Any, truenas: t.Any, words: str) -> None:
    truenas.world.add_container("px-web")

    ended = subprocess.run(
        ["/bin/sh", "-c", f"{PIXELS} {words} | true"],
        env=pixels_command.environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.stderr == ""


def test_an_answer_that_is_no_text_is_no_consent(pixels_command: t.Any, truenas: t.Any) -> None:
    truenas.world.add_container("px-web")

    ended = subprocess.run(
        [str(PIXELS), "destroy", "web"],
        env=pixels_command.environment,
        input=b"\xff\n",
        capture_output=True,
        check=False,
    )

    assert b"Traceback" not in ended.stderr
    assert "px-web" in truenas.world.containers
