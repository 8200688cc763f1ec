"""What a saga is made of: local steps, whose records ride in a commit, and remote steps, which call an adapter.

A *local* step is a pure function from the state to records. A *remote* step has an intent that is durable before the
call and an outcome that is durable after it. Between two calls the engine puts everything into one commit: the outcome
of the last call, all local steps that follow and the intent of the next call. That is why a checkout is two commits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, Protocol, TypeAlias, TypeVar

from checkout_core.effect import Program
from checkout_core.ports.records import Record
from checkout_core.saga.journal import Entry, Verdict

S = TypeVar("S")
S_co = TypeVar("S_co", covariant=True)
S_contra = TypeVar("S_contra", contravariant=True)


class Kind(StrEnum):
    COMPENSATABLE = "compensatable"
    PIVOT = "pivot"
    """After it the saga only rolls forward."""
    RETRIABLE = "retriable"


class WhenUnknown(StrEnum):
    """How an action whose outcome is unknown is undone (protocol 4.4)."""

    DIRECT = "direct"
    """Its undo is idempotent by our id and leaves a tombstone: undo at once."""
    RESOLVE_FIRST = "resolve_first"


@dataclass(frozen=True, slots=True)
class Change:
    """Records for the commit, and what the journal says about them."""

    records: tuple[Record, ...] = ()
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Intent:
    """A remote action that is about to be sent under ``operation_id``, and the records that make that durable."""

    operation_id: str
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a call, a lookup, an observation or an operator told about a remote action.

    ``records`` and ``entries`` go into the commit. ``turn``: why the saga turns, for a final verdict without effect.
    ``alarm``: raise an alarm for this cause, once per saga. ``park``: stop here and ask an operator, for this cause.
    ``again``: the identical request shall be sent once more. ``due_seconds``: for an open verdict, when to look again
    (None: the engine's backoff). ``nothing_new``: nothing to store but an ``alarm`` that was not raised yet; else
    the saga is only put back for ``due_seconds``.
    """

    verdict: Verdict
    records: tuple[Record, ...] = ()
    entries: tuple[Entry, ...] = ()
    detail: str = ""
    turn: str = ""
    alarm: str = ""
    park: str = ""
    again: bool = False
    due_seconds: float | None = None
    nothing_new: bool = False


@dataclass(frozen=True, slots=True)
class Sendable(Generic[S_co]):
    """What a remote action is given: the state, its operation, and until when this worker may send."""

    state: S_co
    operation_id: str
    send_before: float
    resent: bool
    """Whether an earlier request with this key may be on its way: a failure to send then proves nothing."""
    wanted: bool = True
    """Whether the saga still wants the effect. If not, nothing may be sent that could be the first to have it."""


class RemoteAction(Protocol[S_contra]):
    """One remote operation. ``send`` is only called by the worker that has just made the intent durable."""

    def intend(self, state: S_contra) -> Intent: ...
    def send(self, at: Sendable[S_contra]) -> Program[Settlement]: ...
    def resolve(self, at: Sendable[S_contra]) -> Program[Settlement]:
        """The intent is durable and what happened since is not known."""
        ...

    def watch(self, at: Sendable[S_contra]) -> Program[Settlement]:
        """The saga took the operation as not executed: look whether it was right. Never sends."""
        ...


def _always(_: object) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class LocalStep(Generic[S]):
    """``may_fall_short``: its records can answer :class:`Short`; the saga then turns because of it."""

    name: str
    run: Callable[[S], Change]
    undo: Callable[[S], Change] | None = None
    kind: Kind = Kind.COMPENSATABLE
    applies: Callable[[S], bool] = field(default=_always)
    may_fall_short: bool = False


@dataclass(frozen=True, slots=True)
class RemoteStep(Generic[S]):
    name: str
    run: RemoteAction[S]
    undo: RemoteAction[S] | None = None
    undo_when_unknown: WhenUnknown = WhenUnknown.RESOLVE_FIRST
    kind: Kind = Kind.COMPENSATABLE
    applies: Callable[[S], bool] = field(default=_always)


Step: TypeAlias = LocalStep[S] | RemoteStep[S]
