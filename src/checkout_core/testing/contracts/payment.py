"""The contract of ``ports/payment.py`` as a suite: write a stage for your adapter and inherit.

::

    class TestMyPayments(PaymentContract):
        def stage(self) -> PaymentStage:
            return MyStage()

Each check bears the number of its clause; 7 stands for the secrecy of tokens (SAFE-1). What your stage cannot play, or
your adapter does not declare, is skipped with its reason. :func:`payment_violations` is the same without pytest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import pytest

from checkout_core.testing.contracts import payment_calls, payment_keys, payment_lookups, payment_refunds
from checkout_core.testing.contracts.payment_rehearsal import Check, ContractViolationError, NotPlayedError
from checkout_core.testing.contracts.payment_stage import (
    DECISION_SECONDS,
    SHORT,
    SLOW_SECONDS,
    AnyProvider,
    Behaviour,
    Operation,
    PaymentStage,
)

__all__ = [
    "DECISION_SECONDS",
    "PAYMENT_CHECKS",
    "SHORT",
    "SLOW_SECONDS",
    "AnyProvider",
    "Behaviour",
    "Check",
    "Operation",
    "PaymentContract",
    "PaymentStage",
    "payment_violations",
]

PAYMENT_CHECKS: tuple[Check, ...] = (
    *payment_calls.CHECKS,
    *payment_keys.CHECKS,
    *payment_lookups.CHECKS,
    *payment_refunds.CHECKS,
)


def payment_violations(make_stage: Callable[[], PaymentStage]) -> dict[str, str]:
    """Run every check on a stage of its own: the names of those that the adapter fails, and what was found."""
    found: dict[str, str] = {}
    for check in PAYMENT_CHECKS:
        try:
            check.on(make_stage())
        except ContractViolationError as violation:
            found[str(check)] = str(violation)
        except NotPlayedError:
            continue
    return found


class PaymentContract(ABC):
    """Inherit as ``class TestMyPayments(PaymentContract)``; each check runs on a stage of its own."""

    @abstractmethod
    def stage(self) -> PaymentStage:
        """Your provider, set up anew."""

    @pytest.mark.parametrize("check", PAYMENT_CHECKS, ids=str)
    def test_payment_contract(self, check: Check) -> None:
        try:
            check.on(self.stage())
        except NotPlayedError as reason:
            pytest.skip(str(reason))
