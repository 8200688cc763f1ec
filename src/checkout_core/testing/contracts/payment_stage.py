"""How the payment contract reaches the provider behind an adapter: the author of the adapter writes a stage."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import StrEnum
from typing import Literal, TypeAlias

from checkout_core.domain.money import Money
from checkout_core.ports.payment import AsyncPaymentProvider, CallLimits, PaymentProvider

AnyProvider: TypeAlias = PaymentProvider | AsyncPaymentProvider
Operation: TypeAlias = Literal["charge", "refund"]

SHORT = CallLimits(timeout_seconds=0.4)
"""For calls that shall run into their timeout."""
SLOW_SECONDS = 2.0
"""A slow provider answers so late, far beyond :data:`SHORT`."""
DECISION_SECONDS = 60.0
"""A provider that decides later has decided after this time."""
LONG = CallLimits(timeout_seconds=30.0)
"""For all others: nothing that works comes near it."""


class Behaviour(StrEnum):
    """What the provider shall do. ``..._WITH_EFFECT``: the money moves although no answer says so."""

    APPROVE = "approve"
    WRONG_AMOUNT = "wrong_amount"
    """Approve another amount than was asked for."""
    DECLINE = "decline"
    DECLINE_SOFT = "decline_soft"
    DECLINE_FIX_INPUT = "decline_fix_input"
    DECLINE_FRAUD = "decline_fraud"
    REQUIRE_ACTION = "require_action"
    DECIDE_LATER = "decide_later"
    """Processing; approved after :data:`DECISION_SECONDS`."""
    SLOW = "slow"
    """Approve, and answer after :data:`SLOW_SECONDS`."""
    SILENCE_WITH_EFFECT = "silence_with_effect"
    SILENCE_WITHOUT_EFFECT = "silence_without_effect"
    RESET_WITH_EFFECT = "reset_with_effect"
    RESET_WITHOUT_EFFECT = "reset_without_effect"
    SERVER_ERROR_WITH_EFFECT = "server_error_with_effect"
    SERVER_ERROR_WITHOUT_EFFECT = "server_error_without_effect"
    GARBAGE_WITH_EFFECT = "garbage_with_effect"
    GARBAGE_WITHOUT_EFFECT = "garbage_without_effect"
    BUSY = "busy"
    REFUSED_CONNECTION = "refused_connection"
    INVALID = "invalid"

    @property
    def is_silent(self) -> bool:
        """A call that meets it runs into its timeout."""
        return self in (Behaviour.SILENCE_WITH_EFFECT, Behaviour.SILENCE_WITHOUT_EFFECT, Behaviour.SLOW)


class PaymentStage(ABC):
    """A provider account that can be told how to behave, and whose own books can be read past the adapter.

    Where the stage cannot do something, the checks that need it are skipped and say so. A fault meets the first send
    of each key; later ones are answered by the provider's rules for repeats.
    """

    currency: str = "EUR"

    @abstractmethod
    def provider(self) -> AnyProvider:
        """A new adapter object to the same account, as a restarted process would make it."""

    @abstractmethod
    def token(self, behaviour: Behaviour, *, refund: Behaviour = Behaviour.APPROVE) -> str | None:
        """The token of a charge that is met with ``behaviour``, and its refunds with ``refund``; None: not playable."""

    @abstractmethod
    def moved(self, operation: Operation, reference: str) -> Sequence[Money]:
        """From the provider's own books: what moved under our ``reference``."""

    @abstractmethod
    def received(self, key: str) -> int | None:
        """How many requests with ``key`` reached the provider; None: it does not tell."""

    @abstractmethod
    def advance(self, seconds: float) -> bool:
        """Let time pass at the provider; False: cannot."""

    @abstractmethod
    def close(self) -> None:
        """The check is over."""
