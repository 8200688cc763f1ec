"""Every schedule with up to so many crashes: before and after each effect, recovery's own effects included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from checkout_core.effect import Effect
from checkout_core.testing.simulator.faults import CRASHES, Mishap, faults_of
from checkout_core.testing.simulator.garbage import rare_collections
from checkout_core.testing.simulator.invariants import PropertyViolatedError
from checkout_core.testing.simulator.scenario import Scenario
from checkout_core.testing.simulator.schedule import Planned
from checkout_core.testing.simulator.world import World


class ScheduleFailedError(AssertionError):
    """A schedule broke a property. The message says which, how to play it again, and what happened."""

    def __init__(self, violation: PropertyViolatedError, schedule: str, trace: str) -> None:
        self.violation = violation
        self.schedule = schedule
        self.trace = trace
        super().__init__(f"{violation}\nschedule: {schedule}\n{trace}")

    def __reduce__(self) -> tuple[type[ScheduleFailedError], tuple[PropertyViolatedError, str, str]]:
        """It travels from a worker process."""
        return type(self), (self.violation, self.schedule, self.trace)


@dataclass(slots=True)
class Exploration:
    """``schedules`` by number of faults; all ``effects``; ``statuses``: how many orders ended in which."""

    effects: int = 0
    schedules: Counter[int] = field(default_factory=Counter[int])
    statuses: Counter[str] = field(default_factory=Counter[str])

    def add(self, mishaps: Mapping[int, Mishap], world: World) -> None:
        self.schedules[len(mishaps)] += 1
        self.effects += world.effects_in_all
        self.statuses.update(seen.order.status.value for seen in world.witness.view.sagas.values())


def explore(scenario: Scenario, crashes: int, worlds: type[World] = World) -> Exploration:
    """Play every schedule with up to ``crashes`` crashes. Raises :class:`ScheduleFailedError` at the first bad one."""
    explored = Exploration()
    with rare_collections():
        for mishaps, world in _schedules(scenario, crashes, {}, worlds):
            explored.add(mishaps, world)
    return explored


def explore_every_fault(scenario: Scenario, seconds: Sequence[float], worlds: type[World] = World) -> Exploration:
    """Play every schedule with one fault of any kind, each lasting each of ``seconds``."""
    explored = Exploration()
    with rare_collections():
        for ordinal, effect in enumerate(_effects(play(scenario, {}, worlds)), 1):
            for mishap in (Mishap(fault, lasts) for fault in faults_of(effect) for lasts in seconds):
                explored.add({ordinal: mishap}, play(scenario, {ordinal: mishap}, worlds))
    return explored


def _effects(world: World) -> list[Effect[Any]]:
    """The effects of a run without faults, in order."""
    return [each.what for each in world.history.happenings if not isinstance(each.what, str)][: world.effects]


def play(scenario: Scenario, mishaps: Mapping[int, Mishap], worlds: type[World] = World) -> World:
    """One schedule; its failure tells the whole story."""
    world = worlds(scenario, Planned(mishaps))
    try:
        world.run()
    except PropertyViolatedError as violation:
        said = ", ".join(f"#{at} {mishap.fault}" for at, mishap in sorted(mishaps.items())) or "no fault"
        raise ScheduleFailedError(violation, f"{scenario.name}: {said}", world.history.text()) from violation
    return world


def _schedules(
    scenario: Scenario, left: int, mishaps: Mapping[int, Mishap], worlds: type[World]
) -> Iterator[tuple[Mapping[int, Mishap], World]]:
    """Shorter schedules first among those with a common beginning."""
    world = play(scenario, mishaps, worlds)
    yield mishaps, world
    if left == 0:
        return
    for ordinal in range(max(mishaps, default=0) + 1, world.effects + 1):
        for fault in CRASHES:
            yield from _schedules(scenario, left - 1, {**mishaps, ordinal: Mishap(fault)}, worlds)
