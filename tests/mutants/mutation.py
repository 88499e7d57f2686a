# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates mutants of a source file with mutmut, and lets Python import one instead of the file."""

from __future__ import annotations

import difflib
import importlib.abc
import importlib.util
import random
import sys
import typing as t
from pathlib import Path

import libcst as cst
from mutmut.mutation.file_mutation import create_mutations

SEED = "pixels"


class Mutant(t.NamedTuple):
    """A source file with one change."""

    code: str
    diff: str


def mutants_of(source: Path, sample: int) -> tuple[int, list[Mutant]]:
    """Return the number of mutants of a file and a sample of them, the same for the same content; 0 returns all."""
    original = source.read_text()
    module, mutations, *_ignored = create_mutations(str(source), original)
    # mutmut changes the case of a string as well; a test that compares the string finds all three changes.
    distinct = [each for each in mutations if not is_change_of_case(each.original_node, each.mutated_node)]
    chosen = range(len(distinct))
    if sample and sample < len(distinct):
        chosen = sorted(random.Random(SEED + source.name).sample(chosen, sample))
    found = []
    for number in chosen:
        mutation = distinct[number]
        code = t.cast("cst.Module", module.deep_replace(mutation.original_node, mutation.mutated_node)).code
        lines = difflib.unified_diff(original.splitlines(), code.splitlines(), str(source), lineterm="", n=1)
        found.append(Mutant(code, "\n".join(list(lines)[2:])))
    return len(distinct), found


def is_change_of_case(original: cst.CSTNode, mutated: cst.CSTNode) -> bool:
    """Return whether two nodes are strings that differ in case only."""
    return (
        isinstance(original, cst.SimpleString)
        and isinstance(mutated, cst.SimpleString)
        and original.value.lower() == mutated.value.lower()
    )


class MutantFinder(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Finds a mutant when Python imports the module of its source file."""

    def __init__(self, name: str, source: Path, code: str) -> None:
        self._name = name
        self._source = source
        self._code = code

    def install(self) -> None:
        """Import the mutant, so that all later imports of its name get it."""
        sys.meta_path.insert(0, self)
        importlib.import_module(self._name)

    def find_spec(self, fullname: str, path: t.Any, target: t.Any = None) -> t.Any:
        """Return a spec for the module alone."""
        return importlib.util.spec_from_loader(fullname, self) if fullname == self._name else None

    def get_filename(self, fullname: str) -> str:
        """Return the path of the source file, for tracebacks."""
        return str(self._source)

    def get_data(self, path: str | bytes) -> bytes:
        """Return the mutant; there is no bytecode of it."""
        if path != str(self._source):
            raise OSError(path)
        return self._code.encode()
