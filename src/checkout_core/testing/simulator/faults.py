"""What can go wrong at one effect, and how it is written down so that the same schedule can be played again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from checkout_core.effect import Effect
from checkout_core.saga.effects import Call, Commit


class Fault(StrEnum):
    """Crashes drop the worker's program; every other fault lets it go on."""

    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    """The effect happened and nobody heard of it. For a commit: killed inside COMMIT."""
    CRASH_IN_FLIGHT = "crash, request in flight"
    """The worker is gone, and its request still arrives at the provider later."""
    STOP_BEFORE = "stopped before"
    """SIGSTOP: the effect happens after a while, perhaps longer than the lease."""
    STOP_AFTER = "stopped after"
    """The effect happens at once; its answer is read after a while."""
    COMMIT_LOST = "lost COMMIT, stored"
    """The answer of a COMMIT is lost; the driver repeats the transaction after a while."""
    COMMIT_FAILED = "lost COMMIT, not stored"
    REQUEST_LOST = "request lost"
    ANSWER_LOST = "answer lost"
    REQUEST_LATE = "request late"
    """The request arrives after a while; whoever sent it has given up by then."""


CRASHES = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER)
_ANY = (*CRASHES, Fault.STOP_BEFORE, Fault.STOP_AFTER)
_COMMIT = (*_ANY, Fault.COMMIT_LOST, Fault.COMMIT_FAILED)
_CALL = (*_ANY, Fault.CRASH_IN_FLIGHT, Fault.REQUEST_LOST, Fault.ANSWER_LOST, Fault.REQUEST_LATE)


def faults_of(effect: Effect[Any]) -> tuple[Fault, ...]:
    """The faults that mean something at this effect."""
    match effect:
        case Commit():
            return _COMMIT
        case Call():
            return _CALL
        case _:
            return _ANY


@dataclass(frozen=True, slots=True)
class Mishap:
    """``fault``, which lasts ``seconds`` where it lasts."""

    fault: Fault
    seconds: float = 0.0
