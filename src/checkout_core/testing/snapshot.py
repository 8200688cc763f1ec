"""What a store holds, read through its port alone, so that two stores can be compared."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from checkout_core.ports.records import DuplicateKey, GuardTaken, StockLine, Transaction
from checkout_core.ports.store import Observation, Operation, SagaFile, Store
from checkout_core.testing.names import Names
from checkout_core.testing.transactions import Fence, Purchase, opening

SOME_TIME = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """What of a store is looked at: everything that one test has named."""

    names: Names
    sagas: tuple[str, ...]
    keys: tuple[str, ...]
    carts: tuple[str, ...]


def snapshot_of(store: Store, extent: Extent) -> dict[str, object]:
    """Everything durable of ``extent``, as plain values: no points in time, and remaining times in whole 1000 s.

    Leaves the store unchanged: whether a cart's guard is taken is tried with openings that an unknown item refuses.
    """
    files = [store.load(saga_id) for saga_id in extent.sagas]
    found = {key: store.find(extent.names.scope, key) for key in extent.keys}
    ours = set(extent.sagas)
    alarms = [alarm for alarm in store.alarms(limit=1_000_000) if alarm.order_id in ours]
    return {
        "files": [_plain(file) for file in files if file is not None],
        "keys": {key: file.saga.saga_id for key, file in found.items() if file is not None},
        "taken": _taken(store, extent),
        "outbox": {saga_id: [asdict(event) for event in store.outbox_of(saga_id)] for saga_id in extent.sagas},
        "stock": [asdict(row) for row in store.stock_balances() if row.item_id.startswith(extent.names.scope)],
        "alarms": sorted((alarm.alarm_id, alarm.kind, alarm.order_id, alarm.detail) for alarm in alarms),
    }


def coarse(seconds: float | None) -> int | None:
    """A remaining time without what passes during a test; what is past is 0."""
    return None if seconds is None else max(0, round(seconds / 1000) * 1000)


def _plain(file: SagaFile) -> dict[str, object]:
    saga = file.saga
    order = file.order
    return asdict(
        replace(
            file,
            saga=replace(
                saga, due_in_seconds=coarse(saga.due_in_seconds), lease_seconds=coarse(saga.lease_seconds) or 0
            ),
            journal=tuple(replace(row, at=SOME_TIME) for row in file.journal),
            order=None if order is None else replace(order, created_at=SOME_TIME, updated_at=SOME_TIME),
            operations=tuple(sorted(map(_timeless, file.operations), key=lambda each: each.operation_id)),
            observations=tuple(sorted(map(_nameless, file.observations), key=repr)),
        )
    )


def _timeless(operation: Operation) -> Operation:
    return replace(
        operation,
        age_seconds=coarse(operation.age_seconds) or 0,
        pay_by_seconds=coarse(operation.pay_by_seconds) or 0,
        resend_seconds=coarse(operation.resend_seconds) or 0,
        quiet_seconds=coarse(operation.quiet_seconds) or 0,
        watch_seconds=coarse(operation.watch_seconds),
    )


def _nameless(observation: Observation) -> Observation:
    return replace(observation, observation_id="")


def _taken(store: Store, extent: Extent) -> dict[str, object]:
    """Who has each key and each cart, as an opening is told."""
    unused = "nobody's"
    tries = [(key, unused) for key in extent.keys] + [(unused, cart) for cart in extent.carts]
    answers = store.commit([_try(extent.names, number, *tried) for number, tried in enumerate(tries)])
    return {
        f"{key}/{cart}": repr(answer) if isinstance(answer, DuplicateKey | GuardTaken) else "free"
        for (key, cart), answer in zip(tries, answers, strict=True)
    }


def _try(names: Names, number: int, key: str, cart: str) -> Transaction:
    far = 10**9 + number
    unknown = StockLine(item_id=f"{names.scope} nowhere", location="", qty=1)
    purchase = Purchase(
        saga_id=names.saga(far), scope=names.scope, key=key, fingerprint="", cart_id=cart, lines=(unknown,)
    )
    return opening(purchase, Fence(commit_id=names.commit(far), token=names.token(far)))
