# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of which kind of session a client gets."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from pathlib import Path

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import (
    identity,
    runtime_dir,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import (
    status as daemon_status,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.client import SharedSession
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Session

VERSION = "system.version"


@pytest.mark.parametrize("options", [{"mode": "direct"}, {"idle": 0}, {"idle": -1.0}])
def test_without_the_option_no_session_is_shared(nas, options):
    with nas.open(**options) as session:
        assert isinstance(session, Session)
        assert session.read(VERSION)

    assert daemon_status.status() == []


def test_by_default_it_is_shared(nas):
    with nas.open() as session:
        assert isinstance(session, SharedSession)


def test_code_in_an_archive_shares_none(nas, monkeypatch):
    monkeypatch.setattr(identity, "VERSION", "")

    with nas.open() as session:
        assert isinstance(session, Session)


def test_sessions_of_ones_own_are_counted_as_well(nas, runtime_directory):
    with nas.open(mode="direct") as session:
        session.read(VERSION)

    [count] = runtime_directory.glob("logins-*")
    counted = {method: len(moments) for method, moments in json.loads(count.read_text()).items()}
    assert counted == {"auth.login_ex": 1, "auth.mechanism_choices": 1}


def test_without_a_place_to_meet_it_is_a_session_of_ones_own(nas, truenas, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/no/such/folder")
    monkeypatch.setattr(tempfile, "tempdir", "/no/such/folder/either")

    with nas.open() as session:
        assert isinstance(session, Session)
        assert session.read(VERSION)


def test_without_any_directory_for_temporary_files_it_is_a_direct_session(nas, monkeypatch):
    def none_usable():
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    with monkeypatch.context() as patch:
        patch.delenv("XDG_RUNTIME_DIR")
        patch.setattr(tempfile, "gettempdir", none_usable)
        with nas.open() as session:
            assert session.read(VERSION)


def test_a_disk_too_full_for_a_salt_ends_in_a_session_of_ones_own(nas, monkeypatch):
    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device", target)

    with monkeypatch.context() as patch:
        patch.setattr(runtime_dir.os, "replace", full)
        session = nas.open()

    with session:
        assert isinstance(session, Session)
        assert session.read(VERSION)


def test_a_relative_path_of_certificate_authorities_starts_at_the_directory_of_the_client(nas, monkeypatch):
    from dataclasses import replace

    authorities = Path(nas.endpoint.ca_path)
    monkeypatch.chdir(authorities.parent)
    nas.endpoint = replace(nas.endpoint, ca_path=authorities.name)

    with nas.held() as (session, pid):
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
        assert session.read(VERSION)
