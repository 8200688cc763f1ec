"""What comes instead of an answer is told apart by what may be assumed after it, in both colours."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Semaphore, Thread

import pytest

from checkout_core.adapters.sandbox import AsyncHttpSandboxPayments, Failed, Fault, HttpSandboxPayments
from checkout_core.adapters.sandbox.wire import HttpReply, read_reply, write_reply
from checkout_core.domain.result import DeclineKind
from checkout_core.errors import (
    KeyMismatchError,
    NotExecutedError,
    NotSentError,
    OutcomeUnknownError,
    RejectedError,
    RemoteError,
)
from checkout_core.ports.payment import (
    ActionNeeded,
    CallLimits,
    Declined,
    LookupAnswer,
    NotFound,
    Processing,
    Succeeded,
)
from tests.adapters.sandbox.requests import charge, euros

SUCCESS = write_reply(Succeeded(provider_reference="p", amount=euros(1990))).body
PATIENT = CallLimits(timeout_seconds=30.0)
ADAPTERS = [HttpSandboxPayments, AsyncHttpSandboxPayments]


@pytest.mark.parametrize(
    "answer",
    [
        Succeeded(provider_reference="p", amount=euros(5)),
        Declined(code="c", kind=DeclineKind.FRAUD, provider_reference="p"),
        Processing(provider_reference="p"),
        ActionNeeded(provider_reference="p", action_url="https://bank.invalid"),
        NotFound(),
    ],
)
def test_every_answer_survives_the_wire(answer: LookupAnswer) -> None:
    assert read_reply(write_reply(answer)) == answer


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.CONNECTION_REFUSED, NotSentError),
        (Fault.BUSY, NotExecutedError),
        (Fault.IN_PROGRESS, NotExecutedError),
        (Fault.INVALID, RejectedError),
        (Fault.KEY_MISMATCH, KeyMismatchError),
        (Fault.SERVER_ERROR, OutcomeUnknownError),
        (Fault.GARBAGE, OutcomeUnknownError),
    ],
)
def test_every_fault_is_the_same_error_in_process_and_over_http(fault: Fault, error: type[RemoteError]) -> None:
    failed = Failed(fault=fault, retry_after_seconds=1.5)
    assert type(failed.error()) is error
    with pytest.raises(error) as raised:
        read_reply(write_reply(failed))
    if isinstance(raised.value, NotExecutedError):
        assert raised.value.retry_after_seconds == 1.5


@pytest.mark.parametrize(
    "reply",
    [
        HttpReply(404, b"<html>no such route"),
        HttpReply(400, b"<html>bad request"),
        HttpReply(429, b""),
        HttpReply(401, b"[]"),
        HttpReply(302, b'{"error": "moved"}'),
        HttpReply(502, b'{"error": "upstream"}'),
        HttpReply(503, b'{"error": "busy"}'),
        HttpReply(200, b'{"status": "declined", "code": "c"}'),
        HttpReply(402, SUCCESS),
        HttpReply(200, b'{"status": "succeeded", "provider_reference": "p"}'),
        HttpReply(200, b'{"status": "succeeded", "provider_reference": "p", "amount": {"minor": 1.5}}'),
        HttpReply(200, SUCCESS[:-1]),
        HttpReply(200, b"\xff\xfe"),
        HttpReply(200, b""),
    ],
)
def test_only_the_banks_own_document_is_an_answer(reply: HttpReply) -> None:
    with pytest.raises(OutcomeUnknownError):
        read_reply(reply)


class Peer:
    """Listens; ``write`` answers each request, and gives whether the connection stays open for more."""

    def __init__(self, write: Callable[[socket.socket], bool]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = self.requests = 0
        self.closed = Semaphore(0)
        self._write = write
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection, suppress(OSError):
                while self._takes_request(connection) and self._write(connection):
                    pass
            self.closed.release()

    def _takes_request(self, connection: socket.socket) -> bool:
        received = b""
        while not is_whole(received):
            more = connection.recv(65536)
            if not more:
                return False
            received += more
        self.requests += 1
        return True


def is_whole(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head)
    return bool(end) and length is not None and len(body) == int(length[1])


def reply(body: bytes, *, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return b"HTTP/1.1 200 OK\r\nContent-Length: " + str(size).encode() + b"\r\n\r\n" + body


def write(answer: bytes, *, stays: bool = False) -> Callable[[socket.socket], bool]:
    def send(connection: socket.socket) -> bool:
        connection.sendall(answer)
        return stays

    return send


def drip(connection: socket.socket) -> bool:
    connection.settimeout(0.02)
    for byte in reply(SUCCESS):
        connection.sendall(bytes([byte]))
        with suppress(TimeoutError):
            connection.recv(1)
    return False


def silence(connection: socket.socket) -> bool:
    return connection.recv(1) != b""


PEERS: dict[str, Callable[[socket.socket], bool]] = {
    "closes": write(b""),
    "stays silent": silence,
    "cut in the head": write(b"HTTP/1.1 200 O"),
    "cut in the body": write(reply(SUCCESS[:-5], length=len(SUCCESS))),
    "more than it said": write(reply(SUCCESS + b"   ", length=len(SUCCESS) - 5)),
    "not http": write(b"220 mail.invalid ESMTP\r\n\r\n"),
    "endless": write(reply(b" " * 1_000_000)),
    "drips beyond the timeout": drip,
}


@pytest.fixture
def peer(request: pytest.FixtureRequest) -> Iterator[Peer]:
    made = Peer(PEERS[request.param])
    yield made
    made.close()


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("peer", PEERS, indirect=True)
def test_a_broken_peer_leaves_the_outcome_unknown_after_one_send(
    peer: Peer, adapter: type[HttpSandboxPayments | AsyncHttpSandboxPayments]
) -> None:
    with pytest.raises(OutcomeUnknownError):
        finish(adapter(peer.url).charge(charge(), CallLimits(timeout_seconds=1.0)))
    assert peer.requests == 1


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_port_where_nobody_listens_was_not_sent_to(
    adapter: type[HttpSandboxPayments | AsyncHttpSandboxPayments],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotSentError):
        finish(adapter(f"http://127.0.0.1:{port}").charge(charge(), PATIENT))


@pytest.mark.parametrize("url", ["https://127.0.0.1:1", "http://127.0.0.1", "127.0.0.1:80", "http://127.0.0.1:1/path"])
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_address_that_is_none_is_refused_at_once(adapter: Callable[[str], object], url: str) -> None:
    with pytest.raises(ValueError, match="expected the bank's address"):
        adapter(url)


def test_a_kept_connection_that_the_peer_has_closed_is_replaced_before_the_send() -> None:
    peer = Peer(write(reply(SUCCESS)))
    payments = HttpSandboxPayments(peer.url)
    for _ in range(3):
        assert isinstance(payments.charge(charge(), PATIENT), Succeeded)
        peer.closed.acquire()
    peer.close()
    assert (peer.connections, peer.requests) == (3, 3)


def test_a_thread_keeps_its_connection_and_each_call_has_a_deadline_of_its_own() -> None:
    peer = Peer(write(reply(SUCCESS), stays=True))
    payments = HttpSandboxPayments(peer.url)
    deadlines = []
    for seconds in (5.0, 500.0):
        payments.charge(charge(), CallLimits(timeout_seconds=seconds))
        deadlines.append(payments._connection()._socket.deadline)
    assert deadlines[1] - deadlines[0] > 400.0
    assert (peer.connections, peer.requests) == (1, 2)
    payments._connection().close()
    peer.close()


def test_an_answer_that_comes_too_late_is_never_taken_for_the_next_calls() -> None:
    turns = iter([silence, write(reply(SUCCESS))])

    def turn(connection: socket.socket) -> bool:
        return next(turns)(connection)

    peer = Peer(turn)
    payments = HttpSandboxPayments(peer.url)
    with pytest.raises(OutcomeUnknownError):
        payments.charge(charge(), CallLimits(timeout_seconds=0.5))
    assert isinstance(payments.charge(charge(), PATIENT), Succeeded)
    peer.close()
    assert peer.connections == 2


def test_a_forked_child_takes_a_connection_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    payments = HttpSandboxPayments("http://127.0.0.1:1")
    parents = payments._connection()
    assert payments._connection() is parents
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert payments._connection() is not parents


def finish(made: object) -> object:
    async def wait() -> object:
        assert inspect.isawaitable(made)
        return await made

    return asyncio.run(wait()) if inspect.isawaitable(made) else made
