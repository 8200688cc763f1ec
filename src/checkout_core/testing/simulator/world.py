"""One run: clock, store, bank, workers, and the loop that says who goes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import count
from typing import Any

from checkout_core.adapters.sandbox import BankRequest, Failed, Handled, SandboxBank
from checkout_core.checkout.execute import Call as Execution
from checkout_core.checkout.execute import execute
from checkout_core.checkout.shop import Account, Shop
from checkout_core.domain.payment import PaymentMethod
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.result import Confirmed
from checkout_core.effect import Effect
from checkout_core.errors import (
    CheckoutError,
    InvalidRequestError,
    InvariantError,
    NotExecutedError,
    NotSentError,
    RejectedError,
)
from checkout_core.ports.payment import ActionNeeded, ChargeRequest, PaymentQuery, Processing, RefundRequest
from checkout_core.ports.records import CommitAnswer, Transaction, VersionConflict
from checkout_core.saga.context import Context
from checkout_core.saga.effects import Claim, Commit, Load, PutBack, Wait
from checkout_core.testing.simulator.clock import EPOCH_SECONDS, Clock
from checkout_core.testing.simulator.faults import Fault, Mishap
from checkout_core.testing.simulator.history import Answered, Happening
from checkout_core.testing.simulator.invariants import PropertyViolatedError
from checkout_core.testing.simulator.operator import Operator
from checkout_core.testing.simulator.passes import ClaimDue, recovery_pass
from checkout_core.testing.simulator.scenario import Adjustment, Purchase, Scenario
from checkout_core.testing.simulator.schedule import Schedule
from checkout_core.testing.simulator.store import Fence, SimulatedStore
from checkout_core.testing.simulator.witness import Held, Witness
from checkout_core.testing.simulator.worker import NEVER, Asked, Job, Worker

_REFUSALS = (NotSentError, NotExecutedError, RejectedError)

STRANGER = "stranger"

STEPS_MOST = 20_000
"""More steps than any run needs: beyond them the run goes in circles."""


@dataclass(frozen=True, slots=True, order=True)
class _Outside:
    """Something that happens by itself: a late request at the bank, the decision that it waits for (a reference), or an
    entry of the warehouse."""

    at: float
    number: int
    what: BankRequest | str | Adjustment = field(compare=False)


class World:
    """Everything of one run. ``run()`` plays it to its rest, checking the properties all the way."""

    store_type: type[SimulatedStore] = SimulatedStore
    worker_type: type[Worker] = Worker

    def __init__(self, scenario: Scenario, schedule: Schedule, clock_offsets: Sequence[float] = ()) -> None:
        self.scenario = scenario
        self.schedule = schedule
        self.clock = Clock()
        self.store = self.store_type(clock=self.clock)
        self.bank = SandboxBank(scenario.policy, clock=self.clock)
        self.witness = Witness(scenario, self.store, self.bank)
        self.history = self.witness.history
        self.effects = 0
        self._calm = False
        self._calm_effects = 0
        self._rests_at = EPOCH_SECONDS + scenario.rests_after_seconds
        self._ids = count(1)
        self._outside: list[_Outside] = []
        for item, qty in scenario.stock.items():
            self.store.inventory.set_available(item, qty)
        for each in scenario.adjustments:
            heappush(self._outside, _Outside(EPOCH_SECONDS + each.at_seconds, next(self._ids), each))
        self.workers = list(self._crew(scenario, list(clock_offsets)))

    @property
    def now(self) -> float:
        return self.clock.now

    @property
    def effects_in_all(self) -> int:
        """With those of the buyer who tried again when all was over, at which nothing goes wrong any more."""
        return self.effects + self._calm_effects

    def run(self) -> None:
        """Play to the rest, and then let a buyer who was refused try again. Raises :class:`PropertyViolatedError`."""
        self._play()
        refused = self._refused_buyer()
        if refused is not None:
            self._calm = True
            again = _Once(self, "again", Purchase(request=refused, at_seconds=self.clock.elapsed))
            self.workers.append(self.worker_type("again", self, again))
            self._play()
            result = self.history.answers[-1].result
            if not isinstance(result, Confirmed):
                raise PropertyViolatedError("LIVE-2", f"the buyer of cart {refused.cart.cart_id!r} got {result}")

    def _play(self) -> None:
        for _ in range(STEPS_MOST):
            times = [worker.ready_at for worker in self.workers]
            at = min(times)
            if self._outside and self._outside[0].at <= at:
                self._outside_goes_on()
                continue
            if at > self._rests_at:
                self.witness.at_rest(self.now)
                return
            self.clock.advance(at)
            ready = [worker for worker, its in zip(self.workers, times, strict=True) if its <= self.now]
            ready[self.schedule.pick(len(ready))].step()
        raise PropertyViolatedError("LIVE-1", f"no rest after {STEPS_MOST} steps")

    # What workers ask of the world.

    def asked(self, worker: str, effect: Effect[Any]) -> tuple[float, Mishap | None]:
        if self._calm:
            self._calm_effects += 1
            return self.schedule.latency_seconds(), None
        self.effects += 1
        return self.schedule.latency_seconds(), self.schedule.mishap(self.effects, effect)

    def happened(self, worker: str, what: Effect[Any] | str, answer: object, mishap: Mishap | None = None) -> None:
        self.history.happenings.append(Happening(self.clock.elapsed, self.effects, worker, what, answer, mishap))

    def commit_with(self, leader: Worker) -> None:
        asked = leader.pending
        assert isinstance(asked, Asked)
        waiting = (each for each in self.workers if each is not leader and each.waiting_commit is not None)
        batch = [leader, *(each for each in waiting if self.schedule.joins_batch())]
        members = [(_transaction(worker), *self._before(_transaction(worker))) for worker in batch]
        if asked.mishap is not None and asked.mishap.fault is Fault.COMMIT_FAILED:
            answers: list[CommitAnswer] = [VersionConflict()] * len(batch)  # nobody sees it
        else:
            answers = self.store.commit([transaction for transaction, _, _ in members])
            self.witness.committed(members, answers, self.now)
        for worker, answer in zip(batch, answers, strict=True):
            worker.committed(answer, asked.mishap)

    def perform(self, effect: Effect[Any]) -> object:
        match effect:
            case Wait():
                pass
            case Load(saga_id, scope, key):
                return self.store.load(saga_id) if saga_id else self.store.find(scope, key)
            case Claim(saga_id, token, lease):
                return self.store.claim_one(saga_id, token=token, lease_seconds=lease)
            case ClaimDue(token, lease, limit):
                return self.store.claim_due(token=token, lease_seconds=lease, limit=limit)
            case PutBack(saga_id, token, due, tries):
                self.store.put_back(saga_id, token=token, due_seconds=due, tries=tries)
            case _:
                raise AssertionError(f"no driver performs {type(effect).__name__}")
        return None

    def send(self, request: BankRequest, held: Held, *, arrives: float | None) -> tuple[object, float]:
        if isinstance(request, ChargeRequest | RefundRequest):
            self.witness.sent(request, held, self.now)
        if arrives is None:
            handled = self._handle(request)
            if isinstance(request, ChargeRequest | RefundRequest) and isinstance(handled.reply, Failed):
                error = handled.reply.error()
                self.history.sends[-1].refused = isinstance(error, _REFUSALS)
                self.history.sends[-1].arrived = not isinstance(error, NotSentError)
            return handled.reply, handled.after_seconds
        if arrives < NEVER:
            heappush(self._outside, _Outside(arrives, next(self._ids), request))
        return None, 0.0

    # The bank.

    def _handle(self, request: BankRequest) -> Handled:
        handled = self.bank.handle(request, self.now)
        self.witness.bank_moved(self.now)
        if isinstance(handled.reply, Processing | ActionNeeded) and not isinstance(request, PaymentQuery):
            acts_at = self.now + self.scenario.acts_after_seconds
            heappush(self._outside, _Outside(acts_at, next(self._ids), handled.reply.provider_reference))
        return handled

    def _outside_goes_on(self) -> None:
        event = heappop(self._outside)
        self.clock.advance(event.at)
        if isinstance(event.what, Adjustment):
            self._adjust(event.what)
        elif isinstance(event.what, str):
            self.happened("bank", f"decides {event.what}: approves={self.scenario.approves}", None)
            self.bank.decide(event.what, approve=self.scenario.approves, now=self.now)
            self.witness.bank_moved(self.now)
        else:
            handled = self._handle(event.what)
            self.happened("bank", f"late {event.what}", handled.reply)

    @property
    def is_bank_at_rest(self) -> bool:
        """Nothing is on its way to the bank, and it has decided everything."""
        return all(isinstance(each.what, Adjustment) for each in self._outside)

    # The warehouse.

    def _adjust(self, entry: Adjustment) -> None:
        try:
            self.store.inventory.adjust(entry.item_id, entry.delta)
        except InvalidRequestError:
            self.happened("warehouse", f"may not enter {entry.delta} of {entry.item_id}", None)
        else:
            self.happened("warehouse", f"enters {entry.delta} of {entry.item_id}", None)
            self.witness.adjusted(entry.item_id, entry.delta, self.now)

    # Trying again.

    def _refused_buyer(self) -> CheckoutRequest | None:
        """A new request for the first cart that failed for good and that nobody else has bought (LIVE-2)."""
        view = self.witness.view
        left = {balance.item_id: balance.available for balance in view.balances}
        taken = {seen.order.cart_id for seen in view.sagas.values() if seen.order.status.is_live or seen.is_parked}
        for seen in view.sagas.values():
            there = all(left[item.item_id] >= item.qty for item in seen.order.items)
            refused = view.request_of(seen)
            if there and seen.order.cart_id not in taken and refused is not None:
                approved = PaymentMethod(kind="card", token="tok_approve")  # noqa: S106 - a script's name
                return replace(refused, idempotency_key="again", payment_method=approved)
        return None

    # The crew.

    def _crew(self, scenario: Scenario, offsets: list[float]) -> list[Worker]:
        offsets += [0.0] * (len(scenario.purchases) + scenario.recoverers + scenario.strangers + 1)
        crew = [
            self.worker_type(f"shop-{i}", self, _Once(self, f"shop-{i}", purchase), offsets.pop())
            for i, purchase in enumerate(scenario.purchases, 1)
        ]
        crew += [
            self.worker_type(f"recovery-{i}", self, _Whenever(self, f"recovery-{i}"), offsets.pop())
            for i in range(1, scenario.recoverers + 1)
        ]
        crew += [
            self.worker_type(f"{STRANGER}-{i}", self, _Whenever(self, f"{STRANGER}-{i}"), offsets.pop())
            for i in range(1, scenario.strangers + 1)
        ]
        if scenario.operator_after_seconds is not None:
            jobs = Operator(self, "operator", scenario.operator_after_seconds)
            crew.append(self.worker_type("operator", self, jobs, offsets.pop()))
        return crew

    def shop(self, worker: str) -> Shop:
        guarantees = self.scenario.policy.guarantees()
        number = "another" if worker.startswith(STRANGER) else "sandbox"
        account = Account("payments", "sandbox", number, guarantees, self.scenario.policy.cancel_by_key)
        return Shop(self.scenario.settings, {"*": account}, Context(worker, self._new_id))

    def _new_id(self) -> str:
        return f"00000000-0000-7000-8000-{next(self._ids):012d}"

    def _before(self, transaction: Transaction) -> tuple[Fence | None, bool]:
        saga_id = transaction.saga_id
        return self.store.fence(saga_id), self.store.wrote(saga_id, transaction.commit_id)


class _Once:
    """A caller: one call of ``execute``."""

    def __init__(self, world: World, worker: str, purchase: Purchase) -> None:
        self._world = world
        self._worker = worker
        self._purchase = purchase
        self._left = True

    def next_at(self) -> float:
        return EPOCH_SECONDS + self._purchase.at_seconds if self._left else NEVER

    def take(self) -> Job:
        self._left = False
        request = self._purchase.request
        self._world.history.requests.append(request)
        program = execute(self._world.shop(self._worker), Execution(request, self._purchase.provider_open))
        return Job(f"execute {request.idempotency_key!r}", program, self._ended)

    def _ended(self, result: Any, error: Exception | None) -> None:
        self._world.happened(self._worker, "answered", result if error is None else error)
        if error is not None and (isinstance(error, InvariantError) or not isinstance(error, CheckoutError)):
            raise PropertyViolatedError("LIVE-1", f"execute raised {error!r}") from error
        self._world.history.answers.append(Answered(self._purchase.request, result, error))


class _Whenever:
    """A recovery worker: a pass whenever something is due."""

    def __init__(self, world: World, worker: str) -> None:
        self._world = world
        self._worker = worker
        self._from = EPOCH_SECONDS + world.scenario.recovery_from_seconds

    def next_at(self) -> float:
        due = self._world.store.next_due()
        return NEVER if due is None else max(due, self._from)

    def take(self) -> Job:
        return Job("recovery", recovery_pass(self._world.shop(self._worker), 10), self._ended)

    def _ended(self, result: Any, error: Exception | None) -> None:
        self._world.happened(self._worker, "recovered", result if error is None else error)
        if error is not None:
            raise PropertyViolatedError("LIVE-1", f"recovery raised {error!r}") from error


def _transaction(worker: Worker) -> Transaction:
    asked = worker.pending
    assert isinstance(asked, Asked)
    assert isinstance(asked.effect, Commit)
    return asked.effect.transaction
