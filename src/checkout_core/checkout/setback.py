"""A run that failed in the code: counted, told by an alarm, and in the end parked for an operator (LIVE-1, LIVE-3).

The count stands in the saga's row, so that it survives restarts; it holds as long as the journal's last row says that
a run failed, and a run that is all right ends it. How long the failures have lasted is the sum of the pauses between
them: time in which nobody tried does not count (protocol 3.7). Nothing here reads the journal beyond that last row, so
that a journal which no code can read is parked, and given back, like any other.
"""

from __future__ import annotations

from dataclasses import dataclass

from checkout_core.checkout.moves import attend
from checkout_core.checkout.shop import Shop
from checkout_core.checkout.state import CheckoutState
from checkout_core.domain.order import Attention
from checkout_core.ports.records import Applied, Phase, RaiseAlarm, Record, SaveSaga, Transaction
from checkout_core.ports.store import SagaFile
from checkout_core.saga.effects import Commit, Load, PutBack
from checkout_core.saga.journal import Alarmed, Entry, Parked, Resumed, RunFailed, encode, read_row
from checkout_core.saga.retry import Backoff
from checkout_core.settings import Settings

RUN_FAILS = "run_fails"
"""The cause of the alarm and of parking."""


@dataclass(frozen=True, slots=True)
class SetBack:
    """``failures`` in a row, with this one. ``alarmed``: the alarm was raised now. ``parked``: nobody tries again."""

    failures: int
    alarmed: bool
    parked: bool


async def set_back(shop: Shop, saga_id: str, token: str, where: str) -> SetBack | None:
    """A run of the saga that is held under ``token`` has just failed at ``where``. None: there is no such saga."""
    loaded = await Load(saga_id=saga_id)
    file = loaded.value
    if file is None:
        return None
    settings, failures = shop.settings, failures_of(file) + 1
    parked = _lasted_seconds(settings, failures) >= settings.park_after_seconds
    alarmed = failures == settings.alarm_after_failures or (parked and failures < settings.alarm_after_failures)
    pause = _backoff(settings).seconds(failures - 1)
    if _tells_of_failure(file) and not (alarmed or parked):
        await PutBack(saga_id, token, pause, failures)
        return SetBack(failures, alarmed, parked)
    entries: list[Entry] = [RunFailed(where, failures)]
    records: list[Record] = []
    if alarmed:
        entries.append(Alarmed(RUN_FAILS))
        detail = f"order {saga_id}: {failures} runs in a row failed"
        records.append(RaiseAlarm(alarm_id=shop.context.new_id(), kind=RUN_FAILS, detail=detail))
    if parked:
        entries.append(Parked(RUN_FAILS))
        if file.order is not None:
            records.append(attend(file.order, Attention.PARKED))
    save = SaveSaga(
        phase=Phase.PARKED if parked else file.saga.phase,
        entries=encode(entries),
        lease_seconds=None,
        due_seconds=None if parked else pause,
        tries=failures,
    )
    stored = await Commit(_transaction(shop, file, token, (*records, save)))
    is_mine = isinstance(stored.value, Applied)
    return SetBack(failures, alarmed and is_mine, parked and is_mine)


def failures_of(file: SagaFile) -> int:
    """How many runs of the saga have failed in a row."""
    return file.saga.tries if _tells_of_failure(file) else 0


def is_parked_for_failures(file: SagaFile) -> bool:
    return file.saga.phase is Phase.PARKED and Parked(RUN_FAILS) in _last_entries(file)


async def give_back(shop: Shop, file: SagaFile, token: str, note: str) -> bool:
    """Let the workers try a saga again that was parked for its failures. False: somebody else has just taken it."""
    records: list[Record] = []
    phase = Phase.RUNNING
    if file.order is not None:
        owes = CheckoutState.loaded(file, 0.0).owes_back
        records.append(attend(file.order, Attention.UNDOING if owes else Attention.NONE))
        if not (owes or file.order.status.is_open):
            phase = Phase.WATCHING  # nothing can be left of it but a watch, for which no buyer waits
    save = SaveSaga(phase=phase, entries=encode([Resumed(note)]), lease_seconds=None, due_seconds=0.0)
    stored = await Commit(_transaction(shop, file, token, (*records, save)))
    return isinstance(stored.value, Applied)


def _transaction(shop: Shop, file: SagaFile, token: str, records: tuple[Record, ...]) -> Transaction:
    return Transaction(
        commit_id=shop.context.new_id(),
        saga_id=file.saga.saga_id,
        token=token,
        version=file.saga.version,
        worker=shop.context.worker,
        records=records,
    )


def _tells_of_failure(file: SagaFile) -> bool:
    return any(isinstance(entry, RunFailed) for entry in _last_entries(file))


def _last_entries(file: SagaFile) -> tuple[Entry, ...]:
    return (read_row(file.journal[-1]) or ()) if file.journal else ()


def _backoff(settings: Settings) -> Backoff:
    return Backoff(settings.retry_first_seconds, settings.retry_most_seconds)


def _lasted_seconds(settings: Settings, failures: int) -> float:
    """The pauses between so many failures, together."""
    backoff = _backoff(settings)
    return sum(backoff.seconds(failure) for failure in range(failures - 1))
