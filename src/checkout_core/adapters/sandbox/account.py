"""What every adapter to the sandbox bank shares: its identity, and the port's methods over one way of asking."""

from __future__ import annotations

from abc import ABC, abstractmethod

from checkout_core.adapters.sandbox.answers import BankRequest, CancelKey
from checkout_core.errors import OutcomeUnknownError
from checkout_core.ports.payment import (
    CallLimits,
    ChargeRequest,
    Guarantees,
    LookupAnswer,
    NotFound,
    PaymentAnswer,
    PaymentQuery,
    RefundRequest,
)


class Account:
    """Who the adapter is, and what it declares."""

    def __init__(self, *, name: str, account: str, guarantees: Guarantees) -> None:
        self._name, self._account, self._guarantees = name, account, guarantees

    @property
    def name(self) -> str:
        return self._name

    @property
    def account(self) -> str:
        return self._account

    @property
    def guarantees(self) -> Guarantees:
        return self._guarantees


class Asking(Account, ABC):
    """:class:`~checkout_core.ports.payment.PaymentProvider` over :meth:`_ask`."""

    def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        return _payment(self._ask(request, limits))

    def refund(self, request: RefundRequest, limits: CallLimits) -> PaymentAnswer:
        return _payment(self._ask(request, limits))

    def lookup(self, query: PaymentQuery, limits: CallLimits) -> LookupAnswer:
        return self._ask(query, limits)

    def _end_key(self, key: str, limits: CallLimits) -> PaymentAnswer:
        return _payment(self._ask(CancelKey(key), limits))

    @abstractmethod
    def _ask(self, request: BankRequest, limits: CallLimits) -> LookupAnswer: ...


class AsyncAsking(Account, ABC):
    """:class:`Asking` as coroutines."""

    async def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        return _payment(await self._ask(request, limits))

    async def refund(self, request: RefundRequest, limits: CallLimits) -> PaymentAnswer:
        return _payment(await self._ask(request, limits))

    async def lookup(self, query: PaymentQuery, limits: CallLimits) -> LookupAnswer:
        return await self._ask(query, limits)

    async def _end_key(self, key: str, limits: CallLimits) -> PaymentAnswer:
        return _payment(await self._ask(CancelKey(key), limits))

    @abstractmethod
    async def _ask(self, request: BankRequest, limits: CallLimits) -> LookupAnswer: ...


def _payment(answer: LookupAnswer) -> PaymentAnswer:
    if isinstance(answer, NotFound):
        raise OutcomeUnknownError("the bank answered a payment with 'not found'")
    return answer
