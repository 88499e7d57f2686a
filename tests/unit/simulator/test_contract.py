# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the check against the schemas of the real API."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.simulator.contract import Contract, Method
from tests.simulator.redact import STARS
from tests.simulator.running import RunningSimulator
from tests.unit.simulator.talk import Talk

SCHEMAS = {
    "pixel.start": {
        "job": True,
        "params": ["id", "options"],
        "args": {
            "type": "object",
            "properties": {"id": {"type": "string"}, "options": {"type": "object"}},
            "required": ["id"],
            "additionalProperties": False,
        },
        "result": {"type": "object", "properties": {"result": {"type": "boolean"}}, "required": ["result"]},
    },
    "pixel.query": {
        "job": False,
        "row": {
            "type": "object",
            "properties": {"id": {"type": "string"}, "raw": {"type": ["object", "null"]}},
            "required": ["id", "raw"],
            "additionalProperties": False,
        },
    },
}


@pytest.fixture
def contract() -> Contract:
    return Contract({name: Method.of(known) for name, known in SCHEMAS.items()})


@pytest.mark.parametrize("params", [["px-web"], ["px-web", {"force": True}]])
def test_a_request_that_fits_is_fine(contract: Contract, params: list[object]) -> None:
    assert contract.request_mismatch("pixel.start", params) is None


@pytest.mark.parametrize("params", [[], [7], ["px-web", None], ["px-web", {}, "more"]])
def test_a_request_that_does_not_fit_is_described(contract: Contract, params: list[object]) -> None:
    assert "pixel.start" in (contract.request_mismatch("pixel.start", params) or "")


def test_a_wrong_result_is_remembered(contract: Contract) -> None:
    contract.check_reply("pixel.start", ["px-web"], True)
    assert contract.errors == []

    contract.check_reply("pixel.start", ["px-web"], "yes")
    assert len(contract.errors) == 1


def test_every_row_of_a_query_is_checked(contract: Contract) -> None:
    good, bad = {"id": "px-web", "raw": None}, {"id": "px-web", "raw": None, "more": 1}

    contract.check_reply("pixel.query", [], [good, bad])
    contract.check_reply("pixel.query", [[], {"get": True}], bad)

    assert len(contract.errors) == 2


def test_what_was_wrong_once_is_wrong_each_time(contract: Contract) -> None:
    for answer in ("yes", "yes", True, "yes"):
        contract.check_reply("pixel.start", ["px-web"], answer)

    assert len(contract.errors) == 3


def test_stars_fit_everywhere_and_selections_and_counts_are_no_rows(contract: Contract) -> None:
    contract.check_reply("pixel.query", [], [{"id": "px-web", "raw": STARS}])
    contract.check_reply("pixel.query", [[], {"select": ["id"]}], [{"id": "px-web"}])
    contract.check_reply("pixel.query", [[], {"count": True}], 7)

    assert contract.errors == []


def test_without_schemas_everything_fits(tmp_path: Path) -> None:
    contract = Contract.of("25.10.6", folder=tmp_path)

    contract.check_reply("pixel.start", [], object)

    assert contract.request_mismatch("pixel.start", [7]) is None
    assert contract.errors == []


def test_schemas_are_read_from_the_directory_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "25.10.6.json").write_text(json.dumps(SCHEMAS))
    monkeypatch.setenv("PIXELS_CONTRACT_DIR", str(tmp_path))

    assert Contract.of("25.10.6").request_mismatch("pixel.start", [7]) is not None


def test_a_request_that_the_simulator_refuses_is_no_contract_error(simulator: RunningSimulator, talk: Talk) -> None:
    talk.refusal("core.subscribe", 7)
    talk.job(talk.call("virt.instance.create", {"nonsense": 1}))

    assert simulator.contract_errors == []
