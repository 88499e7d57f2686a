# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the command lines of the documentation against a simulated NAS, page by page, in their order.

A command line is what follows `$ ` in a block of the kind `console` of a page, and what follows `#   ` at the top of a
playbook. It has to succeed, unless the page shows an error below it. What the page shows below it is compared with its
output: `...` stands for any text or lines, and times, addresses and process IDs may differ. What cannot run here is
listed with its reason.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import runtime_dir

ROOT = Path(__file__).resolve().parents[2]
WITH_TOOLS = {"molecule", "testinfra"}
"""Examples that use tools of other projects, which `make examples` runs."""
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*/README.md") if path.parent.name not in WITH_TOOLS)
ELSEWHERE = {"agents.md"}
"""Pages whose output is from a run in the lab: test_agents.py runs the playbook."""
GUIDES = sorted(path for path in (ROOT / "docs").glob("*.md") if path.name not in ELSEWHERE)
PAGES = [ROOT / "README.md", *GUIDES, *EXAMPLES]
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))

CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
FLEET = re.compile(r"^`fleet\.yml`:\n\n```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
IN_A_PLAYBOOK = re.compile(r"^#   (ansible.*)$", re.MULTILINE)
OF_ANSIBLE = re.compile(r"ansible(-playbook|-inventory)? [^|;&<>$`~]+\Z")
"""Needs no shell, so a process that has loaded Ansible runs it."""
INVENTORY = re.compile(r"-i (\S+\.ya?ml)")
SECONDS = 300

ARTIFACT = "build/artifact/pixels-truenas-1.0.0.tar.gz"
DEVELOPER = "it builds, tests or installs, in the checkout itself"
TOOLS = """'{"devtools_tools": ["git"]}'"""
GIT = """'{"provision_packages": ["git"]}'"""
REAL = "it installs packages, which takes a real system: test_provisioning.py has one in the lab"
NETWORK = "it downloads from registries: test_devtools.py has files instead"
NOT_HERE: dict[str, str] = {
    "ansible-playbook pixels.truenas.base -e @roles.yml": "it runs roles of the reader",
    "pixels bases build python": REAL,
    "pixels create agent-1 --from base:python": REAL,
    "make demo": DEVELOPER,
    "make test": DEVELOPER,
    "make build": DEVELOPER,
    f"ansible-galaxy collection install --force -p ~/.ansible/collections {ARTIFACT}": DEVELOPER,
    "pip install -r requirements.txt": DEVELOPER,
    "export PIXELS_TRUENAS_HOST=nas.example.org": "it names a NAS that is not there",
    "export PIXELS_TRUENAS_USERNAME=ansible": "it names an account that is not there",
    "export PIXELS_TRUENAS_API_KEY_FILE=~/.config/pixels/nas.key": "it names a file that is not there",
    "systemctl --user daemon-reload && systemctl --user enable --now pixels-reap.timer": "there is no systemd",
    "make simulator": "it runs until Ctrl-C; test_running.py starts it",
    "make wheel": DEVELOPER,
    "pipx install build/wheel/pixels_truenas-1.0.0-py3-none-any.whl": DEVELOPER,
    "cat ~/.config/pixels/config.toml": "it shows a file that the reader has written",
    "export PIXELS_NAS=home": "it names a NAS of that file",
    "pixels console --transport shell web": "it takes a terminal, which test_console.py gives it",
    "pixels exec -u www-data -w /srv/app -e TOKEN web -- ./manage.py migrate": "it runs a program of the reader",
    "pixels exec -d web -- sh -c 'exec ./worker >/var/log/worker.log 2>&1'": "it runs a program of the reader",
    "pixels create web --devtools": NETWORK,
    "pixels create lab --tool claude-code --tool node --tool gh": NETWORK,
    "pixels status lab": NETWORK,
    "pixels exec lab -- claude --version": NETWORK,
    f"ansible-playbook pixels.truenas.devtools -i fleet.pixels.yml -e {TOOLS} --limit web": NETWORK,
    "ansible-playbook pixels.truenas.update_devtools_lock -e lock=files/devtools.json": NETWORK,
    f"ansible-playbook pixels.truenas.provision -i all.pixels.yml -e {GIT}": REAL,
    f"ansible-playbook pixels.truenas.provision -i fleet.pixels.yml -e {GIT} --limit web": REAL,
}
OF_A_SHELL = {
    'eval "$(pixels completion zsh)"': "zsh",
    "pixels completion fish | source": "fish",
}
"""Commands for a shell other than sh, with the name of the shell."""
STARTED = {"zsh": "autoload -U compinit && compinit -D -u; "}
"""Commands that the startup file of a user runs before."""

THERE: dict[str, list[str]] = {
    "docs/checkpoints.md": ["web", "db", "base"],
    "docs/command.md": ["web"],
    "docs/inside.md": ["web"],
    "docs/inventory.md": ["web", "db"],
    "examples/migration/README.md": ["web"],
    "examples/upgrade/README.md": ["web", "db"],
    "playbooks/checkpoint.yml": ["web", "db"],
    "playbooks/clone.yml": ["base"],
    "playbooks/provision.yml": ["web"],
    "playbooks/restore.yml": ["web", "db"],
}
"""Pixels that a page requires."""
SNAPSHOTS = {"examples/migration/README.md": {"web": ["px-20260301-101500", "ready"]}}
"""Snapshots that other programs took of these pixels."""
UPSTREAM_USER = "useradd --create-home pixel"
LOGS = "mkdir -p /srv /var/log/nginx && echo GET >/var/log/nginx/access.log && echo dump >~/dump.sql"
REPOSITORY = """
git init -q -b main app && cd app
printf '#!/bin/sh\\nuname -n >result && git add result && git commit -qm Result\\n' >run-agent && chmod +x run-agent
git add . && git commit -qm Start
for name in docs login search; do git branch "agent/$name"; done
"""
TOML = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)
BASES = TOML.findall((ROOT / "docs/bases.md").read_text(encoding="utf-8"))
CONFIGURATION = '"${XDG_CONFIG_HOME:-$HOME/.config}"/pixels'
BEFORE = {
    "docs/bases.md": [f"mkdir -p {CONFIGURATION} && printf %s {shlex.quote(BASES[0])} >{CONFIGURATION}/config.toml"],
    "examples/agents/README.md": [REPOSITORY],
    "examples/migration/README.md": [
        "mkdir -p ~/.config/pixels && install -m 600 config.toml ~/.config/pixels/",
        f"pixels exec -u root --transport shell web -- {UPSTREAM_USER}",
    ],
    "examples/openssh/README.md": [
        *("mkdir site && echo hello >site/index.html", "echo debug=1 >app.conf", "git init -q -b main app"),
        "cd app && echo 'print(1)' >hello.py && git add . && git commit -qm Start",
    ],
    "docs/command.md": ["mkdir site && echo hello >site/index.html", f"pixels exec web -- sh -c '{LOGS}'"],
    "playbooks/clone.yml": ["pixels cp create base --label before-upgrade"],
    "playbooks/restore.yml": [f"pixels cp create {name} --label before-upgrade" for name in ("web", "db")],
}
"""Commands that a page requires to have run before."""


class Command(t.NamedTuple):
    line: str
    output: str = ""

    @property
    def fails(self) -> bool:
        return bool(re.search(r"^(Error|\[ERROR\]): ", self.output, re.MULTILINE))


VARYING = (
    (r"(?<![\d.])(\d{1,3}\.){3}\d{1,3}(?![\d.])", r"(\\d{1,3}\\.){3}\\d{1,3}"),
    (r"\b\d+\.\d+ ?s\b", r"\\d+\\.\\d+ ?s( \\([\\d:]+\\))?"),
    (r"\b\d{8}-\d{6}\b", r"\\d{8}-\\d{6}"),
    (r"^\d+$", r"\\d+"),
    (r"\bpython3\.\d+", r"python3\\.\\d+"),
    (r"/home/me/\S*", r"/\\S+"),
    (r" \.\.\.$", ".*"),
)
"""What differs from run to run or is abbreviated: addresses, durations, times in labels, process IDs, versions."""
PROGRESS = re.compile(r"^[a-z][a-z0-9-]*: .*\n", re.MULTILINE)
"""A terminal shows these lines of standard error only while a command runs."""


def pattern_of(output: str) -> str:
    """Return a regular expression for the output that a page shows."""
    lines = []
    for line in output.strip("\n").split("\n"):
        if line.strip() == "...":
            lines.append(r"(.*\n)*?")
            continue
        places = sorted(
            (found.start(), found.end(), instead) for each, instead in VARYING for found in re.finditer(each, line)
        )
        end, pieces = 0, []
        for start, stop, instead in places:
            pieces += [re.escape(line[end:start]), instead.replace("\\\\", "\\")]
            end = stop
        # Tables are padded to the width of a value that varies.
        text = re.sub(r"(\\ ){2,}", " {2,}", "".join([*pieces, re.escape(line[end:])]))
        lines.append(f"{text} *\n")
    return "".join(lines)


def commands(path: Path) -> list[Command]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".yml":
        return [Command(line) for line in IN_A_PLAYBOOK.findall(text)]
    found = []
    for block in CONSOLE.findall(text):
        first, *shown = re.split(r"^\$ ", block, flags=re.MULTILINE)
        assert not first.strip(), f"{path.name} has a block whose first line is no command: {first!r}"
        for each in shown:
            line, _newline, output = each.partition("\n")
            found.append(Command(line, output))
    return found


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


WITH_COMMANDS = [path for path in (*PAGES, *PLAYBOOKS) if commands(path)]


@pytest.fixture
def engine() -> str:
    return "process"


@pytest.fixture
def release() -> str:
    return "25.10"


@pytest.fixture
def reader(ansible, truenas, entering, openssh, tmp_path):
    """Return a function that prepares what a page requires, and returns a function that runs a command line."""
    key = Path(f"{ansible.environment['PIXELS_SSH_KEY']}.pub").read_text(encoding="utf-8")
    ansible.environment |= {
        "PATH": f"{openssh}{os.pathsep}{ROOT / 'bin'}{os.pathsep}{ansible.environment['PATH']}",
        "PIXELS_PYTHON": sys.executable,
        **{f"GIT_{role}_{field}": "me@example.org" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")},
    }
    # The pixels have their own Python.
    del ansible.environment["ANSIBLE_PYTHON_INTERPRETER"]

    def prepare(path: Path) -> t.Callable[[str], subprocess.CompletedProcess[str]]:
        for name in THERE.get(name_of(path), []):
            truenas.world.add_container(f"px-{name}")
            engine = truenas.world.engine
            truenas.run(engine.write_file(f"px-{name}", "/root/.ssh/authorized_keys", key.encode(), **OWN))
            for label in SNAPSHOTS.get(name_of(path), {}).get(name, []):
                truenas.world.add_snapshot(f"px-{name}", label)
        if path.is_relative_to(ROOT / "examples"):
            shutil.copytree(path.parent, tmp_path, dirs_exist_ok=True)
        fleet = FLEET.search(path.read_text(encoding="utf-8")) or FLEET.search(PAGES[0].read_text(encoding="utf-8"))
        (tmp_path / "fleet.yml").write_text(fleet[1])
        for each in commands(path):
            for name in INVENTORY.findall(each.line):
                if not (tmp_path / name).exists():
                    (tmp_path / name).write_text("plugin: pixels.truenas.pixels\n")
        for line in BEFORE.get(name_of(path), []):
            ended = run(line)
            assert ended.returncode == 0, ended.stderr
        return run

    def run(line: str) -> subprocess.CompletedProcess[str]:
        if OF_ANSIBLE.match(line):
            return ansible.run(*shlex.split(line), check=False, directory=tmp_path)
        shell = OF_A_SHELL.get(line, "bash")
        return subprocess.run(
            [shell, "-c", f"{STARTED.get(shell, '')}{line}"],
            cwd=tmp_path,
            env=ansible.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    return prepare


@pytest.fixture
def openssh(tmp_path):
    """Let OpenSSH read the configuration of the reader: it asks the system for the home directory, not HOME."""
    programs = tmp_path / ".programs"
    programs.mkdir()
    for name in ("ssh", "scp", "sftp"):
        if path := shutil.which(name):
            # A file that does not exist would be an error.
            configured = '[ ! -e "$HOME/.ssh/config" ] || set -- -F "$HOME/.ssh/config" "$@"'
            (programs / name).write_text(f'#!/bin/sh\n{configured}\nexec {path} "$@"\n')
            (programs / name).chmod(0o755)
    return programs


OWN = {"append": False, "mode": 0o600, "uid": 0, "gid": 0}


@pytest.mark.parametrize("path", WITH_COMMANDS, ids=name_of)
def test_the_command_lines_of_a_page_do_what_it_says(reader, path):
    run = reader(path)
    for each in commands(path):
        shell = OF_A_SHELL.get(each.line)
        if each.line in NOT_HERE or (shell and not shutil.which(shell)):
            continue

        ended = run(each.line)

        assert bool(ended.returncode) == each.fails, f"$ {each.line}\n{ended.stdout}{ended.stderr}"
        assert "Traceback" not in ended.stderr
        assert "Unable to parse" not in ended.stderr
        if each.output.strip():
            messages = PROGRESS.sub("", ended.stderr)
            shown = [messages + ended.stdout, ended.stdout + messages]
            assert any(re.fullmatch(pattern_of(each.output), f"{text.rstrip()}\n") for text in shown), (
                f"$ {each.line}\n{ended.stdout}{ended.stderr}\nshown in the page:\n{each.output}"
            )


def test_the_session_daemon_of_a_page_is_found_by_no_other_test(ansible):
    # With a path that is too long for a socket it would be the directory that all tests of this machine share, and
    # the `pixels session stop` of one test would cut off the calls of another.
    assert runtime_dir.find(ansible.environment).directory == f"{ansible.environment['XDG_RUNTIME_DIR']}/pixels"


def test_what_is_not_run_is_in_the_documentation_still():
    lines = {each.line for path in WITH_COMMANDS for each in commands(path)}

    assert [line for line in (*NOT_HERE, *OF_A_SHELL) if line not in lines] == []


def test_every_inventory_that_a_command_names_has_a_name_that_is_accepted():
    named = [name for path in WITH_COMMANDS for each in commands(path) for name in INVENTORY.findall(each.line)]

    assert named
    assert [name for name in named if not name.endswith((".pixels.yml", ".pixels.yaml"))] == []


def test_the_fleet_of_each_page_is_one():
    for path in PAGES:
        for text in FLEET.findall(path.read_text(encoding="utf-8")):
            assert yaml.safe_load(text)["fleet_pixels"]


@pytest.mark.parametrize(
    ("shown", "output", "matches"),
    [
        ("Started web\n  IP:  10.0.0.7\n", "Started web\n  IP:  127.1.2.3\n", True),
        ("Started web\n", "Started db\n", False),
        ("Started web\n", "Started web\n[WARNING]: One more\n", False),
        ("...\nlast\n", "first\nsecond\nlast\n", True),
        ("...\nlast\n", "first\nlast\nmore\n", False),
        ("fatal: [web]: FAILED! => ...\n", "fatal: [web]: FAILED! => {}\n", True),
        ("NAME  IP        SIZE\n", "NAME  IP             SIZE\n", True),
    ],
)
def test_output_that_differs_from_a_page_is_found(shown, output, matches):
    assert bool(re.fullmatch(pattern_of(shown), output)) == matches
