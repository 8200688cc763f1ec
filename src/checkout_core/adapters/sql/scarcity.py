"""Which items were short of late: a batch that wants one of them is decided under the stock rows' locks at once.

Only a hint: it saves an attempt that would have to be rolled back, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from checkout_core.ports.records import Applied, ReserveStock, Short, Transaction

_MOST = 10_000
Place = tuple[str, str]


class Scarcity:
    """Any number of threads may use it: a lost update costs an attempt."""

    def __init__(self) -> None:
        self._scarce: set[Place] = set()

    def touches(self, batch: Iterable[Transaction]) -> bool:
        """Whether a member of ``batch`` wants what was short."""
        return bool(self._scarce) and any(not self._scarce.isdisjoint(_wanted(each)) for each in batch)

    def learn(self, batch: Sequence[Transaction], outcomes: Sequence[object]) -> None:
        """Remember what was short, and forget what sufficed for all who wanted it."""
        short = {
            (line.item_id, line.location)
            for outcome in outcomes
            if isinstance(outcome, Short)
            for line in outcome.lines
        }
        if self._scarce:
            for transaction, outcome in zip(batch, outcomes, strict=True):
                if isinstance(outcome, Applied):
                    self._scarce.difference_update(_wanted(transaction))
        if short and len(self._scarce) < _MOST:
            self._scarce |= short


def _wanted(transaction: Transaction) -> Iterator[Place]:
    for record in transaction.records:
        if isinstance(record, ReserveStock):
            for line in record.lines:
                yield (line.item_id, line.location)
