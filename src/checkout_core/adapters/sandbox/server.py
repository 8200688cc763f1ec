"""The sandbox bank as a process of its own, so that a killed shop does not kill the bank.

``python -m checkout_core.adapters.sandbox.server --ledger FILE`` prints its port and serves until its standard input
closes, or SIGTERM or SIGINT comes. It listens on 127.0.0.1 only.

``POST /charges /refunds /cancel``, ``GET /lookup``: the bank. ``GET /ledger?after=N&wait_seconds=S``: the entries
behind N, as soon as there is one. ``POST /control``: hold and release answers (the money has moved by then), decide an
operation, set the clock forward. ``GET /held?at_least=N&wait_seconds=S``: how many answers are held.
``GET /sends?key=K``: how many requests came with that key. ``GET /health``.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType
from urllib.parse import parse_qsl, urlsplit

from checkout_core.adapters.sandbox.answers import BankRequest, CancelKey, Failed, Fault
from checkout_core.adapters.sandbox.desk import Control, Desk
from checkout_core.adapters.sandbox.durable import Advance, Decide, DurableBank
from checkout_core.adapters.sandbox.policy import BankPolicy
from checkout_core.adapters.sandbox.wire import PATHS, HttpReply, write_reply
from checkout_core.domain.value import dump, parse
from checkout_core.errors import InvalidRequestError
from checkout_core.ports.payment import ChargeRequest, PaymentQuery, RefundRequest

_MOST_BYTES = 64 * 1024
_LONGEST_WAIT_SECONDS = 60.0


class BankServer(ThreadingHTTPServer):
    """Serves one bank; each connection has a thread."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, port: int, bank: DurableBank) -> None:
        self.bank = bank
        self.desk = Desk(bank)
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that broke is no news: the caller is gone."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    @property
    def _desk(self) -> Desk:
        return self._server.desk

    @property
    def _server(self) -> BankServer:
        assert isinstance(self.server, BankServer)
        return self.server

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        try:
            match url.path:
                case "/lookup":
                    self._bank(parse(PaymentQuery, json.dumps(query)))
                case "/ledger":
                    entries = self._desk.entries(int(query.get("after", 0)), _wait(query))
                    self._send(HttpReply(200, f"[{','.join(map(dump, entries))}]".encode()))
                case "/held":
                    held = self._desk.held(int(query.get("at_least", 0)), _wait(query))
                    self._send(HttpReply(200, json.dumps({"held": held}).encode()))
                case "/sends":
                    sends = self._server.bank.sends_of(query.get("key", ""))
                    self._send(HttpReply(200, json.dumps({"sends": sends}).encode()))
                case "/health":
                    self._send(HttpReply(200, b'{"status": "ok"}'))
                case _:
                    self._refuse("no such place")
        except (InvalidRequestError, ValueError):
            self._refuse("the question is malformed")

    def do_POST(self) -> None:
        stated = self.headers.get("Content-Length") or "0"
        length = int(stated) if stated.isdecimal() else _MOST_BYTES + 1
        if length > _MOST_BYTES:
            self.close_connection = True
            self._refuse("the body is too long, or does not say how long it is")
            return
        body = self.rfile.read(length)
        try:
            if self.path == "/control":
                self._control(parse(Control, body))
            elif self.path in PATHS:
                self._bank(parse(PATHS[self.path], body))
            else:
                self._refuse("no such place")
        except InvalidRequestError:
            self._refuse("the request is malformed")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by http.server
        """Keep nothing: what passes here is not for logs."""

    def _bank(self, request: BankRequest) -> None:
        desk, handled = self._desk, self._server.bank.handle(request)
        desk.announce()
        there = desk.pass_held(_names(request), self._is_gone)
        fault = handled.reply.fault if isinstance(handled.reply, Failed) else None
        if fault is Fault.RESET:
            there = False
        elif fault is Fault.NO_ANSWER:
            there = desk.stay_silent(None, self._is_gone)
        elif handled.after_seconds:
            there = desk.stay_silent(handled.after_seconds, self._is_gone)
        if there:
            self._send(write_reply(handled.reply))
        else:
            self.close_connection = True

    def _control(self, control: Control) -> None:
        desk, bank = self._desk, self._server.bank
        if control.hold:
            desk.hold(control.hold)
        if control.release:
            desk.release(control.release)
        if control.advance_seconds:
            bank.advance(Advance(seconds=control.advance_seconds))
        if control.decide:
            try:
                bank.decide(Decide(provider_reference=control.decide, approve=control.approve))
            except LookupError:
                self._refuse("no such operation")
                return
        desk.announce()
        self._send(HttpReply(200, b"{}"))

    def _refuse(self, detail: str) -> None:
        self._send(write_reply(Failed(fault=Fault.INVALID, detail=detail)))

    def _send(self, reply: HttpReply) -> None:
        self.send_response(reply.code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply.body)))
        if reply.retry_after:
            self.send_header("Retry-After", reply.retry_after)
        self.end_headers()
        self.wfile.write(reply.body)

    def _is_gone(self) -> bool:
        self.connection.setblocking(False)
        try:
            seen: bytes = self.connection.recv(1, socket.MSG_PEEK)
            return not seen
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            self.connection.setblocking(True)


def _names(request: BankRequest) -> frozenset[str]:
    match request:
        case ChargeRequest():
            return frozenset({"charge", request.token})
        case RefundRequest():
            return frozenset({"refund"})
        case PaymentQuery():
            return frozenset({"lookup"})
        case CancelKey():
            return frozenset({"cancel"})


def _wait(query: dict[str, str]) -> float:
    seconds = float(query.get("wait_seconds", 0))
    if not seconds >= 0:  # a NaN is not
        raise ValueError("expected a time that is not negative")
    return min(seconds, _LONGEST_WAIT_SECONDS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until standard input closes, or SIGTERM or SIGINT comes."""
    parser = argparse.ArgumentParser(description="The sandbox bank as a process of its own.")
    parser.add_argument("--port", type=int, default=0, help="0: any free port; it is printed")
    parser.add_argument("--ledger", type=Path, required=True, help="file that holds the bank's memory")
    parser.add_argument("--policy", default="{}", help="the fields of BankPolicy as JSON")
    chosen = parser.parse_args(arguments)
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    threading.Thread(target=_watch_input, args=(stop,), daemon=True).start()
    bank = DurableBank(chosen.ledger, parse(BankPolicy, chosen.policy))
    server = BankServer(chosen.port, bank)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    stop.wait()
    server.shutdown()
    server.desk.close()
    server.server_close()
    return 0


def _watch_input(stop: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
