"""Stories: what happens to a few sagas, as plain values that a failing test can print.

A story says who moves and how; which transaction that is depends on what is stored when its turn comes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from checkout_core.testing.transactions import Ending


@dataclass(frozen=True, slots=True)
class Basket:
    """What one saga buys: (item number, quantity) pairs. Sagas may share keys and carts."""

    key: int
    cart: int
    fingerprint: int
    lines: tuple[tuple[int, int], ...]


class Pen(StrEnum):
    """With which fence a worker writes."""

    CURRENT = "current"
    STALE = "stale"
    """The version before."""
    AHEAD = "ahead"
    STRANGER = "stranger"
    """A token that never held the lease."""


@dataclass(frozen=True, slots=True)
class Open:
    """Open the saga, also if it is there already."""

    saga: int
    leased: bool = True


@dataclass(frozen=True, slots=True)
class Advance:
    """Write ``ending`` if the saga is there, else open it."""

    saga: int
    ending: Ending
    pen: Pen = Pen.CURRENT


@dataclass(frozen=True, slots=True)
class Again:
    """Hand in a transaction once more: the one ``back`` places ago."""

    back: int


Move: TypeAlias = Open | Advance | Again


@dataclass(frozen=True, slots=True)
class Round:
    """First these sagas are claimed, one by one; then the moves are committed as one batch."""

    claims: tuple[int, ...]
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """``stock``: units of each known item by number; an item without a number there is unknown to the store."""

    stock: tuple[int, ...]
    baskets: tuple[Basket, ...]
    rounds: tuple[Round, ...]
