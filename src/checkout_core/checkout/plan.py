"""From a request to what is about to be stored: the fingerprint, the opening records, keys and references."""

from __future__ import annotations

from hashlib import sha256

from pydantic_core import to_json

from checkout_core.domain.cart import Cart, CartReference
from checkout_core.domain.money import Money
from checkout_core.domain.order import FailureReason, Order, OrderDetails, OrderItem, OrderStatus
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.value import dump
from checkout_core.ports.records import ClaimKey, OpenOrder, OperationKind, TakeGuard

FINGERPRINT_VERSION = "1"
REFERENCE_PREFIX = "co_"
"""Every reference that we give to a provider begins so: a ledger entry with it is ours."""


def fingerprint_of(request: CheckoutRequest) -> str:
    """What the same key must bring again (ORDER-2): cart, method, address, expected total, user; defaults left out.

    Of a cart that is named by its id, its id and revision: its lines are the shop's, and gone once they are bought.
    """
    cart, method = request.cart, request.payment_method
    parts: dict[str, object] = {
        "cart": cart.cart_id,
        "revision": cart.revision,
        **(_offer(cart) if isinstance(cart, Cart) else {}),
        "method": method and [method.kind, method.token],
        "address": request.shipping_address and dump(request.shipping_address),
        "expected": request.expected_total and _shown(cart, request.expected_total),
        "user": request.user_id,
    }
    said = {name: part for name, part in parts.items() if part}
    return f"{FINGERPRINT_VERSION}:{sha256(to_json(said)).hexdigest()}"


def _offer(cart: Cart) -> dict[str, object]:
    return {
        "currency": cart.currency,
        "lines": [[line.item_id, line.location, line.qty, line.price.minor] for line in cart.lines],
        "adjustments": [[each.kind, each.amount.minor, each.label] for each in cart.adjustments],
    }


def _shown(cart: Cart | CartReference, total: Money) -> list[object]:
    """The total that the buyer was shown; in which currency is said by a cart with prices."""
    return [total.minor] if isinstance(cart, Cart) else [total.minor, total.currency]


def owner_of(request: CheckoutRequest) -> str:
    """Who may learn the winner's order id when the cart is taken: the same user with the same lines (protocol 5.2)."""
    lines = [[line.item_id, line.location, line.qty, line.price.minor] for line in request.priced_cart.lines]
    return sha256(to_json([request.user_id, lines])).hexdigest()


def claim_key(request: CheckoutRequest, fingerprint: str) -> ClaimKey:
    return ClaimKey(scope=request.scope, key=request.idempotency_key, fingerprint=fingerprint)


def take_guard(request: CheckoutRequest) -> TakeGuard:
    cart = request.priced_cart
    return TakeGuard(scope=request.scope, cart_id=cart.cart_id, revision=cart.revision, owner=owner_of(request))


def open_order(request: CheckoutRequest) -> OpenOrder:
    cart = request.priced_cart
    return OpenOrder(
        scope=request.scope,
        user_id=request.user_id,
        cart_id=cart.cart_id,
        cart_revision=cart.revision,
        total=cart.payable,
        status=OrderStatus.PENDING,
        items=tuple(
            OrderItem(item_id=line.item_id, qty=line.qty, price=line.price, location=line.location)
            for line in cart.lines
        ),
        details=OrderDetails(
            adjustments=tuple(cart.adjustments),
            contact=request.contact,
            shipping_address=request.shipping_address,
            billing_address=request.billing_address,
            return_url=request.return_url,
        ),
        previous_order_id=request.previous_order_id,
    )


def born_as(order: Order, status: OrderStatus, reason: FailureReason) -> OpenOrder:
    """The same order, stored with this status from the beginning."""
    return OpenOrder(
        scope=order.scope,
        user_id=order.user_id,
        cart_id=order.cart_id,
        cart_revision=order.cart_revision,
        total=order.total,
        status=status,
        items=order.items,
        details=order.details,
        previous_order_id=order.previous_order_id,
        reason=reason,
    )


def operation_id(kind: OperationKind, leg: int, attempt: int) -> str:
    """Unique within the order, and the same for whoever works it out again."""
    return f"{kind}/{leg}/{attempt}"


def provider_key(order_id: str, operation: str) -> str:
    """The provider's idempotency key: a function of order and operation (MONEY-5). 44 characters, 0-9, a-f and '_'."""
    return "co1_" + sha256(f"{order_id}|{operation}".encode()).hexdigest()[:40]


def provider_reference(order_id: str, operation: str) -> str:
    return f"{REFERENCE_PREFIX}{order_id}_{operation.replace('/', '-')}"
