"""A closed loop of buyers: each places the next order when the last one is answered, and at least one."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from benchmarks.contender import Contender, Sell, SellAsync, Tally
from benchmarks.workload import Bank, Order, Outcome, Workload, orders

Front: TypeAlias = Literal["threads", "tasks"]


@dataclass(frozen=True, slots=True)
class Load:
    front: Front
    clients: int
    warmup_seconds: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One checkout: monotonic seconds at its begin and end."""

    begun: float
    ended: float
    outcome: Outcome


@dataclass(slots=True)
class Record:
    """What one run saw. ``measured_from`` to ``measured_to`` is the window after the warm-up, in monotonic seconds."""

    measured_from: float
    measured_to: float
    samples: list[Sample] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    client_cpu_seconds: float = 0.0

    def add(self, order: Order, sample: Sample) -> None:
        self.samples.append(sample)
        self.tally.add(order, sample.outcome)

    def is_over(self) -> bool:
        return self.samples[-1].ended >= self.measured_to

    def within(self) -> list[Sample]:
        return [each for each in self.samples if self.measured_from <= each.ended < self.measured_to]


@dataclass(frozen=True, slots=True)
class Marks:
    """Called at the begin and end of the measured window, in a thread of their own."""

    begin: Callable[[], None]
    end: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Setting:
    """One run: who, where, what and how hard."""

    contender: Contender
    dsn: str
    workload: Workload
    load: Load


def run(setting: Setting, marks: Marks) -> tuple[Record, Bank]:
    bank = Bank(setting.workload.declined)
    if setting.load.front == "threads":
        with setting.contender.threads(setting.dsn, bank) as sell:
            return _run_threads(sell, setting, marks), bank
    return asyncio.run(_run_tasks(setting, marks, bank)), bank


def _record(load: Load) -> Record:
    begin = time.monotonic() + load.warmup_seconds
    return Record(begin, begin + load.seconds)


def _run_threads(sell: Sell, setting: Setting, marks: Marks) -> Record:
    load = setting.load
    record = _record(load)
    failures: list[BaseException] = []
    parts = [Record(record.measured_from, record.measured_to) for _ in range(load.clients)]

    def buy(client: int) -> None:
        part = parts[client]
        try:
            for order in orders(setting.workload, client):
                begun = time.monotonic()
                outcome = sell(order)
                part.add(order, Sample(begun, time.monotonic(), outcome))
                if part.is_over() or failures:
                    break
        except BaseException as error:  # noqa: BLE001 - it fails the run, below
            failures.append(error)

    buyers = [threading.Thread(target=buy, args=(client,)) for client in range(load.clients)]
    for buyer in buyers:
        buyer.start()
    _keep_marks(record, marks)
    for buyer in buyers:
        buyer.join()
    if failures:
        raise failures[0]
    for part in parts:
        record.samples += part.samples
        record.tally.include(part.tally)
    return record


async def _run_tasks(setting: Setting, marks: Marks, bank: Bank) -> Record:
    async with setting.contender.tasks(setting.dsn, bank) as sell:
        record = _record(setting.load)
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.to_thread(_keep_marks, record, marks))
            for client in range(setting.load.clients):
                group.create_task(_buy(sell, setting.workload, client, record))
        return record


async def _buy(sell: SellAsync, workload: Workload, client: int, record: Record) -> None:
    for order in orders(workload, client):
        begun = time.monotonic()
        outcome = await sell(order)
        record.add(order, Sample(begun, time.monotonic(), outcome))
        if record.is_over():
            break


def _keep_marks(record: Record, marks: Marks) -> None:
    time.sleep(max(0.0, record.measured_from - time.monotonic()))
    spent = time.process_time()
    marks.begin()
    time.sleep(max(0.0, record.measured_to - time.monotonic()))
    marks.end()
    record.client_cpu_seconds = time.process_time() - spent
