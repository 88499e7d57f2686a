# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what the command writes, to people and to programs."""

from __future__ import annotations

import io
import sys

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound
from ansible_collections.pixels.truenas.plugins.module_utils._command.output import Output


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
    output.give([{"name": "wéb"}])

    assert capsys.readouterr().out == '[\n  {\n    "name": "wéb"\n  }\n]\n'


def test_an_error_goes_to_stderr_and_as_json_to_stdout(capsys):
    Output(json=True).fail(NotFound("there is no web"))

    out, err = capsys.readouterr()
    assert err == "Error: there is no web\n"
    assert '"kind": "NotFound"' in out


def test_in_a_file_progress_is_a_line_for_each_step_and_not_for_each_percent(capsys):
    with Output().progress("Creating web...") as progress:
        for percent in range(100):
            progress.tell(f"web: rootfs: {percent}%")
        progress.tell("web: unpacking")

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
