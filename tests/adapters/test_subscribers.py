"""Functions that receive events: what they raise is an answer, and touches no other event."""

from __future__ import annotations

import asyncio

import pytest

from checkout_core.adapters.memory import MemoryStore
from checkout_core.adapters.sandbox import SandboxPayments
from checkout_core.adapters.subscribers import AsyncSubscribers, Subscribers
from checkout_core.domain.event import Event, EventType
from checkout_core.domain.order import OrderStatus
from checkout_core.drivers.threads import Checkout
from checkout_core.errors import OutcomeUnknownError, RejectedError
from checkout_core.ports.payment import CallLimits
from tests.adapters.events import an_event
from tests.drivers.test_facades import request_for

LIMITS = CallLimits(timeout_seconds=1.0)


@pytest.mark.parametrize("colour", ["threads", "asyncio"])
def test_each_event_goes_to_the_function_of_its_type(colour: str) -> None:
    """EVENT-3: an error is the event's, and is told without what it says."""
    told: list[Event] = []
    rejected = RejectedError("never")

    def tell(event: Event) -> None:
        told.append(event)

    def fail(event: Event) -> None:
        raise ValueError("zoe@example.org")

    def reject(event: Event) -> None:
        raise rejected

    functions = {
        EventType.ORDER_CONFIRMED: tell,
        EventType.ORDER_FAILED: fail,
        EventType.ORDER_CANCELLED: reject,
    }
    kinds = [*functions, EventType.ORDER_REFUNDED, "order.from_a_newer_release.v1"]
    events = [an_event(number, kind) for number, kind in enumerate(kinds)]
    if colour == "threads":
        answers = Subscribers(functions).publish(events, LIMITS)
    else:

        def in_loop(function: object) -> object:
            async def call(event: Event) -> None:
                function(event)  # type: ignore[operator]

            return call

        lent = {kind: in_loop(function) for kind, function in functions.items()}
        answers = asyncio.run(AsyncSubscribers(lent).publish(events, LIMITS))  # type: ignore[arg-type]
    assert told == events[:1]
    confirmed, failed, cancelled, *others = answers
    assert confirmed is None
    assert isinstance(failed, OutcomeUnknownError)
    assert str(failed) == "the function raised ValueError"
    assert cancelled is rejected
    assert others == [None, None]


def test_a_subscriber_sees_the_order_that_the_event_names() -> None:
    """EVENT-3: it is called after the commit."""
    store = MemoryStore()
    store.inventory.set_available("TSHIRT", 1)
    seen: list[OrderStatus] = []

    def look(event: Event) -> None:
        seen.append(checkout.get_order(event.order_id).status)

    checkout = Checkout(store, SandboxPayments(), publishers=[Subscribers({EventType.ORDER_CONFIRMED: look})])
    with checkout:
        checkout.relay()
        checkout.execute(request_for("k")).expect_confirmed()
        assert checkout.relay().delivered == 1
    assert seen == [OrderStatus.CONFIRMED]
