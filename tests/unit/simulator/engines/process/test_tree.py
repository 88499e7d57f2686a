# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots, rollback and clones of a guest's files."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

if t.TYPE_CHECKING:
    from tests.unit.simulator.engines.process.conftest import Lab


def test_a_rollback_brings_files_back_and_takes_later_ones_away(lab: Lab) -> None:
    name = lab.start()
    lab.shell(name, "echo before > /root/kept; echo before > /root/changed")
    lab.do(lab.engine.snapshot(name, "ready"))
    lab.shell(name, "echo after > /root/changed; rm /root/kept; echo after > /root/late; rm -r /etc/skel")
    lab.stop(name)

    lab.do(lab.engine.rollback(name, "ready"))

    lab.start(name)
    assert lab.shell(name, "cat /root/kept /root/changed; ls -d /etc/skel; ls /root") == (
        "before\nbefore\n/etc/skel\nchanged\nkept"
    )


def test_a_rollback_repairs_a_guest_without_usr(lab: Lab) -> None:
    name = lab.start()
    lab.do(lab.engine.snapshot(name, "ready"))
    lab.run(name, "rm", "-rf", "/usr")
    lab.stop(name)

    lab.do(lab.engine.rollback(name, "ready"))

    lab.start(name)
    assert lab.shell(name, "python3 -c 'print(1)'; ls /usr/bin | wc -l").split()[0] == "1"


def test_a_snapshot_remembers_what_was_removed(lab: Lab) -> None:
    """The markers of overlayfs for removed and replaced directories survive the copy."""
    name = lab.start()
    lab.shell(name, "rm /usr/bin/env; rm -r /etc/skel; mkdir /etc/skel; rm -r /usr/share/perl; mkdir /usr/share/perl")
    lab.do(lab.engine.snapshot(name, "without"))
    lab.stop(name)

    lab.do(lab.engine.rollback(name, "without"))

    lab.start(name)
    assert lab.run(name, "ls", "/usr/bin/env").returncode != 0
    assert lab.shell(name, "find /etc/skel /usr/share/perl -mindepth 1") == ""


def test_odd_modes_owners_and_names_are_kept(lab: Lab) -> None:
    name = lab.start()
    make = "mkdir -m 0 /root/closed; umask 077; echo x > '/root/a b\n c'; chmod 0 /root/a*; ln -s nowhere /root/dead"
    lab.shell(name, make)
    lab.do(lab.engine.snapshot(name, "odd"))
    lab.stop(name)

    lab.do(lab.engine.rollback(name, "odd"))

    lab.start(name)
    assert lab.shell(name, "stat -c %a /root/closed /root/a*; readlink /root/dead").split() == ["0", "0", "nowhere"]


def test_a_running_guest_sees_its_files_rolled_back(lab: Lab) -> None:
    name = lab.start_with_ssh()
    lab.do(lab.engine.snapshot(name, "ready"))
    lab.write(name, "/root/late", "late")

    lab.do(lab.engine.rollback(name, "ready"))

    assert lab.do(lab.engine.stat(name, "/root/late")) is None
    assert lab.listens(name)


def test_processes_stand_still_only_while_a_snapshot_is_taken(lab: Lab) -> None:
    name = lab.start()
    lab.shell(name, "(while :; do date +%s%N > /root/now; sleep 0.01; done) > /dev/null 2>&1 &")

    lab.do(lab.engine.snapshot(name, "busy"))

    before = lab.read(name, "/root/now")
    lab.shell(name, f"until [ \"$(cat /root/now)\" != '{before.decode().strip()}' ]; do sleep 0.01; done")


def test_a_clone_is_another_machine_with_the_same_files_and_host_keys(lab: Lab) -> None:
    source = lab.start_with_ssh("px-base")
    lab.write(source, "/root/tools", "tools\n")
    lab.do(lab.engine.snapshot(source, "ready"))
    lab.write(source, "/root/late", "late")

    lab.do(lab.engine.clone(source, "ready", "px-copy"))

    assert lab.engine.addresses("px-copy") == []
    lab.start("px-copy")
    assert lab.shell("px-copy", "hostname; cat /etc/hostname; cat /root/tools; ls /root").split() == [
        *("px-copy", "px-copy", "tools", "tools"),
    ]
    assert lab.shell("px-copy", "cat /etc/machine-id") == lab.shell(source, "cat /etc/machine-id")
    assert lab.address("px-copy") != lab.address(source)
    assert lab.host_key("px-copy") == lab.host_key(source)


def test_a_clone_and_its_source_change_apart(lab: Lab) -> None:
    source = lab.start("px-base")
    lab.do(lab.engine.snapshot(source, "ready"))
    lab.do(lab.engine.clone(source, "ready", "px-copy"))

    lab.write("px-copy", "/root/mine", "mine")
    lab.do(lab.engine.delete(source))

    assert lab.read("px-copy", "/root/mine") == b"mine"


def test_a_clone_with_new_host_keys_shows_them_after_a_restart_of_ssh(lab: Lab) -> None:
    source = lab.start_with_ssh("px-base")
    lab.do(lab.engine.snapshot(source, "ready"))
    lab.do(lab.engine.clone(source, "ready", "px-copy"))
    lab.start("px-copy")

    lab.shell(
        "px-copy",
        "rm /etc/ssh/ssh_host_*; apt-get remove openssh-server; apt-get install openssh-server; systemctl start ssh",
    )

    assert lab.host_key("px-copy") != lab.host_key(source)


def test_used_grows_with_what_a_guest_writes(lab: Lab) -> None:
    name = lab.start()
    before = lab.engine.used(name)

    lab.shell(name, "head -c 3000000 /dev/zero | tr '\\0' x > /root/big")

    assert 3_000_000 <= lab.engine.used(name) - before < 4_000_000


def test_a_snapshot_that_is_not_there_cannot_be_used(lab: Lab) -> None:
    name = lab.start()
    lab.write(name, "/root/kept", "kept")
    lab.stop(name)

    with pytest.raises(FileNotFoundError):
        lab.do(lab.engine.rollback(name, "none"))
    with pytest.raises(FileNotFoundError):
        lab.do(lab.engine.clone(name, "none", "px-copy"))

    assert lab.read(name, "/root/kept") == b"kept"
    lab.do(lab.engine.create("px-copy", "ubuntu/24.04"))  # the failed clone left nothing of that name


def test_a_label_is_used_once_and_free_again_when_its_snapshot_is_deleted(lab: Lab) -> None:
    name = lab.start()
    lab.do(lab.engine.snapshot(name, "ready"))

    with pytest.raises(FileExistsError):
        lab.do(lab.engine.snapshot(name, "ready"))
    lab.do(lab.engine.delete_snapshot(name, "ready"))

    with contextlib.nullcontext():
        lab.do(lab.engine.snapshot(name, "ready"))


def test_the_engine_does_not_follow_a_guests_link_to_its_host_key(lab: Lab) -> None:
    name = lab.start_with_ssh()
    lab.shell(name, "mv /etc/ssh/ssh_host_ed25519_key /root/key; ln -s /root/key /etc/ssh/ssh_host_ed25519_key")

    lab.restart(name)

    assert not lab.listens(name)


def test_a_stopped_guest_takes_another_name_with_files_and_snapshots(lab: Lab) -> None:
    name = lab.start()
    lab.shell(name, "echo old > /root/state")
    lab.do(lab.engine.snapshot(name, "ready"))
    lab.shell(name, "echo new > /root/state")
    lab.stop(name)

    lab.do(lab.engine.move(name, "elsewhere--it"))

    assert lab.do(lab.engine.read_file("elsewhere--it", "/root/state")) == b"new\n"
    lab.do(lab.engine.rollback("elsewhere--it", "ready"))
    assert lab.do(lab.engine.read_file("elsewhere--it", "/root/state")) == b"old\n"
    lab.do(lab.engine.delete("elsewhere--it"))


def test_a_snapshot_is_handed_over(lab: Lab) -> None:
    name = lab.start()
    lab.shell(name, "echo old > /root/state")
    lab.do(lab.engine.snapshot(name, "ready"))
    lab.stop(name)
    lab.do(lab.engine.clone(name, "ready", "copy"))

    lab.do(lab.engine.move_snapshot(name, "ready", "copy", "ready-7"))
    lab.do(lab.engine.delete(name))

    lab.do(lab.engine.rollback("copy", "ready-7"))
    assert lab.do(lab.engine.read_file("copy", "/root/state")) == b"old\n"
    lab.do(lab.engine.delete("copy"))


def test_what_a_guest_has_added_to_a_directory_is_named(lab: Lab) -> None:
    name = lab.start()
    lab.shell(name, "mkdir /etc/mine; touch /etc/mine/b /etc/mine/a; ln -s /etc /root/link")
    tree = lab.engine._guests[name].tree

    assert tree.names_changed("/etc/mine") == ["a", "b"]
    assert tree.names_changed("/etc/none") == []
    assert tree.names_changed("/root/link") == []
