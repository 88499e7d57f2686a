# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sequences of calls whose answers are recorded from real Incus and OpenZFS, and replayed against the simulator.

`make truth RECORD=1` writes what they return below tests/truth/incus-6.0.4; tests/unit/simulator/test_recorded_truth.py
runs the same sequences on simulated containers. Texts that differ from run to run have a word in their place.
"""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass
from pathlib import Path

from tests.unit.simulator.talk import Talk

if t.TYPE_CHECKING:
    from tests.simulator.running import RunningSimulator

RECORDED = Path(__file__).parent / "incus-6.0.4"
IMAGE = "alpine/3.22"
CONTAINERS = "tank/.ix-virt/containers"
MISSING = "tank/missing"
PLACEHOLDERS = {
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}": "UUID",
    r"\b[0-9a-f]{64}\b": "FINGERPRINT",
    r"\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b": "MAC",
}
Observed = dict[str, t.Any]


@dataclass(frozen=True)
class Nas:
    talk: Talk
    truenas: RunningSimulator

    def call(self, method: str, *params: t.Any) -> t.Any:
        """Return the result of a call, or the reason of its error."""
        reply = self.talk.ask(method, *params)
        return reply["result"] if "result" in reply else {"error": reply["error"]["data"]["reason"]}

    def job(self, method: str, *params: t.Any) -> str | None:
        """Return the error of a job."""
        error: str | None = self.talk.job(self.talk.call(method, *params))["error"]
        return error

    def create(self, name: str, **settings: t.Any) -> None:
        made = self.job("virt.instance.create", {"name": name, "image": IMAGE, "autostart": False, **settings})
        assert made is None, made

    def datasets(self, *words: str) -> list[str]:
        """Return the names of datasets that have one of these words in them."""
        found = self.truenas.world.as_json()["datasets"]
        return [name for name in found if any(word in name for word in words)]


def stable(found: t.Any) -> t.Any:
    """Replace what differs from run to run."""
    text = json.dumps(found)
    for pattern, word in PLACEHOLDERS.items():
        text = re.sub(pattern, word, text)
    return json.loads(text)


def names(nas: Nas) -> Observed:
    """Create containers with names that Incus rejects."""
    tried = ("a_b", "-a", "a-", "123", "a/b", "a.b", "x" * 64)
    settings = {"image": IMAGE, "autostart": False}
    return {name: nas.job("virt.instance.create", {"name": name, **settings}) for name in tried}


def rows(nas: Nas) -> Observed:
    """Show a container that has not run yet, and its devices."""
    nas.create("px-row", cpu="1", memory=100_000_000, environment={"PIXELS/fleet": "blue"})
    row = nas.call("virt.instance.query", [["name", "=", "px-row"]], {"get": True})
    devices = nas.call("virt.instance.device_list", "px-row")
    bad = {"name": "px-bad", "image": IMAGE, "autostart": False, "cpu": "junk"}
    return {
        "row": row,
        "devices": devices,
        "create with a bad limit": nas.job("virt.instance.create", bad),
        "update with a bad limit": nas.job("virt.instance.update", "px-row", {"cpu": "junk"}),
    }


def states(nas: Nas) -> Observed:
    """Start, stop and delete in states in which that is refused."""
    nas.create("px-state")
    force = {"force": True}
    return {
        "stop of a stopped one": nas.job("virt.instance.stop", "px-state", force),
        "stop of a missing one": nas.job("virt.instance.stop", "px-none", force),
        "start of a missing one": nas.job("virt.instance.start", "px-none"),
        "start": nas.job("virt.instance.start", "px-state"),
        "start of a running one": nas.job("virt.instance.start", "px-state"),
        "restart": nas.job("virt.instance.restart", "px-state", force),
        "status": nas.call("virt.instance.query", [["name", "=", "px-state"]], {"get": True, "select": ["status"]}),
        "delete of a running one": nas.job("virt.instance.delete", "px-state"),
        "datasets": nas.datasets("px-state"),
    }


def parents(nas: Nas) -> Observed:
    """Start a container whose network interface has no parent."""
    nic = {"dev_type": "NIC", "name": "eth0", "nic_type": "MACVLAN", "parent": "nosuch0"}
    nas.create("px-nic", devices=[nic])
    return {"macvlan": nas.job("virt.instance.start", "px-nic")}


def snapshots(nas: Nas) -> Observed:
    """Take, roll back, clone, hold and delete snapshots, also where ZFS refuses."""
    nas.create("px-snap")
    dataset = f"{CONTAINERS}/px-snap"
    one, two = f"{dataset}@one", f"{dataset}@two"

    def take(name: str) -> t.Any:
        made = nas.call("pool.snapshot.create", {"dataset": name.partition("@")[0], "name": name.partition("@")[2]})
        return made if "error" in made else "taken"

    return {
        "first": take(one),
        "again": take(one),
        "of nothing": take(f"{MISSING}@one"),
        "second": take(two),
        "rollback over a newer one": nas.call("pool.snapshot.rollback", one, {}),
        "rollback to nothing": nas.call("pool.snapshot.rollback", f"{dataset}@none", {}),
        "delete of nothing": nas.call("pool.snapshot.delete", f"{dataset}@none"),
        "clone": nas.call("pool.snapshot.clone", {"snapshot": two, "dataset_dst": "tank/px-clone"}),
        "clone again": nas.call("pool.snapshot.clone", {"snapshot": two, "dataset_dst": "tank/px-clone"}),
        "clone without parent": nas.call("pool.snapshot.clone", {"snapshot": two, "dataset_dst": f"{MISSING}/clone"}),
        "delete with clones": nas.call("pool.snapshot.delete", two),
        "rollback over one with clones": nas.call("pool.snapshot.rollback", one, {"recursive": True}),
        "hold": nas.call("pool.snapshot.hold", one),
        "hold again": nas.call("pool.snapshot.hold", one),
        "delete of a held one": nas.call("pool.snapshot.delete", one),
        "release": nas.call("pool.snapshot.release", one),
        "dataset with snapshots": nas.call("zfs.dataset.delete", dataset, {"recursive": False}),
        "dataset with clones": nas.call("zfs.dataset.delete", dataset, {"recursive": True}),
        "clone deleted": nas.call("zfs.dataset.delete", "tank/px-clone", {"recursive": True}),
        "rollback": nas.call("pool.snapshot.rollback", one, {"recursive": True}),
        "left": [name for name in nas.truenas.world.as_json()["snapshots"] if "px-snap@" in name],
    }


def deletion(nas: Nas) -> Observed:
    """Delete a container whose snapshot has a clone, and then the clone."""
    nas.create("px-source")
    nas.create("px-heir")
    source, heir = f"{CONTAINERS}/px-source", f"{CONTAINERS}/px-heir"
    assert "error" not in nas.call("pool.snapshot.create", {"dataset": source, "name": "ready"})
    steps = {
        "set aside": nas.call("zfs.dataset.rename", heir, {"new_name": f"{CONTAINERS}/px-unused"}),
        "clone": nas.call("pool.snapshot.clone", {"snapshot": f"{source}@ready", "dataset_dst": heir}),
        "unused": nas.call("zfs.dataset.delete", f"{CONTAINERS}/px-unused", {"recursive": True}),
        "update": nas.job("virt.instance.update", "px-heir", {}),
        "source": nas.job("virt.instance.delete", "px-source"),
        "left": nas.datasets("px-source", "px-heir", "/deleted/containers/"),
        "heir": nas.job("virt.instance.delete", "px-heir"),
    }
    return {**steps, "at last": nas.datasets("px-source", "px-heir", "/deleted/containers/")}


SCENARIOS: dict[str, t.Callable[[Nas], Observed]] = {
    each.__name__: each for each in (names, rows, states, parents, snapshots, deletion)
}


def clean_up(nas: Nas) -> None:
    """Remove the containers, so that each scenario begins without any."""
    for row in nas.call("virt.instance.query"):
        nas.job("virt.instance.delete", row["name"])
