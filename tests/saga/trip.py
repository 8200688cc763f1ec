"""A saga that has nothing to do with a checkout: a trip of bookings, each of which one word settles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from checkout_core.adapters.memory import MemoryStore
from checkout_core.domain.money import Money
from checkout_core.ports.records import (
    MergeObservation,
    OperationKind,
    OperationState,
    RaiseAlarm,
    Record,
    RecordIntent,
    RecordOutcome,
    StockLine,
)
from checkout_core.ports.store import Observation, SagaFile
from checkout_core.saga.definition import Definition
from checkout_core.saga.draft import Saga
from checkout_core.saga.effects import Call, NotSent
from checkout_core.saga.engine import Ended, Refusal, open_saga, run
from checkout_core.saga.journal import Entry, Moved, Turned, Verdict, decode
from checkout_core.saga.machine import Progress, read
from checkout_core.saga.retry import Backoff
from checkout_core.saga.step import Change, Intent, LocalStep, RemoteStep, Sendable, Settlement, Step
from tests.saga.driving import Clock, Driver, Ids

SEAT = (StockLine(item_id="seat", location="", qty=1),)
LEASE_SECONDS = 60.0


@dataclass(frozen=True)
class Trip:
    """``operations``: (operation, what is known of it)."""

    operations: tuple[tuple[str, OperationState], ...] = ()
    observations: tuple[Observation, ...] = ()

    def attempts(self, what: str) -> int:
        return sum(name.startswith(f"{what}/") for name, _ in self.operations)


def _settlement(word: str, operation_id: str) -> Settlement:  # noqa: C901 - one arm per word
    """What each word means; the part after the comma is the word's argument."""
    word, _, argument = word.partition(", ")
    states = {
        "yes": OperationState.SUCCEEDED,
        "no": OperationState.DECLINED,
        "gone": OperationState.NOT_EXECUTED,
        "not now": OperationState.NOT_EXECUTED,
        "presumed": OperationState.PRESUMED_NOT_EXECUTED,
    }
    state = states.get(word, OperationState.UNKNOWN)
    records = (RecordOutcome(operation_id=operation_id, state=state),)
    match word:
        case "yes":
            return Settlement(Verdict.DONE, records, park=argument)
        case "no":
            return Settlement(Verdict.REFUSED, records, turn="" if argument == "stay" else "refused")
        case "gone":
            return Settlement(Verdict.NOT_EXECUTED, records, turn="gone")
        case "not now":
            return Settlement(Verdict.NOT_EXECUTED, records)
        case "presumed":
            return Settlement(Verdict.PRESUMED, records, turn="" if argument else "gone")
        case "unknown":
            return Settlement(Verdict.UNKNOWN, records, turn=argument)
        case "waiting":
            return Settlement(Verdict.WAITING, records, due_seconds=float(argument))
        case "park":
            return Settlement(Verdict.UNKNOWN, records, park=argument)
        case "alarm":
            return Settlement(Verdict.UNKNOWN, records, alarm=argument)
        case "again":
            return Settlement(Verdict.UNKNOWN, again=True)
        case "nothing new":
            return Settlement(Verdict.PRESUMED, due_seconds=float(argument), nothing_new=True)
        case _:
            raise AssertionError(f"the agency says {word!r}")


@dataclass(frozen=True)
class Asks:
    """A remote action: calls the agency, whose answer is a word."""

    what: str
    kind: OperationKind = OperationKind.CHARGE

    def intend(self, state: Trip) -> Intent:
        name = f"{self.what}/{state.attempts(self.what) + 1}"
        return Intent(name, (_intent(name, self.kind),))

    async def send(self, at: Sendable[Trip]) -> Settlement:
        return await self._call(self.what, at)

    async def resolve(self, at: Sendable[Trip]) -> Settlement:
        return await self._call(f"find {self.what}", at)

    async def watch(self, at: Sendable[Trip]) -> Settlement:
        return await self._call(f"watch {self.what}", at)

    async def _call(self, what: str, at: Sendable[Trip]) -> Settlement:
        answer = await Call("agency", what, at.operation_id, 1.0, at.send_before)
        return _settlement("not now" if isinstance(answer, NotSent) else answer, at.operation_id)


def _intent(name: str, kind: OperationKind) -> RecordIntent:
    return RecordIntent(
        operation_id=name,
        kind=kind,
        attempt=1,
        provider="agency",
        account="main",
        key=name,
        reference=name,
        amount=Money(minor=1, currency="EUR"),
        request="{}",
        token="",
        pay_by_seconds=1.0,
        resend_seconds=1.0,
        quiet_seconds=1.0,
    )


@dataclass(frozen=True)
class TripAggregate:
    new_id: Ids

    def apply(self, state: Trip, records: tuple[Record, ...]) -> Trip:
        for record in records:
            state = _after(state, record)
        return state

    def stamp(self, state: Trip, at: datetime, asked_at: float) -> Trip:
        return state

    def stillborn(self, state: Trip) -> Change:
        return Change(entries=(Moved("", "no seat", "never was"),))

    def close(self, state: Trip, turned: Turned, late: bool) -> Change:
        return Change(entries=(Moved("travelling", turned.reason, "given back" if late else "cancelled"),))

    def park(self, state: Trip, cause: str) -> Change:
        return Change(entries=(Moved("travelling", cause, "parked"),))

    def alarm(self, state: Trip, cause: str) -> Change:
        return Change((RaiseAlarm(alarm_id=self.new_id(), kind=cause, detail=""),))

    def observed(self, state: Trip) -> tuple[str, Settlement] | None:
        if not state.observations:
            return None
        seen = state.observations[0]
        words = {OperationState.SUCCEEDED: "yes", OperationState.DECLINED: "no"}
        told = _settlement(words.get(seen.outcome.state, "unknown"), seen.outcome.operation_id)
        merged = MergeObservation(observation_id=seen.observation_id)
        return seen.outcome.operation_id, replace(told, records=(merged, *told.records))


def _after(state: Trip, record: Record) -> Trip:
    match record:
        case RecordIntent(operation_id=name):
            return replace(state, operations=(*state.operations, (name, OperationState.INTENDED)))
        case RecordOutcome(operation_id=name, state=told):
            known = tuple((each, told if each == name else was) for each, was in state.operations)
            return replace(state, operations=known)
        case MergeObservation(observation_id=merged):
            left = tuple(each for each in state.observations if each.observation_id != merged)
            return replace(state, observations=left)
        case _:
            return state


def nothing(_: Trip) -> Change:
    return Change()


def local(name: str, **more: Any) -> LocalStep:
    """A local step with an undo."""
    return LocalStep(name, run=nothing, **{"undo": nothing, **more})


def remote(name: str, **more: Any) -> RemoteStep[Trip]:
    """A booking that can be cancelled."""
    undo = Asks(f"cancel {name}", OperationKind.REFUND)
    return RemoteStep(name, run=Asks(f"book {name}"), **{"undo": undo, **more})


@dataclass
class Travel:
    """A trip saga of these steps on a memory store, and an agency that says the words that were put in its mouth.

    ``words["book hotel"]`` are its answers in their order; the last one is repeated for ever, and "yes" where none
    is given.
    """

    steps: Iterable[Step[Trip]]
    words: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    retired: tuple[Step[Trip], ...] = ()

    def __post_init__(self) -> None:
        self.clock, self.new_id = Clock(), Ids()
        self.store = MemoryStore(self.clock)
        self.store.inventory.set_available("seat", 1)
        self.driver = Driver(self.store, self.clock, self.say)
        self.definition = self.defined(self.steps, retired=self.retired)
        self.saga_id = self.new_id()

    def defined(self, steps: Iterable[Step[Trip]], **more: Any) -> Definition[Trip]:
        return Definition(
            name="trip",
            version=1,
            steps=tuple(steps),
            aggregate=TripAggregate(self.new_id),
            lease_seconds=LEASE_SECONDS,
            backoff=Backoff(1.0, 300.0),
            new_id=self.new_id,
            **more,
        )

    def say(self, call: Call) -> str:
        words = self.words.get(call.operation) or ["yes"]
        return words.pop(0) if len(words) > 1 else words[0]

    def new_saga(self, worker: str = "first") -> Saga[Trip]:
        return Saga(self.saga_id, self.new_id(), worker, 0, Trip(), Progress())

    def open(self, **crash: int) -> Ended[Trip] | Refusal | Any:
        return self.driver.run(open_saga(self.definition, self.new_saga()), **crash)

    def in_hand(self, worker: str = "second") -> Saga[Trip] | None:
        """The saga, claimed by this worker if it is due."""
        token = self.new_id()
        if self.saga_id not in self.store.claim_due(token=token, lease_seconds=LEASE_SECONDS, limit=1):
            return None
        return self.loaded(token, worker)

    def loaded(self, token: str, worker: str = "second") -> Saga[Trip]:
        file = self.file
        return Saga(
            saga_id=self.saga_id,
            token=token,
            worker=worker,
            version=file.saga.version,
            state=Trip(tuple((op.operation_id, op.state) for op in file.operations), file.observations),
            progress=read(decode(file.journal)),
            lease_before=self.clock.now + LEASE_SECONDS,
            tries=file.saga.tries,
        )

    def go_on(self, worker: str = "second", **crash: int) -> Ended[Trip] | Any | None:
        """One claim by another worker, if the saga is due now."""
        saga = self.in_hand(worker)
        return None if saga is None else self.driver.run(run(self.definition, saga), **crash)

    def wait_and_go_on(self, worker: str = "second") -> Ended[Trip] | Any:
        """Move the clock to when the saga is due, and go on."""
        due = self.file.saga.due_in_seconds
        assert due is not None, "the saga is never due again"
        self.clock.now += max(due, 0.0)
        return self.go_on(worker)

    def settle(self, most: int = 20) -> None:
        """Go on until nothing is due any more."""
        for _ in range(most):
            if self.file.saga.due_in_seconds is None:
                return
            self.wait_and_go_on()
        raise AssertionError(f"still due after {most} claims: {self.said()}")

    @property
    def file(self) -> SagaFile:
        file = self.store.load(self.saga_id)
        assert file is not None
        return file

    @property
    def entries(self) -> tuple[Entry, ...]:
        return decode(self.file.journal)

    def said(self) -> list[str]:
        """The journal, one short word per entry."""
        return [_short(entry) for entry in self.entries]

    def commits(self) -> list[list[str]]:
        """The journal, commit by commit."""
        return [[_short(entry) for entry in decode([row])] for row in self.file.journal]

    def calls(self) -> list[str]:
        return [call.operation for call in self.driver.calls()]


def _short(entry: Entry) -> str:
    values = [str(getattr(entry, name)) for name in entry.__dataclass_fields__ if name not in ("entry", "detail")]
    return " ".join([entry.entry, *(value for value in values if value)])
