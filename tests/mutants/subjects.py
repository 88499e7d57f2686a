# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists the files whose tests are measured, and the tests of each."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "plugins/module_utils"
TESTS = ROOT / "tests/unit/plugins/module_utils"
MODULES = "tests/unit/plugins/modules"

FILES = (
    "_api/ejson.py",
    "_api/error_mapping.py",
    "_api/errors.py",
    "_api/job_matching.py",
    "_api/job_runner.py",
    "_api/jobs.py",
    "_api/jsonrpc.py",
    "_api/session.py",
    "_pixel/checkpoints/*.py",
    "_pixel/cloning/*.py",
    "_pixel/common/memory_size.py",
    "_pixel/egress/policy.py",
    "_pixel/egress/record.py",
    "_pixel/egress/ruleset.py",
    "_pixel/lifecycle/defaults.py",
    "_pixel/lifecycle/fleet.py",
    "_pixel/lifecycle/planner.py",
    "_pixel/lifecycle/spec.py",
    "_pixel/model/*.py",
    "_pixel/provisioning/spec.py",
    "_pixel/runstate/policy.py",
    "_truenas/*.py",
)
"""Patterns below `plugins/module_utils`."""

MODULE_TESTS = {
    "_pixel/checkpoints": ("test_pixels_checkpoint.py", "test_pixels_checkpoint_restore.py"),
    "_pixel/cloning": ("test_pixels_container_from.py",),
    "_pixel/lifecycle": ("test_pixels_container.py", "test_pixels_container_26.py", "test_pixels_fleet.py"),
    "_pixel/runstate": ("test_pixels_container.py",),
}
"""What runs after the test file of a source file, by directory of the source file."""


def sources(patterns: list[str]) -> list[Path]:
    """Return the files to mutate, or those whose path contains one of these texts."""
    found = {path for each in FILES for path in SOURCES.glob(each) if path.name != "__init__.py"}
    return sorted(path for path in found if any(each in str(path) for each in patterns or [""]))


def tests_of(source: Path) -> list[str]:
    """Return the test files that run for a source file, in that order."""
    path = source.relative_to(SOURCES)
    mirror = TESTS / path.with_name(f"test_{path.name}")
    modules = [f"{MODULES}/{name}" for name in MODULE_TESTS.get(str(path.parent), ())]
    return [str(mirror.relative_to(ROOT)), *modules] if mirror.is_file() else modules
