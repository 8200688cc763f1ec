"""What every transaction must look like, whatever is stored. A breach is a bug in the core, never a business case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from checkout_core.errors import InvariantError
from checkout_core.ports.records import (
    AppendEvent,
    OpenSaga,
    Record,
    ReleaseStock,
    ReserveStock,
    SaveSaga,
    StockLine,
    Transaction,
)


def check_shape(transaction: Transaction) -> None:
    """Raise :class:`InvariantError` unless ``transaction`` is well formed. Looks at nothing that is stored."""
    _check_alternative(transaction, transaction.records)
    reserves = sum(isinstance(record, ReserveStock) for record in transaction.records)
    _demand(reserves <= 1, transaction, "expected at most one ReserveStock")
    if transaction.if_short is None:
        _demand(reserves == 0, transaction, "expected an if_short alternative beside ReserveStock")
        return
    _check_alternative(transaction, transaction.if_short)
    _demand(not any(isinstance(r, ReserveStock) for r in transaction.if_short), transaction, "if_short reserves stock")
    extra = set(replace(transaction, records=tuple(transaction.if_short)).claims()) - set(transaction.claims())
    _demand(not extra, transaction, "if_short claims a key or guard that the records do not claim")


def _check_alternative(transaction: Transaction, records: Sequence[Record]) -> None:
    opens = [position for position, record in enumerate(records) if isinstance(record, OpenSaga)]
    expected = [0] if transaction.version == 0 else []
    _demand(opens == expected, transaction, "expected OpenSaga first at version 0 and nowhere else")
    _demand(sum(isinstance(r, SaveSaga) for r in records) == 1, transaction, "expected exactly one SaveSaga")
    _demand(sum(isinstance(r, AppendEvent) for r in records) <= 1, transaction, "expected at most one AppendEvent")
    for record in records:
        if isinstance(record, ReserveStock | ReleaseStock):
            _demand(_is_canonical(record.lines), transaction, "expected sorted stock lines, each item once, qty >= 1")


def _is_canonical(lines: Sequence[StockLine]) -> bool:
    places = [(line.item_id, line.location) for line in lines]
    return places == sorted(set(places)) and all(line.qty >= 1 for line in lines)


def _demand(met: bool, transaction: Transaction, rule: str) -> None:
    if not met:
        raise InvariantError(f"commit {transaction.commit_id} of saga {transaction.saga_id}: {rule}")
