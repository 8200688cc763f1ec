"""ORDER-1 to ORDER-4."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from checkout_core.domain.order import OrderStatus
from checkout_core.domain.request import CheckoutRequest
from checkout_core.errors import IdempotencyConflictError
from checkout_core.testing.simulator.invariants.view import Seen, View, terms_of


def one_order_per_key(view: View) -> Iterator[str]:
    """ORDER-1, the stored half."""
    owners = [(seen.file.scope, seen.file.key) for seen in view.sagas.values()]
    for owner in set(owners):
        if owners.count(owner) > 1:
            yield f"key {owner[1]!r} has {owners.count(owner)} orders"


def one_answer_per_key(view: View) -> Iterator[str]:
    """ORDER-1, the callers' half: everyone who was told of an order was told of the same one."""
    told: dict[tuple[str, str], set[str]] = defaultdict(set)
    for each in view.history.answers:
        named = each.result.order_id if each.result is not None else ""
        if named and view.sagas[named].file.key == each.request.idempotency_key:
            told[each.request.scope, each.request.idempotency_key].add(named)
    for owner, orders in sorted(told.items()):
        if len(orders) > 1:
            yield f"callers with key {owner[1]!r} were told of {sorted(orders)}"


def other_request_is_refused(view: View) -> Iterator[str]:
    """ORDER-2: of two different requests with one key only one gets an answer other than the refusal."""
    served: dict[tuple[str, str], list[CheckoutRequest]] = defaultdict(list)
    for each in view.history.answers:
        stored = each.result is not None and each.result.order_id in view.sagas
        if stored and not isinstance(each.error, IdempotencyConflictError):
            known = served[each.request.scope, each.request.idempotency_key]
            if each.request not in known:
                known.append(each.request)
    for (_, key), requests in sorted(served.items()):
        if len(requests) > 1:
            yield f"{len(requests)} different requests with key {key!r} were served"


def one_live_order_per_cart(view: View) -> Iterator[str]:
    """ORDER-3. A cart without a revision is free again some time after its order was confirmed (protocol 5.2)."""
    live: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for saga_id, seen in view.sagas.items():
        order = seen.order
        if order.status.is_live and _holds_cart(view, seen):
            live[order.scope, order.cart_id, order.cart_revision].append(saga_id)
    for guard, orders in live.items():
        if len(orders) > 1:
            yield f"cart {guard[1]!r} revision {guard[2]!r} has the live orders {orders}"


def _holds_cart(view: View, seen: Seen) -> bool:
    order = seen.order
    if order.cart_revision or order.status.is_open:
        return True
    confirmed_at = _moved_at(seen, OrderStatus.CONFIRMED)
    held = timedelta(seconds=view.settings.cart_guard_seconds)
    return confirmed_at is not None and view.now < (confirmed_at + held).timestamp()


def _moved_at(seen: Seen, target: OrderStatus) -> datetime | None:
    versions = [version for version, entry in seen.entries if getattr(entry, "target", None) == target]
    return next((row.at for row in seen.file.journal if versions and row.version == versions[-1]), None)


def accepted_terms_stand(view: View) -> Iterator[str]:
    """ORDER-4 and MONEY-7: the order is what was asked for, adds up, and never changes."""
    for saga_id, seen in view.sagas.items():
        if terms_of(seen.order) != seen.terms:
            yield f"order {saga_id} changed its terms from {seen.terms} to {terms_of(seen.order)}"
        elif view.request_of(seen) is None:
            yield f"order {saga_id} has terms that nobody asked for: {seen.terms}"
    for send in view.history.sends:
        amount, order = send.request.amount, view.sagas.get(send.request.order_id)
        if order is not None and amount.currency != order.order.total.currency:
            yield f"order {send.request.order_id} is in {order.order.total.currency}, {amount} was sent"


def charges_ask_for_the_total(view: View) -> Iterator[str]:
    """ORDER-4: the amount sent to the provider is the order's."""
    for send in view.history.sends:
        seen = view.sagas.get(send.request.order_id)
        is_charge = type(send.request).__name__ == "ChargeRequest"
        if seen is not None and is_charge and send.request.amount != seen.order.total:
            yield f"order {send.request.order_id} costs {seen.order.total}, {send.request.amount} was asked for"
