"""Every error of the library on one screen. Each says what the caller may assume.

Raised to the host: :class:`CheckoutError` and below. Raised *by* adapters: :class:`RemoteError` and below;
whatever else an adapter raises counts as :class:`OutcomeUnknownError`, since it may have had its effect.
A business refusal (declined, out of stock) is a result and never an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal


class CheckoutError(Exception):
    """The caller must do something different. Messages never hold card numbers, tokens or addresses."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a request: ``location`` like ``cart.lines.0.qty``, never the rejected value.

    ``well_formed``: every part is as it should be; what they say together, or to this shop, cannot be.
    """

    location: str
    rule: str
    well_formed: bool = field(default=False, compare=False)


class InvalidRequestError(CheckoutError, ValueError):
    """The request breaks a rule. Nothing was stored and no adapter was called (SAFE-2)."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.location}: {p.rule}" for p in self.problems))


class IdempotencyConflictError(CheckoutError):
    """The key was used before with another request (ORDER-2). Nothing was stored; use a new key for a new request."""


class OrderNotFoundError(CheckoutError, LookupError):
    """No order has this id in this store."""


class NotConfirmedError(CheckoutError):
    """``expect_confirmed()`` was called on a result that is not :class:`Confirmed`. Do not ship."""


class TransitionRefusedError(CheckoutError):
    """The order's status does not allow this operation. Nothing was stored."""


class StorageUnavailableError(CheckoutError):
    """The database could not be used. Repeat with the same key when it is back.

    ``applied="no"``: nothing was stored. ``applied="unknown"``: a COMMIT went out and its answer was lost;
    repeating with the same key finds what was stored, and recovery finishes it.
    """

    def __init__(self, message: str, *, applied: Literal["no", "unknown"]) -> None:
        self.applied: Literal["no", "unknown"] = applied
        super().__init__(message)


class CheckoutTimeoutError(CheckoutError, TimeoutError):
    """The deadline passed before anything was stored. Repeat with the same key."""


class InsideTransactionError(CheckoutError):
    """Called inside a transaction that the host holds open on the same connection. Nothing was stored."""


class SchemaVersionError(CheckoutError):
    """The database's schema is outside the range that this version supports; run ``migrate``."""


class ConfigurationError(CheckoutError):
    """The composition is wrong (for example a sync adapter in ``AsyncCheckout``). Nothing was started."""


class InvariantError(CheckoutError):
    """Something that must never happen has happened: a bug. Stop and report it."""


class RemoteError(Exception):
    """Base of what a payment, inventory or notifier adapter raises on purpose."""


class NotSentError(RemoteError):
    """The request certainly did not leave (connection refused, name not resolved, circuit open). Safe to send again."""


class NotExecutedError(RemoteError):
    """The provider says that it did nothing and that the same request may be repeated (429, busy, in progress)."""

    def __init__(self, message: str = "", *, retry_after_seconds: float | None = None) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(message)


class RejectedError(RemoteError):
    """The provider did nothing and will never accept this request (malformed, unsupported, not authorized)."""


class KeyMismatchError(RemoteError):
    """The provider knows the key with another request. An effect is possible: stop, freeze, look."""


class OutcomeUnknownError(RemoteError):
    """The request may or may not have taken effect (timeout, 5xx, unreadable answer)."""
