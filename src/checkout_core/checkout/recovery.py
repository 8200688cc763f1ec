"""Going on with a saga that this worker has claimed: after a crash, after a wait, or for a watch.

Recovery is the same engine on the same definition; there is no second path through the money.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import inf

from checkout_core.checkout.definitions import definition_of
from checkout_core.checkout.setback import failures_of
from checkout_core.checkout.shop import Shop
from checkout_core.checkout.state import CheckoutState
from checkout_core.ports.records import Phase
from checkout_core.ports.store import Operation, SagaFile
from checkout_core.saga.draft import Saga
from checkout_core.saga.effects import Load, PutBack
from checkout_core.saga.engine import Ended, Stop, run
from checkout_core.saga.journal import Entry, Intended, Resumed, decode
from checkout_core.saga.machine import read, unknown_step

LEFT_ALONE_SECONDS = 30.0
"""After this time a saga that this process cannot run is offered again, perhaps to another."""


class Recovered(StrEnum):
    FINISHED = "finished"
    WAITING = "waiting"
    FENCED = "fenced"
    LEFT_ALONE = "left_alone"


@dataclass(frozen=True, slots=True)
class RecoveredSaga:
    """``detail`` says why a saga was left alone."""

    saga_id: str
    outcome: Recovered
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """This process cannot or must not run the saga; it was put back."""

    why: str


async def go_on(shop: Shop, saga_id: str, token: str, claimed_at: float) -> Ended[CheckoutState] | LeftAlone:
    """Run the saga that this worker has claimed under ``token`` at ``claimed_at`` (the driver's monotonic clock)."""
    loaded = await Load(saga_id=saga_id)
    file = loaded.value
    definition = definition_of(shop, file.saga) if file is not None else None
    why = "the saga is gone" if file is None else foreign(shop, file)
    if file is not None and file.saga.phase is Phase.PARKED:
        why = "the saga is parked for an operator"
    if file is None or definition is None or why:
        await PutBack(saga_id, token, LEFT_ALONE_SECONDS)
        return LeftAlone(why)
    return await run(definition, saga_in_hand(shop, file, token, loaded.asked_at, claimed_at))


async def recover_one(shop: Shop, saga_id: str, token: str, claimed_at: float) -> RecoveredSaga:
    """One claimed saga of a recovery pass."""
    match await go_on(shop, saga_id, token, claimed_at):
        case LeftAlone(why):
            return RecoveredSaga(saga_id, Recovered.LEFT_ALONE, why)
        case Ended(stop=Stop.FENCED):
            return RecoveredSaga(saga_id, Recovered.FENCED)
        case Ended(saga=saga):
            rests = saga.progress.closed or saga.progress.parked
            return RecoveredSaga(saga_id, Recovered.FINISHED if rests else Recovered.WAITING)


def saga_in_hand(shop: Shop, file: SagaFile, token: str, asked_at: float, claimed_at: float) -> Saga[CheckoutState]:
    commits = [(row.at, decode((row,))) for row in file.journal]
    return Saga(
        saga_id=file.saga.saga_id,
        token=token,
        worker=shop.context.worker,
        version=file.saga.version,
        state=CheckoutState.loaded(file, asked_at, _given_back_seconds(file.operations, commits)),
        progress=read(entry for _, entries in commits for entry in entries),
        lease_before=claimed_at + shop.settings.lease_seconds,
        tries=0 if failures_of(file) else file.saga.tries,
    )


def _given_back_seconds(
    operations: Sequence[Operation], commits: Sequence[tuple[datetime, tuple[Entry, ...]]]
) -> float:
    """Since an operator's last word, by the database's clock: the journal says when it was said, and when an operation
    was intended, whose age is known."""
    ages = {operation.operation_id: operation.age_seconds for operation in operations}
    given_back_at: datetime | None = None
    now: datetime | None = None
    for at, entries in commits:
        for entry in entries:
            if isinstance(entry, Resumed):
                given_back_at = at
            elif isinstance(entry, Intended) and entry.operation_id in ages:
                now = at + timedelta(seconds=ages[entry.operation_id])
    return inf if given_back_at is None or now is None else (now - given_back_at).total_seconds()


def foreign(shop: Shop, file: SagaFile) -> str:
    """Why this process must leave the saga alone (protocol 3.6 and 4.11), or ''."""
    definition = definition_of(shop, file.saga)
    if definition is None:
        return f"this process does not know {file.saga.definition} version {file.saga.definition_version}"
    step = unknown_step(definition, read(decode(file.journal)))
    if step:
        return f"this process has no step {step}"
    for operation in file.operations:
        if shop.account_of(operation) is None:
            return f"this process has no payment account {operation.provider}/{operation.account}"
    return ""
