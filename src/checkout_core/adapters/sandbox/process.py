"""Starting the bank as a process of its own, and looking into it, for demonstrations and kill tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

from pydantic import TypeAdapter

from checkout_core.adapters.sandbox.books import LedgerEntry
from checkout_core.adapters.sandbox.desk import Control
from checkout_core.adapters.sandbox.policy import BankPolicy
from checkout_core.domain.value import dump

_ENTRIES = TypeAdapter(tuple[LedgerEntry, ...])
_COUNT = TypeAdapter(dict[str, int])
_GRACE_SECONDS = 30.0


class BankProcess:
    """A running bank on 127.0.0.1 with its memory in the file ``ledger``; leaves with the ``with`` block.

    It also ends when the process that started it does, however that ends. Nothing here is thread-safe.
    """

    def __init__(self, ledger: Path, policy: BankPolicy | None = None) -> None:
        self.policy = policy or BankPolicy()
        self._ledger = ledger
        self.port = 0
        self._process = self._start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def ledger(self, *, after: int = 0, wait_seconds: float = 0.0) -> tuple[LedgerEntry, ...]:
        """The entries behind entry ``after``: as soon as there is one, or when the time has passed."""
        return _ENTRIES.validate_json(self._get("/ledger", {"after": after, "wait_seconds": wait_seconds}))

    def held(self, *, at_least: int = 0, wait_seconds: float = 0.0) -> int:
        """How many answers are held back: as soon as there are ``at_least`` so many, or when the time has passed."""
        query = {"at_least": at_least, "wait_seconds": wait_seconds}
        return _COUNT.validate_json(self._get("/held", query))["held"]

    def sends_of(self, key: str) -> int:
        """How many requests with ``key`` were sent to the bank, those that it did not carry out included."""
        return _COUNT.validate_json(self._get("/sends", {"key": key}))["sends"]

    def hold(self, name: str) -> None:
        """Hold back each answer to a charge with this token, or to each ``charge``, ``refund``, ``lookup``, ``cancel``.

        The money has moved, and is announced by :meth:`ledger`, before the answer is held.
        """
        self._post(Control(hold=name))

    def release(self, name: str) -> None:
        self._post(Control(release=name))

    def decide(self, provider_reference: str, *, approve: bool) -> None:
        """Decide an operation that waits for the buyer or the bank."""
        self._post(Control(decide=provider_reference, approve=approve))

    def advance(self, seconds: float) -> None:
        """Set the bank's clock forward."""
        self._post(Control(advance_seconds=seconds))

    def kill(self) -> None:
        """SIGKILL. What the bank has answered is in its file."""
        self._process.kill()
        self.stop()

    def restart(self) -> None:
        """Start again on the same port and file, after :meth:`kill` or :meth:`stop`."""
        self._process = self._start()

    def stop(self) -> None:
        """Close its standard input, at which it ends, and wait for that."""
        if self._process.returncode is None:
            self._process.communicate(timeout=_GRACE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _start(self) -> subprocess.Popen[bytes]:
        module = "checkout_core.adapters.sandbox.server"
        command = [sys.executable, "-m", module, "--port", str(self.port), "--ledger", str(self._ledger)]
        command += ["--policy", dump(self.policy)]
        started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - our own module
        assert started.stdout is not None
        line = started.stdout.readline()
        if not line:
            started.communicate()
            raise RuntimeError(f"the bank did not start: exit status {started.returncode}")
        self.port = int(line)
        return started

    def _get(self, path: str, query: Mapping[str, str | float]) -> bytes:
        return self._exchange("GET", f"{path}?{urlencode(query)}", None)

    def _post(self, control: Control) -> None:
        self._exchange("POST", "/control", dump(control))

    def _exchange(self, method: str, path: str, body: str | None) -> bytes:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120.0)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            received = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise LookupError(f"the bank refused with HTTP status {response.status}")
        return received
