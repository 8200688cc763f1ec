"""What the pure side knows of a composed checkout: the settings, and the payment accounts by kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from checkout_core.checkout.state import CheckoutState
from checkout_core.domain.payment import PaymentMethod
from checkout_core.errors import InvalidRequestError, Problem
from checkout_core.ports.payment import Guarantees, Repeats
from checkout_core.ports.store import Operation
from checkout_core.saga.context import Context
from checkout_core.saga.definition import Definition
from checkout_core.settings import Settings


@dataclass(frozen=True, slots=True)
class Account:
    """A payment account that this process can reach. ``port`` is the driver's name for its adapter."""

    port: str
    name: str
    account: str
    guarantees: Guarantees
    cancels_keys: bool = False

    @property
    def repeats_safely(self) -> bool:
        """Whether the identical request may be sent again after an unknown outcome.

        Not where a failure is tried anew: a 5xx that hid a success would be charged a second time.
        """
        return self.guarantees.repeats in (Repeats.REPLAY, Repeats.CURRENT_STATE)

    @property
    def resend_seconds(self) -> float:
        """Repeats stop at 80 % of the provider's key window: they never meet a forgotten key (protocol 4.2)."""
        return self.guarantees.key_window_seconds * 0.8


@dataclass(frozen=True, slots=True, eq=False)
class Shop:
    """``accounts`` by :attr:`PaymentMethod.kind`; the key '*' serves every kind.

    ``recipes``: every version of the checkout that this process can run; the first opens new orders. None given: those
    that the library has (:data:`checkout_core.checkout.recipe.RECIPES`). ``has_carts``: the shop keeps its own carts.
    """

    settings: Settings
    accounts: Mapping[str, Account]
    context: Context
    recipes: tuple[Recipe, ...] = ()
    has_carts: bool = False

    def account_for(self, method: PaymentMethod) -> Account:
        found = self.accounts.get(method.kind) or self.accounts.get("*")
        if found is None:
            said = "no payment provider is configured for this kind"
            raise InvalidRequestError([Problem("payment_method.kind", said, well_formed=True)])
        return found

    def account_of(self, operation: Operation) -> Account | None:
        """The account that the operation was made with; None: this process must leave it alone (protocol 4.11)."""
        for account in self.accounts.values():
            if (account.name, account.account) == (operation.provider, operation.account):
                return account
        return None


Recipe: TypeAlias = Callable[[Shop], Definition[CheckoutState]]
"""Makes one version of the checkout for a shop."""
