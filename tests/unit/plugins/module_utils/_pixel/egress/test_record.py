# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy in the metadata of a pixel; tests/integration/test_egress.py restores and clones pixels with one."""

from __future__ import annotations

import contextlib

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, Refused, Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import inspection, policy, record
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.inspection import GuestState
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container, Metadata
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.virt_backend import VirtBackend
from ansible_collections.pixels.truenas.plugins.modules import pixels_container

LONG = {"mode": "allowlist", "allow": [f"host{number}.example.com" for number in range(100)]}


@pytest.fixture
def release():
    return "25.10"


@pytest.mark.parametrize("value", ["agent", "none", {"mode": "allowlist", "allow": ["a.example"], "ports": [443]}])
def test_a_policy_is_noted_as_its_text(value):
    wanted = policy.parse(value)

    assert record.recorded_policy(wanted.note) == wanted


def test_no_policy_is_no_note():
    assert policy.parse("unrestricted").note is None
    assert record.recorded_policy(None) == policy.EgressPolicy()


def test_a_long_policy_is_noted_as_its_digest():
    wanted = policy.parse(LONG)

    assert wanted.note == wanted.digest
    assert record.recorded_policy(wanted.digest) is None


@pytest.mark.parametrize("kept", ["nonsense", "{}", '{"mode": "evil"}', "5"])
def test_a_note_that_is_invalid_is_unknown(kept):
    assert record.recorded_policy(kept) is None


def pixel_with(kept):
    return Container(PixelName("px-web"), "running", metadata=Metadata(egress=kept))


def state_with(text):
    return GuestState(init="systemd", policy_text=text, rules="same")


def test_a_clone_inherits_the_policy_of_its_source():
    assert record.inherited_policy(pixel_with(None)) is None
    assert record.inherited_policy(pixel_with(policy.parse("none").note)) == policy.parse("none")


def test_a_policy_that_is_noted_as_its_digest_cannot_be_inherited():
    with pytest.raises(Unsupported) as refused:
        record.inherited_policy(pixel_with(policy.parse(LONG).digest))

    assert str(refused.value) == (
        "the egress policy of web is too long for the metadata on the NAS, so that a clone cannot inherit it. "
        "Give the clone a policy of its own"
    )


def test_the_policy_in_a_pixel_is_believed_where_the_digest_on_the_nas_is_its_own():
    wanted, other = policy.parse(LONG), policy.parse({**LONG, "ports": [443]})

    assert record.declared_policy(pixel_with(wanted.digest), state_with(wanted.text)) == wanted
    assert record.declared_policy(pixel_with(wanted.digest), state_with(other.text)) is None
    assert record.declared_policy(pixel_with(wanted.digest), GuestState(rules="same")) is None
    assert record.declared_policy(pixel_with(policy.parse("none").note), state_with(other.text)) == policy.parse("none")


def test_a_pixel_differs_from_a_policy_that_is_unknown_and_from_files_that_are_missing():
    found = state_with(policy.parse("none").text)

    assert record.drift(None, found) == ["the policy in the pixel is not the one that was set"]
    assert record.drift(policy.parse("none"), found) == found.drift(policy.parse("none"))
    assert record.drift(policy.parse("none"), found)


def test_a_policy_that_only_the_metadata_lacks_is_a_change():
    wanted = policy.parse("none")
    same = Change({"mode": "none"}, {"mode": "none"})

    assert record.with_record_change(same, pixel_with(wanted.note), wanted) == same
    assert record.with_record_change(same, pixel_with(None), wanted) == Change(
        {"mode": "none", "recorded": False}, {"mode": "none", "recorded": True}
    )
    assert record.with_record_change(Change(None, None), pixel_with(None), wanted) == Change(
        {"recorded": False}, {"recorded": True}
    )
    changed = Change({"mode": "agent"}, {"mode": "none"})
    assert record.with_record_change(changed, pixel_with(None), wanted) == changed


class Nas:
    """A wire without calls."""

    nas = "nas.example.org"


class Recording(VirtBackend):
    """Containers whose metadata has room for so many characters."""

    def __init__(self, room):
        super().__init__(None, None)
        self._room = room
        self.updates = []

    def update(self, name, settings, *, timeout):
        if len(settings["metadata"].egress or "") > self._room:
            raise Invalid("too long")
        self.updates.append((name, settings, timeout))


@pytest.mark.parametrize(("room", "kept"), [(600, "text"), (16, "digest")])
def test_a_policy_is_noted_beside_the_other_metadata_as_far_as_there_is_room(room, kept):
    wanted, pixels = policy.parse("none"), Pixels(Nas())
    pixels.backend = backend = Recording(room)
    container = Container(PixelName("px-web"), "running", environment={"A": "b"}, metadata=Metadata(fleet="agents"))

    record.update_record(pixels, container, wanted)

    noted = Metadata(fleet="agents", egress=getattr(wanted, kept))
    assert backend.updates == [("px-web", {"environment": {"A": "b"}, "metadata": noted}, 60)]


@pytest.mark.parametrize("kept", ["text", "digest"])
def test_a_policy_that_is_noted_already_is_not_noted_again(kept):
    wanted, pixels = policy.parse("none"), Pixels(Nas())
    pixels.backend = backend = Recording(600)

    record.update_record(pixels, pixel_with(getattr(wanted, kept)), wanted)

    assert backend.updates == []


class TestStoppedPixels:
    @pytest.fixture
    def stopped(self, run, truenas):
        noted = {"PIXELS/egress": policy.parse("agent").note}
        truenas.world.add_container("px-web", status="STOPPED", environment=noted)
        return lambda **params: run(pixels_container, **{"name": "web", "state": "stopped", **params})

    def test_the_policy_that_is_noted_is_no_change(self, stopped):
        assert not stopped(egress="agent")["changed"]

    @pytest.mark.parametrize("value", ["none", "unrestricted", LONG])
    def test_another_policy_is_refused(self, stopped, value):
        failed = stopped(egress=value)

        assert "the egress policy of web cannot be changed while web is stopped" in failed["msg"]

    def test_a_note_of_the_digest_is_no_change_either(self, run, truenas):
        truenas.world.add_container(
            "px-long", status="STOPPED", environment={"PIXELS/egress": policy.parse(LONG).digest}
        )

        assert not run(pixels_container, name="long", state="stopped", egress=LONG)["changed"]

    def test_an_invalid_policy_names_the_option(self, stopped):
        assert "invalid egress.allow: '*.com' is too wide" in stopped(egress={"mode": "agent", "allow": "*.com"})["msg"]


def test_a_stopped_pixel_cannot_be_created_with_a_policy(run, truenas):
    failed = run(pixels_container, name="web", state="stopped", egress="agent")

    assert "the egress policy of web cannot be changed while web is stopped" in failed["msg"]
    assert "px-web" not in truenas.world.containers


def test_a_pixel_without_a_policy_is_unrestricted_already(run, truenas):
    truenas.world.add_container("px-web", status="STOPPED")

    assert not run(pixels_container, name="web", state="stopped", egress="unrestricted")["changed"]


class TestLongPolicies:
    """A policy of which the metadata has the digest only."""

    @pytest.fixture
    def start(self, pixels, truenas, monkeypatch):
        truenas.world.add_container("px-long", environment={"PIXELS/egress": policy.parse(LONG).digest})
        enforced = []
        monkeypatch.setattr(record, "root_shell", lambda _pixels, _name: contextlib.nullcontext())
        monkeypatch.setattr(record, "ensure", lambda _pixels, _name, _guard, wanted: enforced.append(wanted))

        def run_start(text):
            found = inspection.GuestState(init="systemd", policy_text=text, rules="other")
            monkeypatch.setattr(inspection, "inspect", lambda _shell: found)
            record.enforce_recorded(pixels, PixelName("px-long"), is_new=True)
            return enforced

        return run_start

    def test_files_of_another_version_of_the_collection_are_replaced(self, start):
        assert start(policy.parse(LONG).text) == [policy.parse(LONG)]

    @pytest.mark.parametrize("text", ["", "nonsense", policy.parse("agent").text])
    def test_a_pixel_with_another_policy_is_stopped(self, start, truenas, text):
        with pytest.raises(Refused, match="the one in the pixel is another.*was stopped"):
            start(text)
        assert truenas.world.containers["px-long"].status == "STOPPED"
