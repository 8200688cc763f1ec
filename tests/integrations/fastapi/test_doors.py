"""A threaded checkout behind an event loop: who waits for a bank delays nobody else (LIVE-3)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import pytest

from checkout_core import (
    Cart,
    CartLine,
    Checkout,
    CheckoutRequest,
    CheckoutResult,
    CheckoutTimeoutError,
    Confirmed,
    Money,
    PaymentMethod,
)
from checkout_core.adapters.memory import MemoryStore
from checkout_core.adapters.sandbox import SandboxBank, SandboxPayments
from checkout_core.integrations.fastapi import doors
from checkout_core.ports.payment import CallLimits, ChargeRequest, PaymentAnswer

PATIENCE_SECONDS = 20.0

Buying: TypeAlias = "asyncio.Task[CheckoutResult]"
Scene: TypeAlias = Callable[[doors.Doors], Awaitable[None]]


class SlowBank(SandboxPayments):
    """Answers nobody until ``go`` is set; ``asked`` tells that a charge has arrived."""

    def __init__(self) -> None:
        super().__init__(SandboxBank())
        self.asked, self.go = threading.Event(), threading.Event()

    def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        self.asked.set()
        self.go.wait(PATIENCE_SECONDS)
        return super().charge(request, limits)


@pytest.fixture
def bank() -> Iterator[SlowBank]:
    made = SlowBank()
    yield made
    made.go.set()


def test_a_bank_that_hangs_delays_no_reader(bank: SlowBank, monkeypatch: pytest.MonkeyPatch) -> None:
    """LIVE-3: a process whose bank hangs is well, says so, and shows orders."""

    async def scene(door: doors.Doors) -> None:
        async with _buying(door, bank) as bought:
            async with asyncio.timeout(PATIENCE_SECONDS / 4):
                await door.knock()
        assert isinstance(await bought, Confirmed)

    _run(scene, bank, monkeypatch)


def test_who_finds_no_thread_is_told_in_time_that_nothing_was_stored(
    bank: SlowBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LIVE-3: a full pool refuses before commit 1 (protocol 7.1), when the caller's time is over."""

    async def scene(door: doors.Doors) -> None:
        async with _buying(door, bank) as bought:
            with pytest.raises(CheckoutTimeoutError):
                async with asyncio.timeout(PATIENCE_SECONDS / 4):
                    await door.execute(_request("2"), 0.01)
        assert isinstance(await bought, Confirmed)

    _run(scene, bank, monkeypatch)


@asynccontextmanager
async def _buying(door: doors.Doors, bank: SlowBank) -> AsyncGenerator[Buying]:
    """A buyer in the only thread, who waits for the bank until the block ends."""
    bought = asyncio.create_task(door.execute(_request("1"), PATIENCE_SECONDS))
    await asyncio.to_thread(bank.asked.wait, PATIENCE_SECONDS)
    try:
        yield bought
    finally:
        bank.go.set()


def _run(scene: Scene, bank: SlowBank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "THREADS", 1)
    store = MemoryStore()
    store.inventory.set_available("MUG", 10)
    with Checkout(store, bank) as checkout:
        asyncio.run(asyncio.wait_for(scene(doors.doors_of(checkout)), PATIENCE_SECONDS))


def _request(key: str) -> CheckoutRequest:
    line = CartLine(item_id="MUG", qty=1, price=Money.of("7.50", "EUR"))
    cart = Cart(cart_id=f"cart-{key}", currency="EUR", lines=(line,))
    return CheckoutRequest(
        idempotency_key=key, cart=cart, payment_method=PaymentMethod(kind="card", token="tok_approve")
    )
