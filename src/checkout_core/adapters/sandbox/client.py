"""Adapters to the sandbox bank over HTTP, with the standard library alone.

They are an example of the contract at work: one send per call, one deadline over the whole exchange, and
:class:`~checkout_core.errors.NotSentError` only for what certainly did not leave.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from http.client import HTTPConnection, HTTPException, parse_headers
from io import BytesIO
from threading import local
from urllib.parse import urlsplit

from typing_extensions import Buffer

from checkout_core.adapters.sandbox.account import Asking, AsyncAsking
from checkout_core.adapters.sandbox.answers import BankRequest
from checkout_core.adapters.sandbox.policy import BankPolicy
from checkout_core.adapters.sandbox.wire import HttpReply, HttpRequest, read_reply, write_request
from checkout_core.errors import NotSentError, OutcomeUnknownError
from checkout_core.ports.payment import CallLimits, Guarantees, LookupAnswer, PaymentAnswer

_MOST_BYTES = 64 * 1024
_SHARE_OF_TIMEOUT = 0.9
"""Give up a little before the caller does (clause 5)."""


class HttpSandboxPayments(Asking):
    """:class:`~checkout_core.ports.payment.PaymentProvider` over a bank process at ``url``.

    Each thread keeps one connection. ``policy`` is the bank's, for what the adapter declares; ``guarantees`` replaces
    it. A send on a kept connection that the bank has meanwhile closed counts as outcome unknown, like any other.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = "sandbox",
        account: str = "sandbox",
        policy: BankPolicy | None = None,
        guarantees: Guarantees | None = None,
    ) -> None:
        super().__init__(name=name, account=account, guarantees=guarantees or (policy or BankPolicy()).guarantees())
        self._host, self._port = _address(url)
        self._kept = local()

    def _ask(self, request: BankRequest, limits: CallLimits) -> LookupAnswer:
        connection = self._connection()
        connection.prepare(time.monotonic() + limits.timeout_seconds * _SHARE_OF_TIMEOUT)
        return read_reply(connection.exchange(write_request(request)))

    def _connection(self) -> _Connection:
        process = os.getpid()  # a connection is never shared with a forked child
        kept = getattr(self._kept, "connection", None)
        if isinstance(kept, _Connection) and kept.process == process:
            return kept
        made = self._kept.connection = _Connection(self._host, self._port, process)
        return made


class CancellingHttpSandboxPayments(HttpSandboxPayments):
    """:class:`HttpSandboxPayments` at a bank whose policy has ``cancel_by_key``."""

    def cancel_by_key(self, key: str, limits: CallLimits) -> PaymentAnswer:
        return self._end_key(key, limits)


class AsyncHttpSandboxPayments(AsyncAsking):
    """:class:`HttpSandboxPayments` for ``AsyncCheckout``: one connection per call, so it belongs to no event loop."""

    def __init__(
        self,
        url: str,
        *,
        name: str = "sandbox",
        account: str = "sandbox",
        policy: BankPolicy | None = None,
        guarantees: Guarantees | None = None,
    ) -> None:
        super().__init__(name=name, account=account, guarantees=guarantees or (policy or BankPolicy()).guarantees())
        self._host, self._port = _address(url)

    async def _ask(self, request: BankRequest, limits: CallLimits) -> LookupAnswer:
        deadline = asyncio.get_running_loop().time() + limits.timeout_seconds * _SHARE_OF_TIMEOUT
        try:
            async with asyncio.timeout_at(deadline):
                reader, writer = await asyncio.open_connection(self._host, self._port)
        except OSError as error:
            raise NotSentError(f"could not connect: {type(error).__name__}") from None
        try:
            async with asyncio.timeout_at(deadline):
                writer.write(_written(write_request(request), f"{self._host}:{self._port}"))
                received = await _read_to_end(reader)
        except OSError as error:
            raise OutcomeUnknownError(f"no readable answer: {type(error).__name__}") from None
        finally:
            writer.close()
        return read_reply(_parsed(received))


class AsyncCancellingHttpSandboxPayments(AsyncHttpSandboxPayments):
    """:class:`CancellingHttpSandboxPayments` for ``AsyncCheckout``."""

    async def cancel_by_key(self, key: str, limits: CallLimits) -> PaymentAnswer:
        return await self._end_key(key, limits)


class _Connection(HTTPConnection):
    """One thread's connection, kept between calls while nothing has gone wrong."""

    def __init__(self, host: str, port: int, process: int) -> None:
        super().__init__(host, port)
        self.process = process
        self._socket: _DeadlineSocket | None = None

    def prepare(self, deadline: float) -> None:
        """Be connected. Nothing of the request has left when this raises :class:`NotSentError`."""
        if self._socket is not None and self._socket.is_idle():
            self._socket.deadline = deadline
            return
        self.close()
        try:
            made = socket.create_connection((self.host, self.port), max(0.001, deadline - time.monotonic()))
        except OSError as error:
            raise NotSentError(f"could not connect: {type(error).__name__}") from None
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._socket = _DeadlineSocket(made, deadline)

    def exchange(self, request: HttpRequest) -> HttpReply:
        """Send ``request`` once and read the reply; afterwards the connection is idle again, or closed."""
        whole = False
        try:
            self.request(request.method, request.path, request.body or None)
            response = self.getresponse()
            body = response.read(_MOST_BYTES)
            whole = response.isclosed()
            return HttpReply(response.status, body, response.getheader("Retry-After") or "")
        except (OSError, HTTPException) as error:
            raise OutcomeUnknownError(f"no readable answer: {type(error).__name__}") from None
        finally:
            if not whole:
                self.close()

    def connect(self) -> None:
        """Refuse what :mod:`http.client` would do by itself: :meth:`prepare` alone connects."""
        raise ConnectionError("the connection was closed")

    def close(self) -> None:
        self._socket = None
        super().close()

    def __del__(self) -> None:
        self.close()


class _DeadlineSocket(socket.socket):
    """A socket whose reads share one deadline: a peer that drips one byte at a time gains nothing."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        super().__init__(connected.family, connected.type, connected.proto, connected.detach())
        self.deadline = deadline

    def recv_into(self, buffer: Buffer, nbytes: int = 0, flags: int = 0) -> int:
        self._keep_deadline()
        return super().recv_into(buffer, nbytes, flags)

    def sendall(self, data: Buffer, flags: int = 0) -> None:
        self._keep_deadline()
        super().sendall(data, flags)

    def is_idle(self) -> bool:
        """Open, with nothing to read: at its end a peer that has closed shows as readable."""
        self.settimeout(0.0)
        try:
            self.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def _keep_deadline(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        self.settimeout(left)


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or not parts.port or parts.path.strip("/"):
        raise ValueError("expected the bank's address as http://127.0.0.1:PORT")
    return parts.hostname, parts.port


def _written(request: HttpRequest, host: str) -> bytes:
    head = f"{request.method} {request.path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(request.body)}\r\n\r\n".encode() + request.body


async def _read_to_end(reader: asyncio.StreamReader) -> bytes:
    received = b""
    while len(received) < _MOST_BYTES and (more := await reader.read(_MOST_BYTES)):
        received += more
    return received


def _parsed(received: bytes) -> HttpReply:
    head, _, body = received.partition(b"\r\n\r\n")
    status, _, fields = head.partition(b"\r\n")
    try:
        headers = parse_headers(BytesIO(fields + b"\r\n\r\n"))
        code = int(status.split(b" ")[1])
        expected = int(headers["Content-Length"])
    except (HTTPException, ValueError, IndexError, TypeError):
        raise OutcomeUnknownError("no readable answer: not HTTP") from None
    if len(body) != expected:
        raise OutcomeUnknownError("no readable answer: cut short")
    return HttpReply(code, body, headers.get("Retry-After", ""))
