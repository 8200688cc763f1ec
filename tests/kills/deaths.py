"""Deaths at chosen boundaries: two worker processes at a time, each killed at its own, and a count of all of them."""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from checkout_core.testing.faults.boundaries import Boundary, Role, boundaries
from tests.kills.scene import Scene

BUYING = boundaries(Role.BUY, ("open", "settle"), ("call_charge",))
FOLLOWING = boundaries(Role.FOLLOW, ("claim",), ("load", "wait"))
RECOVERING = boundaries(
    Role.RECOVER, ("claim_due", "send_again", "settle", "put_back"), ("load", "wait", "call_charge", "call_lookup")
)
OPERATING = boundaries(Role.OPERATE, ("claim", "intend_refund", "settle"), ("load", "call_refund"))

WORKERS = 2
BUYERS = 12
FULL_BATCH = 8
MEETING_SECONDS = 8.0
TRIES = 4


@dataclass
class Tally:
    """Deaths by boundary, and those of them at which the bank had taken the victim's money."""

    deaths: Counter[Boundary] = field(default_factory=Counter)
    charged: Counter[Boundary] = field(default_factory=Counter)
    members: int = 0
    batches: int = 0

    def lines(self) -> list[str]:
        """A table for people."""
        total, charged = self.deaths.total(), self.charged.total()
        mean = f"{self.members / self.batches:.1f}" if self.batches else "-"
        head = f"{total} deaths, {charged} with the bank charged ({charged / max(total, 1):.0%}), mean batch {mean}"
        return [head, *(f"{self.deaths[each]:4d} {self.charged[each]:4d}  {each}" for each in sorted(self.deaths))]


@dataclass(frozen=True, slots=True)
class _Plan:
    boundary: Boundary
    nth: int
    colour: str


class Killing:
    """Kills on one scene. ``full``: bystanders fill every batch; else each worker does one thing at a time."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self.tally = Tally()
        self._scene = scene
        self._random = random.Random(seed)
        self._dead_buyer = ""

    def wave(self, chosen: Sequence[Boundary], *, full: bool) -> None:
        """One death at each boundary, in random order; buyers die first and leave their sagas to the others."""
        buying = [each for each in chosen if each.role is Role.BUY]
        others = [each for each in chosen if each.role is not Role.BUY]
        for group in (buying, others):
            self._random.shuffle(group)
            self._kill_all(group, full=full)

    def _kill_all(self, chosen: Iterable[Boundary], *, full: bool) -> None:
        plans = [self._plan(boundary, full) for boundary in chosen]
        pool = ThreadPoolExecutor(WORKERS)
        try:
            for done in [pool.submit(self._kill, plan, full) for plan in plans]:
                done.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _plan(self, boundary: Boundary, full: bool) -> _Plan:
        most = _MOST_MEETINGS.get(boundary.role, 4) if full else 2
        return _Plan(boundary, self._random.randint(1, most), self._random.choice(("threads", "tasks")))

    def _kill(self, plan: _Plan, full: bool) -> None:
        for attempt in range(TRIES):
            if self._dies(plan, full):
                return
            if attempt < TRIES - 1:  # nothing was left to meet: leave something behind
                self._dies(_Plan(_SEED, 3, plan.colour), True)
        raise AssertionError(f"nobody came to the boundary {plan.boundary}")

    def _dies(self, plan: _Plan, full: bool) -> bool:
        boundary = plan.boundary
        worker = self._scene.start(
            boundary.role,
            what=boundary.what,
            moment=boundary.moment,
            nth=plan.nth,
            colour=plan.colour,
            follows=self._dead_buyer if boundary.role is Role.FOLLOW else "",
            **_company(boundary.role, full=full),
        )
        met = worker.heard("met", timeout_seconds=MEETING_SECONDS)
        if met is None:
            worker.leave()
        else:
            ended = worker.heard("ended")
            assert ended is not None
            assert ended.signal == signal.SIGKILL
            self._count(boundary, met.sagas)
            if full:
                self.tally.members += met.members
                self.tally.batches += met.batches
        failed = [report.status for report in worker.all_of("failed")]
        assert not failed, f"{worker.errand.name}: {failed[:3]}"
        self._scene.remember_answers(worker)
        if boundary.role is Role.BUY and full:
            self._dead_buyer = worker.errand.name
        return met is not None

    def _count(self, boundary: Boundary, sagas: tuple[str, ...]) -> None:
        self.tally.deaths[boundary] += 1
        self.tally.charged[boundary] += self._scene.charged(sagas) > 0


_MOST_MEETINGS = {Role.OPERATE: 2}
"""So often a boundary is passed at most before it kills; an operator has few orders to undo."""

_SEED = BUYING[-1]
"""After the charge: what is left behind has everything still to come."""


def _company(role: Role, *, full: bool) -> dict[str, Any]:
    buys = role in (Role.BUY, Role.FOLLOW)
    if not full:
        return {"buyers": 1 if buys else 0}
    return {"buyers": BUYERS if buys else 0, "bystanders": 0 if role is Role.BUY else BUYERS, "gather": FULL_BATCH}
