"""The payment port: what a host's payment adapter implements.

Contract, for every adapter (each clause is proved by ``checkout_core.testing.contracts.payment``):

1. Build the wire request from the given request alone; send ``request.key`` as the idempotency key and
   ``request.reference`` where the provider can search for it (metadata, merchant reference).
2. Send at most once per call. Switch off the provider library's own retries.
3. Return an answer only where the provider gave one that is final for what it says. Raise
   :class:`NotSentError` only where the request certainly did not leave, :class:`NotExecutedError` only where the
   provider says that nothing happened, :class:`RejectedError` only where it will never happen,
   :class:`KeyMismatchError` where the key is known with other parameters. Timeout, reset, 5xx and unreadable
   answers are :class:`OutcomeUnknownError`; so is every other exception (MONEY-2).
4. A decline is an answer (:class:`Declined`), never an exception.
5. Give up before ``call.timeout_seconds`` have passed.
6. Declare in ``guarantees`` only what the provider promises in writing. The defaults assume nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from checkout_core.domain.money import Money
from checkout_core.domain.result import DeclineKind


class Repeats(StrEnum):
    """How the provider answers the same request with the same key."""

    NONE = "none"
    """It does not know keys: a repeat is a second charge."""
    REPLAY = "replay"
    """It gives the stored answer, failures included."""
    REPLAY_SUCCESS = "replay_success"
    """It gives a stored success; after a failure it tries the payment again. A failure may have hidden a success, so a
    request without a known outcome is never repeated here: it is looked up."""
    CURRENT_STATE = "current_state"
    """It gives the payment's state as of now."""


class Lookup(StrEnum):
    """How far a lookup can be trusted."""

    NONE = "none"
    EVENTUAL = "eventual"
    """What it finds is true; "not found" means nothing before ``lookup_lag_seconds`` have passed."""
    STRONG = "strong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarantees:
    """What the provider promises and code cannot show. Every default is the most cautious value.

    ``key_window_seconds``: how long a key is remembered at least; sends stop at 80 % of it (MONEY-6).
    ``lookup_by_reference``: by our reference; ``lookup_by_provider_reference``: by the provider's own id.
    ``lookup_lag_seconds``: how long what happened may stay invisible to a lookup. That keys can be cancelled is said
    by the adapter's type: :class:`KeyCancelling`.
    """

    repeats: Repeats = Repeats.NONE
    key_window_seconds: float = 0.0
    lookup_by_reference: Lookup = Lookup.NONE
    lookup_by_provider_reference: Lookup = Lookup.NONE
    lookup_lag_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """``timeout_seconds``: the adapter must have answered by then; afterwards the outcome counts as unknown."""

    timeout_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeRequest:
    """Take ``amount`` at once. ``version`` is the version of this canonical form, for golden tests."""

    key: str
    reference: str
    order_id: str
    amount: Money
    method_kind: str
    token: str
    return_url: str = ""
    version: int = 1

    def __repr__(self) -> str:
        return f"ChargeRequest(reference={self.reference!r}, amount={self.amount})"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """Give ``amount`` of the charge ``provider_reference`` back."""

    key: str
    reference: str
    order_id: str
    provider_reference: str
    amount: Money
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentQuery:
    """Ask for one operation: by the provider's id where it is known, else by our reference.

    ``operation`` says what is asked for; a refund's ``reference`` is the refund's own.
    """

    operation: Literal["charge", "refund"]
    reference: str
    provider_reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """The money has moved (or had moved before). ``amount`` is what moved in fact."""

    provider_reference: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """Final: no money moved for this attempt and none will."""

    code: str
    kind: DeclineKind = DeclineKind.HARD
    provider_reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionNeeded:
    """The buyer must act at ``action_url``."""

    provider_reference: str
    action_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Processing:
    """Accepted; the provider decides later."""

    provider_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFound:
    """A lookup found nothing. What that means depends on :class:`Guarantees`."""


PaymentAnswer: TypeAlias = Succeeded | Declined | ActionNeeded | Processing
LookupAnswer: TypeAlias = PaymentAnswer | NotFound


class PaymentProvider(Protocol):
    """A payment account at a provider. The module's docstring is the contract.

    ``name`` and ``account`` are stored with each attempt: a process with another account under that name leaves
    the attempt alone (protocol 4.11).
    """

    @property
    def name(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def guarantees(self) -> Guarantees: ...
    def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer: ...
    def refund(self, request: RefundRequest, limits: CallLimits) -> PaymentAnswer: ...
    def lookup(self, query: PaymentQuery, limits: CallLimits) -> LookupAnswer: ...


class AsyncPaymentProvider(Protocol):
    """:class:`PaymentProvider` for ``AsyncCheckout``: same names, same contract, coroutines."""

    @property
    def name(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def guarantees(self) -> Guarantees: ...
    async def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer: ...
    async def refund(self, request: RefundRequest, limits: CallLimits) -> PaymentAnswer: ...
    async def lookup(self, query: PaymentQuery, limits: CallLimits) -> LookupAnswer: ...


@runtime_checkable
class KeyCancelling(Protocol):
    """A provider that can end a key: afterwards the request that bore it has no effect, now or ever.

    Answers :class:`Declined` where the key is dead, :class:`Succeeded` where it is too late.
    """

    def cancel_by_key(self, key: str, limits: CallLimits) -> PaymentAnswer: ...


@runtime_checkable
class AsyncKeyCancelling(Protocol):
    """:class:`KeyCancelling` for ``AsyncCheckout``."""

    async def cancel_by_key(self, key: str, limits: CallLimits) -> PaymentAnswer: ...
