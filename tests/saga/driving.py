"""The smallest driver: performs a program's effects one after another on a store, with a clock that tests move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from checkout_core.effect import Done, Effect, Program, advance
from checkout_core.ports.records import Transaction
from checkout_core.ports.store import Store
from checkout_core.saga.effects import Call, Claim, Commit, Load, NotSent, PutBack, Stamped, Wait

START = 1_700_000_000.0


class Clock:
    """Seconds since 1970; only tests move it."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class Ids:
    """UUIDs in order."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def __call__(self) -> str:
        return f"00000000-0000-7000-8000-{next(self._numbers):012d}"


class Crashed:
    """What :meth:`Driver.run` returns when the process died: the program was dropped."""


@dataclass
class Driver:
    """``answer`` is what the outside world says to a call; it may itself run other programs meanwhile."""

    store: Store
    clock: Clock
    answer: Callable[[Call], Any]
    log: list[Effect[Any]] = field(default_factory=list[Effect[Any]])

    def run(self, program: Program[Any], *, crash_before: int | None = None, crash_after: int | None = None) -> Any:
        """The program's value. The process dies before or after performing the effect with that number, if given."""
        answer: Any = None
        for number in count():
            effect = advance(program, answer)
            if isinstance(effect, Done):
                return effect.value
            if number == crash_before:
                program.close()
                return Crashed()
            self.log.append(effect)
            answer = self.perform(effect)
            if number == crash_after:
                program.close()
                return Crashed()
        raise AssertionError("a program ends")

    def perform(self, effect: Effect[Any]) -> Any:
        asked_at = self.clock.now
        match effect:
            case Commit(transaction):
                return Stamped(self.store.commit([transaction])[0], asked_at)
            case Load(saga_id, scope, key):
                return Stamped(self.store.load(saga_id) if saga_id else self.store.find(scope, key), asked_at)
            case Claim(saga_id, token, lease):
                return Stamped(self.store.claim_one(saga_id, token=token, lease_seconds=lease), asked_at)
            case PutBack(saga_id, token, due, tries):
                return self.store.put_back(saga_id, token=token, due_seconds=due, tries=tries)
            case Call():
                return self.answer(effect) if asked_at <= effect.send_before else NotSent(too_late=True)
            case Wait(seconds):
                self.clock.now += seconds
                return self.clock.now
            case _:
                raise AssertionError(f"no effect: {effect}")

    def commits(self) -> list[Transaction]:
        return [effect.transaction for effect in self.log if isinstance(effect, Commit)]

    def calls(self) -> list[Call]:
        return [effect for effect in self.log if isinstance(effect, Call)]
