"""What is played: who buys what, at which bank, with how much stock, and when recovery begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from checkout_core.adapters.sandbox import BankPolicy
from checkout_core.domain.cart import Cart, CartLine
from checkout_core.domain.money import Money
from checkout_core.domain.payment import PaymentMethod
from checkout_core.domain.request import CheckoutRequest
from checkout_core.settings import Settings

SETTINGS = Settings(watch_seconds=3600.0, park_after_seconds=7200.0, retry_most_seconds=3600.0)
"""As a shop has them, but for what only makes a run longer."""

CURRENCY = "EUR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """A call of ``execute`` at ``at_seconds`` of the run. ``provider_open``: its process has the circuit open."""

    request: CheckoutRequest
    at_seconds: float = 0.0
    provider_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """The warehouse finds ``delta`` units more (or less) at ``at_seconds`` of the run."""

    at_seconds: float
    item_id: str
    delta: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """``recovery_from_seconds``: no worker looks for due sagas before. ``recoverers``: how many do then.

    ``strangers``: further workers whose process has no account at this bank, so that they must leave all alone.

    ``operator_after_seconds``: how long after an order was parked an operator acts; None: nobody ever does.
    ``adjustments``: what the warehouse enters meanwhile.

    ``acts_after_seconds``: how long whoever must decide at the bank (the buyer, the bank) takes; ``approves``: what is
    decided then. ``rests_after_seconds``: nothing goes wrong and nobody calls later, so that all must be settled.
    """

    name: str
    purchases: tuple[Purchase, ...]
    stock: Mapping[str, int]
    policy: BankPolicy = field(default_factory=BankPolicy)
    settings: Settings = SETTINGS
    recovery_from_seconds: float = 0.0
    recoverers: int = 1
    strangers: int = 0
    operator_after_seconds: float | None = None
    adjustments: tuple[Adjustment, ...] = ()
    acts_after_seconds: float = 100.0
    approves: bool = True
    rests_after_seconds: float = 40_000.0


def cart(cart_id: str, lines: Mapping[str, int], *, price: str = "19.90", revision: str = "") -> Cart:
    """A cart with ``lines`` of item and quantity, each at ``price``."""
    return Cart(
        cart_id=cart_id,
        currency=CURRENCY,
        lines=tuple(CartLine(item_id=item, qty=qty, price=Money.of(price, CURRENCY)) for item, qty in lines.items()),
        revision=revision,
    )


def request(key: str, token: str, bought: Cart) -> CheckoutRequest:
    """A request to buy; ``token`` selects what the bank does."""
    return CheckoutRequest(
        idempotency_key=key, cart=bought, payment_method=PaymentMethod(kind="card", token=token), user_id="buyer"
    )
