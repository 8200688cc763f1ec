"""What is measured: something that takes orders on a PostgreSQL database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from benchmarks.workload import Bank, Order, Outcome, Workload

Sell: TypeAlias = Callable[[Order], Outcome]
SellAsync: TypeAlias = Callable[[Order], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Tally:
    """What the buyers were told, warm-up included, and how many units of each item were sold to them."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    sold: Counter[int] = field(default_factory=Counter)

    def add(self, order: Order, outcome: Outcome) -> None:
        self.outcomes[outcome] += 1
        if outcome is Outcome.CONFIRMED:
            self.sold.update(order.items)

    def include(self, other: Tally) -> None:
        self.outcomes.update(other.outcomes)
        self.sold.update(other.sold)


class Contender(Protocol):
    """``dsn`` is libpq's. A contender is opened once, in one colour; ``verify`` runs after it is closed."""

    def prepare(self, dsn: str, workload: Workload) -> None:
        """Make the tables in an empty database, and stock of every item."""
        ...

    def set_hot_stock(self, dsn: str, units: int) -> None:
        """Make ``units`` of the hot item available."""
        ...

    def threads(self, dsn: str, bank: Bank) -> AbstractContextManager[Sell]: ...
    def tasks(self, dsn: str, bank: Bank) -> AbstractAsyncContextManager[SellAsync]: ...

    def verify(self, dsn: str, workload: Workload, tally: Tally, bank: Bank) -> dict[str, bool]:
        """What must hold at the end of a run: its figures count only if all of it does."""
        ...
