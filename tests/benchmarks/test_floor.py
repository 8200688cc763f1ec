"""The figures are worth nothing unless a run that loses an order or a unit is thrown away."""

from __future__ import annotations

import psycopg
import pytest

from benchmarks.contender import Tally
from benchmarks.floor import Floor
from benchmarks.load import Front, Load, Marks, Setting, run
from benchmarks.workload import Bank, Outcome, Workload

FEW = Workload(mode="hot", items=20, hot_stock=3, declined=0.2)
IGNORED = Marks(begin=lambda: None, end=lambda: None)


@pytest.fixture
def dsn(postgres_url: str) -> str:
    return postgres_url.replace("+psycopg", "")


def _sold(dsn: str, front: Front) -> tuple[Tally, Bank]:
    contender = Floor()
    contender.prepare(dsn, FEW)
    record, bank = run(Setting(contender, dsn, FEW, Load(front, 8, 0.0, 0.5)), IGNORED)
    return record.tally, bank


@pytest.mark.parametrize("front", ["threads", "tasks"])
def test_the_floor_sells_what_there_is_and_no_more(dsn: str, front: Front) -> None:
    tally, bank = _sold(dsn, front)
    assert all(Floor().verify(dsn, FEW, tally, bank).values())
    assert tally.outcomes[Outcome.CONFIRMED] == 3
    assert tally.outcomes[Outcome.NO_STOCK] > 0


@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        ("UPDATE stock SET available = available + 1 WHERE item = 7", "stock is conserved"),
        ("UPDATE orders SET status = 'RESERVED'", "nothing is half done"),
        ("DELETE FROM orders WHERE status = 'CONFIRMED'", "orders are what buyers were told"),
        ("INSERT INTO outbox (order_id, topic, payload) VALUES (1, 'again', '{}')", "one event per confirmed order"),
    ],
)
def test_a_damaged_database_is_seen(dsn: str, damage: str, rule: str) -> None:
    tally, bank = _sold(dsn, "threads")
    with psycopg.connect(dsn) as connection:
        connection.execute(damage.encode())
    assert Floor().verify(dsn, FEW, tally, bank)[rule] is False


def test_a_charge_too_many_is_seen(dsn: str) -> None:
    tally, bank = _sold(dsn, "threads")
    bank.charges[next(iter(bank.charges))] += 1
    assert Floor().verify(dsn, FEW, tally, bank)["each confirmed order is charged once"] is False
