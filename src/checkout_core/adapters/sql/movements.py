"""What a batch does to stock, in arrival order, and what is answered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from checkout_core.domain.result import Shortage
from checkout_core.ports.records import StockLine


class MovementKind(Enum):
    RESERVE = auto()
    COMMIT = auto()
    """The reservation is sold for good; ``lines`` is empty, since nothing becomes available or unavailable."""
    RELEASE = auto()


@dataclass(frozen=True, slots=True)
class Movement:
    kind: MovementKind
    order_id: str
    lines: tuple[StockLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """The movement was made."""


@dataclass(frozen=True, slots=True)
class TooFew:
    """Nothing was reserved: these lines are short."""

    lines: tuple[Shortage, ...]


@dataclass(frozen=True, slots=True)
class Unheard:
    """Nothing was reserved: these (item, location) do not exist."""

    items: tuple[tuple[str, str], ...]


StockAnswer: TypeAlias = Moved | TooFew | Unheard
MOVED = Moved()
