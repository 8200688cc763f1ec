"""The checkout inside a worker process: either colour behind one blocking face."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from checkout_core.adapters.sandbox import AsyncHttpSandboxPayments, HttpSandboxPayments
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.result import CheckoutResult
from checkout_core.errors import TransitionRefusedError
from checkout_core.testing.faults.doomed_checkout import AsyncDoomedCheckout, DoomedCheckout
from checkout_core.testing.faults.doomed_store import DoomedSqlStore
from checkout_core.testing.faults.errand import Errand
from checkout_core.testing.faults.fate import Fate
from checkout_core.testing.faults.gathering import GatheringCommitter

T = TypeVar("T")
PATIENCE_SECONDS = 60.0
"""How long a call waits at most."""

_NOTE = "undone by the operator of the kill tests"


class ShopProcess(Protocol):
    """Called from many threads. Each call runs under its caller's context, whatever the colour."""

    @property
    def committer(self) -> GatheringCommitter: ...
    def execute(self, request: CheckoutRequest) -> CheckoutResult: ...
    def recover(self, limit: int) -> int:
        """One pass; how many sagas were claimed."""
        ...

    def compensate_parked(self, limit: int) -> int:
        """Undo up to ``limit`` parked orders, one after the other, but for those that another operator has just taken;
        how many there were."""
        ...

    def close(self) -> None: ...


def open_shop(errand: Errand, fate: Fate) -> ShopProcess:
    store = DoomedSqlStore(errand.database_url, fate, errand.timeouts)
    return (_Tasks if errand.colour == "tasks" else _Threads)(errand, store, fate)


class _Threads:
    def __init__(self, errand: Errand, store: DoomedSqlStore, fate: Fate) -> None:
        payments = HttpSandboxPayments(errand.bank_url, policy=errand.policy)
        self._checkout = DoomedCheckout(store, payments, errand.settings, fate)

    @property
    def committer(self) -> GatheringCommitter:
        return self._checkout.committer

    def execute(self, request: CheckoutRequest) -> CheckoutResult:
        return self._checkout.execute(request, timeout_seconds=PATIENCE_SECONDS)

    def recover(self, limit: int) -> int:
        return self._checkout.recover(limit=limit).claimed

    def compensate_parked(self, limit: int) -> int:
        parked = self._checkout.ops.parked(limit=limit)
        for order in parked:
            with suppress(TransitionRefusedError):
                self._checkout.ops.compensate(order.order_id, note=_NOTE)
        return len(parked)

    def close(self) -> None:
        self._checkout.close(timeout_seconds=PATIENCE_SECONDS)


class _Tasks:
    """Everything happens in one loop, which has a thread of its own."""

    def __init__(self, errand: Errand, store: DoomedSqlStore, fate: Fate) -> None:
        payments = AsyncHttpSandboxPayments(errand.bank_url, policy=errand.policy)
        self._checkout = AsyncDoomedCheckout(store, payments, errand.settings, fate)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    @property
    def committer(self) -> GatheringCommitter:
        return self._checkout.committer

    def execute(self, request: CheckoutRequest) -> CheckoutResult:
        return self._do(self._checkout.execute(request, timeout_seconds=PATIENCE_SECONDS))

    def recover(self, limit: int) -> int:
        return self._do(self._checkout.recover(limit=limit)).claimed

    def compensate_parked(self, limit: int) -> int:
        parked = self._do(self._checkout.ops.parked(limit=limit))
        for order in parked:
            with suppress(TransitionRefusedError):
                self._do(self._checkout.ops.compensate(order.order_id, note=_NOTE))
        return len(parked)

    def close(self) -> None:
        self._do(self._checkout.close(timeout_seconds=PATIENCE_SECONDS))
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()
