# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mark texts as trusted, so that Ansible shows them as they are and templates in other texts are never rendered."""

from __future__ import annotations

import typing as t

from ansible.template import trust_as_template

TEMPLATE_HEADER = "#jinja2:"
"""Prefix of a text that can be a template without braces (ansible-core 2.19, `_jinja_bits.py`)."""


def trusted(value: t.Any) -> t.Any:
    """Return a value whose plain texts are marked as trusted, so that `ansible-inventory --list` does not wrap them.

    A text with a template, such as the description of an image, stays untrusted and is never rendered; so does one with
    a header that changes the delimiters of templates.
    """
    if isinstance(value, str):
        return value if "{" in value or value.startswith(TEMPLATE_HEADER) else trust_as_template(value)
    if isinstance(value, list):
        return [trusted(item) for item in value]
    if isinstance(value, dict):
        return {name: trusted(item) for name, item in value.items()}
    return value
