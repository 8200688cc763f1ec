"""A saga's definition: its steps in order, and how its state follows from records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from checkout_core.errors import ConfigurationError, InvariantError
from checkout_core.ports.records import Record
from checkout_core.saga.journal import Turned
from checkout_core.saga.retry import Backoff
from checkout_core.saga.step import Change, Kind, S, Settlement, Step

S_inv = TypeVar("S_inv")


class Aggregate(Protocol[S_inv]):
    """What the engine must know about the thing that a saga works on."""

    def apply(self, state: S_inv, records: tuple[Record, ...]) -> S_inv:
        """The state after ``records``."""
        ...

    def stamp(self, state: S_inv, at: datetime, asked_at: float) -> S_inv:
        """The state after its commit: ``at`` is the database's time, remaining times count from ``asked_at``."""
        ...

    def stillborn(self, state: S_inv) -> Change:
        """Everything to store instead, when the opening commit falls short. ``state``: as it was before that step."""
        ...

    def close(self, state: S_inv, turned: Turned, late: bool) -> Change:
        """The saga has turned and everything is undone. ``late``: what was undone is a late success."""
        ...

    def park(self, state: S_inv, cause: str) -> Change:
        """Only an operator moves the saga on from here; the alarm is raised beside it."""
        ...

    def alarm(self, state: S_inv, cause: str) -> Change: ...

    def observed(self, state: S_inv) -> tuple[str, Settlement] | None:
        """The first observation of a fenced-out worker that is not merged yet, with its operation id."""
        ...


@dataclass(frozen=True, slots=True)
class Definition(Generic[S]):
    """``version`` is stored with each saga; a process that does not know it leaves the saga alone (protocol 3.6).

    ``retired``: steps that older sagas have run: they are still resolved and undone, and never newly run.
    """

    name: str
    version: int
    steps: tuple[Step[S], ...]
    aggregate: Aggregate[S]
    lease_seconds: float
    backoff: Backoff
    new_id: Callable[[], str]
    retired: tuple[Step[S], ...] = ()

    def __post_init__(self) -> None:
        names = [step.name for step in (*self.steps, *self.retired)]
        if len(set(names)) != len(names):
            raise ConfigurationError(f"saga {self.name}: two steps have one name")
        pivots = [i for i, step in enumerate(self.steps) if step.kind is Kind.PIVOT]
        if len(pivots) > 1:
            raise ConfigurationError(f"saga {self.name}: expected at most one pivot")
        after = self.steps[pivots[0] + 1 :] if pivots else ()
        if any(step.kind is not Kind.RETRIABLE for step in after):
            raise ConfigurationError(f"saga {self.name}: after the pivot every step must be retriable")

    def step(self, name: str) -> Step[S]:
        """The step with this name, retired or not."""
        for step in (*self.steps, *self.retired):
            if step.name == name:
                return step
        raise InvariantError(f"saga {self.name} lacks step {name}: a process must leave such a saga alone")

    def knows(self, name: str) -> bool:
        return any(step.name == name for step in (*self.steps, *self.retired))
