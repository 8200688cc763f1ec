"""A TCP proxy before a database that loses the answer to a COMMIT, or the COMMIT itself (protocol 2.8).

It reads the client's half of the protocol, so the connection must not be encrypted (``sslmode=disable``).
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from enum import Enum, auto
from typing import Literal, Protocol

_CHUNK = 1 << 16


class Cut(Enum):
    """Where the connection breaks. The client cannot tell the two apart."""

    AFTER = auto()
    """The server has committed; its answer is lost."""
    BEFORE = auto()
    """COMMIT does not arrive: the server rolls back."""


class CuttingProxy:
    """Forwards 127.0.0.1:``port`` to ``upstream`` and cuts the commits that it was told to.

    ``on_cut`` is called, before the client learns that its connection is gone, once for every cut: to let somebody
    else act in between.
    """

    def __init__(
        self,
        upstream: tuple[str, int],
        protocol: Literal["postgresql", "mariadb"],
        on_cut: Callable[[], None] = lambda: None,
    ) -> None:
        self._upstream = upstream
        self._scanner: Callable[[], _Scanner] = _PostgresScanner if protocol == "postgresql" else _MariaScanner
        self._on_cut = on_cut
        self._lock = threading.Lock()
        self._planned: list[Cut] = []
        self._sockets: set[socket.socket] = set()
        self.cuts = 0
        self.commits = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="cutting-proxy", daemon=True).start()

    def cut_next(self, how: Cut, commits: int = 1) -> None:
        """Cut the next ``commits`` COMMITs, on whichever connections they come."""
        with self._lock:
            self._planned += [how] * commits

    def close(self) -> None:
        """Stop listening and cut what is connected."""
        _close(self._listener)
        with self._lock:
            open_now = list(self._sockets)
        for each in open_now:
            _close(each)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._upstream)
            except OSError:
                _close(client)
                continue
            link = _Link(self, client, server, self._scanner())
            with self._lock:
                self._sockets |= {client, server}
            for pump in (link.upwards, link.downwards):
                threading.Thread(target=pump, name="cutting-proxy-pump", daemon=True).start()

    def plan_of_commit(self) -> Cut | None:
        """What to do with the COMMIT that a link has just seen."""
        with self._lock:
            self.commits += 1
            return self._planned.pop(0) if self._planned else None

    def count_cut(self) -> None:
        with self._lock:
            self.cuts += 1
        self._on_cut()

    def forget(self, *sockets: socket.socket) -> None:
        with self._lock:
            self._sockets -= set(sockets)


class _Link:
    """One client's connection."""

    def __init__(self, proxy: CuttingProxy, client: socket.socket, server: socket.socket, scanner: _Scanner) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._scanner = scanner
        self._is_answer_lost = False
        self._cutting = threading.Lock()

    def upwards(self) -> None:
        with self._ended(), suppress(OSError):
            while data := self._client.recv(_CHUNK):
                cut = self._proxy.plan_of_commit() if self._scanner.sees_commit(data) else None
                if cut is Cut.BEFORE:
                    with self._cutting:
                        _close(self._server)
                        self._proxy.count_cut()
                    break
                self._is_answer_lost |= cut is Cut.AFTER
                self._server.sendall(data)

    def downwards(self) -> None:
        with self._ended(), suppress(OSError):
            while data := self._server.recv(_CHUNK):
                if self._is_answer_lost:
                    with self._cutting:
                        self._proxy.count_cut()
                    break
                self._client.sendall(data)

    @contextmanager
    def _ended(self) -> Generator[None]:
        """Whichever side ends, the other does too."""
        try:
            yield
        finally:
            with self._cutting:  # the client learns of a cut only when whoever acts in between has acted
                _close(self._client)
            _close(self._server)
            self._proxy.forget(self._client, self._server)


class _Scanner(Protocol):
    def sees_commit(self, data: bytes) -> bool:
        """Whether the next bytes from the client ask for a COMMIT."""
        ...


class _PostgresScanner:
    """Messages of a type byte and a length; the first, which opens the connection, has no type."""

    def __init__(self) -> None:
        self._unread = b""
        self._has_begun = False
        self._named: set[bytes] = set()

    def sees_commit(self, data: bytes) -> bool:
        self._unread += data
        seen = False
        while (message := self._next()) is not None:
            kind, body = message
            if kind == b"P":
                name, query = body.split(b"\0")[:2]
                (self._named.add if query == b"COMMIT" else self._named.discard)(name)
            bound = body.split(b"\0")[1] if kind == b"B" else None
            seen |= bound in self._named or (kind == b"Q" and body == b"COMMIT\0")
        return seen

    def _next(self) -> tuple[bytes, bytes] | None:
        skipped = 1 if self._has_begun else 0
        if len(self._unread) < skipped + 4:
            return None
        end = skipped + int.from_bytes(self._unread[skipped : skipped + 4], "big")
        if len(self._unread) < end:
            return None
        kind, body = self._unread[:skipped], self._unread[skipped + 4 : end]
        self._unread = self._unread[end:]
        if not self._has_begun:
            self._has_begun = int.from_bytes(body[:4], "big") >> 16 == 3  # else it asks for encryption first
        return kind, body


class _MariaScanner:
    """Packets of three bytes of length and a number; a query's first byte is 3."""

    def __init__(self) -> None:
        self._unread = b""

    def sees_commit(self, data: bytes) -> bool:
        self._unread += data
        seen = False
        while len(self._unread) >= 4 and len(self._unread) >= (end := 4 + int.from_bytes(self._unread[:3], "little")):
            seen |= self._unread[4:end] == b"\x03COMMIT"
            self._unread = self._unread[end:]
        return seen


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
