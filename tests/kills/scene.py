"""Where processes are killed: a stocked database, a bank in a process of its own, workers, and the books at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text

from checkout_core import Order, OrderStatus, Settings
from checkout_core.adapters.sandbox import BankPolicy, BankProcess
from checkout_core.adapters.sql import SqlStore
from checkout_core.adapters.sql.dialects.dialect import Timeouts
from checkout_core.checkout.trace import trace_of
from checkout_core.drivers.auditing import audit_store, every_file
from checkout_core.ports.records import Phase
from checkout_core.testing.faults.boundaries import Role
from checkout_core.testing.faults.errand import Errand
from tests.kills.workers import Worker, Workers
from tests.races.books import audited, order_of

ITEMS = tuple(f"item-{number}" for number in range(12))
UNITS = 1_000_000
SETTINGS = Settings(
    call_timeout_seconds=1.0,
    lease_seconds=2.0,
    quiet_margin_seconds=0.5,
    watch_seconds=1.0,
    retry_first_seconds=0.2,
    retry_most_seconds=1.0,
    send_backoff_seconds=0.05,
    circuit_failures=1000,
)
"""Leases are short, so that the dead are soon replaced."""

REST_SECONDS = 120.0
"""Within this time everything must be at rest after the last death."""

_OPEN = ("checkout_sagas WHERE phase IN ('running', 'parked')", "checkout_observations WHERE merged = 0")


@dataclass
class Scene:
    """One database and one bank; any number of workers come and go."""

    url: str
    bank: BankProcess
    workers: Workers
    store: SqlStore
    engine: Engine
    timeouts: Timeouts = field(default_factory=Timeouts)
    answers: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By key, what a caller was told for good: order id and status."""

    def __post_init__(self) -> None:
        self._names = count(1)

    def errand(self, role: Role, **more: Any) -> Errand:
        """A worker with a name of its own."""
        return Errand(
            **{
                "name": f"{role}-{next(self._names)}",
                "database_url": self.url,
                "bank_url": self.bank.url,
                "settings": SETTINGS,
                "timeouts": self.timeouts,
                "policy": self.bank.policy,
                "role": role,
                "items": ITEMS,
                **more,
            }
        )

    def start(self, role: Role, **more: Any) -> Worker:
        return self.workers.start(self.errand(role, **more))

    def charged(self, saga_ids: tuple[str, ...]) -> int:
        """For how many of these orders the bank has taken money by now."""
        taken = {order_of(entry) for entry in self.bank.ledger() if entry.kind == "charge"}
        return len(taken.intersection(saga_ids))

    def is_at_rest(self) -> bool:
        """Nothing runs or waits for an operator, and all that was observed is taken into account.

        An order whose payment was presumed not executed is at rest, though it is watched until its key's window ends.
        """
        with self.engine.connect() as connection:
            return not any(connection.execute(text(f"SELECT count(*) FROM {each}")).scalar_one() for each in _OPEN)

    def count_observations(self) -> int:
        """How often a worker that was fenced out left behind what the bank had told it."""
        with self.engine.connect() as connection:
            return int(connection.execute(text("SELECT count(*) FROM checkout_observations")).scalar_one())

    def bring_to_rest(self) -> None:
        """Recovery in two processes, and an operator who undoes what is parked, until nothing is left to do."""
        others = [self.start(Role.RECOVER, colour=colour) for colour in ("threads", "tasks")]
        others.append(self.start(Role.OPERATE))
        give_up = time.monotonic() + REST_SECONDS
        while not self.is_at_rest():
            assert time.monotonic() < give_up, f"recovery does not come to an end:\n{self._unfinished()}"
            time.sleep(0.1)
        for worker in others:
            worker.leave()
            assert not list(worker.all_of("failed"))

    def _unfinished(self) -> str:
        """What is known of the first few that are not at rest."""
        files = [file for file in every_file(self.store) if file.saga.phase in (Phase.RUNNING, Phase.PARKED)]
        shown = "\n".join(f"{file.saga}\n{trace_of(file).text()}\n{file.operations}" for file in files[:3])
        return f"{len(files)} sagas, such as\n{shown}"

    def remember_answers(self, worker: Worker) -> None:
        """What callers of ``worker`` were told must stay true."""
        for report in worker.all_of("answered"):
            if report.status in ("CONFIRMED", "FAILED"):
                told = self.answers.setdefault(report.key, (report.order_id, report.status))
                assert told == (report.order_id, report.status), f"{report.key} was told two things"

    def assert_books(self) -> list[Order]:
        """The audit is clean, and so is an independent look: answers hold, and no money and no unit is lost."""
        entries = self.bank.ledger()
        report = audit_store(self.store, [audited(entry) for entry in entries])
        assert report.findings == []
        assert (report.unfinished, report.parked) == (0, 0)
        files = list(every_file(self.store))
        by_key = {file.key: file.order for file in files if file.order is not None}
        orders = [file.order for file in files if file.order is not None]
        for key, (order_id, status) in self.answers.items():
            assert (by_key[key].order_id, by_key[key].status) == (order_id, status), key
        _assert_money(orders, entries)
        _assert_stock(orders, self.store)
        return orders


def _assert_money(orders: list[Order], entries: Any) -> None:
    """One charge for each confirmed order; for any other as many refunds as charges, at most one."""
    taken = Counter(order_of(entry) for entry in entries if entry.kind == "charge")
    given = Counter(order_of(entry) for entry in entries if entry.kind == "refund")
    known = {order.order_id: order.status for order in orders}
    assert set(taken) | set(given) <= set(known), "the bank knows an order that we do not"
    for order_id, status in known.items():
        balance = (taken[order_id], given[order_id])
        allowed = [(1, 0)] if status is OrderStatus.CONFIRMED else [(0, 0), (1, 1)]
        assert balance in allowed, f"{order_id} is {status} with (charges, refunds) {balance}"


def _assert_stock(orders: list[Order], store: SqlStore) -> None:
    sold: Counter[str] = Counter()
    for order in orders:
        if order.status is OrderStatus.CONFIRMED:
            sold.update({line.item_id: 0 for line in order.items})
            for line in order.items:
                sold[line.item_id] += line.qty
    left = {item: store.inventory.available(item) for item in ITEMS}
    assert left == {item: UNITS - sold[item] for item in ITEMS}


@contextmanager
def open_scene(url: str, directory: Path, policy: BankPolicy | None = None) -> Iterator[Scene]:
    with ExitStack() as stack:
        store, engine = SqlStore(url), create_engine(url)
        stack.callback(store.close)
        stack.callback(engine.dispose)
        store.migrate()
        for item in ITEMS:
            store.inventory.set_available(item, UNITS)
        bank = stack.enter_context(BankProcess(directory / "bank.jsonl", policy))
        workers = stack.enter_context(Workers())
        yield Scene(url, bank, workers, store, engine)
