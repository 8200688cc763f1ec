"""A payment adapter of the host's own in both colours, and what a host does with each error. Checked, not run."""

from __future__ import annotations

from collections.abc import Mapping

from checkout_core import (
    AsyncCheckout,
    Checkout,
    CheckoutError,
    CheckoutRequest,
    CheckoutTimeoutError,
    Confirmed,
    DeclineKind,
    IdempotencyConflictError,
    InvalidRequestError,
    NotConfirmedError,
    StorageUnavailableError,
    in_threads,
)
from checkout_core.errors import NotExecutedError, NotSentError, OutcomeUnknownError
from checkout_core.ports.payment import (
    AsyncPaymentProvider,
    CallLimits,
    ChargeRequest,
    Declined,
    Guarantees,
    Lookup,
    LookupAnswer,
    NotFound,
    PaymentAnswer,
    PaymentProvider,
    PaymentQuery,
    RefundRequest,
    Repeats,
    Succeeded,
)
from checkout_core.ports.store import Store


class AcmePay:
    """No base class, no import of ours but for the records."""

    name = "acme"
    account = "shop-1"
    guarantees = Guarantees(
        repeats=Repeats.REPLAY, key_window_seconds=86400.0, lookup_by_reference=Lookup.EVENTUAL, lookup_lag_seconds=5.0
    )

    def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        if limits.timeout_seconds < 1:
            raise NotSentError("no time")
        if request.amount.minor % 2:
            return Declined(code="odd", kind=DeclineKind.SOFT)
        return Succeeded(provider_reference=f"acme-{request.key}", amount=request.amount)

    def refund(self, request: RefundRequest, limits: CallLimits) -> PaymentAnswer:
        raise NotExecutedError("busy", retry_after_seconds=1.0)

    def lookup(self, query: PaymentQuery, limits: CallLimits) -> LookupAnswer:
        if query.operation == "refund":
            raise OutcomeUnknownError("unreadable")
        return NotFound()


class AsyncAcmePay:
    def __init__(self, account: str) -> None:
        self._sync = AcmePay()
        self._account = account

    @property
    def name(self) -> str:
        return "acme"

    @property
    def account(self) -> str:
        return self._account

    @property
    def guarantees(self) -> Guarantees:
        return self._sync.guarantees

    async def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        return self._sync.charge(request, limits)

    async def refund(self, request: RefundRequest, limits: CallLimits) -> PaymentAnswer:
        return self._sync.refund(request, limits)

    async def lookup(self, query: PaymentQuery, limits: CallLimits) -> LookupAnswer:
        return self._sync.lookup(query, limits)


def composed(store: Store) -> tuple[Checkout, AsyncCheckout]:
    plain: PaymentProvider = AcmePay()
    coloured: AsyncPaymentProvider = AsyncAcmePay("shop-1")
    by_kind: Mapping[str, AsyncPaymentProvider] = {"card": coloured, "wallet": in_threads(plain)}
    return Checkout(store, AcmePay()), AsyncCheckout(store, by_kind)


def shipped(checkout: Checkout, request: CheckoutRequest) -> Confirmed | str:
    """Every error says what may be assumed."""
    try:
        return checkout.execute(request).expect_confirmed()
    except InvalidRequestError as error:
        return "; ".join(f"{problem.location}: {problem.rule}" for problem in error.problems)
    except IdempotencyConflictError:
        return "use a new key"
    except NotConfirmedError as error:
        return str(error)
    except CheckoutTimeoutError:
        return "nothing was stored: again, with the same key"
    except StorageUnavailableError as error:
        return "nothing was stored" if error.applied == "no" else "perhaps stored: again, with the same key"
    except CheckoutError as error:
        return type(error).__name__
