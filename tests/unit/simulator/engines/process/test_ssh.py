# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test SSH into a guest with real clients: logins, bytes, terminals and connections."""

from __future__ import annotations

import io
import os
import socket
import typing as t

import asyncssh
import paramiko
import pytest

from tests.simulator.engines.process.image_builder import Ids
from tests.unit.simulator.engines.process.conftest import KEY, PUBLIC_KEY

if t.TYPE_CHECKING:
    from tests.unit.simulator.engines.process.conftest import Lab

OTHER_KEY = asyncssh.generate_private_key("ssh-ed25519")


def connect(lab: Lab, name: str, **details: t.Any) -> t.Any:
    options = {"username": "root", "client_keys": [KEY], "known_hosts": None, "agent_path": None, "config": None}
    return asyncssh.connect(lab.address(name), lab.engine.ssh_port, **(options | details))


# logins


def test_the_key_in_the_guests_own_file_opens(lab: Lab) -> None:
    name = lab.start_with_ssh()

    with lab.ssh(name) as client:
        _in, out, _err = client.exec_command("id -un; hostname; pwd")

        assert out.read().split() == [b"root", b"px-web", b"/root"]


def test_another_key_is_refused(lab: Lab) -> None:
    name = lab.start_with_ssh()

    with pytest.raises(paramiko.AuthenticationException), lab.ssh(name, key=OTHER_KEY):
        pass


def test_a_key_that_the_guest_takes_away_is_refused_from_then_on(lab: Lab) -> None:
    name = lab.start_with_ssh()
    with lab.ssh(name) as client:
        client.exec_command("rm /root/.ssh/authorized_keys")[1].channel.recv_exit_status()

    with pytest.raises(paramiko.AuthenticationException), lab.ssh(name):
        pass


def test_lines_that_are_no_keys_do_not_spoil_the_others(lab: Lab) -> None:
    name = lab.start_with_ssh()
    lab.write(name, "/root/.ssh/authorized_keys", b"# mine\nnonsense\n\n" + PUBLIC_KEY, mode=0o600)

    with lab.ssh(name) as client:
        assert client.exec_command("echo in")[1].read() == b"in\n"


@pytest.mark.parametrize("open_path", ["/root", "/root/.ssh", "/root/.ssh/authorized_keys"])
def test_keys_that_others_could_write_do_not_count(lab: Lab, open_path: str) -> None:
    name = lab.start_with_ssh()
    lab.shell(name, f"chmod g+w {open_path}")

    with pytest.raises(paramiko.AuthenticationException), lab.ssh(name):
        pass


def test_an_unknown_user_is_refused(lab: Lab) -> None:
    name = lab.start_with_ssh()

    with pytest.raises(paramiko.AuthenticationException), lab.ssh(name, username="nobody-i-know"):
        pass


@pytest.mark.skipif(Ids.here().number == 1, reason="needs root, who can give a guest more than one user id")
def test_another_user_of_the_guest_enters_with_a_key_of_their_own(lab: Lab) -> None:
    name = lab.start_with_ssh()
    lab.write(name, "/home/ubuntu/.ssh/authorized_keys", OTHER_KEY.export_public_key(), mode=0o600)
    lab.shell(name, "chown -R ubuntu:ubuntu /home/ubuntu")

    with lab.ssh(name, username="ubuntu", key=OTHER_KEY) as client:
        _in, out, _err = client.exec_command("id -u; pwd; echo $USER; cat /etc/shadow")
        assert out.read().split() == [b"1000", b"/home/ubuntu", b"ubuntu"]


@pytest.mark.skipif(Ids.here().number > 1, reason="root gives guests all the user ids they need")
def test_where_a_guest_has_only_roots_id_another_user_is_reported_so(lab: Lab) -> None:
    name = lab.start_with_ssh()
    lab.write(name, "/home/ubuntu/.ssh/authorized_keys", OTHER_KEY.export_public_key(), mode=0o600)

    with lab.ssh(name, username="ubuntu", key=OTHER_KEY) as client:
        _in, out, err = client.exec_command("id -u")

        assert out.read() == b""
        assert b"no user id but root's" in err.read()
        assert out.channel.recv_exit_status() == 126


# bytes and status


def test_streams_are_apart_and_safe_for_any_byte(lab: Lab) -> None:
    name = lab.start_with_ssh()
    content = bytes(range(256)) * 2000

    with lab.ssh(name) as client:
        channel = t.cast(paramiko.Transport, client.get_transport()).open_session()
        channel.exec_command("tee /dev/stderr")
        out, err = io.BytesIO(), io.BytesIO()
        rest = content
        while rest:
            rest = rest[channel.send(rest[:30_000]) :]
            while channel.recv_ready():
                out.write(channel.recv(65_536))
            while channel.recv_stderr_ready():
                err.write(channel.recv_stderr(65_536))
        channel.shutdown_write()
        for piece in iter(lambda: channel.recv(65_536), b""):
            out.write(piece)
        for piece in iter(lambda: channel.recv_stderr(65_536), b""):
            err.write(piece)

        assert (len(out.getvalue()), len(err.getvalue())) == (len(content), len(content))
        assert (len(out.getvalue()), len(err.getvalue())) == (len(content), len(content))
        assert out.getvalue() == content
        assert err.getvalue() == content
        assert channel.recv_exit_status() == 0


def test_the_exit_status_arrives(lab: Lab) -> None:
    name = lab.start_with_ssh()

    with lab.ssh(name) as client:
        assert client.exec_command("exit 42")[1].channel.recv_exit_status() == 42


def test_the_exit_status_arrives_before_the_end_of_what_is_left_behind(lab: Lab) -> None:
    name = lab.start_with_ssh()

    with lab.ssh(name) as client:
        _in, out, _err = client.exec_command("sleep 300 & echo hi; exit 3")

        assert out.channel.recv_exit_status() == 3
        assert not out.channel.closed
        assert out.readline() == "hi\n"


def test_a_signal_that_ended_the_command_is_named(lab: Lab) -> None:
    name = lab.start_with_ssh()

    async def kill() -> t.Any:
        async with connect(lab, name) as connection:
            return (await connection.run("kill -TERM $$")).exit_signal

    assert lab.do(kill())[0] == "TERM"


def test_a_client_can_send_a_signal(lab: Lab) -> None:
    name = lab.start_with_ssh()

    async def interrupt() -> t.Any:
        async with connect(lab, name) as connection, connection.create_process("echo on; sleep 1000") as process:
            await process.stdout.readline()
            process.send_signal("INT")
            return (await process.wait()).exit_signal

    assert lab.do(interrupt())[0] == "INT"


def test_the_environment_is_a_sessions_and_the_containers(lab: Lab) -> None:
    name = lab.start_with_ssh("px-web", COLOUR="blue")

    async def look() -> t.Any:
        async with connect(lab, name) as connection:
            script = 'echo "$COLOUR $HOME $LC_X $SECRET"; echo "$SSH_CONNECTION" | cut -d" " -f3'
            return (await connection.run(script, env={"LC_X": "x", "SECRET": "no"})).stdout

    assert lab.do(look()).split("\n")[:2] == ["blue /root x ", lab.address(name)]


def test_a_terminal_has_a_name_a_size_and_one_stream(lab: Lab) -> None:
    name = lab.start_with_ssh()

    async def look() -> t.Any:
        async with connect(lab, name) as connection:
            return await connection.run(
                "tty; stty size; echo $TERM; echo x >&2", term_type="vt100", term_size=(100, 30)
            )

    finished = lab.do(look())
    assert finished.stdout.split() == ["/dev/pts/0", "30", "100", "vt100", "x"]
    assert finished.stderr == ""


def test_a_terminal_changes_its_size(lab: Lab) -> None:
    name = lab.start_with_ssh()

    async def resize() -> t.Any:
        async with connect(lab, name) as connection:
            script = "trap 'stty size; exit' WINCH; echo on; while :; do sleep 0.01; done"
            async with connection.create_process(script, term_type="vt100", term_size=(80, 24)) as process:
                await process.stdout.readline()
                process.change_terminal_size(132, 50)
                return await process.stdout.readline()

    assert lab.do(resize()).strip() == "50 132"


def test_a_shell_is_a_login_shell_that_reads_commands(lab: Lab) -> None:
    name = lab.start_with_ssh()

    async def talk() -> t.Any:
        async with connect(lab, name) as connection:
            return await connection.run(None, input="echo $0\nexit 7\n")

    finished = lab.do(talk())
    assert (finished.stdout.strip(), finished.exit_status) == ("-bash", 7)


def test_hanging_up_a_terminal_ends_its_programs(lab: Lab) -> None:
    name = lab.start_with_ssh()

    async def hang_up() -> None:
        async with connect(lab, name) as connection:
            process = await connection.create_process("echo $$ > /root/pid; echo on; sleep 1000", term_type="vt100")
            await process.stdout.readline()

    lab.do(hang_up())

    lab.shell(name, "while [ -d /proc/$(cat /root/pid) ]; do sleep 0.01; done")


def test_port_forwarding_into_the_machine_is_refused(lab: Lab) -> None:
    name = lab.start_with_ssh()
    with socket.create_server(("127.0.0.1", 0)) as server, lab.ssh(name) as client:
        transport = t.cast(paramiko.Transport, client.get_transport())

        with pytest.raises(paramiko.ChannelException):
            transport.open_channel("direct-tcpip", server.getsockname(), ("127.0.0.1", 1))


def test_a_forwarded_port_leads_to_a_server_in_the_guest(lab: Lab) -> None:
    name = lab.start_with_ssh()
    serve = "s=__import__('socket').create_server(('127.0.0.1',0));print(s.getsockname()[1],flush=True);c=s.accept()[0]"
    answer = "d=b''\nwhile p:=c.recv(99): d+=p\nc.sendall(d.upper());c.close()"
    with lab.ssh(name) as client:
        _in, out, _err = client.exec_command(f'python3 -c "{serve}\n{answer}"')
        port = int(out.readline())
        transport = t.cast(paramiko.Transport, client.get_transport())

        channel = transport.open_channel("direct-tcpip", ("127.0.0.1", port), ("127.0.0.1", 1))
        channel.sendall(b"hello")
        channel.shutdown_write()

        assert channel.makefile("rb").read() == b"HELLO"


def test_a_stop_closes_connections(lab: Lab) -> None:
    name = lab.start_with_ssh()
    with lab.ssh(name) as client:
        _in, out, _err = client.exec_command("echo on; sleep 1000")
        out.readline()

        lab.stop(name)

        assert out.read() == b""
        transport = t.cast(paramiko.Transport, client.get_transport())
        transport.join(10)
        assert not transport.is_active()


def test_many_commands_at_the_same_time_do_not_mix(lab: Lab) -> None:
    name = lab.start_with_ssh()

    with lab.ssh(name) as client:
        outputs = [client.exec_command(f"sleep 0.05; echo {number}")[1] for number in range(10)]

        assert [int(out.read()) for out in outputs] == list(range(10))


def test_a_guest_without_usr_still_says_what_is_wrong(lab: Lab) -> None:
    name = lab.start_with_ssh()
    lab.run(name, "rm", "-rf", "/usr")

    with lab.ssh(name) as client:
        _in, out, err = client.exec_command("true")

        assert err.read() == b"/bin/bash: command not found\n"
        assert out.channel.recv_exit_status() == 127


# files


def test_sftp_carries_a_file_there_and_back(lab: Lab) -> None:
    name = lab.start_with_ssh()
    content = os.urandom(700_000)

    with lab.ssh(name) as client, client.open_sftp() as sftp:
        sftp.putfo(io.BytesIO(content), "/root/blob")
        back = io.BytesIO()
        sftp.getfo("/root/blob", back)

    assert back.getvalue() == content
    assert lab.read(name, "/root/blob") == content


def test_sftp_stays_in_the_guest_when_a_link_is_absolute(lab: Lab) -> None:
    name = lab.start_with_ssh()

    with lab.ssh(name) as client, client.open_sftp() as sftp:
        sftp.symlink("/etc/hostname", "/root/link")

        with sftp.open("/root/link") as file:
            assert file.read() == b"px-web\n"
        assert sftp.normalize("/root/link") == "/etc/hostname"
        assert "work" not in sftp.listdir("/")


def test_variables_that_the_configuration_takes_are_taken_after_a_reload(lab: Lab) -> None:
    name = lab.start_with_ssh()
    lab.shell(name, "mkdir -p /etc/ssh/sshd_config.d; echo 'AcceptEnv TOKEN MY_*' >/etc/ssh/sshd_config.d/mine.conf")

    async def look() -> t.Any:
        async with connect(lab, name) as connection:
            variables = {"TOKEN": "a", "MY_OWN": "b", "OTHER": "c"}
            return (await connection.run('echo "$TOKEN|$MY_OWN|$OTHER"', env=variables)).stdout

    before = lab.do(look())
    lab.shell(name, "systemctl try-reload-or-restart ssh")

    assert (before, lab.do(look())) == ("||\n", "a|b|\n")


def test_a_password_opens_where_the_configuration_allows_it(lab: Lab) -> None:
    if Ids.here().number == 1:
        pytest.skip("only root can give guests users of their own")
    name = lab.start_with_ssh()
    lab.run(name, "chpasswd", stdin=b"ubuntu:sesame\nroot:sesame\n")

    def enters(user: str, password: str) -> bool:
        with paramiko.Transport(socket.create_connection((lab.address(name), lab.engine.ssh_port))) as transport:
            transport.start_client(timeout=20)
            try:
                transport.auth_password(user, password)
            except paramiko.SSHException:
                return False
            return True

    assert not enters("ubuntu", "sesame")
    lab.do(lab.engine.write_file(name, "/etc/ssh/sshd_config", b"", append=False, mode=0o644, uid=0, gid=0))
    assert [enters("ubuntu", "sesame"), enters("ubuntu", "other"), enters("root", "sesame")] == [True, False, False]
