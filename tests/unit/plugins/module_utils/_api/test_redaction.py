# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets are masked in whichever form a NAS echoes them."""

from __future__ import annotations

import base64
import json
import urllib.parse

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential
from ansible_collections.pixels.truenas.plugins.module_utils._api.redaction import (
    LEVELS,
    MASK,
    NestedTooDeeply,
    Redactor,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.safe_text import TRUNCATED, safe_text

RANDOM = "uz8DhKHFhRIUQIvjzabPYtpy5wf1DJ3ZBLlDgNVhRAFT7Y6pJGUlm0n3apwxWEU4"
KEY = f"17-{RANDOM}"
PASSWORD = 'päss "word" & \\more/x'


def in_base64(text, offset=0):
    return base64.b64encode(b"u" * offset + text.encode()).decode()


@pytest.mark.parametrize(
    "echo",
    [
        KEY,
        RANDOM,
        f"API_KEY_PLAIN {KEY[:40]}",
        RANDOM[20:],
        urllib.parse.quote(KEY),
        *(in_base64(RANDOM, offset) for offset in range(3)),
        in_base64(f"root:{KEY}"),
        RANDOM.encode().hex(),
    ],
)
def test_no_part_of_an_api_key_is_left(echo):
    shown = Redactor(Credential("root", api_key=KEY))(f"rejected {echo}, sorry")

    assert shown.startswith("rejected ")
    assert shown.endswith(", sorry")
    assert MASK in shown
    forms = (RANDOM, RANDOM.encode().hex(), *(in_base64(RANDOM, offset)[4:-4] for offset in range(3)))
    assert not any(form[start : start + 10] in shown for form in forms for start in range(len(form) - 10))


@pytest.mark.parametrize("password", [PASSWORD, "sesame-open", "\x1b[31mred"])
@pytest.mark.parametrize("room", range(4, 30))
def test_a_secret_that_is_truncated_is_masked_as_far_as_it_is_there(password, room):
    text = safe_text(f"{'.' * (100 - len(TRUNCATED) - room)}{password}{'x' * 100}", limit=100)
    assert text.endswith(TRUNCATED)

    shown = Redactor(Credential("root", password=password))(f"the NAS reports '{text}': it is left out")

    assert safe_text(password)[:4] not in shown
    assert MASK in shown
    assert shown.endswith(f"{TRUNCATED}': it is left out")


def test_the_number_of_an_api_key_is_no_secret():
    assert Redactor(Credential("root", api_key=KEY))("key 17- was revoked") == "key 17- was revoked"


@pytest.mark.parametrize(
    "echo",
    [
        PASSWORD,
        json.dumps(PASSWORD)[1:-1],
        json.dumps(PASSWORD, ensure_ascii=False)[1:-1],
        repr(PASSWORD)[1:-1],
        urllib.parse.quote(PASSWORD, safe=""),
        urllib.parse.quote(PASSWORD, safe="").lower(),
        urllib.parse.quote_plus(PASSWORD),
        in_base64(PASSWORD),
        PASSWORD.encode().hex(),
    ],
)
def test_a_password_is_masked_as_others_write_it(echo):
    assert Redactor(Credential("root", password=PASSWORD))(f"<{echo}>").startswith(f"<{MASK}")


def test_a_secret_that_is_added_later_is_masked_from_then_on():
    redactor = Redactor(Credential("root", api_key=KEY))
    token = "AbCdEfGh" * 8

    before = redactor(token)
    redactor.add(token, generated=True)

    assert (before, redactor(token)) == (token, MASK)


def test_all_texts_of_a_reply_are_masked_and_nothing_else_changes():
    reply = {"trace": [{"locals": {KEY: f"x{KEY}", "n": 5}}], "none": None}

    assert Redactor(Credential("root", api_key=KEY)).everywhere(reply) == {
        "trace": [{"locals": {MASK: f"x{MASK}", "n": 5}}],
        "none": None,
    }


@pytest.mark.parametrize("secret", [None, 5, "", "abc"])
def test_what_is_too_short_to_hide_is_left(secret):
    redactor = Redactor()

    redactor.add(secret)

    assert redactor("abc 5 None") == "abc 5 None"


@pytest.mark.parametrize("levels", [LEVELS + 1, 600, 100_000])
@pytest.mark.parametrize("wrap", [lambda value: [value], lambda value: {"a": value}, lambda value: [{"a": [value]}]])
@pytest.mark.wide
def test_what_is_nested_too_deeply_is_refused(levels, wrap):
    value = "x"
    for _level in range(levels):
        value = wrap(value)

    with pytest.raises(NestedTooDeeply):
        Redactor().everywhere(value)


def test_what_is_nested_as_deeply_as_may_be_is_masked():
    value = "S3CRET"
    for _level in range(LEVELS):
        value = [value]

    redactor = Redactor()
    redactor.add("S3CRET")

    assert "S3CRET" not in repr(redactor.everywhere(value))
