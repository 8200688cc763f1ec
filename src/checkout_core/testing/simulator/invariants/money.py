"""MONEY-1 to MONEY-9."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from checkout_core.domain.order import OrderStatus
from checkout_core.ports.payment import ChargeRequest, Repeats
from checkout_core.ports.records import OperationKind, OperationState
from checkout_core.saga.journal import Reopened, Turned
from checkout_core.testing.simulator.history import MoneyRequest
from checkout_core.testing.simulator.invariants.view import Seen, View, is_kept, operation_with

_DEFINITELY_WITHOUT_EFFECT = (OperationState.DECLINED, OperationState.NOT_EXECUTED)
_CLOCK_SECONDS = 0.001
"""Below this two moments are the same."""


def refunds_within_captures_within_total(view: View) -> Iterator[str]:
    """MONEY-1, in our books and in the bank's."""
    for saga_id, seen in view.sagas.items():
        total = seen.order.total.minor
        ours = (seen.moved(OperationKind.REFUND), seen.moved(OperationKind.CHARGE))
        bank = (view.ledger_of(seen, "refund"), view.ledger_of(seen, "charge"))
        for whose, (refunded, captured) in (("ours", ours), ("the bank's", bank)):
            if not 0 <= refunded <= captured <= total:
                yield f"order {saga_id} in {whose} books: refunded {refunded}, captured {captured}, total {total}"
        given = sum(op.amount.minor for op in seen.file.operations if _counts_as_refund(op.kind, op.state))
        if given > max(ours[1], bank[1]):
            yield f"order {saga_id}: refunds under way and done come to {given}, captured {max(ours[1], bank[1])}"


def _counts_as_refund(kind: OperationKind, state: OperationState) -> bool:
    return kind is OperationKind.REFUND and state not in _DEFINITELY_WITHOUT_EFFECT


def each_operation_at_most_once(view: View) -> Iterator[str]:
    """MONEY-2: at the bank each key moves money once, and each order is charged once."""
    for what, count in Counter((e.kind, e.key) for e in view.ledger).items():
        if count > 1:
            yield f"key {what[1]} took effect {count} times as a {what[0]}"
    for reference, count in Counter(e.reference for e in view.ledger).items():
        if count > 1:
            yield f"reference {reference} moved money {count} times"


def at_most_one_send_without_idempotency(view: View) -> Iterator[str]:
    """MONEY-2, for a provider that declares no idempotency: what it refused has been sent, too."""
    if view.policy.repeats is not Repeats.NONE:
        return
    key = view.history.sends[-1].request.key
    count = view.history.arrivals_of(key)
    if count > 1:
        yield f"key {key} was sent {count} times to a provider without idempotency"


def ledgers_agree(view: View) -> Iterator[str]:
    """MONEY-2 at rest: what the bank moved is what we have booked, except where a human has it."""
    for saga_id, seen in view.sagas.items():
        if view.is_handed_over(seen):
            continue
        for kind in OperationKind:
            ours, bank = seen.moved(kind), view.ledger_of(seen, kind.value)
            if ours != bank:
                yield f"order {saga_id}: our books have {kind.value}s of {ours}, the bank's {bank}"


def confirmed_only_when_covered(view: View) -> Iterator[str]:
    """MONEY-3: at the moment of confirmation the bank has taken the total."""
    for saga_id, seen in view.sagas.items():
        covered = seen.balance_at_confirmation
        if covered is not None and covered < seen.order.total.minor:
            yield f"order {saga_id} was confirmed with {covered} of {seen.order.total.minor} taken"


def every_charge_has_its_order(view: View) -> Iterator[str]:
    """MONEY-4 at rest: kept by a confirmed order, given back once, or in a human's hands."""
    for saga_id, seen in view.sagas.items():
        balance = view.balance_of(seen)
        wanted = seen.order.total.minor if is_kept(seen) else 0
        if balance != wanted and not view.is_handed_over(seen):
            yield f"order {saga_id} is {seen.order.status} and the bank keeps {balance} instead of {wanted}"


def charges_are_ours(view: View) -> Iterator[str]:
    """MONEY-5: whatever moved at the bank was intended in the store."""
    intended = {op.reference for seen in view.sagas.values() for op in seen.file.operations}
    for entry in view.ledger:
        if entry.reference not in intended:
            yield f"the bank has a {entry.kind} {entry.reference} that the store never intended"


def one_key_one_request(view: View) -> Iterator[str]:
    """MONEY-5: a key always carries one identical request."""
    first: dict[str, MoneyRequest] = {}
    for send in view.history.sends:
        if first.setdefault(send.request.key, send.request) != send.request:
            yield f"key {send.request.key} carried {first[send.request.key]} and then {send.request}"


def sent_as_intended(view: View) -> Iterator[str]:
    """MONEY-5, MONEY-6 and MONEY-8, looked at in the store at the moment of the last send."""
    if not view.history.sends:
        return
    request = view.history.sends[-1].request
    found = operation_with(view, request.key)
    if found is None:
        yield f"MONEY-5: {request.reference} was sent before its intent was stored"
        return
    seen, stored = found
    ours = (stored.reference, stored.amount, seen.file.saga.saga_id)
    if ours != (request.reference, request.amount, request.order_id):
        yield f"MONEY-5: {request} was sent, the store intends {ours}"
    repeated = view.history.sends_of(request.key) > 1
    if repeated and stored.resend_seconds < -_CLOCK_SECONDS:
        yield f"MONEY-6: {request.reference} was sent {-stored.resend_seconds:.2f} s after resend_until"
    if isinstance(request, ChargeRequest) and stored.pay_by_seconds < -_CLOCK_SECONDS:
        yield f"MONEY-8: {request.reference} was sent {-stored.pay_by_seconds:.2f} s after pay_by"


def nothing_is_charged_that_is_being_undone(view: View) -> Iterator[str]:
    """MONEY-8: an order that is being undone sends nothing that could be the first to take the money."""
    send = view.history.sends[-1] if view.history.sends else None
    seen = view.sagas.get(send.request.order_id) if send is not None else None
    if seen is None or send is None or not isinstance(send.request, ChargeRequest):
        return
    directions = [isinstance(entry, Turned) for _, entry in seen.entries if isinstance(entry, Turned | Reopened)]
    if directions and directions[-1]:
        yield f"{send.request.reference} was sent while its order was being undone"


def new_attempt_only_after_a_definite_end(view: View) -> Iterator[str]:
    """MONEY-6: a new attempt number follows only an attempt that certainly had no effect."""
    for saga_id, seen in view.sagas.items():
        for kind in OperationKind:
            attempts = sorted((op for op in seen.file.operations if op.kind is kind), key=lambda op: op.attempt)
            for before in attempts[:-1]:
                if before.state not in _DEFINITELY_WITHOUT_EFFECT:
                    yield f"order {saga_id}: {kind.value} attempt {before.attempt} is {before.state}, yet a next exists"


def one_paid_order_per_cart_revision(view: View) -> Iterator[str]:
    """MONEY-9 at rest."""
    paid: dict[tuple[str, str, str], list[Seen]] = defaultdict(list)
    for seen in view.sagas.values():
        if view.balance_of(seen) > 0 and seen.order.cart_revision and not view.is_handed_over(seen):
            paid[seen.order.scope, seen.order.cart_id, seen.order.cart_revision].append(seen)
    for cart, orders in paid.items():
        if len(orders) > 1:
            yield f"cart {cart[1]!r} revision {cart[2]!r} was paid {len(orders)} times"


def refused_callers_owe_nothing(view: View) -> Iterator[str]:
    """MONEY-4 for callers: whoever is told that an order failed keeps the money, or gets it back."""
    for each in view.history.answers:
        order_id = each.result.order_id if each.result is not None else ""
        seen = view.sagas.get(order_id)
        if seen is None or each.result is None or each.result.status is not OrderStatus.FAILED:
            continue
        ended = seen.order.status is OrderStatus.FAILED and not seen.is_parked
        if ended and view.balance_of(seen) > 0:
            yield f"order {order_id} was refused and the bank keeps {view.balance_of(seen)}"
