"""What a run is asked for and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from benchmarks.load import Front
from benchmarks.workload import Mode


@dataclass(frozen=True, slots=True)
class Case:
    """What to run. ``hot_stock`` 0: plenty."""

    contender: str
    front: Front
    clients: int
    mode: Mode
    warmup_seconds: float
    seconds: float
    hot_stock: int = 0
    seed: int = 1
    database: Literal["postgres", "sqlite"] = "postgres"


@dataclass(frozen=True, slots=True)
class Figures:
    """Rates are per second, costs per checkout (warm-up included; 0 where the database counts nothing).
    ``foreign_share``: what others used of the whole machine."""

    checkouts: int
    per_second: float
    p50_ms: float
    p99_ms: float
    commits: float
    inserted_rows: float
    wal_bytes: float
    client_cpu_us: float
    server_cpu_us: float
    foreign_share: float
    per_second_before_sold_out: float | None
    per_second_after_sold_out: float | None
    confirmed: int
    refused: int
