"""A worker process: runs one program at a time, performs its effects, and meets with mishaps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, cast

from checkout_core.adapters.sandbox import BankRequest, CancelKey, Failed
from checkout_core.adapters.sandbox import Fault as BankFault
from checkout_core.effect import Done, Effect, Program, advance
from checkout_core.errors import KeyMismatchError, NotExecutedError, NotSentError, RejectedError
from checkout_core.ports.records import CommitAnswer
from checkout_core.saga.effects import (
    Call,
    CallFailure,
    Claim,
    Commit,
    KeyMismatch,
    Load,
    NotExecuted,
    NotSent,
    OutcomeUnknown,
    Rejected,
    Stamped,
    Wait,
)
from checkout_core.testing.simulator.faults import Fault, Mishap
from checkout_core.testing.simulator.passes import ClaimDue
from checkout_core.testing.simulator.witness import Held

SEND_MARGIN_SECONDS = 0.05
"""As the drivers: a request must be able to leave this long before its last moment."""

NEVER = math.inf


@dataclass(frozen=True, slots=True)
class Asked:
    """An effect that has yet to happen, at ``at`` of the true clock; ``asked_at`` is the worker's own clock."""

    effect: Effect[Any]
    asked_at: float
    at: float
    mishap: Mishap | None


@dataclass(frozen=True, slots=True)
class Answering:
    """An answer that is on its way to the program."""

    answer: object
    at: float


@dataclass(frozen=True, slots=True)
class Job:
    """A program to run, and what to do with how it ended."""

    name: str
    program: Program[Any]
    ended: Callable[[object, Exception | None], None]


class Jobs(Protocol):
    """Where a worker's work comes from."""

    def next_at(self) -> float:
        """When there is something to do; :data:`NEVER` if there is nothing."""
        ...

    def take(self) -> Job: ...


class Surroundings(Protocol):
    """What a worker needs of the world."""

    @property
    def now(self) -> float: ...
    def asked(self, worker: str, effect: Effect[Any]) -> tuple[float, Mishap | None]:
        """How long until the effect happens, and what goes wrong with it."""
        ...

    def happened(self, worker: str, what: Effect[Any] | str, answer: object, mishap: Mishap | None = None) -> None: ...
    def commit_with(self, leader: Worker) -> None:
        """Store the leader's transaction, and perhaps others' in the same batch."""
        ...

    def perform(self, effect: Effect[Any]) -> object:
        """The answer of the store to anything but a commit."""
        ...

    def send(self, request: BankRequest, held: Held, *, arrives: float | None) -> tuple[object, float]:
        """Hand a request to the bank, now or when it arrives; the reply and how long it takes."""
        ...


_Pending: TypeAlias = Asked | Answering | None


class Worker:
    """``clock_offset_seconds``: its monotonic clock is the true one shifted by so much."""

    def __init__(self, name: str, world: Surroundings, jobs: Jobs, clock_offset_seconds: float = 0.0) -> None:
        self.name = name
        self._world = world
        self._jobs = jobs
        self._offset = clock_offset_seconds
        self._job: Job | None = None
        self._pending: _Pending = None
        self._token = ""

    @property
    def ready_at(self) -> float:
        return self._jobs.next_at() if self._pending is None else self._pending.at

    @property
    def is_idle(self) -> bool:
        return self._job is None

    @property
    def waiting_commit(self) -> Asked | None:
        """A commit that waits for its turn, so that it can ride in another's batch."""
        pending = self._pending
        rides = isinstance(pending, Asked) and isinstance(pending.effect, Commit) and pending.mishap is None
        return pending if rides and isinstance(pending, Asked) else None

    @property
    def pending(self) -> _Pending:
        return self._pending

    def step(self) -> None:
        """Do what is ready: begin a job, perform an effect, or hand over an answer."""
        match self._pending:
            case None:
                self._job = self._jobs.take()
                self._world.happened(self.name, f"begins {self._job.name}", None)
                self._go_on(None)
            case Asked() as asked:
                self._perform(asked)
            case Answering(answer):
                self._go_on(answer)

    def committed(self, answer: CommitAnswer, mishap: Mishap | None) -> None:
        """The batch with this worker's commit is through; with a mishap its answer may be lost."""
        asked = self._pending
        assert isinstance(asked, Asked), "only who has asked is answered"
        self._world.happened(self.name, asked.effect, answer, mishap)
        if mishap is not None and mishap.fault in (Fault.COMMIT_LOST, Fault.COMMIT_FAILED):
            # The driver repeats the same transaction; what it stamps is the moment before its first try.
            self._pending = Asked(asked.effect, asked.asked_at, self._world.now + mishap.seconds, None)
            return
        self._answer(Stamped(answer, asked.asked_at), mishap)

    def crash(self, mishap: Mishap, what: Effect[Any]) -> None:
        """The process is gone: its program is dropped where it stands."""
        self._world.happened(self.name, what, None, mishap)
        self._end()

    def _perform(self, asked: Asked) -> None:
        effect, mishap = asked.effect, asked.mishap
        if isinstance(effect, Commit):
            self._world.commit_with(self)
            return
        if isinstance(effect, Call):
            self._call(effect, mishap)
            return
        answer = self._world.perform(effect)
        match effect:
            case Load() | Claim() | ClaimDue():
                answer = Stamped(answer, asked.asked_at)
            case Wait():
                answer = self._monotonic()
            case _:
                pass
        self._world.happened(self.name, effect, answer, mishap)
        self._answer(answer, mishap)

    def _call(self, call: Call, mishap: Mishap | None) -> None:
        if self._monotonic() + SEND_MARGIN_SECONDS > call.send_before:
            refusal = NotSent("too late to send", too_late=True)
            self._world.happened(self.name, call, refusal, mishap)
            self._answer(refusal, mishap)
            return
        request = CancelKey(call.request) if isinstance(call.request, str) else cast("BankRequest", call.request)
        held = Held(self.name, self._token, call.timeout_seconds)
        fault, lasts = (None, 0.0) if mishap is None else (mishap.fault, mishap.seconds)
        answer: object = OutcomeUnknown("no answer within the time")
        seconds = call.timeout_seconds
        match fault:
            case Fault.REQUEST_LATE | Fault.CRASH_IN_FLIGHT:
                self._world.send(request, held, arrives=self._world.now + lasts)
            case Fault.REQUEST_LOST:
                self._world.send(request, held, arrives=NEVER)
            case Fault.ANSWER_LOST:
                self._world.send(request, held, arrives=None)
            case _:
                reply, seconds = self._world.send(request, held, arrives=None)
                answer, seconds = as_answer(reply, seconds, call.timeout_seconds)
        self._world.happened(self.name, call, answer, mishap)
        self._answer(answer, mishap, seconds)

    def _answer(self, answer: object, mishap: Mishap | None, seconds: float = 0.0) -> None:
        if mishap is not None and mishap.fault in (Fault.CRASH_AFTER, Fault.CRASH_IN_FLIGHT):
            self._end()
            return
        if mishap is not None and mishap.fault is Fault.STOP_AFTER:
            seconds += mishap.seconds
        if seconds > 0.0:
            self._pending = Answering(answer, self._world.now + seconds)
        else:
            self._go_on(answer)

    def _go_on(self, answer: object) -> None:
        assert self._job is not None
        job = self._job
        try:
            following = advance(job.program, answer)
        except Exception as error:  # noqa: BLE001 - the job's owner knows which errors are results
            self._end()
            job.ended(None, error)
            return
        if isinstance(following, Done):
            self._end()
            job.ended(following.value, None)
            return
        self._ask(following)

    def _ask(self, effect: Effect[Any]) -> None:
        seconds, mishap = self._world.asked(self.name, effect)
        if mishap is not None and mishap.fault is Fault.CRASH_BEFORE:
            self.crash(mishap, effect)
            return
        if mishap is not None and mishap.fault is Fault.STOP_BEFORE:
            seconds += mishap.seconds
        if isinstance(effect, Wait):
            seconds += effect.seconds
        if isinstance(effect, Commit):
            self._token = effect.transaction.token
        self._pending = Asked(effect, self._monotonic(), self._world.now + seconds, mishap)

    def _end(self) -> None:
        if self._job is not None:
            self._job.program.close()
        self._job = self._pending = None

    def _monotonic(self) -> float:
        return self._world.now + self._offset


def as_answer(reply: object, seconds: float, timeout_seconds: float) -> tuple[object, float]:
    """The bank's reply as a driver hands it on (clause 3 of the payment port), and when."""
    if seconds >= timeout_seconds:
        return OutcomeUnknown("no answer within the time"), timeout_seconds
    if not isinstance(reply, Failed):
        return reply, seconds
    if reply.fault is BankFault.NO_ANSWER:
        return OutcomeUnknown("no answer within the time"), timeout_seconds
    return failure_of(reply), seconds


def failure_of(failed: Failed) -> CallFailure:
    """What a driver makes of the error that an honest adapter raises."""
    match failed.error():
        case NotSentError():
            return NotSent(failed.fault.value)
        case NotExecutedError():
            return NotExecuted(failed.fault.value, failed.retry_after_seconds)
        case RejectedError():
            return Rejected(failed.detail)
        case KeyMismatchError():
            return KeyMismatch(failed.detail)
        case _:
            return OutcomeUnknown(failed.fault.value)
