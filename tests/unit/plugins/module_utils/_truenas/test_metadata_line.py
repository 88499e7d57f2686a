# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of our notes in the description of a container, and of the text of a person beside them."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Metadata
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.metadata_line import metadata, nic, with_metadata

ALL = Metadata(
    fleet="demo",
    owner="Ann Ö.",
    labels={"role": "front", "note": "line\nbreak"},
    image="ubuntu/24.04",
    origin="base@ready",
    cloning="base@ready",
    run="0af3",
    pending="autostart",
)


def test_all_notes_are_read_as_they_were_written():
    assert metadata(with_metadata("", ALL)) == ALL


def test_they_are_one_line_of_json_with_a_clear_beginning():
    text = with_metadata("", Metadata(fleet="demo", labels={"role": "front"}))

    assert text == 'pixels.truenas: {"fleet": "demo", "labels": {"role": "front"}}'


@pytest.mark.parametrize("text", ["Ask Ann", "Ask Ann\n", "\n\n  two\nlines  ", "pixels.truenas: is not ours", "{}"])
def test_what_a_person_wrote_stays_as_it_is(text):
    described = with_metadata(text, ALL)

    assert described.startswith(f"{text}\n")
    assert metadata(described) == ALL
    assert with_metadata(described, Metadata()) == text


def test_notes_change_where_they_are():
    first = with_metadata("above", Metadata(fleet="demo"))

    changed = with_metadata(f"{first}\nbelow", Metadata(fleet="other"))

    assert changed == 'above\npixels.truenas: {"fleet": "other"}\nbelow'
    assert with_metadata(changed, Metadata()) == "above\nbelow"


def test_notes_that_are_there_twice_are_there_once_afterwards():
    twice = 'pixels.truenas: {"fleet": "demo"}\nAsk Ann\npixels.truenas: {"fleet": "old"}'

    assert with_metadata(twice, Metadata(fleet="other")) == 'pixels.truenas: {"fleet": "other"}\nAsk Ann'
    assert with_metadata(twice, Metadata()) == "Ask Ann"


def test_a_container_without_notes_has_no_line():
    assert with_metadata("", Metadata()) == ""
    assert with_metadata("Ask Ann", Metadata()) == "Ask Ann"
    assert metadata("Ask Ann") == Metadata()


@pytest.mark.parametrize("line", ["pixels.truenas: {", "pixels.truenas: []", "pixels.truenas:{}", "pixels.truenas"])
def test_what_cannot_be_read_is_no_note(line):
    assert metadata(line) == Metadata()


@pytest.mark.parametrize("record", ["[" * 1000, '{"labels": {"a": ' * 50, '{"owner": "\\ud800"}'])
def test_what_a_user_made_up_to_be_no_record_is_no_note(record):
    described = with_metadata(f"pixels.truenas: {record}"[:900], Metadata(owner="ann"))

    assert metadata(described) == Metadata(owner="ann")


def test_what_is_of_another_kind_or_not_known_is_passed_over():
    assert metadata('pixels.truenas: {"fleet": 1, "labels": {"a": "b", "c": 2}, "later": "x"}') == Metadata(
        labels={"a": "b"}
    )
    assert metadata('pixels.truenas: {"labels": ["a"], "owner": "ann"}') == Metadata(owner="ann")


def test_the_interface_a_container_is_yet_to_be_attached_to_is_no_note():
    described = with_metadata("Ask Ann", Metadata(owner="ann"), nic_parent="eno1")

    assert (nic(described), metadata(described)) == ("eno1", Metadata(owner="ann"))
    assert nic(with_metadata(described, Metadata(owner="ann"))) is None
    assert with_metadata("", Metadata(), nic_parent="eno1") == 'pixels.truenas: {"card": "eno1"}'


@pytest.mark.parametrize("text", ["", "Ask Ann", "pixels.truenas: {}", 'pixels.truenas: {"card": 1}'])
def test_where_nothing_is_noted_it_is_to_be_attached_to_nothing(text):
    assert nic(text) is None


def test_what_does_not_fit_is_reported_before_it_is_sent():
    with pytest.raises(Invalid, match="too long.*1024") as refused:
        with_metadata("x" * 900, Metadata(labels={"long": "y" * 200}))

    assert refused.value.fields[0][0] == "labels"
