"""One transaction of the database, with what can go wrong in it told apart by what the caller may assume."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from checkout_core.adapters.sql.dialects.dialect import Dialect, Trouble
from checkout_core.adapters.sql.failures import (
    AttemptError,
    BusyError,
    ConflictedError,
    LostCommitError,
    UnreachableError,
    UnstorableError,
)
from checkout_core.adapters.sql.pools import Pool
from checkout_core.errors import CheckoutError, InvariantError

T = TypeVar("T")


class RollBackError(Exception):
    """Raised by a body to have its transaction rolled back; comes out unchanged."""


def write(pool: Pool, body: Callable[[Connection], T]) -> T:
    """Run ``body`` in a write transaction and commit it.

    Raises :class:`AttemptError`, or what ``body`` raised if that is :class:`CheckoutError` or :class:`RollBackError`;
    anything else that it raises is :class:`UnstorableError`. After each of them but :class:`LostCommitError` nothing
    is stored.
    """
    return _translated(pool.dialect, lambda: _written(pool, body))


def _written(pool: Pool, body: Callable[[Connection], T]) -> T:
    with pool.connection() as connection:
        with _rolled_back(pool.dialect, connection):
            pool.dialect.begin(connection)
            result = body(connection)
            if not pool.dialect.is_open(connection):
                raise UnstorableError("an error of the database was swallowed, and the transaction ended by it")
        _commit(pool.dialect, connection)
        return result


def read(pool: Pool, body: Callable[[Connection], T]) -> T:
    """Run ``body`` on one snapshot. Raises as :func:`write` does, but never :class:`LostCommitError`."""
    return _translated(pool.dialect, lambda: _read(pool, body))


def _read(pool: Pool, body: Callable[[Connection], T]) -> T:
    with pool.connection() as connection:
        with _rolled_back(pool.dialect, connection):
            pool.dialect.begin_snapshot(connection)
            result = body(connection)
            pool.dialect.rollback(connection)  # nothing was written, and a COMMIT would be counted as one
        return result


def _commit(dialect: Dialect, connection: Connection) -> None:
    try:
        dialect.commit(connection)
    except DBAPIError as error:
        if dialect.trouble(error) in (Trouble.CONFLICT, Trouble.BUSY, Trouble.DATA):  # the server says: rolled back
            _leave(dialect, connection)
            raise
        connection.invalidate()
        lost = LostCommitError(_described(error))
    except BaseException:
        connection.invalidate()
        raise
    else:
        return
    raise lost


@contextmanager
def _rolled_back(dialect: Dialect, connection: Connection) -> Generator[None]:
    """Roll back first of all: after a lock timeout a COMMIT would keep half of the work."""
    try:
        yield
    except DBAPIError as error:
        if dialect.trouble(error) is Trouble.LOST:
            connection.invalidate()  # it may still be connected to what is no primary any more
        _leave(dialect, connection)
        raise
    except BaseException:
        _leave(dialect, connection)
        raise


def _leave(dialect: Dialect, connection: Connection) -> None:
    if connection.invalidated:
        return
    try:
        dialect.rollback(connection)
    except SQLAlchemyError:
        connection.invalidate()


def _translated(dialect: Dialect, body: Callable[[], T]) -> T:
    """Turn the database's errors into ours, which quote neither statement nor values (SAFE-1).

    Ours are raised outside the handlers: they must not drag the database's error along as their context.
    """
    failed: Exception
    try:
        return body()
    except DBAPIError as error:
        failed = _failure(dialect.trouble(error), _described(error))
    except PoolTimeoutError:
        failed = UnreachableError("no connection became free in time")
    except (AttemptError, CheckoutError, RollBackError):
        raise
    except Exception as error:  # noqa: BLE001 - a host's part, or a value that no driver takes
        failed = UnstorableError(_placed(error))
    raise failed


def _failure(trouble: Trouble, described: str) -> Exception:
    match trouble:
        case Trouble.CONFLICT:
            return ConflictedError(described)
        case Trouble.BUSY:
            return BusyError(described)
        case Trouble.LOST:
            return UnreachableError(described)
        case Trouble.DATA:
            return UnstorableError(described)
        case Trouble.DEFECT:
            return InvariantError(f"the database refused a statement: {described}")


def _described(error: DBAPIError) -> str:
    """The kind of error and its code: never the driver's message, which may quote a value."""
    original = error.orig
    first = original.args[0] if isinstance(original, Exception) and original.args else None
    named = getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None)
    code = first if isinstance(first, int) else named
    return type(original).__name__ + (f" {code}" if code else "")


def _placed(error: Exception) -> str:
    """The kind of error and where it was raised: its message may quote a value."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" in {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""
    return type(error).__name__ + where
