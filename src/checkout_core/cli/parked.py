"""``checkout-core parked``: the orders that wait for an operator, and what the operator decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from checkout_core.checkout.operator import Evidence
from checkout_core.cli.app import AnyCheckout, ask
from checkout_core.cli.screen import Screen, Style
from checkout_core.cli.terminal import OK
from checkout_core.domain.order import Order
from checkout_core.drivers.aio import AsyncCheckout
from checkout_core.drivers.threads import Checkout
from checkout_core.ports.store import Alarm

EVIDENCE: tuple[Evidence, ...] = get_args(Evidence)
"""What an operator may have seen in the provider's books."""

_ALARMS_MOST = 1_000


@dataclass(frozen=True, slots=True)
class ParkedAnswer:
    """``causes``: by order, the kinds of its alarms."""

    orders: Sequence[Order]
    causes: dict[str, list[str]]

    @property
    def status(self) -> int:
        return OK

    def as_dict(self) -> dict[str, object]:
        return {"parked": [{**_told(order), "alarms": self.causes.get(order.order_id, [])} for order in self.orders]}

    def show(self, screen: Screen) -> None:
        if not self.orders:
            screen.mark("none", "no order waits for an operator", Style.GOOD)
            return
        rows = [
            (order.order_id, order.status, order.attention, str(order.total), ", ".join(self._causes(order)))
            for order in self.orders
        ]
        screen.table(("order", "status", "attention", "total", "alarms"), rows)
        screen.say("Look with `checkout-core trace`, decide with `parked retry`, `compensate` or `force`.", Style.QUIET)

    def _causes(self, order: Order) -> list[str]:
        return self.causes.get(order.order_id, [])


@dataclass(frozen=True, slots=True)
class DecidedAnswer:
    """The order after the operator's decision."""

    order: Order

    @property
    def status(self) -> int:
        return OK

    def as_dict(self) -> dict[str, object]:
        return _told(self.order)

    def show(self, screen: Screen) -> None:
        attention = f", {self.order.attention}" if self.order.attention else ""
        screen.mark("ok", f"order {self.order.order_id} is {self.order.status}{attention}", Style.GOOD)


def parked(checkout: AnyCheckout, limit: int) -> ParkedAnswer:
    """The oldest orders that wait for an operator, with why."""

    def in_threads(found: Checkout) -> tuple[Sequence[Order], Sequence[Alarm]]:
        return found.ops.parked(limit=limit), found.ops.alarms(limit=_ALARMS_MOST)

    async def in_tasks(found: AsyncCheckout) -> tuple[Sequence[Order], Sequence[Alarm]]:
        return await found.ops.parked(limit=limit), await found.ops.alarms(limit=_ALARMS_MOST)

    orders, alarms = ask(checkout, in_threads, in_tasks)
    causes: dict[str, list[str]] = {}
    for alarm in alarms:
        causes.setdefault(alarm.order_id, []).append(alarm.kind)
    return ParkedAnswer(orders, causes)


def retry(checkout: AnyCheckout, order_id: str, note: str) -> DecidedAnswer:
    """Let the workers go on where the order stopped."""
    return DecidedAnswer(
        ask(
            checkout,
            lambda found: found.ops.retry(order_id, note=note),
            lambda found: found.ops.retry(order_id, note=note),
        )
    )


def compensate(checkout: AnyCheckout, order_id: str, note: str) -> DecidedAnswer:
    """Undo the order."""
    return DecidedAnswer(
        ask(
            checkout,
            lambda found: found.ops.compensate(order_id, note=note),
            lambda found: found.ops.compensate(order_id, note=note),
        )
    )


def force(
    checkout: AnyCheckout, order_id: str, evidence: Evidence, note: str, provider_reference: str
) -> DecidedAnswer:
    """Settle the order's charge or refund by what was seen in the provider's books."""
    return DecidedAnswer(
        ask(
            checkout,
            lambda found: found.ops.force(order_id, evidence, note=note, provider_reference=provider_reference),
            lambda found: found.ops.force(order_id, evidence, note=note, provider_reference=provider_reference),
        )
    )


def _told(order: Order) -> dict[str, object]:
    return {
        "order_id": order.order_id,
        "status": order.status.value,
        "attention": order.attention.value,
        "reason": order.reason.value if order.reason is not None else None,
        "total": {"minor": order.total.minor, "currency": order.total.currency},
        "created_at": order.created_at.isoformat(),
    }
