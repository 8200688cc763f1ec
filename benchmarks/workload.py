"""What is bought: endless three-line orders over ten thousand items; the bank declines one in a hundred."""

from __future__ import annotations

import random
import uuid
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

HOT_ITEM = 1
PLENTY = 1_000_000

Mode: TypeAlias = Literal["uniform", "hot"]


class Outcome(StrEnum):
    CONFIRMED = "CONFIRMED"
    DECLINED = "DECLINED"
    NO_STOCK = "NO_STOCK"


@dataclass(frozen=True, slots=True)
class Workload:
    """``mode`` hot: item 1 is in every order. ``hot_stock``: units of item 1; every other item has ``PLENTY``."""

    mode: Mode = "uniform"
    items: int = 10_000
    lines: int = 3
    declined: float = 0.01
    hot_stock: int = PLENTY
    seed: int = 1

    def stock_of(self, item: int) -> int:
        return self.hot_stock if item == HOT_ITEM else PLENTY


@dataclass(frozen=True, slots=True)
class Order:
    """One buyer's order: one unit each of ``items`` (sorted), at ``prices`` in cents."""

    key: str
    items: tuple[int, ...]
    prices: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.prices)


def orders(workload: Workload, client: int) -> Iterator[Order]:
    """The orders of one client: the same again for the same seed, another stream for every client."""
    dice = random.Random(f"{workload.seed}/{client}")
    everything = range(1, workload.items + 1)
    others = range(HOT_ITEM + 1, workload.items + 1)
    while True:
        if workload.mode == "uniform":
            items = sorted(dice.sample(everything, workload.lines))
        else:
            items = [HOT_ITEM, *sorted(dice.sample(others, workload.lines - 1))]
        key = str(uuid.UUID(int=dice.getrandbits(128), version=4))
        yield Order(key, tuple(items), tuple(100 + item % 900 for item in items))


class Bank:
    """Answers at once, in this process, and remembers every charge: what the run is verified against."""

    def __init__(self, declined: float) -> None:
        self._declined = declined * 10_000
        self.charges: Counter[str] = Counter()

    def charge(self, key: str) -> str | None:
        """The charge's id, or None for a decline. The same key always gets the same answer."""
        if zlib.crc32(key.encode()) % 10_000 < self._declined:
            return None
        self.charges[key] += 1
        return f"ch_{key}"
