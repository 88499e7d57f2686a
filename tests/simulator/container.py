# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the containers of all releases have in common."""

from __future__ import annotations

import abc
import datetime
import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from tests.simulator.images import Image
    from tests.simulator.layout import Layout
    from tests.simulator.world import World

Row = dict[str, t.Any]

CARD = "eth0"
"""The network card, as the guest calls it."""


@dataclass
class Container(abc.ABC):
    """Tests set these up and look at them; the methods of the simulator change them."""

    layout: t.ClassVar[Layout]
    networks: t.ClassVar[tuple[str, str]]
    """The default IPv4 and IPv6 addresses."""

    name: str
    image: Row
    """What the image says of itself."""
    storage_pool: str
    status: str = "STOPPED"
    cpu: str | None = None
    """How many cores, or which: `limits.cpu` of Incus and `cpuset` of TrueNAS 26."""
    memory: int | None = None
    """Bytes; always None on TrueNAS 26, which has no such limit."""
    environment: dict[str, str] = field(default_factory=dict)
    autostart: bool = False
    aliases: list[Row] = field(default_factory=list)
    """The addresses of its network card that can be seen from the NAS."""
    bridges: dict[str, list[Row]] = field(default_factory=dict)
    """The addresses of other interfaces that the guest made, such as `docker0`, by their names."""
    pid: int | None = None
    """Of its init, on the NAS, as far as its row says."""
    base_image: str = ""
    """What the dataset of its image is called: a fingerprint, or name and version."""
    busy: str | None = None
    """The operation that runs on it, if any."""
    starts: int = 0
    created: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(datetime.UTC))

    @property
    def dataset(self) -> str:
        return self.layout.dataset(self.storage_pool, self.name)

    @property
    def interfaces(self) -> dict[str, list[Row]]:
        """The addresses by interface; the interfaces in the order of their names, as Incus lists them."""
        if self.status == "STOPPED":
            return {}
        return dict(sorted({**self.bridges, CARD: self.aliases}.items()))

    @classmethod
    @abc.abstractmethod
    def new(cls, world: World, name: str, image: Image, pool: str) -> t.Self:
        """Of an image, with nothing else said about it."""

    @abc.abstractmethod
    def set_memory(self, memory: int | None) -> None:
        """Where it can be limited."""

    @abc.abstractmethod
    def shown(self, world: World) -> Row:
        """Its row."""

    @abc.abstractmethod
    def show_made(self, world: World) -> None:
        """It is known, and its dataset is there: what follows from that."""

    @abc.abstractmethod
    def show_started(self, world: World) -> None:
        """It runs now, and has run before: what follows from that."""
