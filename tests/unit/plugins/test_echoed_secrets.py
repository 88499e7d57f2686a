# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A NAS that echoes the credential it was given: it is in nothing that is shown or returned."""

from __future__ import annotations

import base64
import json
import typing as t
import urllib.parse
from pathlib import Path

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.pixels.truenas.plugins.modules import pixels_container, pixels_container_info
from tests.simulator.faults import FOREVER
from tests.unit.plugins.conftest import list_inventory

EXTRA = [["api_key", "not this one: {}", 22]]


@pytest.fixture
def release() -> str:
    return "25.10"


def forms(key: str) -> list[str]:
    secret = key.partition("-")[2]
    return [
        key,
        secret[:20],
        secret[-20:],
        urllib.parse.quote(key),
        json.dumps({"api_key": key}),
        base64.b64encode(f"pixels:{key}".encode()).decode(),
    ]


def shows(text: str, key: str) -> list[str]:
    """The parts of the secret that are in a text."""
    secret = key.partition("-")[2]
    encoded = base64.b64encode(f"pixels:{key}".encode()).decode()[16:]
    found = [secret[start : start + 8] for start in range(len(secret) - 7)]
    found += [encoded[start : start + 12] for start in range(len(encoded) - 12)]
    return [each for each in found if each in text]


def refuse_with(truenas: t.Any, method: str, text: str) -> None:
    truenas.faults.add("fail_call", method=method, times=FOREVER, errno=14, reason=text)


@pytest.mark.parametrize("form", range(6))
@pytest.mark.parametrize("method", ["auth.login_ex", "virt.instance.query"])
def test_the_command_masks_it_in_every_form(pixels_command: t.Any, truenas: t.Any, method: str, form: int) -> None:
    refuse_with(truenas, method, f"no: {forms(truenas.api_key)[form]}")

    for words in (("list",), ("--json", "list"), ("-v", "info", "web")):
        ended = pixels_command(*words)
        assert shows(ended.stdout + ended.stderr, truenas.api_key) == []
        assert "********" in ended.stdout + ended.stderr


@pytest.mark.parametrize("session", ["auto", "direct"])
def test_a_module_masks_it_with_the_fields_of_the_error(
    run: t.Any, truenas: t.Any, nas: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch, session: str
) -> None:
    monkeypatch.setenv("PIXELS_SESSION", session)
    # Not an option, which Ansible itself would mask.
    monkeypatch.setenv("PIXELS_TRUENAS_API_KEY", nas.pop("api_key"))
    truenas.world.add_container("px-web", status="STOPPED")
    extra = [[field, text.format(truenas.api_key), number] for field, text, number in EXTRA]
    truenas.faults.add("fail_job", method="virt.instance.start", kind="VALIDATION", extra=extra, errno=22)

    result = run(pixels_container, name="web", wait="none")

    assert result["failed"]
    assert shows(json.dumps(result), truenas.api_key) == []
    assert "not this one: ********" in result["msg"]


def test_a_module_returns_no_key_that_a_pixel_has_in_its_environment(
    run: t.Any, truenas: t.Any, nas: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIXELS_TRUENAS_API_KEY", nas.pop("api_key"))
    truenas.world.add_container("px-web", environment={"KEY": truenas.api_key})

    result = run(pixels_container_info, name="web")

    assert shows(json.dumps(result), truenas.api_key) == []


def test_a_token_for_a_shell_is_masked(truenas: t.Any, nas: dict[str, t.Any]) -> None:
    truenas.world.add_container("px-web")
    truenas.faults.add("answer_with", method="auth.generate_token", value="ToKeN-0123456789-abcdefgh", times=FOREVER)
    reason = "bad token ToKeN-0123456789-abcdefgh"
    truenas.faults.add("refuse_shell", method="px-web", error=22, reason=reason, times=FOREVER)
    truenas.faults.add("refuse_shell", error=22, reason=reason, times=FOREVER)
    connection = connection_loader.get("pixels.truenas.pixels", PlayContext())
    known = {f"pixels_nas_{name}": value for name, value in nas.items()}
    connection.set_options(var_options={"inventory_hostname": "web", "pixels_transport": "shell", **known})

    with pytest.raises(AnsibleConnectionFailure) as caught:
        connection.exec_command("true")

    assert "0123456789" not in str(caught.value)


def test_a_password_that_is_echoed_is_masked(run: t.Any, truenas: t.Any, nas: dict[str, t.Any]) -> None:
    del nas["api_key"]
    refuse_with(truenas, "auth.login_ex", "PASSWORD_PLAIN correct horse & staple, in JSON {}".format("correct horse"))

    result = run(pixels_container_info, name="web", password="correct horse & staple")

    assert "PASSWORD_PLAIN ******** " in result["msg"].replace(",", " ")
    assert "staple" not in json.dumps(result["msg"])


@pytest.mark.parametrize("words", [("list",), ("--json", "list")], ids=" ".join)
@pytest.mark.parametrize(
    "response",
    [
        {"response_type": "REDIRECT", "urls": ["https://x/?k={}"]},
        {"response_type": "REDIRECT", "urls": ["x" * 1000 + "{}", ["{}"]]},
        {"response_type": "x{}"},
        {"response_type": "y" * 95 + "{}" + "z" * 100_000},
    ],
    ids=["an address", "a long address", "a response type", "a long response type"],
)
def test_it_is_masked_in_the_answer_to_a_login(
    pixels_command: t.Any, truenas: t.Any, response: dict[str, t.Any], words: tuple[str, ...]
) -> None:
    response = json.loads(json.dumps(response).replace("{}", truenas.api_key))
    truenas.faults.add("login_response", response=response, times=FOREVER)

    ended = pixels_command(*words)

    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert shows(ended.stdout + ended.stderr, truenas.api_key) == []
    assert truenas.api_key[:5] not in ended.stdout + ended.stderr
    assert len(ended.stdout + ended.stderr) < 4000


def row_of(field: str, value: str) -> dict[str, t.Any]:
    return {"environment": {value: 5}} if field == "environment" else {field: value}


def answer_with_row_of(truenas: t.Any, field: str, form: int) -> None:
    """Let the NAS echo the key in one field of its only container."""
    truenas.world.add_container("px-web")
    row = truenas.world.containers["px-web"].shown(truenas.world)
    row |= row_of(field, f"?{forms(truenas.api_key)[form]}")
    truenas.faults.add("answer_with", method="virt.instance.query", value=[row], times=FOREVER)


@pytest.mark.parametrize(("field", "form"), [("status", 0), ("cpu", 1), ("storage_pool", 0), ("environment", 1)])
def test_it_is_masked_in_warnings_about_rows(pixels_command: t.Any, truenas: t.Any, field: str, form: int) -> None:
    answer_with_row_of(truenas, field, form)

    ended = pixels_command("info", "web")

    assert "the NAS reports" in ended.stderr
    assert shows(ended.stderr, truenas.api_key) == []


@pytest.mark.wide
def test_it_is_masked_in_warnings_of_the_inventory(truenas: t.Any, nas: dict[str, t.Any], tmp_path: Path) -> None:
    answer_with_row_of(truenas, "environment", 1)
    source = tmp_path / "x.pixels.yml"
    source.write_text(json.dumps({"plugin": "pixels.truenas.pixels", **nas}))

    listed = list_inventory(source)

    assert "the NAS reports" in listed.stderr
    assert shows(listed.stderr, truenas.api_key) == []


def test_it_is_masked_in_a_warning_about_a_checkpoint(pixels_command: t.Any, truenas: t.Any) -> None:
    truenas.world.add_container("px-web")
    truenas.world.add_snapshot("px-web", f"?{forms(truenas.api_key)[1]}")

    ended = pixels_command("checkpoint", "list", "web")

    assert "invalid label '?********'" in ended.stderr
    assert shows(ended.stdout + ended.stderr, truenas.api_key) == []


@pytest.mark.parametrize("session", ["auto", "direct"])
def test_the_error_of_a_job_that_is_looked_up_is_masked(pixels_command: t.Any, truenas: t.Any, session: str) -> None:
    pixels_command.environment |= {"PIXELS_SESSION": session, "XDG_RUNTIME_DIR": str(pixels_command.home)}
    truenas.world.state = "ERROR"
    row = {"id": 1, "method": "virt.global.setup", "state": "FAILED", "error": f"no: {truenas.api_key}"}
    truenas.faults.add("answer_with", method="core.get_jobs", times=FOREVER, value=[row])

    ended = pixels_command("info", "web")

    assert "its setup failed: no: ********" in ended.stderr
    assert shows(ended.stdout + ended.stderr, truenas.api_key) == []
