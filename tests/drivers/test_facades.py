"""``Checkout`` and ``AsyncCheckout`` over the memory store and the sandbox bank. One body for both colours."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from checkout_core.adapters.memory.store import MemoryStore
from checkout_core.adapters.sandbox import SandboxPayments
from checkout_core.domain.cart import Cart, CartLine
from checkout_core.domain.money import Money
from checkout_core.domain.order import OrderStatus
from checkout_core.domain.payment import PaymentMethod
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.result import Confirmed, Pending, ProviderUnavailable, Refused
from checkout_core.drivers.aio import AsyncCheckout
from checkout_core.drivers.lending import in_threads
from checkout_core.drivers.threads import Checkout
from checkout_core.errors import (
    CheckoutTimeoutError,
    IdempotencyConflictError,
    InvalidRequestError,
    OrderNotFoundError,
    StorageUnavailableError,
    TransitionRefusedError,
)
from checkout_core.ports.payment import CallLimits, ChargeRequest, PaymentAnswer
from checkout_core.ports.records import CommitAnswer
from checkout_core.settings import Settings
from tests.drivers.toys import PATIENCE, Doorstep, HandClock

COLOURS = ["threads", "asyncio"]


def request_for(key: str, *, token: str = "tok_approve", cart: str = "", qty: int = 1) -> CheckoutRequest:
    return CheckoutRequest(
        idempotency_key=key,
        cart=Cart(
            cart_id=cart or f"cart of {key}",
            currency="EUR",
            lines=(CartLine(item_id="TSHIRT", qty=qty, price=Money.of("19.90", "EUR")),),
        ),
        payment_method=PaymentMethod(kind="card", token=token),
    )


class Shop:
    """One facade over a store and a bank; ``ask`` calls it in either colour."""

    def __init__(
        self, colour: str, store: MemoryStore | None = None, payments: SandboxPayments | None = None, **settings: float
    ) -> None:
        self.store = store or MemoryStore(HandClock())
        self.store.inventory.set_available("TSHIRT", 1000)
        self.payments = payments or SandboxPayments()
        chosen = Settings(**settings)  # type: ignore[arg-type]
        self._loop: asyncio.AbstractEventLoop | None = None
        if colour == "threads":
            self.checkout: Checkout | AsyncCheckout = Checkout(self.store, self.payments, settings=chosen)
            return
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.checkout = AsyncCheckout(self.store, in_threads(self.payments), settings=chosen)

    def ask(self, method: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
        if self._loop is None:
            return method(*args, **keywords)
        return asyncio.run_coroutine_threadsafe(method(*args, **keywords), self._loop).result(PATIENCE)

    def execute(self, request: CheckoutRequest, **keywords: Any) -> Any:
        return self.ask(self.checkout.execute, request, **keywords)

    def stop_event(self) -> tuple[Any, Callable[[], None]]:
        """A ``stop`` for ``run_worker``, and how to set it."""
        if self._loop is None:
            stop = threading.Event()
            return stop, stop.set
        event, loop = asyncio.Event(), self._loop

        def set_there() -> None:
            loop.call_soon_threadsafe(event.set)

        return event, set_there

    def close(self) -> None:
        assert self.ask(self.checkout.close)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE)
            self._loop.close()


@pytest.fixture(params=COLOURS)
def colour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def shop(colour: str) -> Iterator[Shop]:
    made = Shop(colour)
    yield made
    made.close()


def test_a_checkout_is_confirmed_and_can_be_read(shop: Shop) -> None:
    result = shop.execute(request_for("k")).expect_confirmed()
    order = shop.ask(shop.checkout.get_order, result.order_id)
    assert (order.status, order.total) == (OrderStatus.CONFIRMED, Money.of("19.90", "EUR"))
    assert [payment.captured for payment in order.payments] == [Money.of("19.90", "EUR")]
    assert shop.ask(shop.checkout.find_order, "k") == order
    assert shop.ask(shop.checkout.find_order, "k", scope="another shop") is None
    assert "CONFIRMED" in shop.ask(shop.checkout.trace, result.order_id).text()
    assert shop.ask(shop.checkout.ops.list_orders) == (order,)
    assert shop.ask(shop.checkout.ops.list_orders, after=order.order_id) == ()
    assert shop.store.inventory.available("TSHIRT") == 999


def test_an_unknown_order_is_told_so(shop: Shop) -> None:
    with pytest.raises(OrderNotFoundError):
        shop.ask(shop.checkout.get_order, "nothing")
    with pytest.raises(OrderNotFoundError):
        shop.ask(shop.checkout.trace, "nothing")


def test_one_key_from_many_callers_is_one_order_and_one_charge(shop: Shop) -> None:
    with ThreadPoolExecutor(16) as callers:
        results = list(callers.map(lambda _: shop.execute(request_for("k")), range(16)))
    assert {type(result) for result in results} == {Confirmed}
    assert len({result.order_id for result in results}) == 1
    assert sum(not result.replayed for result in results) == 1
    assert len(shop.payments.bank.ledger()) == 1


def test_a_key_with_another_request_is_refused(shop: Shop) -> None:
    shop.execute(request_for("k"))
    with pytest.raises(IdempotencyConflictError):
        shop.execute(request_for("k", qty=2))


@pytest.mark.parametrize("timeout_seconds", [0, -1.0, float("nan"), float("inf"), "20", None])
def test_a_bad_timeout_is_refused_before_any_effect(shop: Shop, timeout_seconds: object) -> None:
    with pytest.raises(InvalidRequestError, match="timeout_seconds"):
        shop.execute(request_for("k"), timeout_seconds=timeout_seconds)
    assert shop.ask(shop.checkout.find_order, "k") is None


@pytest.mark.parametrize("request_", [None, {}, "k"])
def test_what_is_no_request_is_refused(shop: Shop, request_: Any) -> None:
    with pytest.raises(InvalidRequestError, match="CheckoutRequest"):
        shop.execute(request_)


@pytest.mark.parametrize("limit", [0, -1, 1.5, None])
def test_a_bad_limit_is_refused(shop: Shop, limit: Any) -> None:
    for method in (shop.checkout.recover, shop.checkout.ops.list_orders, shop.checkout.ops.parked):
        with pytest.raises(InvalidRequestError, match="limit"):
            shop.ask(method, limit=limit)


def test_a_caller_in_a_hurry_gets_pending_and_the_checkout_goes_on(shop: Shop) -> None:
    provider = _Hesitating(shop)
    result = None
    while result is None:
        # On a busy machine the time may be up before anything is known: then the same call is repeated, as promised.
        with suppress(CheckoutTimeoutError, StorageUnavailableError):
            result = shop.execute(request_for("k"), timeout_seconds=0.2)
    assert isinstance(result, Pending)
    provider.door.opens.set()
    assert shop.execute(request_for("k")).expect_confirmed().order_id == result.order_id
    assert len(shop.payments.bank.ledger()) == 1


def test_while_the_circuit_is_open_nothing_new_begins(colour: str) -> None:
    shop = Shop(colour, circuit_failures=1)
    done = shop.execute(request_for("before")).expect_confirmed()
    shop.execute(request_for("unknown", token="tok_timeout_with_effect"))
    refused = shop.execute(request_for("after"))
    assert isinstance(refused, Refused)
    assert refused.reason == ProviderUnavailable(provider="sandbox")
    assert shop.ask(shop.checkout.find_order, "after") is None
    assert shop.execute(request_for("before")).order_id == done.order_id, "what is known is told"
    shop.close()


def test_after_close_nothing_is_taken(colour: str) -> None:
    shop = Shop(colour)
    done = shop.execute(request_for("before"))
    assert shop.ask(shop.checkout.close)
    with pytest.raises(StorageUnavailableError) as told:
        shop.execute(request_for("k"))
    assert told.value.applied == "no"
    assert shop.store.find("", "k") is None
    assert shop.ask(shop.checkout.get_order, done.order_id).status is OrderStatus.CONFIRMED, "reading goes on"
    shop.close()


def test_an_inline_store_commits_in_the_thread_of_its_caller() -> None:
    committed_in: list[threading.Thread] = []

    class InlineStore(MemoryStore):
        commits_inline = True

        def commit(self, batch: Any) -> list[CommitAnswer]:
            committed_in.append(threading.current_thread())
            return super().commit(batch)

    shop = Shop("threads", InlineStore())
    assert isinstance(shop.execute(request_for("k")), Confirmed)
    assert committed_in == [threading.current_thread()] * 2
    shop.close()


def test_an_inline_store_checks_the_deadline_between_effects() -> None:
    class InlineStore(MemoryStore):
        commits_inline = True

        def commit(self, batch: Any) -> list[CommitAnswer]:
            raise StorageUnavailableError("down", applied="no")

    shop = Shop("threads", InlineStore())
    with pytest.raises(StorageUnavailableError):
        shop.execute(request_for("k"), timeout_seconds=0.01)
    shop.close()


def test_operators_act_on_parked_orders_only(shop: Shop) -> None:
    order_id = shop.execute(request_for("k")).order_id
    ops = shop.checkout.ops
    for act in (ops.retry, ops.compensate):
        with pytest.raises(TransitionRefusedError):
            shop.ask(act, order_id, note="why")
    with pytest.raises(TransitionRefusedError):
        shop.ask(ops.force, order_id, "charged", note="why", provider_reference="ch_1")
    with pytest.raises(OrderNotFoundError):
        shop.ask(ops.retry, "nothing", note="why")
    assert shop.ask(ops.parked) == ()


def test_a_parked_order_can_be_settled_by_an_operator(shop: Shop) -> None:
    order_id = shop.execute(request_for("k", token="tok_key_mismatch")).order_id
    (parked,) = shop.ask(shop.checkout.ops.parked)
    assert parked.order_id == order_id
    (alarm, *_) = shop.ask(shop.checkout.ops.alarms)
    shop.ask(shop.checkout.ops.acknowledge_alarm, alarm.alarm_id)
    assert alarm not in shop.ask(shop.checkout.ops.alarms)
    settled = shop.ask(shop.checkout.ops.force, order_id, "not_charged", note="looked it up")
    assert settled.status is OrderStatus.FAILED
    assert shop.ask(shop.checkout.ops.parked) == ()
    assert shop.store.inventory.available("TSHIRT") == 1000


def test_the_audit_reads_everything_and_tells_how_far_it_is(shop: Shop) -> None:
    for number in range(3):
        shop.execute(request_for(f"k{number}"))
    told: list[int] = []
    report = shop.ask(shop.checkout.ops.audit, progress=told.append)
    assert (report.orders, report.findings, told) == (3, [], [3])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_forked_child_checks_out_under_a_name_of_its_own() -> None:
    shop = Shop("threads")
    parents = shop.execute(request_for("parent"))
    reading, writing = os.pipe()
    if os.fork() == 0:
        try:
            result = shop.execute(request_for("child"))
            os.write(writing, f"{type(result).__name__} {shop.checkout._composition.shop.context.worker}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        kind, worker = pipe.read().decode().split()
    os.wait()
    assert kind == "Confirmed"
    assert worker != {line.worker for line in shop.ask(shop.checkout.trace, parents.order_id).lines}.pop()
    assert isinstance(shop.execute(request_for("parent again")), Confirmed)
    shop.close()


class _Hesitating:
    """The bank of ``shop`` opens its door when the test says so."""

    def __init__(self, shop: Shop) -> None:
        self.door = Doorstep(None)
        charging = shop.payments.charge

        def charge(request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
            self.door(request, limits)
            return charging(request, limits)

        shop.payments.charge = charge  # type: ignore[method-assign]
