# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of which key logs in to a pixel: the same for the command, the module and the plugin."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import private_key
from ansible_collections.pixels.truenas.plugins.modules import pixels_exec
from tests.unit.plugins.conftest import put, wait_until


@pytest.fixture(scope="session")
def rsa_key(tmp_path_factory):
    """A pair of files: to find the primes of one takes up to a second."""
    path = tmp_path_factory.mktemp("rsa") / "id"
    generate(path, "-t", "rsa", "-b", "2048")
    return path


def generate(path, *options):
    subprocess.run(["ssh-keygen", "-q", *options, "-N", "", "-f", str(path)], capture_output=True, check=True)


@pytest.fixture
def make_key(rsa_key):
    """Makes a key, and returns its public half. All of type RSA are the same."""

    def make(path, *options, passphrase=""):
        beside = path.with_name(f"{path.name}.pub")
        if "rsa" in options:
            shutil.copy(rsa_key, path)
            shutil.copy(f"{rsa_key}.pub", beside)
            encrypt(path, *as_pem(options), passphrase=passphrase)
        else:
            generate(path, *options)
            if passphrase:
                encrypt(path, passphrase=passphrase)
        return beside.read_text().strip()

    return make


def as_pem(options):
    return ["-m", "PEM"] if "PEM" in options else []


def encrypt(path, *options, passphrase="sesame"):
    subprocess.run(
        ["ssh-keygen", "-q", "-p", *options, "-P", "", "-N", passphrase, "-f", str(path)],
        capture_output=True,
        check=True,
    )


TYPES = [("-t", "ed25519"), ("-t", "rsa", "-b", "2048"), ("-t", "ecdsa"), ("-t", "rsa", "-b", "2048", "-m", "PEM")]


@pytest.mark.parametrize("options", TYPES, ids=" ".join)
@pytest.mark.parametrize("has_passphrase", [False, True])
@pytest.mark.wide
def test_the_public_half_is_beside_a_key_or_in_it(tmp_path, options, has_passphrase, make_key):
    path = tmp_path / "id"
    line = make_key(path, *options, passphrase="sesame" if has_passphrase else "").encode()
    beside = private_key.public_half(str(path))
    (tmp_path / "id.pub").unlink()

    alone = private_key.public_half(str(path))

    assert beside == private_key.of_public_key(line)
    assert alone == (None if "PEM" in options else beside)
    assert private_key.type_of(beside or b"").split("-")[0] in ("ssh", "ecdsa")


@pytest.mark.parametrize("options", TYPES, ids=" ".join)
def test_a_passphrase_is_no_problem_for_a_key_that_the_agent_has(tmp_path, options, make_key):
    path = tmp_path / "id"
    make_key(path, *options)
    assert private_key.problem(str(path), in_agent=False) is None

    encrypt(path, *as_pem(options))

    problem = f"the private key {path} has a passphrase. Add it to an SSH agent (ssh-add {path})"
    assert private_key.problem(str(path), in_agent=False) == problem
    assert private_key.problem(str(path), in_agent=True) is None


CONTENTS = [
    (b"", "it is not a private key. Create one with ssh-keygen"),
    (b"\0\xff" * 100_000, "it is not a private key"),
    (b"PuTTY-User-Key-File-3: ssh-ed25519\n", "it is a key of PuTTY. Convert it (puttygen -O private-openssh)"),
    (
        b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAABEFhYWE= me",
        "it is a public key",
    ),
]


@pytest.mark.parametrize(("content", "problem"), CONTENTS)
def test_what_is_wrong_with_a_file_is_reported(tmp_path, content, problem):
    path = tmp_path / "id"
    path.write_bytes(content)

    assert f"{path} cannot be used: {problem}" in (private_key.problem(str(path), in_agent=False) or "")


@pytest.mark.parametrize(
    "content",
    [
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n????\n-----END OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA/////w==\n-----END OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----\n",
    ],
)
def test_a_damaged_key_has_no_public_half(tmp_path, content):
    path = tmp_path / "id"
    path.write_bytes(content)

    assert private_key.public_half(str(path)) is None


def packed(*fields):
    return b"".join(len(each).to_bytes(4, "big") + each for each in fields)


def sk_key():
    """The file of a key whose secret is in a hardware token, and its public half (PROTOCOL.key, PROTOCOL.u2f)."""
    kind, point, application = b"sk-ssh-ed25519@openssh.com", bytes(32), b"ssh:"
    public = packed(kind, point, application)
    secret = bytes(8) + packed(kind, point, application) + b"\1" + packed(b"handle", b"", b"comment")
    secret += bytes(range(1, 1 + -len(secret) % 8))
    content = b"openssh-key-v1\0" + packed(b"none", b"none", b"") + (1).to_bytes(4, "big") + packed(public, secret)
    lines = base64.encodebytes(content).decode()
    private = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{lines}-----END OPENSSH PRIVATE KEY-----\n"
    return private, f"{kind.decode()} {base64.b64encode(public).decode()} me\n"


SK_KEY = sk_key()


class TestLogins:
    """In a pixel that lives, by the command, the module and the connection plugin."""

    @pytest.fixture
    def engine(self):
        return "process"

    @pytest.fixture
    def release(self):
        return "25.10"

    @pytest.fixture
    def agent(self, pixels_command, home, monkeypatch):
        """An SSH agent, and how to give it a key."""
        path = str(home / "agent")
        process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
        wait_until(lambda: os.path.exists(path))
        monkeypatch.setenv("SSH_AUTH_SOCK", path)
        pixels_command.environment["SSH_AUTH_SOCK"] = path

        def add(key):
            subprocess.run(["ssh-add", "-q", str(key)], capture_output=True, check=True)

        yield add
        process.terminate()
        process.wait()

    @pytest.fixture
    def hostname(self, guest, pixels_command, run, nas, monkeypatch, home):
        """Log in with a key, or the default one, each way: what all have to say."""
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
        monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
        nas.pop("ssh_key")

        def by_plugin(key):
            connection = connection_loader.get("pixels.truenas.pixels", PlayContext())
            known = {f"pixels_nas_{name}": value for name, value in nas.items() if name != "ssh_port"}
            options = {
                "pixels_transport": "ssh",
                "ansible_port": nas["ssh_port"],
                "ansible_private_key_file": key and str(key),
            }
            connection.set_options(var_options={"inventory_hostname": "web", **known, **options})
            try:
                return connection.exec_command("hostname")[1].decode().strip()
            except AnsibleConnectionFailure as error:
                return str(error)
            finally:
                connection.close()

        def hostname(key=None):
            ended = pixels_command("exec", "web", "hostname", PIXELS_SSH_KEY=key and str(key))
            chosen = {"ssh_key": str(key)} if key else {}
            result = run(pixels_exec, name="web", cmd="hostname", transport="ssh", **chosen)
            return ended.stdout.strip() or ended.stderr, result.get("stdout") or result["msg"], by_plugin(key)

        return hostname

    @pytest.fixture
    def authorize(self, truenas, guest):
        return lambda line: put(truenas, "/root/.ssh/authorized_keys", f"{line}\n", mode=0o600)

    @pytest.mark.parametrize("options", TYPES, ids=" ".join)
    def test_a_key_of_any_type_logs_in(self, hostname, authorize, tmp_path, options, make_key):
        authorize(make_key(tmp_path / "id", *options))

        assert hostname(tmp_path / "id") == ("px-web",) * 3

    @pytest.mark.parametrize("options", TYPES, ids=" ".join)
    @pytest.mark.wide
    def test_a_key_with_a_passphrase_logs_in_by_the_agent(
        self, hostname, authorize, agent, tmp_path, options, make_key
    ):
        authorize(make_key(tmp_path / "id", *options))
        agent(tmp_path / "id")
        encrypt(tmp_path / "id", *as_pem(options))

        assert hostname(tmp_path / "id") == ("px-web",) * 3

    def test_a_key_that_only_the_agent_has_logs_in(self, hostname, authorize, agent, tmp_path, make_key):
        authorize(make_key(tmp_path / "id", "-t", "ed25519"))
        agent(tmp_path / "id")
        (tmp_path / "id").unlink()

        assert hostname(tmp_path / "id") == ("px-web",) * 3

    def test_without_an_agent_a_passphrase_is_reported(self, hostname, authorize, tmp_path, make_key):
        authorize(make_key(tmp_path / "id", "-t", "ed25519", passphrase="sesame"))

        for problem in hostname(tmp_path / "id"):
            assert f"the private key {tmp_path}/id has a passphrase. Add it to an SSH agent (ssh-add" in problem

    @pytest.mark.parametrize(
        ("name", "problem"),
        [
            ("none", "there is no private key"),
            ("folder", "cannot be read: Is a directory"),
            ("garbage", "it is not a private key"),
            ("id.pub", "it is a public key, whose private half the SSH agent does not have"),
        ],
    )
    def test_a_file_that_is_no_key_is_reported(self, hostname, tmp_path, name, problem, make_key):
        make_key(tmp_path / "id", "-t", "ed25519")
        (tmp_path / "folder").mkdir()
        (tmp_path / "garbage").write_text("garbage\n")
        (tmp_path / "garbage").chmod(0o600)

        for message in hostname(tmp_path / name):
            assert problem in message

    def test_the_default_key_below_home_logs_in(self, hostname, authorize, home, make_key):
        (home / ".ssh").mkdir(mode=0o700)
        authorize(make_key(home / ".ssh/id_ed25519", "-t", "ed25519"))

        assert hostname() == ("px-web",) * 3

    def test_the_default_key_logs_in_with_any_other_keys_in_the_agent(
        self, hostname, authorize, agent, home, tmp_path, make_key
    ):
        (home / ".ssh").mkdir(mode=0o700)
        authorize(make_key(home / ".ssh/id_ed25519", "-t", "ed25519"))
        for number in range(8):
            make_key(tmp_path / f"{number}", "-t", "ed25519")
            agent(tmp_path / f"{number}")

        assert hostname() == ("px-web",) * 3

    @pytest.mark.parametrize("default", [None, "", "sesame"], ids=["none", "another", "one with a passphrase"])
    def test_a_key_of_the_agent_logs_in_beside_the_default_one(
        self, hostname, authorize, agent, home, tmp_path, default, make_key
    ):
        (home / ".ssh").mkdir(mode=0o700)
        if default is not None:
            make_key(home / ".ssh/id_ed25519", "-t", "ed25519", passphrase=default)
        authorize(make_key(tmp_path / "id", "-t", "ed25519"))
        agent(tmp_path / "id")

        assert hostname() == ("px-web",) * 3

    @pytest.mark.parametrize("by_agent", [False, True])
    @pytest.mark.wide
    def test_a_certificate_beside_a_key_logs_in(self, hostname, authorize, agent, tmp_path, by_agent, make_key):
        authorize(f"cert-authority {make_key(tmp_path / 'ca', '-t', 'ed25519')}")
        make_key(tmp_path / "id", "-t", "ed25519")
        signing = ["ssh-keygen", "-q", "-s", str(tmp_path / "ca"), "-I", "me", "-n", "root"]
        subprocess.run([*signing, str(tmp_path / "id.pub")], capture_output=True, check=True)
        if by_agent:
            certificate = tmp_path / "id-cert.pub"
            shutil.move(certificate, tmp_path / "kept")
            agent(tmp_path / "id")
            shutil.move(tmp_path / "kept", certificate)
            encrypt(tmp_path / "id")

        assert hostname(tmp_path / "id") == ("px-web",) * 3

    def test_a_key_of_a_type_that_paramiko_does_not_know_is_reported(self, hostname, tmp_path):
        private, public = SK_KEY
        (tmp_path / "id").write_text(private)
        (tmp_path / "id").chmod(0o600)
        (tmp_path / "id.pub").write_text(public)

        command, *others = hostname(tmp_path / "id")

        assert "took none of the keys" in command
        for message in others:
            assert (
                "id of the type sk-ssh-ed25519@openssh.com cannot be used by paramiko. Add it to an SSH agent"
                in message
            )

    @pytest.mark.skipif(os.geteuid() != 0, reason="the key belongs to who runs the tests either way")
    def test_a_key_that_others_can_read_is_reported(self, pixels_command, guest, tmp_path, make_key):
        make_key(tmp_path / "id", "-t", "ed25519")
        (tmp_path / "id").chmod(0o644)

        ended = pixels_command("exec", "web", "true", PIXELS_SSH_KEY=str(tmp_path / "id"))

        assert (
            f"other users can read the private key {tmp_path}/id, so ssh does not use it. Run chmod 600" in ended.stderr
        )
