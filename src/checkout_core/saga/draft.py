"""From an outcome to the next commit: everything up to the next call goes into one transaction.

A draft is what a commit would store and the progress that would follow from it. Nothing has happened yet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

from checkout_core.errors import InvariantError
from checkout_core.ports.deferred import DeferredRecords
from checkout_core.ports.records import OpenSaga, Phase, Record, SaveSaga, Transaction
from checkout_core.saga.definition import Definition
from checkout_core.saga.journal import (
    Alarmed,
    Closed,
    Direction,
    Entry,
    Intended,
    Parked,
    Reopened,
    Sending,
    Settled,
    Stepped,
    Turned,
    Undone,
    Verdict,
    encode,
)
from checkout_core.saga.machine import Close, Late, Progress, Reading, Rest, Run, Undo, Watch, next_todo
from checkout_core.saga.step import Change, Kind, RemoteStep, S, Settlement, Step, WhenUnknown

SHORT = "out_of_stock"
"""Why a saga turns when a local step falls short."""


@dataclass(frozen=True, slots=True)
class Saga(Generic[S]):
    """A saga as one worker has it in hand.

    ``lease_before``: on the driver's monotonic clock, until when nobody else may take it over.
    ``fresh``: the operation whose intent this worker has just made durable, and which it alone may send.
    """

    saga_id: str
    token: str
    worker: str
    version: int
    state: S
    progress: Progress
    lease_before: float = 0.0
    tries: int = 0
    fresh: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """A settlement and the remote action that it is about; ``step`` '' where it only merges an observation."""

    settlement: Settlement
    step: str = ""
    operation_id: str = ""
    direction: Direction = "run"


@dataclass(frozen=True, slots=True)
class Draft(Generic[S]):
    """One alternative of a transaction, and what follows from it."""

    records: tuple[Record, ...]
    state: S
    progress: Progress
    save: SaveSaga
    fresh: str = ""


class Alternative(Generic[S]):
    """The draft for a reservation that falls short, worked out when it is asked for: it seldom is."""

    __slots__ = ("_draft", "_make")

    def __init__(self, make: Callable[[], Draft[S]]) -> None:
        self._make = make
        self._draft: Draft[S] | None = None

    def draft(self) -> Draft[S]:
        if self._draft is None:
            self._draft = self._make()
        return self._draft

    def records(self) -> tuple[Record, ...]:
        chosen = self.draft()
        return (*chosen.records, chosen.save)


def draft(
    definition: Definition[S], saga: Saga[S], told: Told | None, *, revive: bool = True
) -> tuple[Draft[S], Alternative[S] | None]:
    """The next commit of ``saga`` after ``told``, and its alternative should a reservation be short.

    ``revive``: a late success first tries to run the saga forward again; False: it is undone.
    """
    sheet = _Sheet(definition, saga)
    if told is not None:
        sheet.settle(told)
    if revive and sheet.progress.late is Late.FOUND and not sheet.progress.parked:
        sheet.reopen()
    sheet.carry_on()
    if not sheet.may_fall_short:
        return sheet.finished(), None
    return sheet.finished(), Alternative(lambda: _when_short(definition, saga, told, sheet))


def transaction(saga: Saga[S], chosen: Draft[S], if_short: Alternative[S] | None, commit_id: str) -> Transaction:
    return Transaction(
        commit_id=commit_id,
        saga_id=saga.saga_id,
        token=saga.token,
        version=saga.version,
        worker=saga.worker,
        records=(*chosen.records, chosen.save),
        if_short=None if if_short is None else DeferredRecords(if_short.records),
    )


def _when_short(definition: Definition[S], saga: Saga[S], told: Told | None, sheet: _Sheet[S]) -> Draft[S]:
    if saga.version == 0:
        born = _Sheet(definition, saga)
        change = definition.aggregate.stillborn(sheet.before_short_step().state)
        born.add(change, Turned(SHORT), Closed())
        return born.finished()
    if sheet.reopened:
        return draft(definition, saga, told, revive=False)[0]
    turned = sheet.before_short_step()
    turned.note(Turned(SHORT))
    turned.carry_on()
    return turned.finished()


class _Sheet(Generic[S]):
    """A draft while it is being written."""

    def __init__(self, definition: Definition[S], saga: Saga[S]) -> None:
        self.definition = definition
        self.saga = saga
        self.state = saga.state
        self.progress = Reading(saga.progress)
        self.records: list[Record] = []
        self.entries: list[Entry] = []
        self.fresh = ""
        self.due_seconds: float | None = None
        self.pause = False
        self.reopened = False
        self._before: tuple[S, int, int] | None = None
        """The state before the step that may fall short, and how many records and entries there were."""
        if saga.version == 0:
            self.records.append(OpenSaga(definition=definition.name, definition_version=definition.version))

    def add(self, change: Change, *more: Entry) -> None:
        """Write ``change`` down, and ``more`` entries of the engine's own after its."""
        if change.records:
            self.records.extend(change.records)
            self.state = self.definition.aggregate.apply(self.state, change.records)
        self.note(*change.entries, *more)

    def note(self, *entries: Entry) -> None:
        self.entries.extend(entries)
        for entry in entries:
            self.progress.take(entry)

    def settle(self, told: Told) -> None:
        settlement, step = told.settlement, told.step
        verdict = self._verdict(told)
        entries: list[Entry] = list(settlement.entries)
        if settlement.again:
            entries.append(Sending(step, told.operation_id))
            self.fresh = told.operation_id
        elif step:
            entries.append(Settled(step, told.operation_id, verdict, told.direction, settlement.detail))
        self.add(Change(settlement.records), *entries)
        if settlement.alarm:
            self.alarm(settlement.alarm)
        if settlement.park:
            self.park(settlement.park)
        elif settlement.turn and self.progress.turned is None and (verdict.is_final and not settlement.again):
            self.turn(settlement)
        if verdict is Verdict.PRESUMED and self.progress.turned is None:
            raise InvariantError(f"step {step} was presumed not executed in a saga that goes on: it would run again")
        self.due_seconds = settlement.due_seconds
        # What certainly did not happen and is still wanted is tried again, but not at once.
        self.pause = verdict in (Verdict.NOT_EXECUTED, Verdict.REFUSED) and not settlement.turn

    def reopen(self) -> None:
        self.reopened = True
        self.note(Reopened())

    def turn(self, settlement: Settlement) -> None:
        if any(self.definition.step(name).kind is Kind.PIVOT for name in self.progress.done):
            self.park("refused_after_pivot")
        else:
            self.note(Turned(settlement.turn, settlement.detail))

    def park(self, cause: str) -> None:
        self.alarm(cause)
        self.add(self.definition.aggregate.park(self.state, cause), Parked(cause))

    def alarm(self, cause: str) -> None:
        if cause not in self.progress.alarmed:
            self.add(self.definition.aggregate.alarm(self.state, cause), Alarmed(cause))

    def carry_on(self) -> None:
        """Run and undo local steps until something must be called, waited for or rested on."""
        while not (self.fresh or self.pause):
            match next_todo(self.definition, self.progress, self.state):
                case Run(step):
                    self._run(step)
                case Undo(step):
                    self._undo(step)
                case Close():
                    self._close()
                case _:
                    return

    def _run(self, step: Step[S]) -> None:
        if isinstance(step, RemoteStep):
            self._intend(step, "run")
            return
        if step.may_fall_short:
            self._before = self.state, len(self.records), len(self.entries)
        self.add(step.run(self.state), Stepped(step.name))

    def _undo(self, step: Step[S]) -> None:
        if isinstance(step, RemoteStep):
            self._intend(step, "undo")
        elif step.undo is not None:
            self.add(step.undo(self.state), Undone(step.name))

    def _intend(self, step: RemoteStep[S], direction: Direction) -> None:
        action = step.run if direction == "run" else step.undo
        if action is None:
            raise InvariantError(f"step {step.name} has no undo")
        intent = action.intend(self.state)
        self.add(Change(intent.records), Intended(step.name, intent.operation_id, direction))
        self.fresh = intent.operation_id

    def _close(self) -> None:
        turned = self.progress.turned
        if turned is not None:
            self.add(self.definition.aggregate.close(self.state, turned, self.progress.late is not Late.NO))
        self.note(Closed())

    def _verdict(self, told: Told) -> Verdict:
        step = self.definition.step(told.step) if told.step else None
        unknown = told.settlement.verdict is Verdict.UNKNOWN and told.settlement.turn
        direct = isinstance(step, RemoteStep) and step.undo_when_unknown is WhenUnknown.DIRECT
        if unknown and direct and told.direction == "run":
            return Verdict.ASSUMED_DONE
        return told.settlement.verdict

    @property
    def may_fall_short(self) -> bool:
        return self._before is not None

    def before_short_step(self) -> _Sheet[S]:
        """This sheet as it stood then: what it held is the beginning of what it holds."""
        if self._before is None:
            raise InvariantError("no step of this draft can fall short")
        before = _Sheet(self.definition, self.saga)
        before.state, records, entries = self._before
        before.records = self.records[:records]
        before.note(*self.entries[:entries])
        before.reopened = self.reopened
        return before

    def finished(self) -> Draft[S]:
        save = self._save()
        return Draft(tuple(self.records), self.state, self.progress.progress(), save, self.fresh)

    def _save(self) -> SaveSaga:
        entries = encode(self.entries)
        if self.progress.parked:
            return SaveSaga(phase=Phase.PARKED, entries=entries, lease_seconds=None, due_seconds=None)
        if self.fresh:
            lease = self.definition.lease_seconds
            tries = self._tries(self.saga.tries)
            return SaveSaga(phase=Phase.RUNNING, entries=entries, lease_seconds=lease, due_seconds=lease, tries=tries)
        todo = next_todo(self.definition, self.progress, self.state)
        if isinstance(todo, Rest) and self.definition.aggregate.observed(self.state) is None:
            return SaveSaga(phase=Phase.DONE, entries=entries, lease_seconds=None, due_seconds=None)
        phase = Phase.WATCHING if isinstance(todo, Watch | Rest) else Phase.RUNNING
        tries = self._tries(self.saga.tries + 1)
        due = self.due_seconds if self.due_seconds is not None else self.definition.backoff.seconds(tries)
        return SaveSaga(phase=phase, entries=entries, lease_seconds=None, due_seconds=due, tries=tries)

    def _tries(self, without_progress: int) -> int:
        """0 where this commit brings the saga on: sending again is no progress, so that its backoff grows."""
        before, now = self.saga.progress, self.progress
        stands = (before.done, before.turned, before.closed) == (now.done, now.turned, now.closed)
        return without_progress if stands else 0
