"""Looks at everything that changes, and raises at once when a property does not hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checkout_core.adapters.sandbox import SandboxBank
from checkout_core.domain.order import OrderStatus
from checkout_core.ports.records import Applied, CommitAnswer, RecordOutcome, Short, Transaction, VersionConflict
from checkout_core.testing.simulator.history import History, MoneyRequest, Send
from checkout_core.testing.simulator.invariants import ALWAYS, AT_REST, ON_SEND, PropertyViolatedError, View, check
from checkout_core.testing.simulator.scenario import Scenario
from checkout_core.testing.simulator.store import Fence, SimulatedStore


@dataclass(frozen=True, slots=True)
class Held:
    """The lease token that a sending worker believes to hold, and how long its call may take."""

    worker: str
    token: str
    timeout_seconds: float


class Witness:
    """Sees the store through its port and the bank through its ledger."""

    def __init__(self, scenario: Scenario, store: SimulatedStore, bank: SandboxBank) -> None:
        self.history = History()
        self.view = View(
            settings=scenario.settings, policy=bank.policy, received=dict(scenario.stock), history=self.history
        )
        self._store = store
        self._bank = bank
        self._refused: set[str] = set()

    def committed(
        self, members: Sequence[tuple[Transaction, Fence | None, bool]], answers: Sequence[CommitAnswer], now: float
    ) -> None:
        """A batch was committed. Each member comes with its saga's fence, and whether it was stored already, before."""
        for (transaction, _, _), _ in zip(members, answers, strict=True):
            self._reload(transaction.saga_id)
        self._look(now)
        for (transaction, fence, stored), answer in zip(members, answers, strict=True):
            _check_fence(transaction, fence, stored, answer)
            if isinstance(answer, VersionConflict) and not stored:
                self._check_observed(transaction)
        check(self.view, ALWAYS)

    def sent(self, request: MoneyRequest, held: Held, now: float) -> None:
        """``request`` is leaving, sent by who holds ``held``."""
        self.history.sends.append(Send(now, request))
        fence = self._store.fence(request.order_id)
        if fence is not None:
            self._reload(request.order_id)
            _check_lease(fence, held, now)
        self.view.now = now
        check(self.view, ON_SEND)

    def bank_moved(self, now: float) -> None:
        """The bank has handled something."""
        if len(self._bank.ledger(now)) != len(self.view.ledger):
            self._look(now)
            check(self.view, ALWAYS)

    def adjusted(self, item_id: str, delta: int, now: float) -> None:
        """The warehouse has entered ``delta`` units."""
        self.history.adjusted = True
        self.view.received[item_id] += delta
        self._look(now)
        check(self.view, ALWAYS)

    def at_rest(self, now: float) -> None:
        """Faults have stopped, and nothing is due."""
        for saga_id in self.view.sagas:
            self._reload(saga_id)
        self._look(now)
        check(self.view, ALWAYS)
        check(self.view, AT_REST)

    def _look(self, now: float) -> None:
        view = self.view
        view.now, view.ledger = now, self._bank.ledger(now)
        view.balances, view.alarms = tuple(self._store.stock_balances()), self._store.alarms(limit=1000)
        for seen in view.sagas.values():
            if seen.balance_at_confirmation is None and seen.order.status is OrderStatus.CONFIRMED:
                seen.balance_at_confirmation = view.balance_of(seen)

    def _reload(self, saga_id: str) -> None:
        file = self._store.load(saga_id)
        if file is not None:
            self.view.see(file, self._store.outbox_of(saga_id))

    def _check_observed(self, transaction: Transaction) -> None:
        """STATE-2: what a fenced-out worker was told is kept."""
        if transaction.commit_id in self._refused:
            return  # repeated after a lost COMMIT: the owner may have merged the observation since
        self._refused.add(transaction.commit_id)
        seen = self.view.sagas.get(transaction.saga_id)
        outcomes = [record for record in transaction.records if isinstance(record, RecordOutcome)]
        if seen is None or not outcomes:
            return
        kept = [each.outcome for each in seen.file.observations]
        if any(outcome not in kept for outcome in outcomes):
            raise PropertyViolatedError("STATE-2", f"what a fenced-out worker was told is lost: {outcomes}")


def _check_lease(fence: Fence, held: Held, now: float) -> None:
    """MONEY-2: nobody sends without a lease that covers the call, or two could send at once (protocol 3.4)."""
    covered = fence.leased_until - now
    if fence.token != held.token or covered < held.timeout_seconds:
        raise PropertyViolatedError(
            "MONEY-2", f"{held.worker} sent with {covered:.2f} s of lease for a call of {held.timeout_seconds:g} s"
        )


def _check_fence(transaction: Transaction, before: Fence | None, stored: bool, answer: CommitAnswer) -> None:
    """STATE-2: only who holds token and version writes; a repetition writes nothing new."""
    if not isinstance(answer, Applied | Short):
        return
    if stored:
        return
    holds = transaction.version == 0 if before is None else (before.token, before.version) == _fence_of(transaction)
    if not holds:
        raise PropertyViolatedError(
            "STATE-2", f"a write with {_fence_of(transaction)} was accepted where the saga stood at {before}"
        )


def _fence_of(transaction: Transaction) -> tuple[str, int]:
    return transaction.token, transaction.version
