# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what users may do as root, with sudo of this machine and with package managers that only report."""

from __future__ import annotations

import shutil
import subprocess
import typing as t

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import guest_sudo
from tests.unit.plugins.module_utils._pixel.egress import namespaces

SHELLS = [words for words in (["dash"], ["bash"], ["busybox", "sh"]) if shutil.which(words[0])]

# Prints its arguments and what it was given of its surroundings.
REPORT = """\
#!/bin/sh
[ "$1" != pkgnames ] || { printf '%s\\n' git g++ python3.11 libstdc++6 gitk; exit; }
printf '%s' "${0##*/}" >>"$LOG"
printf ' [%s]' "$@" >>"$LOG"
printf ' in %s, ENV=%s\\n' "$PWD" "${BASH_ENV-}${LD_PRELOAD-}${APT_CONFIG-}" >>"$LOG"
read -r line && echo "input: $line" >>"$LOG"
exit 0
"""


class Install:
    """The program, with a directory of programs that report as its only ones."""

    def __init__(self, directory, manager: str) -> None:
        self.log = directory / "log"
        self._programs = directory / "bin"
        self._programs.mkdir()
        for name in (manager, *(["apt-cache"] if manager == "apt-get" else [])):
            (self._programs / name).write_text(REPORT.replace("$LOG", str(self.log)))
            (self._programs / name).chmod(0o755)
        (self._programs / "id").write_text("#!/bin/sh\necho 0\n")
        (self._programs / "id").chmod(0o755)
        for name in ("env", "grep", "sh"):
            (self._programs / name).symlink_to(shutil.which(name))
        self._path = directory / "pixels-install"
        self._path.write_text(guest_sudo.INSTALL.replace(guest_sudo.SEARCH_PATH, str(self._programs)))

    def __call__(self, *names: str | bytes, shell: t.Sequence[str] = ("sh",)) -> tuple[int, str, str]:
        surroundings = {
            "BASH_ENV": f"{self._path}.env",
            "LD_PRELOAD": "",
            "APT_CONFIG": "/home/pixel/apt.conf",
            "PATH": "/",
        }
        ended = subprocess.run(
            [shutil.which(shell[0]), *shell[1:], self._path, *names],
            input=b"of the user\n",
            env=surroundings,
            capture_output=True,
            cwd=self._programs,
            check=False,
            timeout=30,
        )
        done = self.log.read_text() if self.log.exists() else ""
        return ended.returncode, ended.stderr.decode(), done


@pytest.fixture
def install(tmp_path):
    return lambda *names, manager="apt-get", **how: Install(tmp_path, manager)(*names, **how)


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_packages_are_installed_by_name_with_the_surroundings_of_root(install, shell):
    status, stderr, done = install("git", "g++", "python3.11", shell=shell)

    assert (status, stderr) == (0, "")
    update, installation = done.splitlines()
    assert "[update]" in update
    assert installation.endswith("[install] [git] [g++] [python3.11] in /, ENV=")
    assert "[--no-remove]" in installation


@pytest.mark.parametrize(
    ("manager", "words"), [("dnf", "dnf [install] [-y]"), ("apk", "apk [add] [-q]"), ("pacman", "pacman [-Sy]")]
)
def test_other_package_managers_are_known(install, manager, words):
    status, _stderr, done = install("git", "ripgrep", manager=manager)

    assert status == 0
    assert words in done
    assert done.endswith("[git] [ripgrep] in /, ENV=\n")


NO_NAMES = [
    *("", "-", "--", "-o", "-oAPT::Update::Pre-Invoke::=id", "-o=Dpkg::Pre-Install-Pkgs::=id", "--option=x=y"),
    *("--optio=x", "-qo", "-c", "-c=/tmp/apt.conf", "--config-file=/tmp/x", "--root=/tmp", "--installroot=/tmp/x"),
    *("--repofrompath=x", "./evil.deb", "/tmp/evil.deb", "evil.deb", "evil.rpm", "evil.apk", "evil.pkg.tar.zst"),
    *("../evil", "a/b", "~/x", "https://evil.example/x.rpm", "file:///tmp/x.rpm", "git=1:2.0", "git/stable"),
    *("git:i386", "git-", "git@edge", "g*", "gi?", "[g]it", "^git", "git^", "?name(git)", "~ngit", "@core", "!git"),
    *("git<3", "git>2", ".virtual", "+git", "git;id", "git id", "$(id)", "`id`", "git|id", "git&id", "'git'", '"git"'),
    *("git\\", "{git,vim}", "git#", "%s", "git\n", "\ngit", "git\nid", "git\tid", "git\rid", "git\x1b[2J", "git\x07"),
    *("git\x7f", "\x1b]0;x\x07git", "g\N{LATIN SMALL LETTER I WITH DIAERESIS}t", "git\N{ZERO WIDTH SPACE}"),
    *("\N{FULLWIDTH LATIN SMALL LETTER G}it", "\N{CYRILLIC SMALL LETTER A}pt", b"git\xff", b"\x80", "g" * 101),
]


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize("manager", ["apt-get", "dnf"])
@pytest.mark.wide
def test_what_is_no_name_is_refused_before_anything_is_done(tmp_path, manager, shell):
    install = Install(tmp_path, manager)

    for word in NO_NAMES:
        for names in ([word], ["git", word], [word, "git"]):
            status, stderr, done = install(*names, shell=shell)
            assert (status, done) == (2, ""), (word, done)
            assert stderr.startswith("pixels-install: argument "), word
            assert stderr.rstrip("\n").isprintable(), word


@pytest.mark.parametrize("name", ["pyth.n3.11", "gi", "nosuch", "GIT", "g..", "git.k"])
def test_a_name_that_apt_would_take_for_a_pattern_installs_nothing(install, name):
    status, stderr, done = install("git", name)

    assert status == 2
    assert stderr == f"pixels-install: there is no package {name}. Check its name\n"
    assert "[install]" not in done


@pytest.mark.parametrize(
    ("names", "problem"), [((), "no package is named"), (("git",) * 101, "more than 100 packages")]
)
def test_a_number_of_names_that_is_no_use_is_refused(install, names, problem):
    status, stderr, done = install(*names)

    assert (status, done) == (2, "")
    assert problem in stderr


@pytest.mark.parametrize("rule", ["packages", "none", "all"])
@pytest.mark.skipif(shutil.which("visudo") is None, reason="takes visudo")
def test_sudo_reads_the_rules(tmp_path, rule):
    (tmp_path / "rules").write_text(guest_sudo.sudoers(rule))

    subprocess.run(["visudo", "-cf", tmp_path / "rules"], check=True, capture_output=True)


@pytest.fixture
def pixel() -> t.Iterator[t.Callable[..., tuple[int, str]]]:
    """A system with two users that had full sudo before the policy."""
    if namespaces.unavailable() or not shutil.which("sudo") or not shutil.which("setpriv"):
        pytest.skip("takes root, sudo and setpriv")
    space = namespaces.Namespace()
    space.shell(namespaces.USERS)

    def run(rule: str, user: int, *words: str) -> tuple[int, str]:
        space.run("tee", guest_sudo.INSTALL_PATH, stdin=b'#!/bin/sh\necho as $(id -un): "$@"\n')
        space.run("tee", guest_sudo.SUDOERS_PATH, stdin=guest_sudo.sudoers(rule).encode())
        space.shell(f"chmod 755 {guest_sudo.INSTALL_PATH}; chmod 440 {guest_sudo.SUDOERS_PATH}")
        ids = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        argv = space.argv(*ids, "sudo", "-n", *words)
        ended = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
        return ended.returncode, ended.stdout

    yield run
    space.close()


ROOT_IN_OTHER_WORDS = [
    ("id",),
    ("-u", "root", "sh", "-c", "id"),
    ("-u", "other", "id"),
    ("-g", "root", "id"),
    ("-i",),
    ("-s",),
    ("-e", "/etc/passwd"),
    ("-E", guest_sudo.INSTALL_PATH, "git"),
    ("BASH_ENV=/tmp/x", guest_sudo.INSTALL_PATH, "git"),
    ("/usr/local/bin/../bin/pixels-install.evil",),
    ("systemctl", "start", "x"),
    ("nft", "flush", "ruleset"),
    ("apt-get", "install", "git"),
]


def test_under_a_policy_sudo_runs_the_installation_of_packages_only(pixel):
    assert pixel("all", 1000, "id", "-un") == (0, "root\n")
    assert pixel("packages", 1000, guest_sudo.INSTALL_PATH, "git", "g++") == (0, "as root: git g++\n")
    assert pixel("packages", 1000, "pixels-install", "git") == (0, "as root: git\n")
    assert {words: pixel("packages", 1000, *words)[0] for words in ROOT_IN_OTHER_WORDS} == dict.fromkeys(
        ROOT_IN_OTHER_WORDS, 1
    )


def test_other_users_and_the_rule_none_get_nothing(pixel):
    assert pixel("all", 1001, "id", "-un") == (0, "root\n")
    for rule, user in (("packages", 1001), ("none", 1000), ("none", 1001)):
        assert pixel(rule, user, "id")[0] == 1
        assert pixel(rule, user, guest_sudo.INSTALL_PATH, "git")[0] == 1
