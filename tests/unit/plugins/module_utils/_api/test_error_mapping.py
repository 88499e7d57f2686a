# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of our errors a refusal is."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.error_mapping import errname, refusal
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    AlreadyExists,
    Invalid,
    LoginRefused,
    NotFound,
    NotPermitted,
    RateLimited,
    Refused,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.jsonrpc import ServerError

CALL, PARAMS = -32001, -32602

CASES = {
    "unknown method": (ServerError(-32601, reason="Method does not exist"), Unsupported),
    "method gone from this version": (
        ServerError(CALL, 201, "ENOMETHOD", "[ENOMETHOD] Method 'x' not found"),
        Unsupported,
    ),
    "get_instance": (
        ServerError(PARAMS, 22, "EINVAL", "[ENOENT] None: x", ((None, "VirtInstance x does not exist", 2),)),
        NotFound,
    ),
    "call error ENOENT": (ServerError(CALL, 2, "ENOENT", "[ENOENT] x not found"), NotFound),
    "validation EEXIST": (ServerError(PARAMS, 22, "EINVAL", "x", (("a.name", "taken", 17),)), AlreadyExists),
    "taken name": (
        ServerError(PARAMS, 22, "EINVAL", "x", (("virt_instance_create.name", "Name 'x' already exists", 22),)),
        AlreadyExists,
    ),
    "call error EEXIST": (ServerError(CALL, 17, "EEXIST", "[EEXIST] x"), AlreadyExists),
    "validation": (ServerError(PARAMS, 22, "EINVAL", "x", (("a.name", "Field required", 22),)), Invalid),
    "two fields, one of them taken": (
        ServerError(PARAMS, 22, "EINVAL", "x", (("a.name", "Name 'x' already exists", 22), ("a.b", "odd", 22))),
        Invalid,
    ),
    "validation without fields": (ServerError(PARAMS, 22, "EINVAL", "[EINVAL] odd"), Invalid),
    "no role": (ServerError(CALL, 13, "EACCES", "[EACCES] Not authorized"), NotPermitted),
    "not ours": (ServerError(CALL, 1, "EPERM", "[EPERM] Job is not owned by current session"), NotPermitted),
    "login over": (ServerError(CALL, 207, "ENOTAUTHENTICATED", "[ENOTAUTHENTICATED] Not authenticated"), LoginRefused),
    "21st login": (ServerError(CALL, 16, "EBUSY", "[EBUSY] Rate Limit Exceeded"), RateLimited),
    "busy": (ServerError(CALL, 16, "EBUSY", "[EBUSY] dataset is busy"), Refused),
    "python error": (ServerError(CALL, 22, "EINVAL", "'NoneType' object has no attribute 'x'"), Refused),
    "unknown code": (ServerError(-1, reason="whatever"), Refused),
}


@pytest.mark.parametrize(("error", "kind"), CASES.values(), ids=CASES)
def test_each_refusal_has_its_class_and_names_nas_and_method(error, kind):
    found = refusal(error, method="virt.instance.x", nas="nas.lan")

    assert found.__class__ is kind
    assert "nas.lan" in str(found)
    assert kind is RateLimited or "virt.instance.x" in str(found)


def test_a_validation_error_names_every_field():
    problems = (("a.name", "Field required", 22), (None, "Too many arguments", 22))

    found = refusal(ServerError(PARAMS, 22, "EINVAL", "", problems), method="m", nas="nas.lan")

    assert str(found) == "nas.lan rejected the arguments of m: a.name: Field required; Too many arguments"
    assert found.fields == (("a.name", "Field required"), (None, "Too many arguments"))


def test_a_refusal_carries_errno_and_its_name():
    found = refusal(ServerError(CALL, 14, "EFAULT", "[EFAULT] Failed to start"), method="m", nas="nas.lan")

    assert str(found) == "nas.lan refused m: Failed to start [EFAULT]"
    assert (found.errno, found.errname) == (14, "EFAULT")


def test_a_refusal_without_a_reason_says_so():
    assert "no reason given" in str(refusal(ServerError(CALL), method="m", nas="nas.lan"))


def test_an_account_without_rights_learns_what_to_do_and_which_method_it_was():
    found = refusal(ServerError(CALL, 13, "EACCES", "[EACCES] Not authorized"), method="virt.instance.start", nas="n")

    assert found.method == "virt.instance.start"
    assert "role" in str(found)


def test_an_errno_has_its_name():
    assert [errname(2), errname(207), errname(99999), errname(None)] == ["ENOENT", "ENOTAUTHENTICATED", "", ""]


HOSTILE = "E\x1b[2J" + "Y" * 1_000_000


def test_the_name_of_an_error_number_is_safe_and_bounded():
    error = refusal(ServerError(CALL, 14, HOSTILE, "no"), method="m", nas="nas.lan")

    assert error.errname.isprintable()
    assert len(error.errname) <= 64
    assert len(str(error)) < 200


def test_the_fields_of_an_error_are_safe_and_bounded():
    error = refusal(ServerError(PARAMS, 22, "EINVAL", "x", ((HOSTILE, HOSTILE, 22),) * 1000), method="m", nas="nas.lan")

    assert len(error.fields) <= 100
    assert all(each.isprintable() and len(each) <= 1024 for field in error.fields for each in field)
