"""The trace of an order: its journal, told to a human and to a machine (STATE-3)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import assert_never

from checkout_core.ports.store import JournalRow, SagaFile
from checkout_core.saga.journal import (
    Alarmed,
    Closed,
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
    read_row,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceLine:
    """One journal entry. ``commit`` numbers the commit that stored it; ``at`` is the database's clock."""

    commit: int
    at: datetime
    worker: str
    entry: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The whole history of one order, oldest first."""

    order_id: str
    status: str
    lines: tuple[TraceLine, ...]

    def text(self) -> str:
        """For a terminal: one line per entry, grouped by commit."""
        shown = [f"order {self.order_id}  {self.status}"]
        before = 0
        for line in self.lines:
            head = f"{line.commit:>3}  {line.at:%H:%M:%S.%f}"[:-3] if line.commit != before else " " * 17
            by = f"  [{line.worker}]" if line.commit != before else ""
            shown.append(f"{head:<17}  {line.text}{by}")
            before = line.commit
        return "\n".join(shown)

    def as_dict(self) -> dict[str, object]:
        """For machines: times as ISO 8601."""
        lines = [{**asdict(line), "at": line.at.isoformat()} for line in self.lines]
        return {"order_id": self.order_id, "status": self.status, "lines": lines}


def trace_of(file: SagaFile) -> Trace:
    lines = [
        TraceLine(commit=row.version, at=row.at, worker=row.worker, entry=entry, text=text)
        for row in file.journal
        for entry, text in _told(row)
    ]
    status = file.order.status if file.order is not None else file.saga.phase
    return Trace(order_id=file.saga.saga_id, status=status, lines=tuple(lines))


def _told(row: JournalRow) -> list[tuple[str, str]]:
    entries = read_row(row)
    if entries is None:
        return [("unreadable", "written by another version; this one cannot read it")]
    return [(entry.entry, describe(entry)) for entry in entries]


def describe(entry: Entry) -> str:  # noqa: C901 - one arm per kind of entry
    """One entry in words."""
    match entry:
        case Stepped(step):
            return f"{step}: done"
        case Undone(step):
            return f"{step}: undone"
        case Intended(step, operation_id, direction):
            return f"{step}: about to {'send' if direction == 'run' else 'undo with'} {operation_id}"
        case Sending(step, operation_id):
            return f"{step}: about to send {operation_id} again, with the same key"
        case Settled(step, operation_id, verdict, _, detail):
            return f"{step}: {operation_id} {verdict}{f' ({detail})' if detail else ''}"
        case Turned(reason, detail):
            return f"undoing: {reason}{f' ({detail})' if detail else ''}"
        case Moved(source, on, target):
            return f"order {source or '(new)'} -> {target}: {on}"
        case Closed():
            return "closed"
        case Reopened():
            return "reopened: a late success"
        case Alarmed(cause):
            return f"alarm: {cause}"
        case Parked(cause):
            return f"parked for an operator: {cause}"
        case Resumed(note):
            return f"resumed by an operator: {note}"
        case RunFailed(where, failures):
            return f"run failed: {where}{f', {failures} times in a row' if failures > 1 else ''}"
        case _:
            assert_never(entry)
