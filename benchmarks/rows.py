"""The table: which runs each row compares, and what it must reach."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from benchmarks.figures import Figures

Round: TypeAlias = Mapping[str, Figures]
"""One run of every case, by the case's name."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure of one case."""

    case: str
    figure: Callable[[Figures], float | None]

    def of(self, done: Round) -> float | None:
        return self.figure(done[self.case]) if self.case in done else None


@dataclass(frozen=True, slots=True)
class Row:
    """``reading``, or its ratio to ``against``. ``must`` and ``aim`` are upper bounds where ``lower_is_better``."""

    what: str
    reading: Reading
    against: Reading | None
    must: float
    aim: float
    lower_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Spread:
    median: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Result:
    """One row over all rounds; None where its cases were not run."""

    row: Row
    ours: Spread
    other: Spread | None
    value: Spread

    @property
    def verdict(self) -> str:
        if self._reaches(self.row.aim):
            return "aim"
        return "must" if self._reaches(self.row.must) else "MISSED"

    def _reaches(self, bound: float) -> bool:
        return self.value.median <= bound if self.row.lower_is_better else self.value.median >= bound


def _rate(what: str, case: str, against: str, bounds: tuple[float, float]) -> Row:
    def per_second(figures: Figures) -> float:
        return figures.per_second

    return Row(what, Reading(case, per_second), Reading(against, per_second), *bounds)


ROWS: Sequence[Row] = (
    Row(
        "durable commits per checkout, one at a time",
        Reading("ours, alone", lambda figures: round(figures.commits, 2)),
        None,
        must=2.0,
        aim=2.0,
        lower_is_better=True,
    ),
    Row(
        "inserted rows per three-line checkout",
        Reading("ours, alone", lambda figures: round(figures.inserted_rows, 1)),
        None,
        must=14,
        aim=11,
        lower_is_better=True,
    ),
    Row(
        "WAL bytes per checkout, against the floor",
        Reading("ours, 128 tasks", lambda figures: figures.wal_bytes),
        Reading("floor, 128 tasks", lambda figures: figures.wal_bytes),
        must=2.5,
        aim=1.6,
        lower_is_better=True,
    ),
    _rate("checkouts/s, 128 tasks, against the floor", "ours, 128 tasks", "floor, 128 tasks", (0.35, 0.6)),
    _rate("checkouts/s, 64 threads, against the floor", "ours, 64 threads", "floor, 64 threads", (0.35, 0.6)),
    _rate("one hot item, against uniform", "ours, hot", "ours, 128 tasks", (0.75, 0.9)),
    Row(
        "the hot item sells out: after, against before",
        Reading("ours, sold out", lambda figures: figures.per_second_after_sold_out),
        Reading("ours, sold out", lambda figures: figures.per_second_before_sold_out),
        must=0.75,
        aim=0.9,
    ),
    _rate("SQLite file, 64 tasks, against its floor", "ours, SQLite", "floor, SQLite", (0.2, 0.5)),
    _rate("checkouts/s against a naive SQLAlchemy shop", "ours, 128 tasks", "naive, 16 threads", (12, 25)),
    Row(
        "one unloaded checkout, p50 ms, against the floor",
        Reading("ours, alone", lambda figures: figures.p50_ms),
        Reading("floor, alone", lambda figures: figures.p50_ms),
        must=2.5,
        aim=1.5,
        lower_is_better=True,
    ),
)


def results(rounds: Sequence[Round]) -> list[Result]:
    """Every row whose cases were run. A ratio is taken within each round, then the median of the ratios."""
    found = (_result(row, rounds) for row in ROWS)
    return [each for each in found if each is not None]


def _result(row: Row, rounds: Sequence[Round]) -> Result | None:
    pairs = [(row.reading.of(done), row.against.of(done) if row.against else 1.0) for done in rounds]
    known = [(ours, other) for ours, other in pairs if ours is not None and other is not None]
    if not known:
        return None
    other = _spread([other for _, other in known]) if row.against else None
    return Result(row, _spread([ours for ours, _ in known]), other, _spread([ours / other for ours, other in known]))


def _spread(values: Sequence[float]) -> Spread:
    return Spread(statistics.median(values), min(values), max(values))
