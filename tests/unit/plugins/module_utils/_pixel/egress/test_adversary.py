# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation says of attempts to get around a policy is what happens in namespaces."""

from __future__ import annotations

import shutil

import pytest

from tests.unit.plugins.module_utils._pixel.egress import adversary, segments

UPDATE = "python -m tests.unit.plugins.module_utils._pixel.egress.adversary updates the table"


def test_the_documentation_has_every_attempt():
    lines = adversary.documented().splitlines()[2:]

    assert [line.split(" | ")[0].removeprefix("| ") for line in lines] == [each.title for each in adversary.ATTEMPTS], (
        UPDATE
    )


@pytest.mark.skipif(bool(segments.unavailable()), reason=segments.unavailable() or "-")
@pytest.mark.skipif(not all(map(shutil.which, ("sudo", "setpriv"))), reason="takes sudo and setpriv")
@pytest.mark.timeout(300)
@pytest.mark.wide
def test_the_table_of_attempts_is_that_of_a_run():
    assert adversary.documented() == adversary.run(), UPDATE
