"""The kernel: decisions are pure, effects are data.

A step is an ``async def`` that awaits *effects*. An effect is a frozen value that says what shall
happen; awaiting it hands it to whoever drives the coroutine, and the driver sends the answer back.
Nothing here does I/O, so the same step runs under threads, asyncio and the simulator.

Rules for code that runs on this kernel:

1. Answers are values, the closed set of adapter failures included. Only a programming error is thrown.
2. A crash is the coroutine being dropped: no ``finally`` and no ``except BaseException``.
3. An effect that is created must be awaited. mypy's ``unused-awaitable`` sees the bare call; the
   simulator compares effects created with effects performed.
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Effect(Generic[T]):
    """A request to the driver whose answer is a ``T``. Subclasses are frozen, slotted dataclasses."""

    __slots__ = ()

    def __await__(self) -> Generator[Effect[T], T, T]:
        answer = yield self
        return answer


Program: TypeAlias = "Coroutine[Effect[Any], Any, R]"
"""What an ``async def`` over effects returns when it is called: a run that has not begun."""


@dataclass(frozen=True, slots=True)
class Done(Generic[R]):
    """The program has returned ``value``."""

    value: R


def advance(program: Program[R], answer: object = None) -> Effect[Any] | Done[R]:
    """Send ``answer`` into ``program`` and give back its next effect, or :class:`Done`.

    The first call must send ``None``. An exception that the program raises comes out unchanged.
    """
    try:
        return program.send(answer)
    except StopIteration as stop:
        return Done(stop.value)
