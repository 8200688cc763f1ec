"""A SQL store that meets its fate inside its transactions: when they begin, and on each side of COMMIT."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy import Engine, event

from checkout_core.adapters.sql import SqlStore
from checkout_core.adapters.sql.dialects.dialect import Timeouts
from checkout_core.errors import CheckoutError
from checkout_core.ports.records import CommitAnswer, Transaction
from checkout_core.testing.faults.boundaries import Boundary, Moment, Role, name_of_commit, role_of_this_run
from checkout_core.testing.faults.fate import Fate


class DoomedSqlStore(SqlStore):
    """``fate`` is asked in every transaction that stores a batch, claims, or puts a lease back."""

    def __init__(self, url: str, fate: Fate, timeouts: Timeouts) -> None:
        super().__init__(url, timeouts=timeouts)
        self._fate = fate
        _watch()

    def commit(self, batch: Sequence[Transaction]) -> Sequence[CommitAnswer | CheckoutError]:
        members = [
            (self._fate.role_of(each.saga_id, Role.BYSTANDER), name_of_commit(each), each.saga_id) for each in batch
        ]
        with _committing(self._fate, members):
            return super().commit(batch)

    def claim_due(self, *, token: str, lease_seconds: float, limit: int) -> tuple[str, ...]:
        role = role_of_this_run.get()
        self._fate.meet(Boundary(role, "claim_due", Moment.BEFORE))
        with _committing(self._fate, [(role, "claim_due", "")]):
            claimed = super().claim_due(token=token, lease_seconds=lease_seconds, limit=limit)
        if claimed:
            self._fate.meet(Boundary(role, "claim_due", Moment.AFTER), *claimed)
        return claimed

    def claim_one(self, saga_id: str, *, token: str, lease_seconds: float) -> bool:
        role = self._fate.role_of(saga_id, Role.BYSTANDER)
        with _committing(self._fate, [(role, "claim", saga_id)]):
            return super().claim_one(saga_id, token=token, lease_seconds=lease_seconds)

    def put_back(self, saga_id: str, *, token: str, due_seconds: float, tries: int | None = None) -> None:
        role = self._fate.role_of(saga_id, Role.BYSTANDER)
        with _committing(self._fate, [(role, "put_back", saga_id)]):
            super().put_back(saga_id, token=token, due_seconds=due_seconds, tries=tries)


class _Under(threading.local):
    """What this thread is committing, for the hooks of the engine."""

    fate: Fate | None = None
    batch: Sequence[tuple[Role, str, str]] = ()
    has_just_begun = False


_under = _Under()
_watching = threading.Event()


@contextmanager
def _committing(fate: Fate, batch: list[tuple[Role, str, str]]) -> Generator[None]:
    _under.fate, _under.batch, _under.has_just_begun = fate, batch, False
    try:
        yield
    finally:
        _under.fate, _under.batch = None, ()


def _watch() -> None:
    """Hook into every engine of this process, once. Threads that commit nothing for a doomed store notice nothing."""
    if not _watching.is_set():
        _watching.set()
        event.listen(Engine, "before_cursor_execute", _before)
        event.listen(Engine, "after_cursor_execute", _after)


def _before(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
    if _under.fate is None:
        return
    if statement == "COMMIT":
        _meet(Moment.UNCOMMITTED)
        _meet(Moment.COMMITTING, partial(send_commit, cursor.connection))
    elif _under.has_just_begun:
        _under.has_just_begun = False
        _meet(Moment.WRITING)


def _after(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    if _under.fate is None:
        return
    if statement == "COMMIT":
        _meet(Moment.COMMITTED)
    elif statement.startswith(("BEGIN", "START TRANSACTION")):
        _under.has_just_begun = True


def _meet(moment: Moment, first: Callable[[], None] | None = None) -> None:
    assert _under.fate is not None
    _under.fate.meet_batch(_under.batch, moment, first)


def send_commit(connection: Any) -> None:
    """Send COMMIT to the server without reading what it answers."""
    if hasattr(connection, "pgconn"):
        connection.pgconn.send_query(b"COMMIT")
        while connection.pgconn.flush():
            pass
    else:
        connection._execute_command(3, "COMMIT")  # noqa: SLF001 - PyMySQL: COM_QUERY, the half of query() that sends
