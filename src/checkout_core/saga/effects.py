"""The six things that the core may ask of its driver: a closed union."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from checkout_core.effect import Effect
from checkout_core.ports.records import CommitAnswer, Transaction
from checkout_core.ports.store import SagaFile

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Stamped(Generic[V]):
    """``value``, and the driver's monotonic clock just *before* it asked: remaining times count from ``asked_at``."""

    value: V
    asked_at: float


@dataclass(frozen=True, slots=True)
class Commit(Effect[Stamped[CommitAnswer]]):
    """Store one transaction. A store that cannot be used drops the run; the core never sees it."""

    transaction: Transaction


@dataclass(frozen=True, slots=True)
class Load(Effect[Stamped[SagaFile | None]]):
    """Read one saga's file, by its id or by (scope, key)."""

    saga_id: str = ""
    scope: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Claim(Effect[Stamped[bool]]):
    """Take the lease of one saga under ``token``, if nobody's is live."""

    saga_id: str
    token: str
    lease_seconds: float


@dataclass(frozen=True, slots=True)
class PutBack(Effect[None]):
    """Give a lease up without a change; the saga is due again after ``due_seconds``. ``tries``: see the store."""

    saga_id: str
    token: str
    due_seconds: float
    tries: int | None = None


@dataclass(frozen=True, slots=True)
class Call(Effect["CallAnswer"]):
    """Ask an adapter. The driver refuses with :class:`NotSent` when it cannot begin before ``send_before`` (its own
    monotonic clock): the lease, ``pay_by`` and ``resend_until`` are all folded into that one bound."""

    port: str
    operation: str
    request: object
    timeout_seconds: float
    send_before: float


@dataclass(frozen=True, slots=True)
class Wait(Effect[float]):
    """Sleep; the answer is the driver's monotonic clock afterwards. ``Wait(0)`` only reads it."""

    seconds: float


@dataclass(frozen=True, slots=True)
class NotSent:
    """Certainly not sent. ``too_late``: the driver itself refused, because ``send_before`` had passed."""

    detail: str = ""
    too_late: bool = False


@dataclass(frozen=True, slots=True)
class NotExecuted:
    detail: str = ""
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    detail: str = ""


@dataclass(frozen=True, slots=True)
class KeyMismatch:
    detail: str = ""


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    detail: str = ""


CallFailure: TypeAlias = NotSent | NotExecuted | Rejected | KeyMismatch | OutcomeUnknown
CallAnswer: TypeAlias = Any
"""What the adapter returned, or a :class:`CallFailure`: the closed set of adapter errors as values."""

AnyEffect: TypeAlias = Commit | Load | Claim | PutBack | Call | Wait
