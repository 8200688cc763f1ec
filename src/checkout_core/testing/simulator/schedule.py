"""Who goes next, how long things take and what goes wrong: all that differs between two runs of one scenario."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from checkout_core.effect import Effect
from checkout_core.testing.simulator.faults import Fault, Mishap, faults_of

STEP_SECONDS = 0.01


class Schedule(Protocol):
    def pick(self, ready: int) -> int:
        """Which of ``ready`` workers goes next."""
        ...

    def latency_seconds(self) -> float:
        """How long after it was asked for the next effect happens."""
        ...

    def mishap(self, ordinal: int, effect: Effect[Any]) -> Mishap | None:
        """What goes wrong at the effect with this number, counted from 1 over all workers."""
        ...

    def joins_batch(self) -> bool:
        """Whether another worker's waiting commit rides in the batch that is about to go."""
        ...


@dataclass(frozen=True, slots=True)
class Planned:
    """The first ready worker goes, everything takes the same time, and only what is planned goes wrong."""

    mishaps: Mapping[int, Mishap] = field(default_factory=dict[int, Mishap])

    def pick(self, ready: int) -> int:
        return 0

    def latency_seconds(self) -> float:
        return STEP_SECONDS

    def mishap(self, ordinal: int, effect: Effect[Any]) -> Mishap | None:
        return self.mishaps.get(ordinal)

    def joins_batch(self) -> bool:
        return False


_LASTING_SECONDS = (0.5, 5.0, 12.0, 35.0, 50.0, 65.0, 130.0, 400.0, 1000.0)
_LATENCIES_SECONDS = (0.0, 0.001, 0.05, 0.5, 9.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfortune:
    """Up to ``faults`` of the first ``span`` effects go wrong; ``without`` leaves some of them out, by position.

    ``travels_seconds``: no request is under way for longer. It is what the sender keeps as a margin to the end of the
    key's window; against longer journeys no shop could do anything.
    """

    faults: int
    span: int
    travels_seconds: float
    without: frozenset[int] = frozenset()


class Drawn:
    """A schedule drawn from a seed: the same seed gives the same run. ``fired`` is what went wrong so far."""

    def __init__(self, random: Random, misfortune: Misfortune) -> None:
        self._random = random
        self._travels_seconds = misfortune.travels_seconds
        drawn = [
            (random.randint(1, misfortune.span), random.random(), random.choice(_LASTING_SECONDS))
            for _ in range(misfortune.faults)
        ]
        kept = (each for i, each in enumerate(drawn) if i not in misfortune.without)
        self._draws = {at: (kind, seconds) for at, kind, seconds in kept}
        self._slow = random.choice(_LATENCIES_SECONDS)
        self._batches = random.choice((0.0, 0.5, 1.0))
        self.fired: list[tuple[int, Mishap]] = []

    def pick(self, ready: int) -> int:
        return self._random.randrange(ready) if ready > 1 else 0

    def latency_seconds(self) -> float:
        return self._slow * self._random.random()

    def mishap(self, ordinal: int, effect: Effect[Any]) -> Mishap | None:
        draw = self._draws.get(ordinal)
        if draw is None:
            return None
        kind, seconds = draw
        possible = faults_of(effect)
        fault = possible[int(kind * len(possible))]
        travels = fault in (Fault.CRASH_IN_FLIGHT, Fault.REQUEST_LATE)
        mishap = Mishap(fault, min(seconds, self._travels_seconds) if travels else seconds)
        self.fired.append((ordinal, mishap))
        return mishap

    def joins_batch(self) -> bool:
        return self._random.random() < self._batches
