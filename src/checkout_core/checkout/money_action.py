"""A charge or a refund as a remote action: what differs is what is asked and what an answer means."""

from __future__ import annotations

from abc import ABC, abstractmethod

from checkout_core.checkout.shop import Account, Shop
from checkout_core.checkout.state import CheckoutState
from checkout_core.checkout.unknown_outcome import Inquiry, resolve, send, watch
from checkout_core.effect import Program
from checkout_core.errors import InvariantError
from checkout_core.ports.store import Operation
from checkout_core.saga.step import Intent, Sendable, Settlement


class MoneyAction(ABC):
    """The way from an intent to a known outcome is the same for all money."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    @abstractmethod
    def intend(self, state: CheckoutState) -> Intent: ...

    @abstractmethod
    def inquiry(self, at: Sendable[CheckoutState]) -> Inquiry: ...

    def send(self, at: Sendable[CheckoutState]) -> Program[Settlement]:
        return send(self.inquiry(at))

    def resolve(self, at: Sendable[CheckoutState]) -> Program[Settlement]:
        return resolve(self.inquiry(at))

    def watch(self, at: Sendable[CheckoutState]) -> Program[Settlement]:
        return watch(self.inquiry(at))

    def account_of(self, operation: Operation) -> Account:
        """The account that the operation was made with."""
        account = self.shop.account_of(operation)
        if account is None:
            raise InvariantError("a checkout of a provider that is not here must be left alone")
        return account
