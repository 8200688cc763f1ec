"""A scripted bank with its own ledger. Deterministic: what it does follows from the requests and the times alone.

The request's *token* selects the behaviour (:mod:`~checkout_core.adapters.sandbox.scripts`), the
:class:`~checkout_core.adapters.sandbox.policy.BankPolicy` how keys and questions are treated. The bank never sleeps:
how long an answer takes is part of what :meth:`SandboxBank.handle` returns.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from threading import Lock

from checkout_core.adapters.sandbox.answers import BankRequest, CancelKey, Failed, Fault, Handled, Reply
from checkout_core.adapters.sandbox.books import Books, LedgerEntry, MoneyRequest, Operation
from checkout_core.adapters.sandbox.policy import BankPolicy
from checkout_core.adapters.sandbox.scripts import (
    Approve,
    AskBuyer,
    DecideLater,
    Decline,
    Disturbance,
    Script,
    charge_script,
    refund_token,
)
from checkout_core.domain.money import Money
from checkout_core.ports.payment import (
    ActionNeeded,
    ChargeRequest,
    Declined,
    Lookup,
    NotFound,
    PaymentQuery,
    RefundRequest,
    Repeats,
    Succeeded,
)

_CANCELLED = Declined(code="cancelled")
_NO_SUCH_TOKEN = Failed(fault=Fault.INVALID, detail="the bank never issued this token")
_NO_SUCH_CHARGE = Failed(fault=Fault.INVALID, detail="no charge has this provider reference and currency")
_BAD_AMOUNT = Failed(fault=Fault.INVALID, detail="the amount must be positive")
_NO_LOOKUP = Failed(fault=Fault.INVALID, detail="this bank cannot be asked so")
_NO_CANCEL = Failed(fault=Fault.INVALID, detail="this bank cannot cancel by key")
_MISMATCH = Failed(fault=Fault.KEY_MISMATCH, detail="the key was used with another request")


@dataclass(slots=True)
class _Key:
    """What the bank remembers of a key until its window ends."""

    fingerprint: str
    first_seen_at: float
    stored: Reply
    operation: Operation | None = None
    busy_until: float = 0.0


@dataclass(frozen=True, slots=True, order=True)
class _Late:
    """A request that the caller has given up and that still arrives."""

    arrives_at: float
    key: str
    request: MoneyRequest = field(compare=False)
    script: Script = field(compare=False)


class SandboxBank:
    """One bank. Thread-safe; each request is handled in one piece.

    ``clock`` gives seconds since the epoch; a test or a simulator gives its own, or the time of each request.
    """

    def __init__(self, policy: BankPolicy | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self.policy = policy or BankPolicy()
        self._clock = clock
        self._lock = Lock()
        self._books = Books()
        self._keys: dict[str, _Key] = {}
        self._ended_keys: set[str] = set()
        self._sends: dict[str, int] = {}
        self._under_way: list[_Late] = []

    def handle(self, request: BankRequest, now: float | None = None) -> Handled:
        """Do what ``request`` asks at the time ``now`` (the bank's clock where None). Never waits, never raises.

        The money has moved when this returns, whatever the caller does with the reply.
        """
        with self._lock:
            at = self._settled(now)
            match request:
                case PaymentQuery():
                    return self._look_up(request, at)
                case CancelKey():
                    return Handled(reply=self._cancel(request.key))
                case _:
                    return self._receive(request, at)

    def decide(self, provider_reference: str, *, approve: bool, now: float | None = None) -> None:
        """Decide an operation that waits for the buyer or for the bank; on a decided one it does nothing."""
        with self._lock:
            at = self._settled(now)
            operation = self._books.find(provider_reference)
            if operation is None:
                raise LookupError("no operation has this provider reference")
            if operation.is_open:
                operation.approve_later = approve
                self._books.decide(operation, at)

    def ledger(self, now: float | None = None) -> tuple[LedgerEntry, ...]:
        """All money that has moved, in order. Append-only: an earlier answer is a prefix of a later one."""
        with self._lock:
            self._settled(now)
            return tuple(self._books.ledger)

    def charges_of(self, reference: str) -> tuple[LedgerEntry, ...]:
        """The charges that bear our ``reference``; more than one is a double charge."""
        return tuple(each for each in self.ledger() if each.kind == "charge" and each.reference == reference)

    def sends_of(self, key: str) -> int:
        """How many requests with ``key`` were sent to the bank, those that it did not carry out included."""
        with self._lock:
            return self._sends.get(key, 0)

    def balance(self, currency: str) -> Money:
        """Charged less refunded."""
        moved = (each for each in self.ledger() if each.amount.currency == currency)
        return Money(
            minor=sum(e.amount.minor if e.kind == "charge" else -e.amount.minor for e in moved), currency=currency
        )

    def _settled(self, now: float | None) -> float:
        at = self._clock() if now is None else now
        while self._under_way and self._under_way[0].arrives_at <= at:
            late = heappop(self._under_way)
            self._books.settle(late.arrives_at)  # in the order of time, whenever anybody asks
            self._execute(late.request, late.script, late.arrives_at)
        self._books.settle(at)
        return at

    def _receive(self, request: MoneyRequest, now: float) -> Handled:
        script = self._script_of(request)
        if isinstance(script, Failed):
            return Handled(reply=script)
        if request.amount.minor <= 0:
            return Handled(reply=_BAD_AMOUNT)
        sent = self._sends[request.key] = self._sends.get(request.key, 0) + 1
        if script.disturbance is not None and sent <= script.disturbance.times:
            return self._disturb(request, script, script.disturbance, now)
        return self._execute(request, script, now)

    def _script_of(self, request: MoneyRequest) -> Script | Failed:
        if isinstance(request, ChargeRequest):
            return charge_script(request.token) or _NO_SUCH_TOKEN
        charge = self._books.find(request.provider_reference)
        if charge is None or charge.kind != "charge" or charge.amount.currency != request.amount.currency:
            return _NO_SUCH_CHARGE
        return charge_script(charge.refund_token) or _NO_SUCH_TOKEN

    def _disturb(self, request: MoneyRequest, script: Script, disturbance: Disturbance, now: float) -> Handled:
        if disturbance.arrives_after_seconds is not None:
            heappush(self._under_way, _Late(now + disturbance.arrives_after_seconds, request.key, request, script))
        failed = None if disturbance.fault is None else Failed(fault=disturbance.fault)
        if not disturbance.reaches_bank:
            failed = failed or Failed(fault=Fault.NO_ANSWER)
            if failed.fault is Fault.SERVER_ERROR and self.policy.repeats is Repeats.REPLAY:
                self._keys.setdefault(request.key, _Key(_fingerprint(request), now, failed))
            return Handled(reply=failed)
        handled = self._execute(request, script, now)
        record = self._keys.get(request.key)
        if record is not None and disturbance.delay_seconds:
            record.busy_until = now + disturbance.delay_seconds
        if record is not None and failed is not None and failed.fault is Fault.SERVER_ERROR:
            self._remember_failure(request.key, record, failed)
        return replace(handled, reply=failed or handled.reply, after_seconds=disturbance.delay_seconds)

    def _remember_failure(self, key: str, record: _Key, failed: Failed) -> None:
        if self.policy.repeats is Repeats.REPLAY:
            record.stored = failed
        elif self.policy.repeats is Repeats.REPLAY_SUCCESS:
            del self._keys[key]

    def _execute(self, request: MoneyRequest, script: Script, now: float) -> Handled:
        if request.key in self._ended_keys:
            return Handled(reply=_CANCELLED)
        if self.policy.repeats is Repeats.NONE:
            return self._perform(request, script, now)[0]
        record = self._keys.get(request.key)
        if record is not None and now < record.first_seen_at + self.policy.key_window_seconds:
            if record.fingerprint != _fingerprint(request):
                return Handled(reply=_MISMATCH)
            if now < record.busy_until:
                wait = record.busy_until - now
                return Handled(reply=Failed(fault=Fault.IN_PROGRESS, retry_after_seconds=wait))
            if not self._tries_again(record):
                return Handled(reply=self._repeated(record))
        handled, operation = self._perform(request, script, now)
        self._keys[request.key] = _Key(_fingerprint(request), now, handled.reply, operation)
        return handled

    def _tries_again(self, record: _Key) -> bool:
        return self.policy.repeats is Repeats.REPLAY_SUCCESS and isinstance(record.stored, Declined | Failed)

    def _repeated(self, record: _Key) -> Reply:
        if self.policy.repeats is Repeats.CURRENT_STATE and record.operation is not None:
            return record.operation.state
        return record.stored

    def _perform(self, request: MoneyRequest, script: Script, now: float) -> tuple[Handled, Operation]:
        covered = self._covered(request)
        operation = self._books.open(request, now)
        if isinstance(request, ChargeRequest):
            operation.refund_token = refund_token(request.token)
        reference = operation.provider_reference
        effect: LedgerEntry | None = None
        match script.verdict:
            case _ if not covered:
                self._books.decline(operation, Declined(code="refund_exceeds_charge", provider_reference=reference))
            case Approve(short_minor):
                effect = self._books.succeed(operation, _less(request.amount, short_minor), now)
            case Decline(code, kind):
                self._books.decline(operation, Declined(code=code, kind=kind, provider_reference=reference))
            case DecideLater(approve, lookups, seconds):
                at = None if seconds is None else now + seconds
                self._books.defer(operation, approve=approve, lookups=lookups, at=at)
            case AskBuyer():
                url = f"https://bank.invalid/act/{reference}"
                operation.state = ActionNeeded(provider_reference=reference, action_url=url)
        return Handled(reply=operation.state, effect=effect), operation

    def _covered(self, request: MoneyRequest) -> bool:
        if isinstance(request, ChargeRequest):
            return True
        charge = self._books.find(request.provider_reference)
        return charge is not None and request.amount.minor <= self._books.remaining_minor(charge)

    def _look_up(self, query: PaymentQuery, now: float) -> Handled:
        if query.provider_reference and self.policy.lookup_by_provider_reference is not Lookup.NONE:
            found = self._books.find(query.provider_reference)
            operations = [found] if found is not None and found.kind == query.operation else []
            strength = self.policy.lookup_by_provider_reference
        elif query.reference and self.policy.lookup_by_reference is not Lookup.NONE:
            operations = self._books.with_reference(query.operation, query.reference)
            strength = self.policy.lookup_by_reference
        else:
            return Handled(reply=_NO_LOOKUP)
        lag = self.policy.lookup_lag_seconds if strength is Lookup.EVENTUAL else 0.0
        visible = [each for each in operations if each.created_at + lag <= now]
        for operation in visible:
            self._books.looked_up(operation, now)
        moved = [each for each in visible if isinstance(each.state, Succeeded)]
        return Handled(reply=(moved or visible)[-1].state if visible else NotFound())

    def _cancel(self, key: str) -> Reply:
        if not self.policy.cancel_by_key:
            return _NO_CANCEL
        operations = self._books.with_key(key)
        for operation in operations:
            if isinstance(operation.state, Succeeded):
                return operation.state
        self._ended_keys.add(key)
        for operation in operations:
            if operation.is_open:
                self._books.decline(operation, replace(_CANCELLED, provider_reference=operation.provider_reference))
        return _CANCELLED


def _fingerprint(request: MoneyRequest) -> str:
    own = [request.provider_reference] if isinstance(request, RefundRequest) else _charge_terms(request)
    amount = request.amount
    common = (type(request).__name__, request.reference, request.order_id, amount.minor, amount.currency)
    return hashlib.sha256(repr((*common, *own, request.version)).encode()).hexdigest()


def _charge_terms(request: ChargeRequest) -> list[str]:
    return [request.method_kind, request.token, request.return_url]


def _less(amount: Money, minor: int) -> Money:
    return amount if minor == 0 else Money(minor=amount.minor - minor, currency=amount.currency)
