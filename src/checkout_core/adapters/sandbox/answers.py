"""What passes between an adapter and the bank, as data: a simulator decides when and whether an answer arrives."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from checkout_core.adapters.sandbox.books import LedgerEntry
from checkout_core.errors import (
    KeyMismatchError,
    NotExecutedError,
    NotSentError,
    OutcomeUnknownError,
    RejectedError,
    RemoteError,
)
from checkout_core.ports.payment import ChargeRequest, LookupAnswer, PaymentQuery, RefundRequest


@dataclass(frozen=True, slots=True)
class CancelKey:
    """End ``key``: its request has no effect, now or ever."""

    key: str


BankRequest: TypeAlias = ChargeRequest | RefundRequest | PaymentQuery | CancelKey


class Fault(StrEnum):
    """What an adapter meets in place of an answer."""

    CONNECTION_REFUSED = "connection_refused"
    BUSY = "busy"
    IN_PROGRESS = "in_progress"
    """An earlier request with this key has not been answered yet. It may well have its effect."""
    INVALID = "invalid"
    KEY_MISMATCH = "key_mismatch"
    SERVER_ERROR = "server_error"
    GARBAGE = "garbage"
    RESET = "reset"
    """The connection breaks before the answer."""
    NO_ANSWER = "no_answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """No answer. ``detail`` never holds a token."""

    fault: Fault
    detail: str = ""
    retry_after_seconds: float | None = None

    def error(self) -> RemoteError:
        """The error that an honest adapter raises for this fault (clause 3 of the payment port)."""
        text = self.detail or self.fault.value
        match self.fault:
            case Fault.CONNECTION_REFUSED:
                return NotSentError(text)
            case Fault.BUSY | Fault.IN_PROGRESS:
                return NotExecutedError(text, retry_after_seconds=self.retry_after_seconds)
            case Fault.INVALID:
                return RejectedError(text)
            case Fault.KEY_MISMATCH:
                return KeyMismatchError(text)
            case Fault.SERVER_ERROR | Fault.GARBAGE | Fault.RESET | Fault.NO_ANSWER:
                return OutcomeUnknownError(text)


Reply: TypeAlias = LookupAnswer | Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """What the bank did with one request.

    ``effect``: the money that this request moved, at once and for good, whatever becomes of ``reply``.
    ``after_seconds``: how long the bank takes to give ``reply``.
    """

    reply: Reply
    effect: LedgerEntry | None = None
    after_seconds: float = 0.0
