# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what the command writes, to people and to programs."""

from __future__ import annotations

import io
import json
import sys

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound
from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output


class Screen(io.StringIO):
    """A terminal, as far as colors are concerned."""

    def isatty(self):
        return True


def test_columns_are_as_wide_as_their_widest_cell(capsys):
    Output().table(("NAME", "STATUS", "IP"), [("a-long-name", "RUNNING", "10.0.0.1"), ("b", "STOPPED", "—")])

    assert capsys.readouterr().out.splitlines() == [
        "NAME         STATUS   IP",
        "a-long-name  RUNNING  10.0.0.1",
        "b            STOPPED  —",
    ]


def test_colors_go_to_terminals(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", Screen())

    Output().table(("NAME", "STATUS", "IP"), [("web", "RUNNING", "10.0.0.1")])

    assert "\033[32mRUNNING\033[0m  10.0.0.1" in sys.stdout.getvalue()


@pytest.mark.parametrize(("color", "variables"), [(False, {}), (True, {"NO_COLOR": "1"}), (True, {"TERM": "dumb"})])
def test_colors_can_be_switched_off(monkeypatch, color, variables):
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", Screen())

    Output(color=color).table(("NAME", "STATUS", "IP"), [("web", "RUNNING", "10.0.0.1")])

    assert "\033" not in sys.stdout.getvalue()


def test_where_json_is_asked_for_sentences_are_not_written(capsys):
    output = Output(json=True)

    output.say("Started web")
    output.print_json([{"name": "wéb"}])

    assert capsys.readouterr().out == '[\n  {\n    "name": "wéb"\n  }\n]\n'


def test_an_error_goes_to_stderr_and_as_json_to_stdout(capsys):
    Output(json=True).fail(NotFound("there is no web"))

    out, err = capsys.readouterr()
    assert err == "Error: there is no web\n"
    assert '"kind": "NotFound"' in out


def test_in_a_file_progress_is_a_line_for_each_step_and_not_for_each_percent(capsys):
    with Output().progress("Creating web...") as progress:
        for percent in range(100):
            progress.update(f"web: rootfs: {percent}%")
        progress.update("web: unpacking")

    assert capsys.readouterr().err == "web: rootfs: 0%\nweb: unpacking\n"


def test_at_a_terminal_progress_moves_and_makes_room(pixels, truenas):
    truenas.world.options.create_seconds = 1
    terminal = pixels.at_terminal("create", "web", "--no-provision")

    terminal.see("Creating web...")
    terminal.see("web: ")
    # The line is taken away before the next one is written.
    terminal.see("\r\033[KCreated px-web in ")
    assert terminal.end() == 0


def test_a_moving_line_is_no_longer_than_the_terminal_is_wide(pixels, truenas):
    truenas.world.options.create_seconds = 1
    terminal = pixels.at_terminal("create", "a-name-of-some-length", "--no-provision", columns=20)

    shown = terminal.see("Created px-")

    assert max(len(line.rpartition("\033[K")[2]) for line in shown.split("\r")[:-1]) < 20


HOSTILE = "\x1b[2J\r\nError: gone\x9b\u202e"
SHOWN = r"\x1b[2J\r\nError: gone\x9b\u202e"


@pytest.mark.parametrize(
    "show",
    [
        lambda output: output.say(HOSTILE),
        lambda output: output.error(HOSTILE),
        lambda output: output.warn(HOSTILE),
        lambda output: output.fail(NotFound(HOSTILE)),
        lambda output: output.detail(HOSTILE),
        lambda output: output.ask(HOSTILE),
        lambda output: output.table(("A", "B"), [(HOSTILE, HOSTILE)]),
        lambda output: output.document(HOSTILE.replace("\n", "")),
        lambda output: output.progress("x").update(HOSTILE),
    ],
)
def test_every_way_to_write_shows_text_of_others_safely(capsys, monkeypatch, show):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    output = Output()
    output.configure(json=False, color=True, verbose=True)

    show(output)

    written = "".join(capsys.readouterr())
    assert SHOWN.replace(r"\n", "") in written.replace(r"\n", "")
    assert written.replace("\n", "").isprintable()


@pytest.mark.parametrize("value", [HOSTILE, "\x7f\u2028\ud800\U0001f600 é", {"\x9b": ["\n"]}])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_json_is_exact_in_each_encoding(monkeypatch, value, encoding):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))

    Output(json=True).print_json(value)

    text = written.getvalue().decode(encoding)
    assert json.loads(text) == value
    assert text.replace("\n", "").isprintable()


def test_what_an_encoding_lacks_is_written_in_its_place(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="latin-1"))

    Output().say("é — 漢")

    assert written.getvalue() == "é - \\u6f22\n".encode("latin-1")


def test_secrets_are_masked_in_all_that_is_written(capsys):
    output = Output()
    output.secrets = ["S3CRETKEY"]

    output.say("a S3CRETKEY")
    output.table(("A", "B"), [("S3CRETKEY", "b")])
    output.warn("S3CRETKEY")
    output.print_json({"environment": "xS3CRETKEYx"})

    assert "S3CRETKEY" not in "".join(capsys.readouterr())
