"""One run in a process of its own: makes the database, loads it, verifies it, prints its figures as a line of JSON."""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace

import psutil

from benchmarks.contender import Contender
from benchmarks.figures import Case, Figures
from benchmarks.floor import Floor
from benchmarks.floor_sqlite import SqliteFloor
from benchmarks.load import Load, Marks, Record, Sample, Setting, run
from benchmarks.meters import PerOrder, Processor
from benchmarks.naive import NaiveShop
from benchmarks.places import Place, PostgresPlace, SqlitePlace
from benchmarks.workload import PLENTY, Outcome, Workload
from benchmarks.workload_checkout_core import Library

AFTER_SOLD_OUT_SECONDS = 0.2
"""Between the last confirmed and the first refused buyer lies a batch that is neither the one nor the other."""

CONTENDERS: Mapping[tuple[str, str], Callable[[], Contender]] = {
    ("ours", "postgres"): Library,
    ("floor", "postgres"): Floor,
    ("naive", "postgres"): NaiveShop,
    ("ours", "sqlite"): Library,
    ("floor", "sqlite"): SqliteFloor,
}


def measure(case: Case, place: Place) -> Figures:
    """Run ``case`` on a fresh database; raises when the run broke an invariant."""
    contender = CONTENDERS[case.contender, case.database]()
    workload = Workload(mode=case.mode, seed=case.seed, hot_stock=case.hot_stock or PLENTY)
    dsn = place.fresh(case.contender, contender)
    _spare_the_collector()
    if case.hot_stock:
        contender.set_hot_stock(dsn, case.hot_stock)
    readings: list[Processor] = []
    marks = Marks(lambda: readings.append(place.processor()), lambda: readings.append(place.processor()))
    setting = Setting(contender, dsn, workload, Load(case.front, case.clients, case.warmup_seconds, case.seconds))
    counters = [place.counters()]
    first, its_bank = run(_one_order(setting), Marks(lambda: None, lambda: None))
    counters.append(place.counters())
    record, bank = run(setting, marks)
    counters.append(place.counters())
    orders = record.tally.outcomes.total()
    record.tally.include(first.tally)
    bank.charges.update(its_bank.charges)
    broken = [rule for rule, holds in contender.verify(dsn, workload, record.tally, bank).items() if not holds]
    if broken:
        raise RuntimeError(f"{case.contender} broke: {', '.join(broken)}; {record.tally.outcomes}")
    # What connecting costs is in both sessions: the difference is the cost of the orders alone.
    cost = counters[2].since(counters[1]).since(counters[1].since(counters[0]))
    return _figures(record, cost.shared_by(orders - 1), readings[1].since(readings[0]))


def _spare_the_collector() -> None:
    """As docs/howto/speed.md advises a host; the same for every contender."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 50, 100)


def _one_order(setting: Setting) -> Setting:
    other_keys = replace(setting.workload, seed=-setting.workload.seed)
    return replace(setting, workload=other_keys, load=Load(setting.load.front, 1, 0.0, 0.0))


def _figures(record: Record, cost: PerOrder, spent: Processor) -> Figures:
    samples = record.within()
    seconds = record.measured_to - record.measured_from
    total = record.tally.outcomes.total()
    millis = sorted((each.ended - each.begun) * 1000 for each in samples)
    before, after = _around_sold_out(record, samples)
    return Figures(
        checkouts=len(samples),
        per_second=len(samples) / seconds,
        p50_ms=statistics.median(millis),
        p99_ms=millis[int(len(millis) * 0.99)],
        commits=cost.commits,
        inserted_rows=cost.inserted_rows,
        wal_bytes=cost.wal_bytes,
        client_cpu_us=record.client_cpu_seconds / len(samples) * 1e6,
        server_cpu_us=spent.server / len(samples) * 1e6,
        foreign_share=(spent.machine - spent.server - record.client_cpu_seconds) / seconds / (psutil.cpu_count() or 1),
        per_second_before_sold_out=before,
        per_second_after_sold_out=after,
        confirmed=record.tally.outcomes[Outcome.CONFIRMED],
        refused=total - record.tally.outcomes[Outcome.CONFIRMED],
    )


def _around_sold_out(record: Record, samples: list[Sample]) -> tuple[float | None, float | None]:
    refusals = [each.ended for each in samples if each.outcome is Outcome.NO_STOCK]
    if not refusals:
        return None, None
    sold_out = min(refusals)
    resumed = sold_out + AFTER_SOLD_OUT_SECONDS
    before = sum(each.ended < sold_out for each in samples) / (sold_out - record.measured_from)
    after = sum(each.ended >= resumed for each in samples) / (record.measured_to - resumed)
    return before, after


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measure", description=__doc__)
    parser.add_argument("--dsn", required=True, help="libpq URL of the server's database postgres")
    parser.add_argument("--postmaster", type=int, required=True, help="process id of the server")
    parser.add_argument("case", help="a benchmarks.measure.Case as JSON")
    asked = parser.parse_args()
    case = Case(**json.loads(asked.case))
    place = PostgresPlace(asked.dsn, asked.postmaster) if case.database == "postgres" else SqlitePlace()
    print(json.dumps(asdict(measure(case, place))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
