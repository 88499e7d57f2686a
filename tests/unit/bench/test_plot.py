# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the plot on logarithmic axes."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from bench import plot

LINES = {"list": {10: 0.1, 1000: 0.2}, "inventory": {10: 1.0, 1000: 10.0}}


def test_each_line_is_drawn_and_named():
    drawing = ElementTree.fromstring(plot.draw(LINES, "pixels", "seconds"))

    names = [each.text for each in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert {"list", "inventory", "pixels", "seconds", "1,000"} <= set(names)
    assert len(list(drawing.iter("{http://www.w3.org/2000/svg}polyline"))) == 2


def test_an_axis_begins_and_ends_with_a_power_of_ten():
    axis = plot.scale([20, 300], 0, 100)

    assert (axis.place(10), axis.place(1000)) == (0, 100)
    assert axis.place(100) == pytest.approx(50)


def test_names_do_not_overlap():
    found = plot.spread({"a": 100, "b": 101, "c": 50})

    assert found == {"c": 50, "a": 100, "b": 116}
