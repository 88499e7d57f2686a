# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the role provision with package managers other than apt.

They are the real ones, which Debian has as well, with a package source in the pixel. Debian has no apk.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

PLAY = """
- hosts: pixels
  gather_facts: false
  module_defaults:
    # On systems with dnf, a fact sets the backend.
    ansible.builtin.dnf: {use_backend: dnf4}
  tasks:
    - name: Install packages
      ansible.builtin.include_role:
        name: pixels.truenas.provision
        tasks_from: packages_FAMILY.yml
      vars:
        provision_wanted: [tree, htop]
        provision_lock_timeout: 2
"""
SPEC = """
Name: {name}
Version: 1.0
Release: 1
Summary: A package
License: MIT
BuildArch: noarch
%description
A package.
%files
"""
REPOSITORY = "[here]\nname=here\nbaseurl=file:///repository\ngpgcheck=0\n"
PACMAN = "[options]\nArchitecture = auto\nSigLevel = Never\n[here]\nServer = file:///repository\n"
PKGINFO = "pkgname = {name}\npkgver = 1-1\npkgdesc = A package\nbuilddate = 1\nsize = 1\narch = any\n"
DESC = (
    "%FILENAME%\n{file}\n\n%NAME%\n{name}\n\n%VERSION%\n1-1\n\n%CSIZE%\n{size}\n\n%SHA256SUM%\n{sum}\n\n%ARCH%\nany\n\n"
)


@pytest.fixture
def engine() -> str:
    return "process"


@pytest.fixture
def release() -> str:
    return "25.10"


def rpms(folder: Path) -> dict[str, str]:
    """Create a package repository for dnf, and return the configuration files for it."""
    for name in ("tree", "htop"):
        (folder / "spec").write_text(SPEC.format(name=name))
        subprocess.run(
            [
                "rpmbuild",
                "-bb",
                "--define",
                f"_rpmdir {folder}",
                "--define",
                f"_topdir {folder}/build",
                folder / "spec",
            ],
            check=True,
            capture_output=True,
        )
    subprocess.run(["createrepo_c", "--quiet", folder], check=True)
    return {"/etc/dnf/dnf.conf": "[main]\n", "/etc/yum.repos.d/here.repo": REPOSITORY}


def pacman_packages(folder: Path) -> dict[str, str]:
    """Create a package repository for pacman, and return the configuration files for it."""
    with tarfile.open(folder / "here.db", "w:gz") as database:
        for name in ("tree", "htop"):
            path = folder / f"{name}-1-1-any.pkg.tar.gz"
            with tarfile.open(path, "w:gz") as package:
                add(package, ".PKGINFO", PKGINFO.format(name=name))
                add(package, f"usr/share/{name}", "")
            content = path.read_bytes()
            checksum = hashlib.sha256(content).hexdigest()
            desc = DESC.format(file=path.name, name=name, size=len(content), sum=checksum)
            add(database, f"{name}-1-1/desc", desc)
    return {"/etc/pacman.conf": PACMAN, "/var/lib/pacman/sync/none": ""}


def add(archive: tarfile.TarFile, path: str, text: str) -> None:
    member = tarfile.TarInfo(path)
    member.size = len(text)
    archive.addfile(member, io.BytesIO(text.encode()))


FAMILIES = {"dnf": (("dnf", "rpmbuild", "createrepo_c"), rpms), "pacman": (("pacman",), pacman_packages)}


@pytest.fixture(params=FAMILIES)
def install(request, ansible, truenas, tmp_path):
    """Run the tasks of a package manager in a pixel, and return the names of those that changed it."""
    programs, make = FAMILIES[request.param]
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        pytest.skip(f"no {' and no '.join(missing)} here")
    source = tmp_path / "repository"
    source.mkdir()
    files = {path: text.encode() for path, text in make(source).items()}
    files |= {
        f"/repository/{path.relative_to(source)}": path.read_bytes() for path in source.rglob("*.*") if path.is_file()
    }
    truenas.world.add_container("px-web")
    for path, content in files.items():
        truenas.run(truenas.world.engine.write_file("px-web", path, content, append=False, mode=0o644, uid=0, gid=0))
    inventory = tmp_path / "all.pixels.yml"
    inventory.write_text(
        "plugin: pixels.truenas.pixels\n"
        "connect_with: shell\n"
        "compose: {ansible_python_interpreter: \"'/usr/bin/python3'\"}\n"
    )

    def run(*options: str, check: bool = True):
        play = PLAY.replace("FAMILY", request.param)
        played = ansible.play(play, "--inventory", str(inventory), *options, check=check)
        if not check:
            return played
        return [result["task"] for result in played["results"] if result["result"].get("changed")]

    return run


@pytest.mark.wide
def test_packages_are_installed_once_and_predicted_and_one_that_is_nowhere_fails_the_task(install):
    predicted = install("--check")

    changed = install()

    assert len(changed) == 1
    assert predicted == changed
    assert install() == []

    played = install("--extra-vars", '{"provision_wanted": ["nonesuch"]}', check=False)
    assert played["rc"] == 2
    assert "nonesuch" in played["text"]
