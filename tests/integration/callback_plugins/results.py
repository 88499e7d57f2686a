# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints each result of a playbook as one line of JSON, for tests to read."""

from __future__ import annotations

import json

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: results
type: stdout
short_description: One line of JSON for each result
description: For tests.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "results"

    def v2_playbook_on_play_start(self, play):
        self._play = play.get_name()

    def _print(self, outcome, result):
        line = {
            "host": result._host.name,
            "play": self._play,
            "task": result.task_name,
            "outcome": outcome,
            "result": result._result,
        }
        self._display.display(json.dumps(line, default=str))

    def v2_runner_on_ok(self, result):
        self._print("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._print("failed", result)

    def v2_runner_on_unreachable(self, result):
        self._print("unreachable", result)

    def v2_runner_on_skipped(self, result):
        self._print("skipped", result)

    def v2_on_file_diff(self, result):
        self._print("diff", result)
