"""Requests as the checkout would make them."""

from __future__ import annotations

from checkout_core.domain.money import Money
from checkout_core.ports.payment import CallLimits, ChargeRequest, PaymentQuery, RefundRequest

LIMITS = CallLimits(timeout_seconds=5.0)


def euros(minor: int) -> Money:
    return Money(minor=minor, currency="EUR")


def charge(token: str = "tok_approve", *, key: str = "key-1", reference: str = "", minor: int = 1990) -> ChargeRequest:
    return ChargeRequest(
        key=key,
        reference=reference or f"ref-{key}",
        order_id=f"order-{key}",
        amount=euros(minor),
        method_kind="card",
        token=token,
    )


def refund(of: str, *, key: str = "refund-1", minor: int = 1990) -> RefundRequest:
    return RefundRequest(
        key=key, reference=f"ref-{key}", order_id="order-1", provider_reference=of, amount=euros(minor)
    )


def ask(reference: str = "ref-key-1", *, provider_reference: str = "", refund: bool = False) -> PaymentQuery:
    return PaymentQuery(
        operation="refund" if refund else "charge", reference=reference, provider_reference=provider_reference
    )
