"""Adapters to a bank in the same process."""

from __future__ import annotations

import asyncio
import time

from checkout_core.adapters.sandbox.account import Asking, AsyncAsking
from checkout_core.adapters.sandbox.answers import BankRequest, Failed, Handled
from checkout_core.adapters.sandbox.bank import SandboxBank
from checkout_core.errors import OutcomeUnknownError
from checkout_core.ports.payment import CallLimits, Guarantees, LookupAnswer, PaymentAnswer


class SandboxPayments(Asking):
    """:class:`~checkout_core.ports.payment.PaymentProvider` over a :class:`SandboxBank` in this process.

    Without ``bank`` it opens one of its own, found under :attr:`bank`. ``guarantees`` replaces what the bank's policy
    promises, so that a test can make the adapter lie. A lost answer is reported at once, without waiting for the
    timeout; a slow one is waited for with :func:`time.sleep`.
    """

    def __init__(
        self,
        bank: SandboxBank | None = None,
        *,
        name: str = "sandbox",
        account: str = "sandbox",
        guarantees: Guarantees | None = None,
    ) -> None:
        self.bank = bank or SandboxBank()
        super().__init__(name=name, account=account, guarantees=guarantees or self.bank.policy.guarantees())

    def _ask(self, request: BankRequest, limits: CallLimits) -> LookupAnswer:
        handled = self.bank.handle(request)
        if 0 < handled.after_seconds < limits.timeout_seconds:
            time.sleep(handled.after_seconds)
        return _answer(handled, limits)


class CancellingSandboxPayments(SandboxPayments):
    """:class:`SandboxPayments` at a bank whose policy has ``cancel_by_key``."""

    def cancel_by_key(self, key: str, limits: CallLimits) -> PaymentAnswer:
        return self._end_key(key, limits)


class AsyncSandboxPayments(AsyncAsking):
    """:class:`SandboxPayments` for ``AsyncCheckout``; a slow answer is waited for with :func:`asyncio.sleep`."""

    def __init__(
        self,
        bank: SandboxBank | None = None,
        *,
        name: str = "sandbox",
        account: str = "sandbox",
        guarantees: Guarantees | None = None,
    ) -> None:
        self.bank = bank or SandboxBank()
        super().__init__(name=name, account=account, guarantees=guarantees or self.bank.policy.guarantees())

    async def _ask(self, request: BankRequest, limits: CallLimits) -> LookupAnswer:
        handled = self.bank.handle(request)
        if 0 < handled.after_seconds < limits.timeout_seconds:
            await asyncio.sleep(handled.after_seconds)
        return _answer(handled, limits)


class AsyncCancellingSandboxPayments(AsyncSandboxPayments):
    """:class:`CancellingSandboxPayments` for ``AsyncCheckout``."""

    async def cancel_by_key(self, key: str, limits: CallLimits) -> PaymentAnswer:
        return await self._end_key(key, limits)


def _answer(handled: Handled, limits: CallLimits) -> LookupAnswer:
    """The answer, or the error that an honest adapter raises. What will never arrive in time is not waited for."""
    if handled.after_seconds >= limits.timeout_seconds:
        raise OutcomeUnknownError("no answer in time")
    if isinstance(handled.reply, Failed):
        raise handled.reply.error()
    return handled.reply
