"""A checkout that never oversells and never charges twice. Start with :class:`Checkout` or :class:`AsyncCheckout`."""

from checkout_core.checkout.audit import AuditReport, Finding, LedgerEntry
from checkout_core.checkout.trace import Trace, TraceLine
from checkout_core.domain.buyer import Address, Contact
from checkout_core.domain.cart import Adjustment, AdjustmentKind, Cart, CartLine, CartReference
from checkout_core.domain.money import Money
from checkout_core.domain.order import Attention, FailureReason, Order, OrderItem, OrderStatus, StockState
from checkout_core.domain.payment import Payment, PaymentMethod, PaymentStatus
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.result import (
    ActionRequired,
    CartChanged,
    CartTaken,
    CheckoutResult,
    Confirmed,
    DeclineKind,
    Expired,
    OrderClosed,
    OutOfStock,
    PaymentDeclined,
    PaymentNotSent,
    Pending,
    ProviderUnavailable,
    Reason,
    Refused,
    Shortage,
    StepRefused,
)
from checkout_core.domain.value import dump, parse
from checkout_core.drivers.aio import AsyncCheckout
from checkout_core.drivers.lending import in_threads
from checkout_core.drivers.looping import in_loop
from checkout_core.drivers.recovery import RecoveryReport
from checkout_core.drivers.relaying import RelayReport
from checkout_core.drivers.threads import Checkout
from checkout_core.errors import (
    CheckoutError,
    CheckoutTimeoutError,
    ConfigurationError,
    IdempotencyConflictError,
    InsideTransactionError,
    InvalidRequestError,
    InvariantError,
    NotConfirmedError,
    OrderNotFoundError,
    Problem,
    SchemaVersionError,
    StorageUnavailableError,
    TransitionRefusedError,
)
from checkout_core.settings import Settings

__all__ = [
    "ActionRequired",
    "Address",
    "Adjustment",
    "AdjustmentKind",
    "AsyncCheckout",
    "Attention",
    "AuditReport",
    "Cart",
    "CartChanged",
    "CartLine",
    "CartReference",
    "CartTaken",
    "Checkout",
    "CheckoutError",
    "CheckoutRequest",
    "CheckoutResult",
    "CheckoutTimeoutError",
    "ConfigurationError",
    "Confirmed",
    "Contact",
    "DeclineKind",
    "Expired",
    "FailureReason",
    "Finding",
    "IdempotencyConflictError",
    "InsideTransactionError",
    "InvalidRequestError",
    "InvariantError",
    "LedgerEntry",
    "Money",
    "NotConfirmedError",
    "Order",
    "OrderClosed",
    "OrderItem",
    "OrderNotFoundError",
    "OrderStatus",
    "OutOfStock",
    "Payment",
    "PaymentDeclined",
    "PaymentMethod",
    "PaymentNotSent",
    "PaymentStatus",
    "Pending",
    "Problem",
    "ProviderUnavailable",
    "Reason",
    "RecoveryReport",
    "Refused",
    "RelayReport",
    "SchemaVersionError",
    "Settings",
    "Shortage",
    "StepRefused",
    "StockState",
    "StorageUnavailableError",
    "Trace",
    "TraceLine",
    "TransitionRefusedError",
    "dump",
    "in_loop",
    "in_threads",
    "parse",
]
