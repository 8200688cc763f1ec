"""The reading half of the outbox: how events leave the store. For authors of another store.

Contract (each clause is proved by ``checkout_core.testing.contracts.outbox``; the memory adapter is the executable
specification):

1. A commit that appends an event stores in the same transaction one pending delivery for each sink that is registered
   then. A sink that is registered later sees later events only; without a sink nothing is added (EVENT-1).
2. ``claim`` hands out up to ``limit`` deliveries of one sink that are due, oldest due first, each to at most one caller
   per lease, and of each order only the first event that this sink has not acknowledged: two events of one order are
   never under way to one sink at once (EVENT-2). ``tries`` counts this claim. A claim whose holder is gone is due again
   when its lease ends.
3. ``acknowledge`` deletes exactly the deliveries that are named and held under ``token``; anything else stays as it is.
   An expired lease that nobody took still acknowledges. Saying it again changes nothing.
4. ``fail`` makes a delivery held under ``token`` due again after ``retry_seconds``, or with None a dead letter: it is
   handed out no more, and the order's later events wait at this sink, and at this one only. An alarm is stored in the
   same transaction.
5. ``replay`` makes a dead letter due at once, with no tries counted; ``skip`` deletes it, and the order's next event is
   due. Both say whether there was such a dead letter.
6. Sinks do not see each other. ``retire`` forgets a sink and what is pending for it.
7. All times are the database's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from checkout_core.domain.event import Event

SINK_NAME_MOST = 64
"""Characters that a sink's name may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingEvent:
    """An event that was claimed for one sink; ``tries``: how often it has been handed out, this time included."""

    event: Event
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """``event`` was not accepted. ``retry_seconds``: when to hand it out again; None: not before somebody looks.

    ``error`` tells an operator why, without personal data (SAFE-1). ``alarm_id``: new for each dead letter.
    """

    event: Event
    error: str
    retry_seconds: float | None
    alarm_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """An event that a sink did not accept in any of its ``tries``."""

    sink: str
    event_id: str
    order_id: str
    type: str
    tries: int
    error: str
    died_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits at one sink. ``pending`` does not count the ``dead``; ``oldest_seconds``: since the oldest pending
    event was appended, 0.0 without one."""

    sink: str
    pending: int
    dead: int
    oldest_seconds: float


class Outbox(Protocol):
    """Safe to call from any thread. Raises :class:`StorageUnavailableError` like the store that it belongs to."""

    def register(self, sink: str) -> None:
        """From now on every event is also delivered to ``sink``; a known one is left as it is."""
        ...

    def retire(self, sink: str) -> None: ...

    def claim(self, sink: str, *, token: str, lease_seconds: float, limit: int) -> tuple[PendingEvent, ...]: ...

    def acknowledge(self, sink: str, events: Sequence[Event], *, token: str) -> int:
        """How many deliveries were deleted."""
        ...

    def fail(self, sink: str, failures: Sequence[Failure], *, token: str) -> None: ...

    def dead(self, *, limit: int = 100) -> tuple[DeadLetter, ...]:
        """The dead letters of all sinks, oldest first."""
        ...

    def replay(self, sink: str, event_id: str) -> bool: ...
    def skip(self, sink: str, event_id: str) -> bool: ...

    def backlog(self) -> tuple[Backlog, ...]:
        """Every registered sink, by name."""
        ...
