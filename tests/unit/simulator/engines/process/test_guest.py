# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest does at its start: its SSH server and its /etc/rc.local, as provisioning writes it."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator.engines.process.image_builder import Ids
from tests.unit.simulator.engines.process.conftest import PUBLIC_KEY

if t.TYPE_CHECKING:
    from tests.unit.simulator.engines.process.conftest import Lab

RC_LOCAL = """\
#!/bin/sh
if [ ! -f /root/.ssh-provisioned ]; then
  apt-get update -qq && apt-get install -y openssh-server && systemctl enable --now ssh && touch /root/.ssh-provisioned
fi
exit 0
"""


def provision(lab: Lab, name: str) -> None:
    lab.write(name, "/root/.ssh/authorized_keys", PUBLIC_KEY, mode=0o600)
    lab.write(name, "/etc/rc.local", RC_LOCAL, mode=0o755)


def test_a_fresh_guest_answers_no_ssh(lab: Lab) -> None:
    name = lab.start()

    assert not lab.listens(name)


def test_rc_local_installs_an_ssh_server_at_the_first_start(lab: Lab) -> None:
    name = lab.start()
    provision(lab, name)
    assert not lab.listens(name)

    lab.restart(name)
    log = lab.do(lab.engine.booted(name))

    assert log is not None
    assert log.returncode == 0
    assert lab.do(lab.engine.stat(name, "/root/.ssh-provisioned")) is not None
    with lab.ssh(name) as client:
        assert client.exec_command("hostname")[1].read() == b"px-web\n"


def test_an_installed_server_answers_at_the_next_start_before_rc_local_has_ended(lab: Lab) -> None:
    name = lab.start()
    provision(lab, name)
    lab.restart(name)
    lab.do(lab.engine.booted(name))
    lab.write(name, "/etc/rc.local", "#!/bin/sh\nsleep 1000\n", mode=0o755)

    lab.restart(name)

    assert lab.listens(name)
    assert lab.run(name, "systemctl", "is-system-running").stdout == b"starting\n"


def test_without_a_mirror_there_is_no_server_and_no_marker_until_a_later_start(lab: Lab) -> None:
    name = lab.start()
    provision(lab, name)
    lab.engine.mirrors_down.add(name)

    lab.restart(name)
    log = lab.do(lab.engine.booted(name))

    assert log is not None
    assert b"Temporary failure resolving" in log.stderr
    assert lab.do(lab.engine.stat(name, "/root/.ssh-provisioned")) is None
    assert not lab.listens(name)

    lab.engine.mirrors_down.clear()
    lab.restart(name)
    lab.do(lab.engine.booted(name))

    assert lab.listens(name)


def test_rc_local_that_is_not_executable_is_not_run(lab: Lab) -> None:
    name = lab.start()
    lab.write(name, "/etc/rc.local", "#!/bin/sh\ntouch /root/ran\n", mode=0o644)

    lab.restart(name)

    assert lab.do(lab.engine.booted(name)) is None
    assert lab.do(lab.engine.stat(name, "/root/ran")) is None


def test_rc_local_sees_the_containers_environment(lab: Lab) -> None:
    name = lab.start()
    lab.write(name, "/etc/rc.local", '#!/bin/sh\nprintf "$COLOUR" > /root/colour\n', mode=0o755)

    lab.restart(name, COLOUR="blue")
    lab.do(lab.engine.booted(name))

    assert lab.read(name, "/root/colour") == b"blue"


def test_rc_local_that_cannot_be_run_spoils_nothing(lab: Lab) -> None:
    name = lab.start()
    lab.write(name, "/etc/rc.local", "#!/no/such/interpreter\n", mode=0o755)

    lab.restart(name)
    log = lab.do(lab.engine.booted(name))

    assert log is not None
    assert log.returncode == 127
    assert lab.shell(name, "echo fine") == "fine"


def test_a_stop_ends_a_boot_under_way(lab: Lab) -> None:
    name = lab.start()
    lab.write(name, "/etc/rc.local", "#!/bin/sh\nsleep 1000\n", mode=0o755)
    lab.restart(name)

    lab.stop(name, force=True)

    assert lab.engine.addresses(name) == []


def test_a_server_without_host_keys_does_not_start(lab: Lab) -> None:
    name = lab.start_with_ssh()
    lab.shell(name, "rm /etc/ssh/ssh_host_*")

    lab.restart(name)

    assert not lab.listens(name)


def test_starting_twice_and_stopping_twice_changes_nothing(lab: Lab) -> None:
    name = lab.start_with_ssh()

    lab.start(name)
    assert lab.listens(name)
    lab.stop(name)
    lab.stop(name)

    assert lab.engine.addresses(name) == []


def test_what_guests_say_to_init_in_another_language_is_answered_and_forgotten(lab: Lab) -> None:
    name = lab.start()
    script = (
        "import socket\n"
        "s = socket.socket(socket.AF_UNIX)\n"
        "s.connect('/run/init.socket')\n"
        "s.sendall(b'{nonsense\\n')\n"
        "print(s.recv(1000).decode())"
    )

    message = lab.shell(name, f'python3 -c "{script}"')

    assert "did not understand" in message
    assert lab.shell(name, "systemctl is-system-running") == "running"


@pytest.mark.skipif(Ids.here().number == 1, reason="only root can give guests users of their own")
def test_a_user_becomes_root_by_the_password_of_root(lab: Lab) -> None:
    name = lab.start()
    lab.run(name, "chpasswd", stdin=b"root:sesame\n")

    became = lab.run(name, "su", "-s", "/bin/sh", "ubuntu", "-c", "su -c id", stdin=b"sesame\n")
    refused = lab.run(name, "su", "-s", "/bin/sh", "ubuntu", "-c", "su -c id", stdin=b"other\n")

    assert became.stdout.startswith(b"uid=0(root)")
    assert (refused.returncode, refused.stdout) == (1, b"")
