"""One operation alone, without a saga around it: what is asked of the provider, and what is concluded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from checkout_core.checkout.charge import Charge
from checkout_core.checkout.refund import GiveBack
from checkout_core.checkout.state import CheckoutState
from checkout_core.domain.order import Order, OrderDetails, OrderItem, OrderStatus
from checkout_core.ports.payment import Guarantees
from checkout_core.ports.records import OperationKind, OperationState
from checkout_core.ports.store import Operation
from checkout_core.saga.effects import Call
from checkout_core.saga.step import Sendable, Settlement
from tests.checkout.desk import STRONG, Answer, Desk, eur
from tests.saga.driving import START

How = Literal["send", "resolve", "watch"]
LEASE_SECONDS = 60.0


def operation(kind: OperationKind = OperationKind.CHARGE, **changes: object) -> Operation:
    """An operation that was intended just now; ``changes`` are what is known of it since."""
    known: dict[str, object] = {
        "operation_id": f"{kind}/0/1",
        "kind": kind,
        "leg": 0,
        "attempt": 1,
        "provider": "testbank",
        "account": "main",
        "key": f"key of {kind}",
        "reference": f"reference of {kind}",
        "amount": eur(1990),
        "request": '{"version":1,"method_kind":"card","return_url":""}',
        "token": "tok_secret",
        "state": OperationState.INTENDED,
        "provider_reference": "",
        "moved_minor": 0,
        "code": "",
        "decline_kind": None,
        "action_url": "",
        "age_seconds": 0.0,
        "pay_by_seconds": 900.0,
        "resend_seconds": 69120.0,
        "quiet_seconds": 90.0,
        "watch_seconds": None,
    }
    return Operation(**{**known, **changes})  # type: ignore[arg-type]


def charged() -> Operation:
    return operation(state=OperationState.SUCCEEDED, moved_minor=1990, provider_reference="p0", token="")


def state_of(*operations: Operation, status: OrderStatus = OrderStatus.PENDING) -> CheckoutState:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    order = Order(
        order_id="order-1",
        status=status,
        total=eur(1990),
        items=(OrderItem(item_id="shirt", qty=1, price=eur(1990)),),
        created_at=at,
        updated_at=at,
        cart_id="cart-1",
        details=OrderDetails(),
    )
    return CheckoutState(order_id="order-1", fingerprint="", order=order, operations=operations, anchor=START)


@dataclass(frozen=True)
class Asked:
    """``seconds``: how long it took. ``known``: the operation as the settlement's records leave it."""

    settlement: Settlement
    calls: tuple[Call, ...]
    seconds: float

    @property
    def operations(self) -> list[str]:
        return [call.operation for call in self.calls]


def ask(
    how: How,
    about: Operation,
    answers: dict[str, Sequence[Answer]] | None = None,
    *,
    guarantees: Guarantees = STRONG,
    cancels_keys: bool = False,
    resent: bool = False,
    wanted: bool = True,
    lease_seconds: float = LEASE_SECONDS,
    **settings: object,
) -> Asked:
    """Send, resolve or watch ``about`` at a provider that gives ``answers``, by the name of what it is asked."""
    desk = Desk(guarantees, cancels_keys=cancels_keys, **settings)
    for name, given in (answers or {}).items():
        desk.answers[name] = list(given)
    is_charge = about.kind is OperationKind.CHARGE
    action = Charge(desk.shop) if is_charge else GiveBack(desk.shop)
    state = state_of(about) if is_charge else state_of(charged(), about)
    at = Sendable(state, about.operation_id, START + lease_seconds, resent, wanted)
    program = {"send": action.send, "resolve": action.resolve, "watch": action.watch}[how](at)
    settlement = desk.driver.run(program)
    return Asked(settlement, tuple(desk.driver.calls()), desk.clock.now - START)
