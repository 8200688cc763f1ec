"""SQLite files and ``fork``: a process must hold no file open while it forks.

SQLite keeps its file locks in the memory of the process, by file. A child that inherits a file as open believes in
locks that only its parent has. It takes none for connections of its own, so that the parent, when it closes, removes
the write-ahead log into which the child still writes: what the child has committed is lost, without any error
(https://www.sqlite.org/howtocorrupt.html, section 2.6). So nobody holds a connection while the process forks.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from weakref import WeakSet

from checkout_core.errors import ConfigurationError

_gates: WeakSet[ForkGate] = WeakSet()
_shut: list[ForkGate] = []
"""Those that wait for a fork to be over."""


class ForkGate:
    """Through which every use of a SQLite file goes. ``let_go`` closes the connections that nobody uses.

    A fork waits up to ``patience_seconds`` for those in use. A child of a process that used one all the same is refused
    with :class:`ConfigurationError`. Connections that the host itself has open to the file are not known here.
    """

    def __init__(self, let_go: Callable[[], None], patience_seconds: float) -> None:
        self._let_go = let_go
        self._patience_seconds = patience_seconds
        self._changed = threading.Condition()
        self._in_use = 0
        self._is_spoilt = False
        _gates.add(self)

    @contextmanager
    def passed(self) -> Generator[None]:
        """While a connection is used. Waits while the process forks."""
        with self._changed:
            if self._is_spoilt:
                raise ConfigurationError(
                    "expected no open SQLite file at the fork of this process, found one in use: fork earlier"
                )
            self._in_use += 1
        try:
            yield
        finally:
            with self._changed:
                self._in_use -= 1
                self._changed.notify_all()

    def shut(self) -> None:
        """The process is about to fork. Nobody passes until :meth:`open_again`."""
        self._changed.acquire()
        self._changed.wait_for(lambda: not self._in_use, self._patience_seconds)
        self._let_go()

    def open_again(self) -> None:
        """In the parent, after the fork."""
        self._changed.release()

    def begin_anew(self) -> None:
        """In the child: whoever used a connection is not here any more."""
        self._is_spoilt = self._is_spoilt or self._in_use > 0
        self._in_use = 0
        self._changed = threading.Condition()


def _shut_all() -> None:
    _shut[:] = _gates
    for gate in _shut:
        gate.shut()


def _open_all() -> None:
    while _shut:
        _shut.pop().open_again()


def _begin_anew() -> None:
    while _shut:
        _shut.pop().begin_anew()


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(before=_shut_all, after_in_parent=_open_all, after_in_child=_begin_anew)
