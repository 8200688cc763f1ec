"""The threads colour: every effect is performed by blocking the thread that drives the program."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from checkout_core.drivers.calls import Calls
from checkout_core.drivers.member import Commits, Member
from checkout_core.drivers.reading import ask
from checkout_core.drivers.run import Run, Tries
from checkout_core.effect import Done, Effect, Program, advance
from checkout_core.errors import InvariantError
from checkout_core.ports.records import CommitAnswer
from checkout_core.ports.store import Store
from checkout_core.saga.effects import Call, CallAnswer, Claim, Commit, Load, NotSent, PutBack, Stamped, Wait
from checkout_core.settings import Settings

R = TypeVar("R")
_Lock: TypeAlias = "threading.Lock"


@dataclass(frozen=True, slots=True)
class Time:
    """The monotonic clock, and how to sleep by it, in seconds."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


REAL_TIME = Time()


class ThreadDriver:
    """Performs the effects of one program at a time in each calling thread."""

    def __init__(
        self, store: Store, commits: Commits, calls: Calls, settings: Settings, time: Time = REAL_TIME
    ) -> None:
        self._store = store
        self._commits = commits
        self._calls = calls
        self._keep_trying_seconds = settings.lease_seconds
        self._clock = time.clock
        self._sleep = time.sleep

    def drive(self, program: Program[R], run: Run) -> R:
        """Run ``program`` to its end. An exception drops it as a crash would: recovery goes on from the journal."""
        answer: object = None
        try:
            while True:
                step = advance(program, answer)
                if isinstance(step, Done):
                    return step.value
                answer = self._perform(step, run)
        finally:
            program.close()

    def _perform(self, effect: Effect[Any], run: Run) -> object:
        match effect:
            case Commit():
                return self._commit(effect, run)
            case Call():
                return self._call(effect)
            case Load() | Claim() | PutBack():
                return ask(self._store, effect, self._clock)
            case Wait():
                if effect.seconds > 0:
                    self._sleep(effect.seconds)
                return self._clock()
            case _:
                raise InvariantError(f"no driver performs {type(effect).__name__}")

    def _commit(self, effect: Commit, run: Run) -> Stamped[CommitAnswer]:
        tries = Tries(run, effect.transaction, self._keep_trying_seconds)
        while True:
            settled = threading.Lock()  # the cheapest thing to wait for once
            settled.acquire()
            member = tries.member(_release, settled)
            self._commits.submit(member)
            settled.acquire()
            answer = tries.stored(member, self._clock())
            if isinstance(answer, Stamped):
                return answer
            self._sleep(answer)

    def _call(self, call: Call) -> CallAnswer:
        outgoing = self._calls.begin(call)
        if isinstance(outgoing, NotSent):
            return outgoing
        try:
            answer = outgoing.method(outgoing.request, outgoing.limits)
        except Exception as error:  # noqa: BLE001 - what it means is decided there, for everything that exists
            return outgoing.failed(error)
        return outgoing.answered(answer)


def _release(members: Sequence[Member[_Lock]]) -> None:
    for member in members:
        member.waiter.release()
