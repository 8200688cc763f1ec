"""The order: what was accepted, and how far it has come. Made by the library from validated values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from checkout_core.domain.buyer import Address, Contact
from checkout_core.domain.cart import Adjustment
from checkout_core.domain.money import Money
from checkout_core.domain.payment import Payment


class OrderStatus(StrEnum):
    PENDING = "PENDING"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    CONFIRMED = "CONFIRMED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"
    PAYMENT_LOST = "PAYMENT_LOST"

    @property
    def is_live(self) -> bool:
        """A live order holds its cart guard (protocol section 1)."""
        return self not in (OrderStatus.FAILED, OrderStatus.CANCELLED, OrderStatus.REFUNDED)

    @property
    def is_open(self) -> bool:
        """An open order is not yet decided."""
        return self in (OrderStatus.PENDING, OrderStatus.REQUIRES_ACTION)


class StockState(StrEnum):
    """Where the order's reservation stands. Each hold is committed or released exactly once (STOCK-3)."""

    NONE = "none"
    HELD = "held"
    COMMITTED = "committed"
    RELEASED = "released"


class FailureReason(StrEnum):
    OUT_OF_STOCK = "out_of_stock"
    PAYMENT_DECLINED = "payment_declined"
    PAYMENT_NOT_SENT = "payment_not_sent"
    STEP_REFUSED = "step_refused"
    EXPIRED = "expired"
    OPERATOR = "operator"


class Attention(StrEnum):
    """What an operator should know beside the status; never hidden in it (STATE-4)."""

    NONE = ""
    UNDOING = "undoing"
    UNDER_REVIEW = "under_review"
    PARKED = "parked"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderItem:
    """One line of the order, as it stood in the cart."""

    item_id: str
    qty: int
    price: Money
    location: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDetails:
    """The part of an order that the library only keeps and hands on: adjustments, contact, addresses."""

    adjustments: tuple[Adjustment, ...] = ()
    contact: Contact | None = None
    shipping_address: Address | None = None
    billing_address: Address | None = None
    return_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as the store has it. ``created_at`` and ``updated_at`` are the database's clock, in UTC."""

    order_id: str
    status: OrderStatus
    total: Money
    items: tuple[OrderItem, ...]
    created_at: datetime
    updated_at: datetime
    cart_id: str
    cart_revision: str = ""
    scope: str = ""
    user_id: str = ""
    reason: FailureReason | None = None
    reason_detail: str = ""
    attention: Attention = Attention.NONE
    stock: StockState = StockState.NONE
    payments: tuple[Payment, ...] = ()
    details: OrderDetails
    previous_order_id: str = ""
