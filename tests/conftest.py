# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets tests import the collection as Ansible does, untouched by the developer's own settings."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import sys
import tempfile
import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).resolve().parent.parent
COLLECTIONS = ROOT / "build"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine", default="process", choices=("process", "lxc"), help="what containers are that a test goes inside"
    )


def link_the_checkout() -> None:
    """Give the checkout the path that Ansible derives the collection's name from; C(make) does the same."""
    link = COLLECTIONS / "ansible_collections" / "pixels" / "truenas"
    if not link.is_symlink():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to("../../..")


def forget_the_settings_of_the_developer() -> None:
    """Before the first import of ansible, which reads its settings once."""
    for name in list(os.environ):
        if name.startswith(("ANSIBLE_", "PIXELS_")) and name != "PIXELS_CONTRACT_DIR":
            del os.environ[name]
    # A short path: sockets live below it, and theirs may not be longer than about 100 characters.
    home = tempfile.mkdtemp(prefix="pixels-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ["ANSIBLE_HOME"] = home
    # Nor is the configuration of the command, the modules and the inventory.
    os.environ["XDG_CONFIG_HOME"] = os.path.join(home, "config")
    # Shared sessions, and the count of logins, are not those of the developer either.
    os.environ["XDG_RUNTIME_DIR"] = home
    # Named, because Ansible does not look for it in a folder that others may write to.
    os.environ["ANSIBLE_CONFIG"] = str(ROOT / "ansible.cfg")


def keep_bytecode() -> None:
    """A run starts Python hundreds of times: each start would compile its files anew."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def install_the_collection_loader() -> None:
    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader([str(COLLECTIONS)])


def let_programs_be_interrupted() -> None:
    """In a shell's background or under nohup these signals are ignored, and all that tests start would inherit it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


link_the_checkout()
let_programs_be_interrupted()
forget_the_settings_of_the_developer()
keep_bytecode()
install_the_collection_loader()
