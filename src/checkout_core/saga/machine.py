"""The machine: what a journal means, and what it says is next. Pure; a crash changes nothing here.

:func:`read` folds the entries into :class:`Progress`; :func:`next_todo` names the next thing to do:

=============================  ======================================================================
progress                       next
=============================  ======================================================================
parked                         rest
a remote action is open        resolve it (its step, its direction)
running, a step is not done    run the first such step that applies
running, all done              close
turned, something to undo      undo the last of it
turned, nothing to undo        close
closed, something presumed     watch it
closed                         rest
=============================  ======================================================================
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Generic, TypeAlias, assert_never

from checkout_core.errors import InvariantError
from checkout_core.saga.definition import Definition
from checkout_core.saga.journal import (
    Alarmed,
    Closed,
    Direction,
    Entry,
    Intended,
    Moved,
    Parked,
    Reopened,
    Resumed,
    RunFailed,
    Sending,
    Settled,
    Stepped,
    Turned,
    Undone,
    Verdict,
)
from checkout_core.saga.step import RemoteStep, S, Step


@dataclass(frozen=True, slots=True)
class Open:
    """A remote action without a final verdict. ``sends`` counts what may be on its way."""

    step: str
    operation_id: str
    direction: Direction
    sends: int = 1
    verdict: Verdict | None = None


class Late(StrEnum):
    """The saga had failed and closed when an action turned out to have had its effect."""

    NO = ""
    FOUND = "found"
    REVIVED = "revived"
    """Everything was taken again; if that fails further on, it is still a late success that is given back."""
    UNDOING = "undoing"


@dataclass(frozen=True, slots=True)
class Progress:
    """``done``: steps whose effect stands, in order. ``presumed``: (step, operation) to watch; ``failed``: those that
    certainly had no effect, unless somebody proves the contrary.
    """

    turned: Turned | None = None
    done: tuple[str, ...] = ()
    open: Open | None = None
    presumed: tuple[tuple[str, str], ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    closed: bool = False
    late: Late = Late.NO
    parked: str = ""
    alarmed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Run(Generic[S]):
    step: Step[S]


@dataclass(frozen=True, slots=True)
class Undo(Generic[S]):
    step: Step[S]


@dataclass(frozen=True, slots=True)
class Resolve(Generic[S]):
    step: RemoteStep[S]
    open: Open


@dataclass(frozen=True, slots=True)
class Watch(Generic[S]):
    step: RemoteStep[S]
    operation_id: str


@dataclass(frozen=True, slots=True)
class Close:
    pass


@dataclass(frozen=True, slots=True)
class Rest:
    pass


Todo: TypeAlias = Run[S] | Undo[S] | Resolve[S] | Watch[S] | Close | Rest


def read(entries: Iterable[Entry], progress: Progress | None = None) -> Progress:
    """Fold ``entries`` into ``progress``."""
    reading = Reading(progress or Progress())
    for entry in entries:
        reading.take(entry)
    return reading.progress()


def unknown_step(definition: Definition[S], progress: Progress) -> str:
    """A step that the journal names and this process lacks, or '': then it must leave the saga alone (protocol 3.6)."""
    named = [*progress.done, *(step for step, _ in (*progress.presumed, *progress.failed))]
    if progress.open is not None:
        named.append(progress.open.step)
    return next((name for name in named if not definition.knows(name)), "")


def next_todo(definition: Definition[S], progress: Progress | Reading, state: S) -> Todo[S]:
    """What to do next; see the module's table."""
    if progress.parked:
        return Rest()
    if progress.open is not None:
        return Resolve(_remote(definition, progress.open.step), progress.open)
    if progress.turned is None:
        for step in definition.steps:
            if step.name not in progress.done and step.applies(state):
                return Run(step) if not progress.closed else Rest()
        return Rest() if progress.closed else Close()
    for name in reversed(progress.done):
        if definition.step(name).undo is not None:
            return Undo(definition.step(name))
    if not progress.closed:
        return Close()
    if progress.presumed:
        name, operation_id = progress.presumed[-1]
        return Watch(_remote(definition, name), operation_id)
    return Rest()


def _remote(definition: Definition[S], name: str) -> RemoteStep[S]:
    step = definition.step(name)
    if not isinstance(step, RemoteStep):
        raise InvariantError(
            f"the journal of a {definition.name} says that {name} makes a call, and it is a local step"
        )
    return step


class Reading:
    """Progress while it is being read: entries change it in place."""

    def __init__(self, progress: Progress | Reading) -> None:
        self.turned: Turned | None = progress.turned
        self.done: tuple[str, ...] = progress.done
        self.open: Open | None = progress.open
        self.presumed: tuple[tuple[str, str], ...] = progress.presumed
        self.failed: tuple[tuple[str, str], ...] = progress.failed
        self.closed: bool = progress.closed
        self.late: Late = progress.late
        self.parked: str = progress.parked
        self.alarmed: frozenset[str] = progress.alarmed

    def progress(self) -> Progress:
        return Progress(
            turned=self.turned,
            done=self.done,
            open=self.open,
            presumed=self.presumed,
            failed=self.failed,
            closed=self.closed,
            late=self.late,
            parked=self.parked,
            alarmed=self.alarmed,
        )

    def take(self, entry: Entry) -> None:  # noqa: C901 - one arm per kind of entry
        match entry:
            case Stepped(step):
                self.done = (*self.done, step)
            case Undone(step):
                self.done = _without(self.done, step)
            case Intended(step, operation_id, direction):
                self.open = Open(step, operation_id, direction)
                if self.late and direction == "undo":
                    self.late = Late.UNDOING
            case Sending():
                if self.open is not None:
                    self.open = replace(self.open, sends=self.open.sends + 1)
            case Settled():
                self.settle(entry)
            case Turned():
                self.turned = entry
            case Closed():
                self.closed, self.late = True, Late.NO
            case Reopened():
                self.turned, self.late = None, Late.REVIVED
            case Alarmed(cause):
                self.alarmed = self.alarmed | {cause}
            case Parked(cause):
                self.parked = cause
            case Resumed():
                self.parked, self.alarmed = "", frozenset[str]()
            case Moved() | RunFailed():
                pass
            case _:
                assert_never(entry)

    def settle(self, entry: Settled) -> None:
        # An observation can settle what was presumed while another action is open: that one stays open.
        is_open = self.open is not None and self.open.operation_id == entry.operation_id
        if not entry.verdict.is_final:
            if self.open is not None and is_open:
                self.open = replace(self.open, verdict=entry.verdict)
            return
        if is_open:
            self.open = None
        this = (entry.step, entry.operation_id)
        self.presumed = tuple(each for each in self.presumed if each != this)
        self.failed = tuple(each for each in self.failed if each != this)
        if entry.direction == "undo":
            if entry.verdict is Verdict.DONE:
                self.done = _without(self.done, entry.step)
        elif entry.verdict in (Verdict.DONE, Verdict.ASSUMED_DONE):
            self.done = (*self.done, entry.step)
            self.late = Late.FOUND if self.closed else self.late
            self.closed = False
        elif entry.verdict is Verdict.PRESUMED:
            self.presumed = (*self.presumed, this)
        else:
            self.failed = (*self.failed, this)


def _without(done: tuple[str, ...], step: str) -> tuple[str, ...]:
    return tuple(name for name in done if name != step)
