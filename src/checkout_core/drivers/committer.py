"""Group commit: many checkouts' transactions in one database transaction (protocol 2.2, 2.11).

There is no timer. While one batch is in flight the next gathers, so a lone checkout waits for nothing.

Each member stands in line for every claim it makes (its saga, its key, its cart guard). It is *ready* when it is at the
head of all its lines, and leaves them when its batch is done. So no two members of one claim are ever in flight
together, whatever the number of lanes; each line is first come, first served; and since a member enters all its lines
at one moment, two members can never wait for each other.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import Any, TypeAlias

from checkout_core.drivers.failures import described
from checkout_core.drivers.forking import renew_after_fork
from checkout_core.drivers.member import Member, Outcome, Stage, W, closed, too_late, unanswered
from checkout_core.errors import CheckoutError
from checkout_core.ports.records import Transaction
from checkout_core.settings import Settings

Commit: TypeAlias = Callable[[Sequence[Transaction]], Sequence[Outcome]]
"""``Store.commit``: one answer per member, by position. An exception in a position is that member's alone."""

_Member: TypeAlias = Member[Any]
_log = logging.getLogger("checkout_core.committer")


class Committer:
    """Gathers members into batches and commits them on ``settings.lanes`` threads, started at first use.

    A batch holds at most ``settings.batch_most`` members, at most one per claim. ``settings.queue_most`` members may
    wait; further callers are held back. A forked child begins with an empty queue and lanes of its own.
    ``batches`` and ``members`` count what was committed.
    """

    def __init__(self, commit: Commit, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._commit = commit
        self._settings = settings
        self._clock = clock
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Begin empty. In a forked child the parent's members are dropped: the parent's lanes answer them."""
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._room = threading.Condition(self._lock)
        self._lanes: list[threading.Thread] = []
        self._idle = 0
        self._queued = 0
        self._held_back = 0
        self._closing = False
        self._ready: deque[_Member] = deque()
        self._lines: dict[tuple[str, ...], deque[_Member] | None] = {}
        self.batches = 0
        self.members = 0

    def submit(self, member: Member[W]) -> None:
        """Take the member. Blocks while the queue is full, at most until the member's deadline."""
        with self._lock:
            self._wait_for_room(member)
            if self._closing:
                member.settle(closed())
            if member.stage is Stage.NEW:
                self._enter(member)
                return
        member.post([member])

    def offer(self, member: Member[W]) -> bool:
        """Take the member if that needs no waiting."""
        with self._lock:
            if self._closing or self._held_back or self._queued >= self._settings.queue_most:
                return False
            if member.stage is not Stage.NEW:
                return False
            self._enter(member)
            return True

    def withdraw(self, member: Member[W]) -> bool:
        """Take a member back that has not begun. Its waiter is told that nothing was stored."""
        with self._lock:
            stage = member.stage
            if stage is Stage.BEGUN or stage is Stage.SETTLED:
                return False
            member.settle(too_late())  # it stays in its lines, and is skipped when it comes to the head
            if stage is Stage.NEW:
                return True
            self._left_queue()
        member.post([member])
        return True

    def close(self, timeout_seconds: float) -> bool:
        """Take nothing more and finish what waits. What has not begun in time is answered "nothing stored"."""
        end = self._clock() + timeout_seconds
        with self._lock:
            self._closing = True
            self._work.notify_all()
            self._room.notify_all()
            lanes = list(self._lanes)
        for lane in lanes:
            lane.join(max(0.0, end - self._clock()))
        with self._lock:
            waiting = [*self._ready, *(each for line in self._lines.values() for each in line or ())]
            stranded = [each for each in dict.fromkeys(waiting) if each.stage is Stage.QUEUED]
            for each in stranded:
                each.settle(closed())
        _tell(stranded)
        return not stranded and not any(lane.is_alive() for lane in lanes)

    def _wait_for_room(self, member: _Member) -> None:
        self._held_back += 1
        try:
            while member.stage is Stage.NEW and self._queued >= self._settings.queue_most and not self._closing:
                remaining = member.deadline - self._clock()
                if remaining <= 0:
                    member.settle(too_late())
                    return
                self._room.wait(None if math.isinf(remaining) else remaining)
        finally:
            self._held_back -= 1

    def _enter(self, member: _Member) -> None:
        lines = self._lines
        for claim in member.claims:
            if claim not in lines:
                lines[claim] = None  # held, and nobody waits behind: by far the most frequent case
                continue
            line = lines[claim]
            if line is None:
                line = lines[claim] = deque()
            line.append(member)
            member.blocked += 1
        member.stage = Stage.QUEUED
        self._queued += 1
        if not member.blocked:
            self._ready.append(member)
            self._wake_a_lane()

    def _wake_a_lane(self) -> None:
        if self._idle:
            self._work.notify()
        elif len(self._lanes) < self._settings.lanes:
            # An empty context: no caller's tracing or tenancy leaks into the others' work.
            lane = threading.Thread(
                target=Context().run, args=(self._serve,), name=f"checkout-lane-{len(self._lanes)}", daemon=True
            )
            lane.start()
            self._lanes.append(lane)  # only now: where the system gives no thread, the next member tries again

    def _serve(self) -> None:
        while (batch := self._next_batch()) is not None:
            self._apply(batch)
            with self._lock:
                self.batches += 1
                self.members += len(batch)
                for member in batch:
                    self._leave_lines(member)
            _tell(batch)

    def _next_batch(self) -> list[_Member] | None:
        while True:
            late: list[_Member] = []
            with self._lock:
                while not (batch := self._gather(late)) and not late:
                    if self._closing:
                        return None
                    self._idle += 1
                    self._work.wait()
                    self._idle -= 1
            _tell(late)
            if batch:
                return batch

    def _gather(self, late: list[_Member]) -> list[_Member]:
        now = self._clock()
        batch: list[_Member] = []
        while self._ready and len(batch) < self._settings.batch_most:
            member = self._ready.popleft()
            if member.stage is Stage.QUEUED and member.deadline > now:
                member.stage = Stage.BEGUN
                member.asked_at = now
                self._left_queue()
                batch.append(member)
                continue
            if member.stage is Stage.QUEUED:
                member.settle(too_late())
                self._left_queue()
                late.append(member)
            self._leave_lines(member)
        return batch

    def _left_queue(self) -> None:
        self._queued -= 1
        if self._held_back:
            self._room.notify()

    def _leave_lines(self, member: _Member) -> None:
        for claim in member.claims:
            line = self._lines[claim]
            if not line:
                del self._lines[claim]
                continue
            behind = line.popleft()
            behind.blocked -= 1
            if not behind.blocked:
                self._ready.append(behind)
                if self._idle:
                    self._work.notify()

    def _apply(self, batch: list[_Member]) -> None:
        try:
            outcomes = self._commit([member.transaction for member in batch])
            if len(outcomes) != len(batch):
                raise IndexError("the store must give one answer per member")
        except CheckoutError as error:
            outcomes = [error] * len(batch)
        except BaseException as error:  # noqa: BLE001 - a lane that died would leave its callers waiting for ever
            outcomes = [unanswered(error)] * len(batch)
        for member, outcome in zip(batch, outcomes, strict=True):
            member.settle(outcome)


def _tell(members: Sequence[_Member]) -> None:
    """One post per kind of waiter and batch: for asyncio that is one wake-up of the loop."""
    posts: dict[Any, list[_Member]] = {}
    for member in members:
        posts.setdefault(member.post, []).append(member)
    for post, told in posts.items():
        try:
            post(told)
        except Exception as error:  # noqa: BLE001 - one who cannot be told must not end the lane that serves all others
            _log.error("callers could not be told of their commits: %s", described(error))
