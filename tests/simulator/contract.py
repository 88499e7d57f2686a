# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check requests and replies against the schemas of the real API, where they are available.

`<folder>/<version>.json` and `<folder>/network/<version>.json` hold for a method: `params` (names in order), `args`
(a schema of an object with them), `result` (a schema of `{"result": ...}`), `row` (a schema of one row of a query).
"""

from __future__ import annotations

import functools
import json
import os
import typing as t
from pathlib import Path

import jsonschema

from tests.simulator import ejson
from tests.simulator.redact import STARS

FOLDER_VARIABLE = "PIXELS_CONTRACT_DIR"
FOLDER_BESIDE_THE_REPOSITORY = "../shared/contract"
REPOSITORY = Path(__file__).resolve().parents[2]

Schema = dict[str, t.Any]


class Shape:
    """A schema, and what it said of values that it was shown before: a run of the tests asks thousands of times."""

    def __init__(self, schema: Schema) -> None:
        self._validator = jsonschema.Draft202012Validator(schema)
        self._seen = functools.lru_cache(maxsize=1000)(self._look_at)

    def mismatch(self, value: t.Any) -> str | None:
        return self._seen(ejson.dumps(value))

    def _look_at(self, text: str) -> str | None:
        """Stars may stand for a secret of any type."""
        for error in self._validator.iter_errors(json.loads(text)):
            if error.instance != STARS:
                return f"{error.json_path}: {error.message}"
        return None


class Method(t.NamedTuple):
    """What is known of one method; what has no schema fits."""

    params: list[str]
    args: Shape | None
    result: Shape | None
    row: Shape | None

    @classmethod
    def of(cls, known: Schema) -> Method:
        args, result, row = (
            None if known.get(part) is None else Shape(known[part]) for part in ("args", "result", "row")
        )
        return cls(known.get("params", []), args, result, row)


class Contract:
    """The schemas of one release; without them everything fits."""

    def __init__(self, methods: t.Mapping[str, Method]) -> None:
        self._methods = methods
        self.errors: list[str] = []
        """Every mismatch so far: a test that leaves one behind fails."""

    @classmethod
    def of(cls, version: str, *, folder: Path | None = None) -> Contract:
        return cls(methods_of(folder or contract_folder(), version))

    def request_mismatch(self, method: str, params: t.Sequence[t.Any]) -> str | None:
        """What a client did that the real API would refuse. Counts only once the simulator has accepted the call."""
        known = self._methods.get(method)
        if known is None or known.args is None:
            return None
        names = known.params
        if len(params) > len(names):
            return f"{method} takes {len(names)} arguments and was sent {len(params)}"
        wrong = known.args.mismatch(dict(zip(names, params, strict=False)))
        return None if wrong is None else f"{method} was sent what does not fit its schema: {wrong}"

    def check_reply(self, method: str, params: t.Sequence[t.Any], result: t.Any) -> None:
        """Remember what the simulator answered and the real API would not."""
        known = self._methods.get(method)
        if known is None:
            return
        if known.result is not None:
            self._note(method, known.result.mismatch({"result": result}))
        if known.row is not None and not _is_selection(params):
            rows = result if isinstance(result, list) else [result] if isinstance(result, dict) else []
            for row in rows:
                self._note(method, known.row.mismatch(row))

    def _note(self, method: str, wrong: str | None) -> None:
        if wrong is not None:
            self.errors.append(f"{method} answered what does not fit its schema: {wrong}")


def contract_folder() -> Path:
    """Where `PIXELS_CONTRACT_DIR` says, else beside the repository; it need not exist."""
    return Path(os.environ.get(FOLDER_VARIABLE) or REPOSITORY / FOLDER_BESIDE_THE_REPOSITORY)


def schemas_of(folder: Path, version: str) -> dict[str, Schema]:
    """Return the schemas of a release; those of changes of the network may be in a directory of their own."""
    found: dict[str, Schema] = {}
    for file in (folder / "network" / f"{version}.json", folder / f"{version}.json"):
        found |= json.loads(file.read_text()) if file.is_file() else {}
    return found


@functools.cache
def methods_of(folder: Path, version: str) -> dict[str, Method]:
    """Return a shared instance: tests start thousands of simulators, and schemas do not change."""
    return {name: Method.of(known) for name, known in schemas_of(folder, version).items()}


def _is_selection(params: t.Sequence[t.Any]) -> bool:
    options = params[1] if len(params) > 1 else None
    return isinstance(options, dict) and bool(options.get("select"))
