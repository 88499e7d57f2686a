# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of an egress policy, as tasks have them."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._ansible import egress_option, pixel_options
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import policy

DEFAULTS = {name: option.get("default") for name, option in egress_option.OPTIONS.items()}


def test_options_that_are_not_set_are_those_of_the_mode():
    assert egress_option.parse_options({**DEFAULTS, "mode": "agent"}) == policy.parse("agent")


def test_the_option_of_other_modules_is_the_same_policy():
    options = {"mode": "allowlist", "allow": ["a.example"], "ports": [443]}

    assert pixel_options.egress(options) == egress_option.parse_options({**DEFAULTS, **options})
    assert pixel_options.egress(None) is None


@pytest.mark.parametrize(
    ("parse", "name"),
    [(pixel_options.egress, "egress.allow"), (egress_option.parse_options, "allow")],
)
def test_an_error_names_the_option_as_the_task_has_it(parse, name):
    with pytest.raises(Invalid, match=f"^invalid {name}: "):
        parse({**DEFAULTS, "mode": "allowlist", "allow": ["*.com"]})
