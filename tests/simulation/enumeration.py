"""How many schedules with so many crashes there are, counted without the simulator.

A driver of its own plays one buyer and recovery in the plainest way and says how many effects there were. A schedule
with k crashes is one with k - 1 crashes and a further crash before or after one of the effects that came later; so
their number follows by arithmetic, without playing a single one of them.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from checkout_core.adapters.memory import MemoryStore
from checkout_core.adapters.sandbox import CancelKey, Failed, SandboxBank
from checkout_core.checkout.execute import Call as Execution
from checkout_core.checkout.execute import execute
from checkout_core.checkout.recovery import recover_one
from checkout_core.checkout.shop import Account, Shop
from checkout_core.effect import Done, advance
from checkout_core.errors import KeyMismatchError, NotExecutedError, NotSentError, RejectedError
from checkout_core.ports.payment import ActionNeeded, PaymentQuery, Processing
from checkout_core.ports.records import Phase
from checkout_core.saga.context import Context
from checkout_core.saga.effects import (
    Call,
    Claim,
    Commit,
    KeyMismatch,
    Load,
    NotExecuted,
    NotSent,
    OutcomeUnknown,
    PutBack,
    Rejected,
    Stamped,
    Wait,
)
from checkout_core.testing.simulator.clock import EPOCH_SECONDS
from checkout_core.testing.simulator.scenario import Scenario
from checkout_core.testing.simulator.schedule import STEP_SECONDS

CRASH_SIDES = 2
FAULTS_ANYWHERE = 4  # crash and stop, before and after
FAULTS_OF_A_COMMIT = 2  # its answer lost, stored or not
FAULTS_OF_A_CALL = 4  # request lost, answer lost, request late, crash with the request under way


class KilledError(Exception):
    """The process is gone."""


@dataclass(frozen=True)
class Crash:
    ordinal: int
    performed: bool


def schedules(scenario: Scenario, crashes: int, shorter: tuple[Crash, ...] = ()) -> int:
    """How many schedules have exactly ``crashes`` crashes more than ``shorter``."""
    if crashes == 0:
        return 1
    last = shorter[-1].ordinal if shorter else 0
    later = range(last + 1, Plain(scenario, shorter).effects() + 1)
    if crashes == 1:
        return CRASH_SIDES * len(later)
    return sum(
        schedules(scenario, crashes - 1, (*shorter, Crash(at, performed)))
        for at in later
        for performed in (False, True)
    )


def schedules_with_one_fault(scenario: Scenario) -> int:
    """How many schedules have exactly one fault, each kind counted once wherever it means something."""
    plain = Plain(scenario, ())
    plain.effects()
    return plain.count * FAULTS_ANYWHERE + plain.commits * FAULTS_OF_A_COMMIT + plain.calls * FAULTS_OF_A_CALL


class Plain:
    """One buyer, then recovery whenever something is due, all in a straight line."""

    def __init__(self, scenario: Scenario, crashes: tuple[Crash, ...]) -> None:
        self.scenario = scenario
        self.crashes = {crash.ordinal: crash.performed for crash in crashes}
        self.count = self.commits = self.calls = 0
        self.ids = 0
        self.now = EPOCH_SECONDS
        self.store = MemoryStore(clock=lambda: self.now)
        self.bank = SandboxBank(scenario.policy, clock=lambda: self.now)
        self.decisions: dict[str, float] = {}
        for item, qty in scenario.stock.items():
            self.store.inventory.set_available(item, qty)

    def effects(self) -> int:
        (purchase,) = self.scenario.purchases
        with suppress(KilledError):
            self.drive(execute(self.shop("shop-1"), Execution(purchase.request)))
        while (due := self.next_due()) <= EPOCH_SECONDS + self.scenario.rests_after_seconds:
            self.pass_time(max(self.now, due, EPOCH_SECONDS + self.scenario.recovery_from_seconds))
            with suppress(KilledError):
                self.recover()
        return self.count

    def recover(self) -> None:
        token = self.new_id()
        lease = self.scenario.settings.lease_seconds
        asked_at, claimed = self.effect(lambda: self.store.claim_due(token=token, lease_seconds=lease, limit=10))
        for saga_id in claimed:
            self.drive(recover_one(self.shop("recovery-1"), saga_id, token, asked_at))

    def next_due(self) -> float:
        due = [
            max(file.saga.due_in_seconds, file.saga.lease_seconds) + self.now
            for file in self.store.files_after("", limit=10)
            if file.saga.phase in (Phase.RUNNING, Phase.WATCHING) and file.saga.due_in_seconds is not None
        ]
        return min(due, default=float("inf"))

    def drive(self, program: Any) -> None:
        answer: object = None
        try:
            while not isinstance(step := advance(program, answer), Done):
                answer = self.perform(step)
        finally:
            program.close()

    def effect(self, happens: Any, seconds: float = 0.0) -> tuple[float, Any]:
        """Count one effect, let it happen unless the process dies before, and die after it where that is due."""
        self.count += 1
        asked_at = self.now
        performed = self.crashes.get(self.count)
        if performed is False:
            raise KilledError
        self.pass_time(self.now + STEP_SECONDS + seconds)
        value = happens()
        if performed is True:
            raise KilledError
        return asked_at, value

    def perform(self, effect: Any) -> object:
        match effect:
            case Commit(transaction):
                self.commits += 1
                asked_at, answers = self.effect(lambda: self.store.commit([transaction]))
                return Stamped(answers[0], asked_at)
            case Load(saga_id, scope, key):
                asked_at, file = self.effect(
                    lambda: self.store.load(saga_id) if saga_id else self.store.find(scope, key)
                )
                return Stamped(file, asked_at)
            case Claim(saga_id, token, lease):
                asked_at, done = self.effect(lambda: self.store.claim_one(saga_id, token=token, lease_seconds=lease))
                return Stamped(done, asked_at)
            case PutBack(saga_id, token, due, tries):
                self.effect(lambda: self.store.put_back(saga_id, token=token, due_seconds=due, tries=tries))
                return None
            case Wait(seconds):
                self.effect(lambda: None, seconds)
                return self.now
            case Call():
                self.calls += 1
                _, (answer, takes) = self.effect(lambda: self.call(effect))
                self.pass_time(self.now + takes)
                return answer
        raise AssertionError(effect)

    def call(self, call: Call) -> tuple[object, float]:
        if self.now + 0.05 > call.send_before:
            return NotSent(too_late=True), 0.0
        request: Any = CancelKey(call.request) if call.operation == "cancel_by_key" else call.request
        handled = self.bank.handle(request, self.now)
        reply = handled.reply
        if isinstance(reply, Processing | ActionNeeded) and not isinstance(request, PaymentQuery):
            self.decisions.setdefault(reply.provider_reference, self.now + self.scenario.acts_after_seconds)
        if handled.after_seconds >= call.timeout_seconds:
            return OutcomeUnknown(), call.timeout_seconds
        if isinstance(reply, Failed):
            silent = reply.fault.value == "no_answer"
            return failure(reply), call.timeout_seconds if silent else handled.after_seconds
        return reply, handled.after_seconds

    def pass_time(self, to: float) -> None:
        for reference, at in sorted(self.decisions.items(), key=lambda each: each[1]):
            if at <= to:
                del self.decisions[reference]
                self.bank.decide(reference, approve=self.scenario.approves, now=at)
        self.now = to

    def shop(self, worker: str) -> Shop:
        policy = self.scenario.policy
        account = Account("payments", "sandbox", "sandbox", policy.guarantees(), policy.cancel_by_key)
        return Shop(self.scenario.settings, {"*": account}, Context(worker, self.new_id))

    def new_id(self) -> str:
        self.ids += 1
        return f"00000000-0000-7000-8000-{self.ids:012d}"


def failure(failed: Failed) -> object:
    error = failed.error()
    match error:
        case NotSentError():
            return NotSent()
        case NotExecutedError():
            return NotExecuted(retry_after_seconds=error.retry_after_seconds)
        case RejectedError():
            return Rejected()
        case KeyMismatchError():
            return KeyMismatch()
        case _:
            return OutcomeUnknown()
