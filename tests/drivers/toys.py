"""Stand-ins with which drivers are tested: a store that can be stopped in the middle of a commit, and clocks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import count

from checkout_core.domain.money import Money
from checkout_core.drivers.member import Member, Outcome
from checkout_core.ports.payment import CallLimits, ChargeRequest, Succeeded
from checkout_core.ports.records import Applied, ClaimKey, OpenSaga, Phase, SaveSaga, TakeGuard, Transaction

PATIENCE = 20.0
"""Seconds after which a test that hangs gives up; nothing that passes comes near it."""

MOMENT = datetime(2030, 1, 1, tzinfo=UTC)
PAID = Succeeded(provider_reference="ch_1", amount=Money.of("19.90", "EUR"))
CHARGE = ChargeRequest(
    key="key", reference="ref", order_id="order", amount=PAID.amount, method_kind="card", token="tok_secret"
)
_numbers = count(1)


class HandClock:
    """A monotonic clock that the test moves; sleeping moves it too."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)


def opening(saga_id: str = "", key: str = "", cart: str = "") -> Transaction:
    """A transaction that opens a saga, with its own claims unless they are given."""
    number = next(_numbers)
    saga_id = saga_id or f"saga-{number}"
    return Transaction(
        commit_id=f"commit-{number}",
        saga_id=saga_id,
        token="token",
        version=0,
        worker="worker",
        records=(
            OpenSaga(definition="toy", definition_version=1),
            ClaimKey(scope="", key=key or f"key-{number}", fingerprint="same"),
            TakeGuard(scope="", cart_id=cart or f"cart-{number}", revision="", owner=""),
            SaveSaga(phase=Phase.RUNNING, entries="[]", lease_seconds=60, due_seconds=60),
        ),
    )


def later(saga_id: str, version: int = 1) -> Transaction:
    """A transaction that moves an open saga on."""
    return Transaction(
        commit_id=f"commit-{next(_numbers)}",
        saga_id=saga_id,
        token="token",
        version=version,
        worker="worker",
        records=(SaveSaga(phase=Phase.DONE, entries="[]", lease_seconds=None, due_seconds=None),),
    )


class GatedCommits:
    """``commit`` of a store. While the gate is shut a batch stays in flight; ``answer`` decides the outcomes."""

    def __init__(self) -> None:
        self.batches: list[list[Transaction]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.begun = threading.Semaphore(0)
        self.answer: Callable[[Sequence[Transaction]], Sequence[Outcome]] = applied

    def __call__(self, batch: Sequence[Transaction]) -> Sequence[Outcome]:
        self.batches.append(list(batch))
        self.begun.release()
        assert self.gate.wait(PATIENCE)
        return self.answer(batch)

    def await_batch(self) -> None:
        """Until the next batch is in flight."""
        assert self.begun.acquire(timeout=PATIENCE)

    @property
    def sagas(self) -> list[list[str]]:
        return [[each.saga_id for each in batch] for batch in self.batches]


def applied(batch: Sequence[Transaction]) -> Sequence[Outcome]:
    return [Applied(version=each.version + 1, at=MOMENT) for each in batch]


class Doorstep:
    """A provider that has been asked and has not answered: ``reached`` and ``opens`` are its two moments."""

    def __init__(self, answer: object) -> None:
        self.reached = threading.Event()
        self.opens = threading.Event()
        self._answer = answer

    def __call__(self, request: object, limits: CallLimits) -> object:
        self.reached.set()
        assert self.opens.wait(PATIENCE)
        return self._answer

    def await_request(self) -> None:
        assert self.reached.wait(PATIENCE)


class Postbox:
    """Collects what a committer posts; ``posts`` are the calls, one per batch and postbox."""

    def __init__(self) -> None:
        self.posts: list[list[Member[str]]] = []
        self._arrived = threading.Condition()

    def post(self, members: Sequence[Member[str]]) -> None:
        with self._arrived:
            self.posts.append(list(members))
            self._arrived.notify_all()

    def await_members(self, number: int) -> None:
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.outcomes) >= number, PATIENCE)

    @property
    def outcomes(self) -> dict[str, Outcome | None]:
        return {member.waiter: member.outcome for post in self.posts for member in post}
