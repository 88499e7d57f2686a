# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session as its callers see it: asks the holder, has one started, and goes by itself where there can be none."""

from __future__ import annotations

import os
import threading
import types
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.ejson import NotSendable
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Timeouts
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, OutcomeUnknown, PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._api.jobs import Progress
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared import protocol
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.link import Link, LinkLost, WrongHolder
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.order import Order
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.rendezvous import NoRendezvous, Rendezvous
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.shell import SharedShell
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.starting import NotStartable, connected

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Session
    from ansible_collections.pixels.truenas.plugins.module_utils._api.shells import BorrowedShell

# A holder may end just as it is asked, and so may the next; more than that is no accident.
ATTEMPTS = 3

Told = t.Optional[t.Callable[[Progress], None]]


class SharedSession:
    """The conversation with a NAS that all processes of this user share; any number of threads may call.

    It has the methods of C(Session), and raises the same errors. Unlike that, it works on after a fork: the child gets
    connections of its own.
    """

    def __init__(self, order: Order, *, notice: t.Callable[[str], None], go_directly: t.Callable[[], Session]) -> None:
        """C(go_directly) makes the session that takes over where no holder can be had."""
        self.nas = order.endpoint.nas
        self._order = order
        self._notice = notice
        self._go_directly = go_directly
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._idle_links: list[Link] = []
        self._direct: Session | None = None

    def __enter__(self) -> SharedSession:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self.close()

    @property
    def socket_path(self) -> str:
        """Where its holder listens."""
        return Rendezvous(self._order.folder).socket_path(self._order.name)

    @property
    def timeouts(self) -> Timeouts:
        return self._order.timeouts

    def read(self, method: str, *params: t.Any, timeout: float | None = None) -> t.Any:
        """Call a method that changes nothing; it is asked again when the holder, or its connection, is lost."""
        return self._do("read", method, params, self.timeouts.call if timeout is None else timeout)

    def call(self, method: str, *params: t.Any, timeout: float | None = None) -> t.Any:
        """Call a method that changes something, at most once; OutcomeUnknown when its answer is lost."""
        return self._do("call", method, params, self.timeouts.call if timeout is None else timeout)

    def run_job(
        self,
        method: str,
        *params: t.Any,
        timeout: float | None = None,
        progress: t.Callable[[Progress], None] | None = None,
    ) -> t.Any:
        """Start a job and wait for its result; C(progress) is called in this thread."""
        return self._do("run_job", method, params, self.timeouts.job if timeout is None else timeout, progress)

    def download(self, method: str, *params: t.Any, timeout: float | None = None) -> bytes:
        """What a download method sends, such as the content of a file."""
        answer = self._do("download", method, params, self.timeouts.call if timeout is None else timeout)
        return bytes(answer)

    def borrow_shell(self, options: t.Mapping[str, t.Any], *, timeout: float | None = None) -> BorrowedShell:
        """A shell beside the API; given back, it stays with the holder for the next who asks for such a one."""
        self._notice_a_fork()
        seconds = self.timeouts.connect if timeout is None else timeout
        request = self._request("shell", "a shell", (dict(options),), seconds, wants_progress=False)
        for _attempt in range(ATTEMPTS):
            link = self._link()
            if link is None:
                break
            try:
                note, shell_id = link.ask(request, notice=self._notice, progress=None)
            except LinkLost:
                # One that was opened for nobody is closed by the end of this connection.
                continue
            except PixelsError:
                self._put_back(link)
                raise
            return SharedShell(link, note, id=shell_id, nas=self.nas, put_back=self._put_back)
        return self._own_session().borrow_shell(options, timeout=timeout)

    def close(self) -> None:
        """Leave; the holder stays for others, and ends when nobody has come for a while."""
        self._notice_a_fork()
        with self._lock:
            links, self._idle_links = self._idle_links, []
            direct, self._direct = self._direct, None
        for link in links:
            link.close()
        if direct is not None:
            direct.close()

    def _do(self, kind: str, method: str, params: tuple[t.Any, ...], timeout: float, progress: Told = None) -> t.Any:
        self._notice_a_fork()
        request = self._request(kind, method, params, timeout, wants_progress=progress is not None)
        for _attempt in range(ATTEMPTS):
            link = self._link()
            if link is None:
                break
            try:
                return link.ask(request, notice=self._notice, progress=progress)
            except LinkLost as lost:
                may_be_done = lost.taken and kind != "read"
            finally:
                self._put_back(link)
            if may_be_done:
                raise OutcomeUnknown(
                    f"the process that holds the session with {self.nas} ended while it worked on {method}: "
                    "it may or may not be done, run again"
                )
        return self._do_directly(kind, method, params, timeout, progress)

    def _do_directly(self, kind: str, method: str, params: tuple[t.Any, ...], timeout: float, progress: Told) -> t.Any:
        session = self._own_session()
        if kind == "run_job":
            return session.run_job(method, *params, timeout=timeout, progress=progress)
        return {"read": session.read, "call": session.call, "download": session.download}[kind](
            method, *params, timeout=timeout
        )

    def _own_session(self) -> Session:
        """The one that takes over where no holder can be had."""
        with self._lock:
            if self._direct is None:
                self._direct = self._go_directly()
            return self._direct

    def _request(
        self, kind: str, method: str, params: tuple[t.Any, ...], timeout: float, *, wants_progress: bool
    ) -> bytes:
        try:
            request = protocol.line(
                {"do": kind, "method": method, "params": params, "timeout": timeout, "progress": wants_progress}
            )
        except NotSendable as error:
            problem = str(error)
        else:
            if len(request) <= protocol.LONGEST_REQUEST:
                return request
            problem = f"the request has {len(request)} characters, which is more than TrueNAS takes"
        raise Invalid(f"cannot send {method} to {self.nas}: {problem}", fields=[(None, problem)])

    def _link(self) -> Link | None:
        """A connection to the holder that nobody else uses; None where this session goes by itself."""
        while True:
            with self._lock:
                if self._direct is not None:
                    return None
                link = self._idle_links.pop() if self._idle_links else None
            if link is None:
                return self._new_link()
            if link.is_usable:
                return link
            link.close()

    def _new_link(self) -> Link | None:
        for _attempt in range(ATTEMPTS):
            try:
                link = Link(connected(self._order))
                link.enter(self._order.credential, self.timeouts, self._order.idle)
            except LinkLost as lost:
                # It was just about to end: there will be another. One that says nothing at all is left alone.
                if lost.taken:
                    return None
            except (OSError, NoRendezvous, NotStartable, WrongHolder):
                return None
            else:
                return link
        return None

    def _put_back(self, link: Link) -> None:
        """For the next call; a connection in the middle of an answer is of no more use."""
        if not link.is_idle or self._process != os.getpid():
            return link.close()
        with self._lock:
            self._idle_links.append(link)
        return None

    def _notice_a_fork(self) -> None:
        if self._process == os.getpid():
            return
        links, self._idle_links = self._idle_links, []
        self._process = os.getpid()
        # Another thread of the parent may have held the lock as this process was forked.
        self._lock = threading.Lock()
        self._direct = None
        for link in links:
            link.abandon()
