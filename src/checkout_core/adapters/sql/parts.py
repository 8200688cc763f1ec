"""What a store is put together from, beside its database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from checkout_core.adapters.sql.inventory import JoinedInventory
from checkout_core.adapters.sql.movements import Movement, StockAnswer
from checkout_core.adapters.sql.outbox import JoinedOutbox
from checkout_core.adapters.sql.sealing import Sealer, Unsealed
from checkout_core.adapters.sql.statement import Row
from checkout_core.adapters.sql.work import Work


class StockPart(Protocol):
    """What :class:`JoinedInventory` promises; a host's own may do the same over its own tables."""

    def apply(self, work: Work, movements: Sequence[Movement]) -> list[StockAnswer]: ...


class EventPart(Protocol):
    """What :class:`JoinedOutbox` promises."""

    def append(self, work: Work, rows: Sequence[Row]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    inventory: StockPart = field(default_factory=JoinedInventory)
    outbox: EventPart = field(default_factory=JoinedOutbox)
    sealer: Sealer = field(default_factory=Unsealed)
