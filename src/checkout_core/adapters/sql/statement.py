"""How a change of a table, or a look at it, is declared: once, for many rows at a time.

A dialect turns each declaration into one stable statement over a list of rows ``x``. In conditions and assignments
``t`` is the table, ``x`` a given row and ``{now}`` the statement's clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias

Cell: TypeAlias = str | int | float | None
Row: TypeAlias = tuple[Cell, ...]


class Kind(Enum):
    ID = auto()
    """A UUID in canonical lower-case form."""
    TEXT = auto()
    INT = auto()
    AFTER = auto()
    """Given as seconds from now, stored as an instant; None: no instant."""


@dataclass(frozen=True, slots=True)
class Column:
    """``most``: characters that a bounded text may have; 0: unbounded."""

    name: str
    kind: Kind
    most: int = 0


def ids(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, Kind.ID, 64) for name in names)


def words(most: int, *names: str) -> tuple[Column, ...]:
    return tuple(Column(name, Kind.TEXT, most) for name in names)


def texts(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, Kind.TEXT) for name in names)


def ints(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, Kind.INT) for name in names)


def afters(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, Kind.AFTER) for name in names)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Insert:
    """``stamped`` columns get the clock. ``keep``: a row whose key exists is left out instead of failing.

    ``across``: (table, column): each given row is written per row of that table, with its column; without ``keep``.
    """

    table: str
    columns: tuple[Column, ...]
    stamped: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    keep: bool = False
    across: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        return self.table


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Update:
    name: str
    table: str
    columns: tuple[Column, ...]
    where: str
    assign: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Delete:
    name: str
    table: str
    columns: tuple[Column, ...]
    where: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Select:
    """Reads ``fetch`` of the rows that exist. ``locked``: they stay locked until the end, in the order given."""

    name: str
    table: str
    columns: tuple[Column, ...]
    where: str
    fetch: tuple[str, ...]
    locked: bool = False


Group: TypeAlias = Insert | Update | Delete
Statement: TypeAlias = Insert | Update | Delete | Select

PLACE = words(128, "item_id") + words(64, "location")
GUARD = words(64, "scope") + words(128, "cart_id", "revision")
