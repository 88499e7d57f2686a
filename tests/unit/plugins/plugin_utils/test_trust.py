# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test which texts are trusted."""

from __future__ import annotations

import pytest
from ansible.template import is_trusted_as_template

from ansible_collections.pixels.truenas.plugins.plugin_utils.trust import trusted


def test_plain_texts_are_trusted_at_any_depth():
    found = trusted({"list": ["web"], "number": 5})

    assert found == {"list": ["web"], "number": 5}
    assert is_trusted_as_template(found["list"][0])


@pytest.mark.parametrize(
    "text", ["{{ 1 }}", "{% set x = 1 %}", "{# #}", "#jinja2: variable_start_string:'<<'\n<< 1 >>"]
)
def test_templates_are_not_trusted(text):
    assert not is_trusted_as_template(trusted(text))
