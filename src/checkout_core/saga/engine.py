"""The engine: drives one saga, step by step, until it rests, waits or belongs to somebody else.

Crash anywhere: what is durable is the journal, and :func:`checkout_core.saga.machine.next_todo` goes on from there.
Between an intent's commit and its outcome's commit lies exactly one send, by the worker that committed the intent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Generic

from checkout_core.domain.value import evolve
from checkout_core.effect import Program
from checkout_core.errors import InvariantError
from checkout_core.ports.records import (
    Applied,
    CommitAnswer,
    DuplicateKey,
    GuardTaken,
    Short,
    UnknownItems,
    VersionConflict,
)
from checkout_core.saga.definition import Definition
from checkout_core.saga.draft import Alternative, Draft, Saga, Told, draft, transaction
from checkout_core.saga.effects import Commit, PutBack, Stamped
from checkout_core.saga.journal import Verdict
from checkout_core.saga.machine import Open, Resolve, Todo, Watch, next_todo
from checkout_core.saga.step import RemoteAction, S, Sendable, Settlement


class Stop(StrEnum):
    """Why a run ended."""

    RESTING = "resting"
    """Done, parked, or due again later; the lease is given up."""
    FENCED = "fenced"
    """Somebody else has the saga; reload to see."""


@dataclass(frozen=True, slots=True)
class Ended(Generic[S]):
    """``short``: what the opening reservation lacked."""

    saga: Saga[S]
    stop: Stop
    short: Short | None = None


Refusal = DuplicateKey | GuardTaken | UnknownItems


async def open_saga(definition: Definition[S], saga: Saga[S]) -> Ended[S] | Refusal:
    """Store the first commit of a new saga and run it. A refusal stores nothing."""
    chosen, if_short = draft(definition, saga, None)
    stamped = await Commit(transaction(saga, chosen, if_short, definition.new_id()))
    match stamped.value:
        case DuplicateKey() | GuardTaken() | UnknownItems() as refusal:
            return refusal
        case VersionConflict():
            raise InvariantError("a new saga's id is taken")
        case Short() as short:
            return Ended(_saved(definition, saga, _other(if_short), stamped), Stop.RESTING, short)
        case Applied():
            after = _saved(definition, saga, chosen, stamped)
            return await run(definition, after) if after.fresh else Ended(after, Stop.RESTING)


async def run(definition: Definition[S], saga: Saga[S]) -> Ended[S]:
    """Drive ``saga``, whose lease this worker holds, as far as it goes now; one with nothing to do is put to rest."""
    while True:
        todo = next_todo(definition, saga.progress, saga.state)
        told = await _ask(definition, saga, todo)
        if told is not None and _is_old_news(saga, told.settlement):
            due_seconds = told.settlement.due_seconds or definition.backoff.first_seconds
            await PutBack(saga.saga_id, saga.token, due_seconds, tries=0)
            return Ended(saga, Stop.RESTING)
        after = await _save(definition, saga, told)
        if after is None:
            return Ended(saga, Stop.FENCED)
        saga = after
        if not saga.fresh:
            return Ended(saga, Stop.RESTING)


async def steer(definition: Definition[S], saga: Saga[S], told: Told, *, revive: bool = True) -> Ended[S]:
    """Store what a human said about ``saga``, whose lease this worker holds, and go on from there.

    ``revive`` False: a late success is given back, even where everything could be taken again.
    """
    after = await _save(definition, saga, told, may_revive=revive)
    if after is None:
        return Ended(saga, Stop.FENCED)
    return await run(definition, after) if after.fresh else Ended(after, Stop.RESTING)


async def _ask(definition: Definition[S], saga: Saga[S], todo: Todo[S]) -> Told | None:
    """What is to be learnt before the next commit, if anything."""
    observed = definition.aggregate.observed(saga.state)
    if observed is not None and not saga.fresh:  # what is fresh only this worker may send
        return _about(saga, *observed)
    match todo:
        case Resolve(step, open_):
            action = step.run if open_.direction == "run" else step.undo
            if action is None:
                raise InvariantError(f"step {step.name} has no undo")
            settlement = await _resolve(action, saga, open_)
            return Told(settlement, step.name, open_.operation_id, open_.direction)
        case Watch(step, operation_id):
            at = Sendable(saga.state, operation_id, saga.lease_before, True)
            return Told(await step.run.watch(at), step.name, operation_id)
        case _:
            return None


def _is_old_news(saga: Saga[S], settlement: Settlement) -> bool:
    alarmed = not settlement.alarm or settlement.alarm in saga.progress.alarmed
    return settlement.nothing_new and alarmed


def _resolve(action: RemoteAction[S], saga: Saga[S], open_: Open) -> Program[Settlement]:
    wanted = open_.direction == "undo" or saga.progress.turned is None
    at = Sendable(saga.state, open_.operation_id, saga.lease_before, open_.sends > 1, wanted)
    return action.send(at) if saga.fresh == open_.operation_id else action.resolve(at)


def _about(saga: Saga[S], operation_id: str, settlement: Settlement) -> Told:
    """An observation counts for the action that is open or presumed, and a success for one that had failed.

    For any other it is only merged. A step that another attempt has done meanwhile, or is doing, was done twice.
    """
    progress = saga.progress
    if progress.open is not None and progress.open.operation_id == operation_id:
        return Told(settlement, progress.open.step, operation_id, progress.open.direction)
    succeeded = settlement.verdict is Verdict.DONE
    doubtful = (*progress.presumed, *progress.failed) if succeeded else progress.presumed
    step = next((step for step, doubted in doubtful if doubted == operation_id), "")
    if not step:
        return Told(replace(settlement, turn=""))
    if succeeded and (step in progress.done or (progress.open is not None and progress.open.step == step)):
        return Told(replace(settlement, turn="", park="done_twice"))
    return Told(settlement, step, operation_id)


async def _save(
    definition: Definition[S], saga: Saga[S], told: Told | None, *, may_revive: bool = True
) -> Saga[S] | None:
    for revive in (True, False) if may_revive else (False,):
        chosen, if_short = draft(definition, saga, told, revive=revive)
        stamped = await Commit(transaction(saga, chosen, if_short, definition.new_id()))
        match stamped.value:
            case Applied():
                return _saved(definition, saga, chosen, stamped)
            case Short():
                return _saved(definition, saga, _other(if_short), stamped)
            case VersionConflict():
                return None
            case GuardTaken():
                continue  # a late success whose cart was bought again: undo it instead
            case DuplicateKey() | UnknownItems():
                raise InvariantError("a running saga was refused as if it were new")
    raise InvariantError("a saga that claims no cart was refused for its cart")


def _saved(definition: Definition[S], saga: Saga[S], chosen: Draft[S], stamped: Stamped[CommitAnswer]) -> Saga[S]:
    answer = stamped.value
    if not isinstance(answer, Applied | Short):
        raise InvariantError("only a stored commit moves a saga on")
    lease = chosen.save.lease_seconds
    return evolve(
        saga,
        version=answer.version,
        state=definition.aggregate.stamp(chosen.state, answer.at, stamped.asked_at),
        progress=chosen.progress,
        fresh=chosen.fresh,
        tries=chosen.save.tries,
        lease_before=stamped.asked_at + lease if lease is not None else 0.0,
    )


def _other(if_short: Alternative[S] | None) -> Draft[S]:
    if if_short is None:
        raise InvariantError("a commit without an alternative fell short")
    return if_short.draft()
