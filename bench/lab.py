# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how long it takes until a new pixel accepts SSH, and the same with raw `zfs` and `lxc` commands.

Requires the lab: `make bench LAB=1`. Both sides end when the SSH server has sent its banner, or for clones of a base
when a first command has run, and take turns so that other load affects both. Names of rows select some, such as `base`.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.simulator.engines.lxc import config
from tests.simulator.engines.lxc.addresses import FIRST, BridgePort
from tests.simulator.engines.lxc.lab import Lab
from tests.simulator.running import RunningSimulator, running_simulator

PIXELS = str(Path(__file__).resolve().parents[1] / "bin/pixels")
TURNS = 5
MANY = 20
MANY_TURNS = 3
# Do not validate each call and reply against the API, as tests do: it would be measured as well.
os.environ["PIXELS_CONTRACT_DIR"] = "/nonexistent"
LIMIT = 1.15
"""Limit for 20 concurrent clones, as a multiple of the duration of the raw commands."""
BASE_LIMIT = 1.3
"""The same for clones of a base, until a command has run in them."""
RECIPE = '[bases.python]\nimage = "debian/12"\n'
"""What a base contains does not matter for its clones, and the lab has no archive with the packages of the built-in."""
RAW_ADDRESSES = FIRST + 512
SECONDS_TO_BOOT = 60
BANNER = b"SSH-2.0"
RAW_IS = "zfs clone, lxc-start"
RAW_EXEC_IS = "zfs clone, lxc-start, lxc-attach"


class Measured(t.NamedTuple):
    what: str
    ours: float
    peer: float
    peer_is: str
    target: float | None


class Raw:
    """The raw `zfs` and `lxc` commands, in the same pool and on the same bridge."""

    def __init__(self) -> None:
        self.lab = Lab.here()
        self.folder = self.lab.folder / "raw"
        self.folder.mkdir()
        self._zfs("create", "-o", "canmount=off", f"{self.lab.pool}/raw")
        self.golden = f"{self.lab.golden}@{self.lab.with_ssh}"

    def _zfs(self, *words: str) -> None:
        # zfs-fuse hangs with concurrent commands; the simulator uses the same lock.
        run("flock", str(self.lab.folder / "zfs.lock"), "zfs", *words)

    def clone(self, name: str, snapshot: str) -> None:
        self._zfs("clone", snapshot, f"{self.lab.pool}/raw/{name}")

    def snapshot(self, name: str, label: str) -> str:
        self._zfs("snapshot", f"{self.lab.pool}/raw/{name}@{label}")
        return f"{self.lab.pool}/raw/{name}@{label}"

    def rollback(self, snapshot: str) -> None:
        self._zfs("rollback", snapshot)

    def start(self, name: str, number: int, *, until: str = "banner") -> None:
        """Start a container, until its SSH server answers or, until `exec`, a command has run in it."""
        rootfs = self.lab.mountpoint(f"{self.lab.pool}/raw/{name}") / "rootfs"
        port = BridgePort(RAW_ADDRESSES + number)
        container = config.Container(name, rootfs, port, self.lab.bridge, self.lab.group)
        written = self.folder / f"{name}.conf"
        written.write_text(config.text(container, unified=config.unified()))
        run("lxc-start", "-P", str(self.folder), "-n", name, "-d", "-f", str(written))
        if until == "exec":
            run("lxc-attach", "-P", str(self.folder), "-n", name, "--", "true")
        else:
            wait_for_banner(port.v4)

    def stop(self, name: str) -> None:
        run("lxc-stop", "-P", str(self.folder), "-n", name, "-t", "10")

    def destroy(self, *names: str) -> None:
        for name in names:
            run("lxc-stop", "-P", str(self.folder), "-n", name, "-k", check=False)
        for name in names:
            # The dataset stays busy for a moment after the stop.
            until = time.monotonic() + SECONDS_TO_BOOT
            while True:
                try:
                    self._zfs("destroy", "-r", f"{self.lab.pool}/raw/{name}")
                    break
                except RuntimeError:
                    if time.monotonic() > until:
                        raise
                    time.sleep(0.02)


class Ours:
    """The `pixels` command, as a user runs it."""

    def __init__(self, nas: RunningSimulator, home: Path) -> None:
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / "key"))
        (home / "run").mkdir(mode=0o700)
        self.nas = nas
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "XDG_RUNTIME_DIR": str(home / "run"),
            "PIXELS_PYTHON": sys.executable,
            "PIXELS_TRUENAS_HOST": nas.host,
            "PIXELS_TRUENAS_PORT": str(nas.port),
            "PIXELS_TRUENAS_USERNAME": nas.username,
            "PIXELS_TRUENAS_API_KEY": nas.api_key,
            "PIXELS_TRUENAS_CA_PATH": nas.ca_file,
            "PIXELS_SSH_KEY": str(home / "key"),
            "PIXELS_SSH_PORT": str(nas.ssh_port),
            "PIXELS_CONFIG": str(home / "config.toml"),
        }
        (home / "config.toml").write_text(RECIPE)

    def __call__(self, *words: str, check: bool = True) -> None:
        run(PIXELS, *words, env=self.environment, check=check)

    def until_banner(self, name: str) -> None:
        wait_for_banner(self.nas.world.containers[f"px-{name}"].aliases[0]["address"])


def run(*words: str, check: bool = True, env: t.Mapping[str, str] | None = None) -> None:
    ended = subprocess.run(words, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if check and ended.returncode:
        raise RuntimeError(f"{' '.join(words)}: {ended.stdout}{ended.stderr}")


def wait_for_banner(address: str) -> None:
    until = time.monotonic() + SECONDS_TO_BOOT
    while time.monotonic() < until:
        try:
            with socket.create_connection((address, 22), timeout=1) as asked:
                if asked.recv(64).startswith(BANNER):
                    return
        except OSError:
            time.sleep(0.01)
    raise SystemExit(f"no SSH server at {address}")


def seconds(work: t.Callable[[], t.Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class Bench:
    def __init__(self, ours: Ours, raw: Raw) -> None:
        self._ours = ours
        self._raw = raw

    def beside(
        self,
        ours: t.Callable[[], t.Any],
        peer: t.Callable[[], t.Any],
        clean: t.Callable[[], t.Any],
        *,
        turns: int = TURNS,
    ) -> tuple[float, float]:
        """Return the medians of both sides in seconds."""
        taken = []
        for _turn in range(turns):
            taken.append((seconds(ours), seconds(peer)))
            clean()
        return statistics.median(one for one, _other in taken), statistics.median(other for _one, other in taken)

    def create(self) -> Measured:
        def ours() -> None:
            self._ours("create", "--no-provision", "--wait", "ssh", "web")
            self._ours.until_banner("web")

        def peer() -> None:
            self._raw.clone("web", self._raw.golden)
            self._raw.start("web", 1)

        return Measured(
            "create a pixel, until its SSH server answers", *self.beside(ours, peer, self._clean), RAW_IS, None
        )

    def _clean(self) -> None:
        self._ours("destroy", "--force", "web")
        self._raw.destroy("web")

    def clone(self, snapshot: str) -> Measured:
        def ours() -> None:
            self._ours("create", "--from", "base@ready", "--wait", "ssh", "web")
            self._ours.until_banner("web")

        def peer() -> None:
            self._raw.clone("web", snapshot)
            self._raw.start("web", 1)

        return Measured("clone one, until its SSH server answers", *self.beside(ours, peer, self._clean), RAW_IS, None)

    def restore(self) -> Measured:
        self._ours("create", "--no-provision", "--wait", "ssh", "web")
        self._ours("checkpoint", "create", "--label", "ready", "web")
        self._raw.clone("web", self._raw.golden)
        snapshot = self._raw.snapshot("web", "ready")
        self._raw.start("web", 1)

        def ours() -> None:
            self._ours("checkpoint", "restore", "--wait", "ssh", "web", "ready")
            self._ours.until_banner("web")

        def peer() -> None:
            self._raw.stop("web")
            self._raw.rollback(snapshot)
            self._raw.start("web", 1)

        measured = self.beside(ours, peer, lambda: None)
        self._clean()
        return Measured(
            "restore one, until its SSH server answers", *measured, "lxc-stop, zfs rollback, lxc-start", None
        )

    def base(self, snapshot: str) -> Measured:
        def ours() -> None:
            self._ours("create", "--no-provision", "--from", "base:python", "--wait", "running", "web")
            self._ours("exec", "--transport", "shell", "web", "true")

        def peer() -> None:
            self._raw.clone("web", snapshot)
            self._raw.start("web", 1, until="exec")

        measured = self.beside(ours, peer, self._clean)
        return Measured("create --from base:python, until a command has run", *measured, RAW_EXEC_IS, BASE_LIMIT)

    def many(self, snapshot: str) -> Measured:
        def ours(names: t.Sequence[str]) -> None:
            self._ours("create", "--from", "base@ready", "--wait", "ssh", *names)
            with ThreadPoolExecutor(MANY) as pool:
                list(pool.map(self._ours.until_banner, names))

        what = f"{MANY} concurrent clones, until all SSH servers answer"
        return Measured(what, *self._at_once(ours, snapshot, until="banner"), RAW_IS, LIMIT)

    def many_of_a_base(self, snapshot: str) -> Measured:
        def ours(names: t.Sequence[str]) -> None:
            self._ours("create", "--no-provision", "--from", "base:python", "--wait", "running", *names)
            self._ours("exec", "--transport", "shell", *names, "--", "true")

        what = f"{MANY} clones of one base at the same time, until a command has run"
        return Measured(what, *self._at_once(ours, snapshot, until="exec"), RAW_EXEC_IS, BASE_LIMIT)

    def _at_once(self, ours: t.Callable[[t.Sequence[str]], None], snapshot: str, *, until: str) -> tuple[float, float]:
        names = [f"agent-{number}" for number in range(MANY)]

        def one(number: int) -> None:
            self._raw.clone(names[number], snapshot)
            self._raw.start(names[number], number, until=until)

        def peer() -> None:
            with ThreadPoolExecutor(MANY) as pool:
                list(pool.map(one, range(MANY)))

        # Destroy the containers of one side before the other side runs, since they use memory and processes.
        taken = []
        for _turn in range(MANY_TURNS):
            mine = seconds(lambda: ours(names))
            self._ours("destroy", "--force", *names)
            other = seconds(peer)
            self._raw.destroy(*names)
            taken.append((mine, other))
        return statistics.median(one for one, _other in taken), statistics.median(other for _one, other in taken)


def measure(selected: t.Sequence[str] = ()) -> list[Measured]:
    # Socket paths are limited to about 100 characters, so the directory has a short one.
    home = Path(tempfile.mkdtemp(prefix="px-"))
    raw = Raw()
    with running_simulator(engine="lxc", ssh_installed=True, login_limit=100_000) as nas:
        ours = Ours(nas, home)
        ours("create", "--no-provision", "--wait", "ssh", "base")
        ours("checkpoint", "create", "--label", "ready", "base")
        ours("bases", "build", "python")
        raw.clone("base", raw.golden)
        snapshot = raw.snapshot("base", "ready")
        bench = Bench(ours, raw)
        rows: dict[str, t.Callable[[], Measured]] = {
            "create": bench.create,
            "clone": lambda: bench.clone(snapshot),
            "restore": bench.restore,
            "many": lambda: bench.many(snapshot),
            "base": lambda: bench.base(snapshot),
            "many-of-a-base": lambda: bench.many_of_a_base(snapshot),
        }
        try:
            return [row() for name, row in rows.items() if not selected or name in selected]
        finally:
            ours("session", "stop", check=False)


def main() -> None:
    rows = measure([word for word in sys.argv[1:] if not word.startswith("-")])
    if "--json" in sys.argv:
        print(json.dumps([{**row._asdict(), "ratio": row.ours / row.peer} for row in rows], indent=2))
    else:
        print(f"{'what':50} {'ours':>9} {'peer':>9} {'ratio':>7} {'target':>7}  peer")
        for row in rows:
            target = "" if row.target is None else f"{row.target:.2f}"
            ratio = row.ours / row.peer
            print(f"{row.what:50} {row.ours:>7.3f} s {row.peer:>7.3f} s {ratio:>7.2f} {target:>7}  {row.peer_is}")
    sys.exit(any(row.target is not None and row.ours > row.target * row.peer for row in rows))


if __name__ == "__main__":
    main()
