"""Where a process can die: at the effects of its programs, and inside the database's COMMIT."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from checkout_core.effect import Effect
from checkout_core.ports.records import OperationKind, RecordIntent, RecordOutcome, RecordSend, Transaction
from checkout_core.saga.effects import Call, Claim, Commit, Load, PutBack, Wait


class Role(StrEnum):
    """What a run is for. One effect has boundaries of its own in each."""

    BYSTANDER = "bystander"
    """Fills the batches; never dies by itself."""
    BUY = "buy"
    FOLLOW = "follow"
    """Repeats a dead process's call with the same key."""
    RECOVER = "recover"
    OPERATE = "operate"
    """Undoes what is parked, and so refunds."""


class Moment(StrEnum):
    BEFORE = "before"
    """The effect is asked for and has not begun."""
    WRITING = "writing"
    """The transaction is open; its first statement was not sent."""
    UNCOMMITTED = "uncommitted"
    """Every statement was carried out; COMMIT was not sent."""
    COMMITTING = "committing"
    """COMMIT was sent; its answer was not read."""
    COMMITTED = "committed"
    """COMMIT was answered; nobody was told."""
    AFTER = "after"
    """The effect is performed; the program does not know it."""


AROUND = (Moment.BEFORE, Moment.AFTER)
INSIDE = (Moment.WRITING, Moment.UNCOMMITTED, Moment.COMMITTING, Moment.COMMITTED)


@dataclass(frozen=True, slots=True, order=True)
class Boundary:
    """``what``: a commit (open, intend_refund, send_again, settle, other), call_OPERATION, or the effect's name."""

    role: Role
    what: str
    moment: Moment

    def __str__(self) -> str:
        return f"{self.role}: {self.what} {self.moment}"


role_of_this_run: ContextVar[Role] = ContextVar("role_of_this_run", default=Role.RECOVER)
"""Recovery's threads begin with an empty context; whoever does anything else says so."""


def boundaries(role: Role, commits: tuple[str, ...], others: tuple[str, ...]) -> list[Boundary]:
    """Every boundary of these effects: around each, and inside the transaction of those that commit."""
    inside = [Boundary(role, what, moment) for what in commits for moment in (*AROUND, *INSIDE)]
    return inside + [Boundary(role, what, moment) for what in others for moment in AROUND]


def name_of_effect(effect: Effect[Any]) -> str:
    match effect:
        case Commit(transaction=transaction):
            return name_of_commit(transaction)
        case Call(operation=operation):
            return f"call_{operation}"
        case Load():
            return "load"
        case Claim():
            return "claim"
        case PutBack():
            return "put_back"
        case Wait():
            return "wait"
        case _:
            return type(effect).__name__


def name_of_commit(transaction: Transaction) -> str:
    """By what it stores: the opening, an intent to refund, another send, an outcome."""
    if transaction.version == 0:
        return "open"
    for record in transaction.records:
        if isinstance(record, RecordIntent) and record.kind is OperationKind.REFUND:
            return "intend_refund"
        if isinstance(record, RecordSend):
            return "send_again"
        if isinstance(record, RecordOutcome):
            return "settle"
    return "other"


def saga_of_effect(effect: Effect[Any]) -> str:
    """The saga that the effect names, or ''."""
    match effect:
        case Commit(transaction=transaction):
            return transaction.saga_id
        case Call(request=request):
            return str(getattr(request, "order_id", ""))
        case Load(saga_id=saga_id) | Claim(saga_id=saga_id) | PutBack(saga_id=saga_id):
            return saga_id
        case _:
            return ""
