"""A bank that survives its own restart: a file of every request with its time, played again at the start.

The bank is deterministic, so the same requests at the same times give the same books; there is no second format for
its state. The file holds tokens and is readable by its owner only.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TypeAlias

from checkout_core.adapters.sandbox.answers import BankRequest, CancelKey, Handled
from checkout_core.adapters.sandbox.bank import SandboxBank
from checkout_core.adapters.sandbox.books import LedgerEntry
from checkout_core.adapters.sandbox.policy import BankPolicy
from checkout_core.domain.value import dump, parse
from checkout_core.ports.payment import ChargeRequest, PaymentQuery, RefundRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """Decide an operation that waits (:meth:`SandboxBank.decide`)."""

    provider_reference: str
    approve: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """Set the bank's clock forward."""

    seconds: float


Recorded: TypeAlias = BankRequest | Decide | Advance

_KINDS: dict[str, type[Recorded]] = {
    kind.__name__: kind for kind in (ChargeRequest, RefundRequest, PaymentQuery, CancelKey, Decide, Advance)
}


class DurableBank:
    """A :class:`SandboxBank` whose answers are given only when what they rest on is on the disk.

    ``path`` is created where it is missing; a file that was written under another policy is refused with
    :class:`ValueError`. One process at a time may use a file.
    """

    def __init__(self, path: Path, policy: BankPolicy, *, clock: Callable[[], float] = time.time) -> None:
        self._bank = SandboxBank(policy, clock=clock)
        self._clock, self._ahead, self._now = clock, 0.0, 0.0
        self._lock = Lock()
        self._file = _RequestFile(path, dump(policy))
        for at, request in self._file.read():
            self._now = at
            self._carry_out(request)

    def handle(self, request: BankRequest) -> Handled:
        handled = self._record(request)
        if handled is None:
            raise TypeError("expected a request to the bank")
        return handled

    def decide(self, command: Decide) -> None:
        self._record(command)

    def advance(self, command: Advance) -> None:
        self._record(command)

    def ledger(self) -> tuple[LedgerEntry, ...]:
        with self._lock:
            return self._bank.ledger(self._tick())

    def sends_of(self, key: str) -> int:
        return self._bank.sends_of(key)

    def close(self) -> None:
        self._file.close()

    def _record(self, request: Recorded) -> Handled | None:
        with self._lock:
            at = self._tick()
            handled = self._carry_out(request)
            written = self._file.append(at, request)
        self._file.sync(written)
        return handled

    def _carry_out(self, request: Recorded) -> Handled | None:
        match request:
            case Decide():
                self._bank.decide(request.provider_reference, approve=request.approve, now=self._now)
            case Advance():
                self._ahead += request.seconds
            case _:
                return self._bank.handle(request, self._now)
        return None

    def _tick(self) -> float:
        self._now = max(self._now, self._clock() + self._ahead)
        return self._now


class _RequestFile:
    """Lines of JSON: first the policy, then ``[at, kind, request]`` each. A torn last line was never answered."""

    def __init__(self, path: Path, policy: str) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._sync_lock = Lock()
        self._written = self._synced = 0
        text = path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        os.ftruncate(self._descriptor, len(whole))
        self._lines = whole.splitlines()
        if not self._lines:
            self._write(policy)
        elif self._lines[0].decode() != policy:
            os.close(self._descriptor)
            raise ValueError("the ledger file was written by a bank with another policy")

    def read(self) -> Iterable[tuple[float, Recorded]]:
        lines, self._lines = self._lines[1:], []
        for line in lines:
            at, kind, document = json.loads(line)
            yield at, parse(_KINDS[kind], json.dumps(document))

    def append(self, at: float, request: Recorded) -> int:
        """Write one line; the caller keeps the order. The number is for :meth:`sync`."""
        self._write(json.dumps([at, type(request).__name__, json.loads(dump(request))]))
        self._written += 1
        return self._written

    def sync(self, written: int) -> None:
        """Return when the line with that number is on the disk; those who wait share one flush."""
        with self._sync_lock:
            if self._synced < written:
                reached = self._written
                os.fsync(self._descriptor)
                self._synced = reached

    def close(self) -> None:
        os.close(self._descriptor)

    def _write(self, line: str) -> None:
        data = line.encode() + b"\n"
        if os.write(self._descriptor, data) != len(data):
            raise OSError("the ledger file could not be written")
