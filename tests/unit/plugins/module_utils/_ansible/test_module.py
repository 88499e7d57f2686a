# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test how errors and missing libraries are reported."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule, failure
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    Invalid,
    LoginRefused,
    NotFound,
    NotPermitted,
    Refused,
)


@pytest.mark.parametrize(
    ("error", "details"),
    [
        (NotFound("gone"), {"kind": "NotFound"}),
        (Refused("no", errno=16, errname="EBUSY"), {"kind": "Refused", "errno": 16, "errname": "EBUSY"}),
        (NotPermitted("no", method="virt.instance.create"), {"kind": "NotPermitted", "method": "virt.instance.create"}),
        (LoginRefused("no", response_type="EXPIRED"), {"kind": "LoginRefused", "response_type": "EXPIRED"}),
        (
            Invalid("bad", fields=(("name", "too long"),)),
            {"kind": "Invalid", "fields": [{"field": "name", "problem": "too long"}]},
        ),
    ],
)
def test_an_error_keeps_its_message_and_attributes(error, details):
    assert failure(error) == {"msg": str(error), "error": details}


def ended(capfd, run, **options):
    with patch_module_args({"host": "nas", "api_key": "1-secret", **options.pop("params", {})}):
        with pytest.raises(SystemExit):
            PixelsModule({}).execute(run, **options)
        return json.loads(capfd.readouterr().out)


def test_a_missing_library_is_named_with_the_interpreter(capfd):
    result = ended(capfd, lambda task: {}, libraries={"paramiko": "Traceback: no paramiko"})

    assert result["failed"]
    assert "(paramiko)" in result["msg"]


def test_a_failed_result_fails_the_task_with_all_its_values(capfd):
    result = ended(capfd, lambda task: {"failed": True, "msg": "non-zero return code", "rc": 3})

    assert (result["failed"], result["rc"]) == (True, 3)


def test_an_error_shows_no_traceback_and_no_secret(capfd):
    def fail(task):
        raise NotFound("gone")

    result = ended(capfd, fail)

    assert result["msg"] == "gone"
    assert "exception" not in result
    assert "secret" not in json.dumps(result)


def test_a_missing_host_is_reported_before_a_connection(capfd):
    result = ended(capfd, lambda task: {}, params={"host": None})

    assert "PIXELS_TRUENAS_HOST" in result["msg"]
