"""A shop on a real database, in both colours, and many callers at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Protocol, TypeAlias

from checkout_core import AsyncCheckout, Checkout, CheckoutRequest, CheckoutResult, Settings
from checkout_core.adapters.sandbox import AsyncSandboxPayments, SandboxBank, SandboxPayments
from checkout_core.adapters.sql import SqlStore
from checkout_core.testing.faults.gathering import GatheringCommitter, committer_of, gathering

Answer: TypeAlias = CheckoutResult | Exception
"""What one caller got: the result, or the error that was raised."""

CallersOf: TypeAlias = Callable[[int], CheckoutRequest]
"""The n-th request of a crowd."""

PATIENCE_SECONDS = 120.0
"""How long a caller waits at most: never the reason for a result here."""

CROWD = 24
FULL_BATCH = 8
"""While a crowd buys, no batch has fewer members."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What a committer has done in some time."""

    members: int = 0
    batches: int = 0


class Shop(Protocol):
    """One store, one bank, one checkout: all that a race needs."""

    store: SqlStore
    bank: SandboxBank
    crowded: Counted

    def at_once(self, requests: Sequence[CheckoutRequest], *, crowd: CallersOf | None = None) -> list[Answer]:
        """What each request's caller got, by position: all call at the same moment.

        With ``crowd``, :data:`CROWD` others buy beside them, from before the first until after the last, and
        ``crowded`` counts the members and the batches of that time.
        """
        ...

    def close(self) -> None: ...


class ThreadShop:
    """``Checkout`` and threads."""

    def __init__(self, url: str, bank: SandboxBank, settings: Settings) -> None:
        self.store, self.bank, self.crowded = SqlStore(url), bank, Counted()
        with gathering():
            self.checkout = Checkout(self.store, SandboxPayments(bank), settings=settings)
        self._committer = committer_of(self.checkout._composition.commits)

    def at_once(self, requests: Sequence[CheckoutRequest], *, crowd: CallersOf | None = None) -> list[Answer]:
        answers: list[Answer | None] = [None] * len(requests)
        start = threading.Barrier(len(requests))

        def call(position: int) -> None:
            start.wait()
            answers[position] = self._buy(requests[position])

        calls = [partial(call, position) for position in range(len(requests))]
        if crowd is None:
            run_threads(calls)
        else:
            bystanders = _ThreadCrowd(self._buy, crowd)
            with full_batches(self._committer) as count_all:
                run_threads(calls)
                self.crowded = count_all()
            bystanders.leave()
        return [answer for answer in answers if answer is not None]

    def close(self) -> None:
        assert self.checkout.close(timeout_seconds=PATIENCE_SECONDS)
        self.store.close()

    def _buy(self, request: CheckoutRequest) -> Answer:
        try:
            return self.checkout.execute(request, timeout_seconds=PATIENCE_SECONDS)
        except Exception as error:
            return error


class TaskShop:
    """``AsyncCheckout`` and tasks."""

    def __init__(self, url: str, bank: SandboxBank, settings: Settings) -> None:
        self.store, self.bank, self.crowded = SqlStore(url), bank, Counted()
        with gathering():
            self.checkout = AsyncCheckout(self.store, AsyncSandboxPayments(bank), settings=settings)
        self._committer = committer_of(self.checkout._composition.commits)
        self._runner = asyncio.Runner()

    def at_once(self, requests: Sequence[CheckoutRequest], *, crowd: CallersOf | None = None) -> list[Answer]:
        return self._runner.run(self._crowded(requests, crowd) if crowd is not None else self._all(requests))

    def close(self) -> None:
        assert self._runner.run(self.checkout.close(timeout_seconds=PATIENCE_SECONDS))
        self._runner.close()
        self.store.close()

    async def _crowded(self, requests: Sequence[CheckoutRequest], crowd: CallersOf) -> list[Answer]:
        numbers, leaving = count(), asyncio.Event()
        arrived = [asyncio.Event() for _ in range(CROWD)]

        async def bystander(here: asyncio.Event) -> None:
            while not leaving.is_set():
                refuse_error(await self._buy(crowd(next(numbers))))
                here.set()

        bystanders = [asyncio.create_task(bystander(here)) for here in arrived]
        for here in arrived:
            await here.wait()
        with full_batches(self._committer) as count_all:
            answers = await self._all(requests)
            self.crowded = count_all()
        leaving.set()
        await asyncio.gather(*bystanders)
        return answers

    async def _all(self, requests: Sequence[CheckoutRequest]) -> list[Answer]:
        return list(await asyncio.gather(*map(self._buy, requests)))

    async def _buy(self, request: CheckoutRequest) -> Answer:
        try:
            return await self.checkout.execute(request, timeout_seconds=PATIENCE_SECONDS)
        except Exception as error:
            return error


SHOPS: dict[str, Callable[[str, SandboxBank, Settings], Shop]] = {"threads": ThreadShop, "tasks": TaskShop}


class _ThreadCrowd:
    """Buyers beside a race; all have bought once when this is made."""

    def __init__(self, buy: Callable[[CheckoutRequest], Answer], requests: CallersOf) -> None:
        self._buy, self._requests = buy, requests
        self._numbers, self._leaving = count(), threading.Event()
        self._errors: list[BaseException] = []
        arrived = threading.Barrier(CROWD + 1)
        self._threads = [threading.Thread(target=self._stay, args=(arrived,)) for _ in range(CROWD)]
        for thread in self._threads:
            thread.start()
        arrived.wait(PATIENCE_SECONDS)

    def leave(self) -> None:
        self._leaving.set()
        for thread in self._threads:
            thread.join()
        assert not self._errors, self._errors

    def _stay(self, arrived: threading.Barrier) -> None:
        try:
            refuse_error(self._buy(self._requests(next(self._numbers))))
            arrived.wait(PATIENCE_SECONDS)
            while not self._leaving.is_set():
                refuse_error(self._buy(self._requests(next(self._numbers))))
        except BaseException as error:
            self._errors.append(error)
            arrived.abort()


@contextmanager
def full_batches(committer: GatheringCommitter) -> Iterator[Callable[[], Counted]]:
    """Within the block every batch holds :data:`FULL_BATCH` members; the function counts what was committed in it."""
    with committer._lock:
        members, batches = committer.members, committer.batches
    committer.gather(FULL_BATCH)

    def count_all() -> Counted:
        with committer._lock:
            return Counted(committer.members - members, committer.batches - batches)

    try:
        yield count_all
    finally:
        committer.gather(1)


def run_threads(calls: Sequence[Callable[[], None]]) -> None:
    """Run every call in a thread of its own, all to their ends; the first error of any of them is raised here."""
    errors: list[BaseException] = []

    def run(call: Callable[[], None]) -> None:
        try:
            call()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def refuse_error(answer: Answer) -> None:
    if isinstance(answer, Exception):
        raise answer
