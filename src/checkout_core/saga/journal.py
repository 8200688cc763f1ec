"""What a saga's journal says: entries in the order in which they were committed, and their JSON form.

Readers for every entry ever written stay here: a field may be added with a default, none may be removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from checkout_core.ports.store import JournalRow

Direction: TypeAlias = Literal["run", "undo"]


class Verdict(StrEnum):
    """What is known of a remote action."""

    DONE = "done"
    REFUSED = "refused"
    """Final: it had no effect and never will; the business said no."""
    NOT_EXECUTED = "not_executed"
    """Final: it certainly had no effect; it may be tried as a new attempt."""
    PRESUMED = "presumed"
    """Taken as not executed after every request must have ended; watched (protocol 3.4)."""
    ASSUMED_DONE = "assumed_done"
    """Unknown, and taken as done so that its direct undo runs (``undo_when_unknown``)."""
    UNKNOWN = "unknown"
    WAITING = "waiting"
    """The other side has it and decides later."""

    @property
    def is_final(self) -> bool:
        return self not in (Verdict.UNKNOWN, Verdict.WAITING)


@dataclass(frozen=True, slots=True)
class Stepped:
    """A local step's records are in this commit."""

    step: str
    entry: Literal["stepped"] = "stepped"


@dataclass(frozen=True, slots=True)
class Intended:
    """The remote action is about to be sent for the first time."""

    step: str
    operation_id: str
    direction: Direction = "run"
    entry: Literal["intended"] = "intended"


@dataclass(frozen=True, slots=True)
class Sending:
    """The identical request is about to be sent again."""

    step: str
    operation_id: str
    entry: Literal["sending"] = "sending"


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of the remote action."""

    step: str
    operation_id: str
    verdict: Verdict
    direction: Direction = "run"
    detail: str = ""
    entry: Literal["settled"] = "settled"


@dataclass(frozen=True, slots=True)
class Turned:
    """From here on the saga undoes. ``reason`` is the definition's own word for why."""

    reason: str
    detail: str = ""
    entry: Literal["turned"] = "turned"


@dataclass(frozen=True, slots=True)
class Undone:
    """A local step's undo is in this commit."""

    step: str
    entry: Literal["undone"] = "undone"


@dataclass(frozen=True, slots=True)
class Moved:
    """The aggregate's status moved along the table (STATE-3)."""

    source: str
    on: str
    target: str
    entry: Literal["moved"] = "moved"


@dataclass(frozen=True, slots=True)
class Closed:
    """Nothing is left to run or to undo."""

    entry: Literal["closed"] = "closed"


@dataclass(frozen=True, slots=True)
class Reopened:
    """A late success: the saga runs forward again."""

    entry: Literal["reopened"] = "reopened"


@dataclass(frozen=True, slots=True)
class Alarmed:
    """An alarm for this cause was raised; it is not raised again."""

    cause: str
    entry: Literal["alarmed"] = "alarmed"


@dataclass(frozen=True, slots=True)
class Parked:
    """Only an operator moves this saga on."""

    cause: str
    entry: Literal["parked"] = "parked"


@dataclass(frozen=True, slots=True)
class Resumed:
    """An operator gave the saga back to the workers."""

    note: str
    entry: Literal["resumed"] = "resumed"


@dataclass(frozen=True, slots=True)
class RunFailed:
    """A run ended by an error in the code, at the place named by ``where``; ``failures`` so many in a row."""

    where: str
    failures: int
    entry: Literal["run_failed"] = "run_failed"


Entry: TypeAlias = (
    Stepped
    | Intended
    | Sending
    | Settled
    | Turned
    | Undone
    | Moved
    | Closed
    | Reopened
    | Alarmed
    | Parked
    | Resumed
    | RunFailed
)

_ENTRIES: TypeAdapter[tuple[Entry, ...]] = TypeAdapter(tuple[Annotated[Entry, Field(discriminator="entry")], ...])


def encode(entries: Sequence[Entry]) -> str:
    return _ENTRIES.dump_json(tuple(entries)).decode()


def decode(rows: Iterable[JournalRow]) -> tuple[Entry, ...]:
    """All entries of a journal, in order."""
    return tuple(entry for row in rows for entry in _ENTRIES.validate_json(row.entries))


def read_row(row: JournalRow) -> tuple[Entry, ...] | None:
    """The entries of one commit; None: this code cannot read them."""
    try:
        return decode((row,))
    except ValidationError:
        return None
