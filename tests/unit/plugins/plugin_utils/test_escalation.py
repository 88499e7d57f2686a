# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the dialog with a become plugin, with Ansible's own plugins; real programs are in the connection's tests."""

from __future__ import annotations

import threading

import pytest
from ansible.errors import AnsibleError
from ansible.plugins.loader import become_loader

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Abandoned
from ansible_collections.pixels.truenas.plugins.plugin_utils.escalation import Escalation


class Posix:
    """What a become plugin asks of a shell plugin."""

    ECHO, COMMAND_SEP, executable = "echo", ";", "/bin/sh"


@pytest.fixture(params=["su", "sudo"])
def method(request):
    return request.param


@pytest.fixture
def begun(method):
    """Makes a dialog of a wrapped command; the prompt and the success marker of its plugin."""

    def begin(*, password="sesame", in_data=b"in", timeout=20.0):
        plugin = become_loader.get(f"ansible.builtin.{method}")
        plugin.set_options(var_options={"ansible_become_password": password})
        line = plugin.build_become_command("id", Posix)
        assert Escalation.is_needed(plugin, line)
        prompt = b"Password: " if method == "su" else plugin.prompt.encode()
        return Escalation(plugin, in_data, timeout), prompt, plugin.success.encode() + b"\n"

    return begin


def test_the_password_is_given_at_the_prompt_and_the_input_after_the_marker(begun):
    dialog, prompt, marker = begun()

    dialog.err(prompt)
    assert dialog.input() == b"sesame\n"
    dialog.out(marker + b"out")

    assert [dialog.input(), dialog.input(), dialog.input()] == [b"in", b"", b""]
    assert dialog.outputs() == (b"out", b"")


def test_a_prompt_may_come_in_any_pieces_and_on_either_output(begun):
    for hear in ("out", "err"):
        dialog, prompt, marker = begun()

        for number in range(len(prompt)):
            getattr(dialog, hear)(prompt[number : number + 1])
        assert dialog.input() == b"sesame\n"
        for number in range(len(marker)):
            dialog.out(marker[number : number + 1])
        dialog.out(b"out")

        assert dialog.input() == b"in"
        assert b"out" in dialog.outputs()[0]
        assert prompt.strip() not in b"".join(dialog.outputs())


def test_no_prompt_is_needed_where_none_comes(begun):
    dialog, _prompt, marker = begun()

    dialog.err(b"a lecture\n")
    dialog.out(marker)

    assert dialog.input() == b"in"
    assert dialog.outputs() == (b"", b"a lecture\n")


def test_what_looks_like_a_prompt_behind_the_marker_is_output(begun):
    dialog, prompt, marker = begun()

    dialog.out(marker + prompt + b"\nsu: Authentication failure\nSorry, try again.\n")

    assert dialog.input() == b"in"
    assert dialog.outputs()[0] == prompt + b"\nsu: Authentication failure\nSorry, try again.\n"


def test_a_second_prompt_means_that_the_password_was_wrong(begun, method):
    dialog, prompt, _marker = begun()

    dialog.err(prompt)
    dialog.input()
    dialog.err(b"\n" + prompt)

    assert dialog.input() == b""
    with pytest.raises(AnsibleError, match=f"Incorrect {method} password"):
        dialog.outputs()


@pytest.mark.parametrize("method", ["sudo"])
def test_what_the_plugin_knows_for_a_missing_password_is_reported(begun):
    dialog, _prompt, _marker = begun(password=None)

    dialog.err(b"sudo: a password is required\n")

    with pytest.raises(AnsibleError, match="Missing sudo password"):
        dialog.outputs()


def test_a_program_that_ends_without_a_marker_keeps_its_output(begun):
    dialog, _prompt, _marker = begun()

    dialog.err(b"/bin/sh: 1: sudo: not found")
    dialog.end()

    assert (dialog.input(), dialog.outputs()) == (b"", (b"", b"/bin/sh: 1: sudo: not found"))


def test_silence_is_not_waited_for_any_longer_than_it_may_last(begun):
    dialog, _prompt, _marker = begun(timeout=0)

    with pytest.raises(Abandoned, match=r"Timeout \(0s\)") as abandoned:
        dialog.input()

    assert "waiting for privilege escalation prompt" in str(dialog.abandoned(abandoned.value))


def test_a_thread_that_waits_is_let_go_when_the_command_ends(begun):
    dialog, _prompt, _marker = begun()
    pieces = []
    waiting = threading.Thread(target=lambda: pieces.append(dialog.input()))
    waiting.start()

    dialog.end()
    waiting.join(20)

    assert pieces == [b""]
