"""A sync adapter in threads, and the mix-up of colours at construction."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest

from checkout_core.adapters.memory.store import MemoryStore
from checkout_core.adapters.sandbox import AsyncSandboxPayments, CancellingSandboxPayments, SandboxPayments
from checkout_core.drivers.aio import AsyncCheckout
from checkout_core.drivers.lending import in_threads
from checkout_core.drivers.threads import Checkout
from checkout_core.errors import ConfigurationError, NotSentError, RejectedError
from checkout_core.ports.payment import AsyncKeyCancelling, CallLimits, ChargeRequest, Guarantees, PaymentAnswer
from tests.drivers.toys import CHARGE, PAID, Doorstep

LIMITS = CallLimits(timeout_seconds=10.0)


class Toy:
    name, account, guarantees = "toy", "account", Guarantees(key_window_seconds=5.0)

    def __init__(self, charging: Callable[[Any, CallLimits], Any]) -> None:
        self.charging = charging

    def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        answer: PaymentAnswer = self.charging(request, limits)
        return answer

    refund = charge
    lookup = charge


def test_a_lent_adapter_keeps_its_name_account_and_guarantees() -> None:
    lent = in_threads(Toy(lambda request, limits: PAID))  # type: ignore[arg-type]
    assert (lent.name, lent.account, lent.guarantees) == ("toy", "account", Guarantees(key_window_seconds=5.0))


def test_a_lent_adapter_answers_from_another_thread_under_the_callers_context() -> None:
    tenant: ContextVar[str] = ContextVar("tenant", default="nobody")
    seen: list[tuple[str, bool]] = []
    here = threading.current_thread()

    def charging(request: object, limits: CallLimits) -> object:
        seen.append((tenant.get(), threading.current_thread() is here))
        assert (request, limits) == (CHARGE, LIMITS)
        return PAID

    tenant.set("acme")
    assert asyncio.run(in_threads(Toy(charging)).charge(CHARGE, LIMITS)) == PAID  # type: ignore[arg-type]
    assert seen == [("acme", False)]


def test_what_a_lent_adapter_raises_is_raised() -> None:
    def charging(request: object, limits: CallLimits) -> object:
        raise RejectedError("no")

    with pytest.raises(RejectedError, match="no"):
        asyncio.run(in_threads(Toy(charging)).charge(CHARGE, LIMITS))  # type: ignore[arg-type]


def test_a_call_that_finds_no_thread_is_not_sent_and_never_queues() -> None:
    provider = Doorstep(PAID)
    lent = in_threads(Toy(provider), threads_most=1)  # type: ignore[arg-type]

    async def two() -> None:
        first = asyncio.create_task(lent.charge(CHARGE, LIMITS))
        await asyncio.to_thread(provider.await_request)
        with pytest.raises(NotSentError):
            await lent.charge(CHARGE, LIMITS)
        provider.opens.set()
        assert await first == PAID

    asyncio.run(two())


def test_a_call_that_is_given_up_leaves_the_loop_at_once() -> None:
    provider = Doorstep(PAID)
    lent = in_threads(Toy(provider))  # type: ignore[arg-type]

    async def given_up() -> None:
        call = asyncio.create_task(lent.charge(CHARGE, LIMITS))
        await asyncio.to_thread(provider.await_request)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(given_up())
    assert not provider.opens.is_set()
    provider.opens.set()


def test_only_an_adapter_that_cancels_keys_is_lent_as_one() -> None:
    assert isinstance(in_threads(CancellingSandboxPayments()), AsyncKeyCancelling)
    assert not isinstance(in_threads(SandboxPayments()), AsyncKeyCancelling)


def test_an_async_adapter_is_not_lent() -> None:
    with pytest.raises(ConfigurationError, match="AsyncSandboxPayments.charge is a coroutine function"):
        in_threads(AsyncSandboxPayments())  # type: ignore[arg-type]


def test_a_sync_adapter_in_an_async_checkout_is_found_at_construction() -> None:
    with pytest.raises(ConfigurationError, match="in_threads"):
        AsyncCheckout(MemoryStore(), SandboxPayments())  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="in_threads"):
        AsyncCheckout(MemoryStore(), {"card": AsyncSandboxPayments(), "wallet": SandboxPayments()})  # type: ignore[dict-item]


def test_an_async_adapter_in_a_checkout_is_found_at_construction() -> None:
    with pytest.raises(ConfigurationError, match="coroutine function"):
        Checkout(MemoryStore(), AsyncSandboxPayments())  # type: ignore[arg-type]


def test_a_mixed_adapter_is_found_at_construction() -> None:
    class Mixed(CancellingSandboxPayments):
        async def cancel_by_key(self, key: str, limits: CallLimits) -> PaymentAnswer:  # type: ignore[override]
            raise AssertionError

    with pytest.raises(ConfigurationError, match="cancel_by_key"):
        Checkout(MemoryStore(), Mixed())


@pytest.mark.parametrize("provider", [object(), SandboxPayments(name=""), {}, None])
def test_what_is_no_provider_is_found_at_construction(provider: Any) -> None:
    with pytest.raises(ConfigurationError):
        Checkout(MemoryStore(), provider)


def test_two_adapters_for_one_account_are_found_at_construction() -> None:
    same = SandboxPayments()
    Checkout(MemoryStore(), {"card": same, "wallet": same}).close()
    with pytest.raises(ConfigurationError, match="one adapter per account"):
        Checkout(MemoryStore(), {"card": same, "wallet": SandboxPayments()})
