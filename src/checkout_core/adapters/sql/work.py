"""One open transaction of the database, and the rows that will be written with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from checkout_core.adapters.sql.dialects.dialect import Dialect, Written
from checkout_core.adapters.sql.failures import UnstorableError
from checkout_core.adapters.sql.rows import Rows
from checkout_core.adapters.sql.statement import Group, Row, Select


class Work:
    """What a joined part is given: it may add rows, or use ``connection``; never commit, never another connection."""

    def __init__(self, connection: Connection, dialect: Dialect) -> None:
        self.connection = connection
        self._dialect = dialect
        self._rows = Rows()
        self._at: datetime | None = None

    def add(self, group: Group, row: Row) -> None:
        """Have ``row`` written with the batch."""
        self._rows.add(group, row)

    @property
    def rows(self) -> Rows:
        """What was added since the last :meth:`write`."""
        return self._rows

    def write(self) -> Written:
        """Write what was added. Raises :class:`UnstorableError` where the transaction is over."""
        if not self._dialect.is_open(self.connection):
            raise UnstorableError("a part went on after the database had ended the transaction")
        rows, self._rows = self._rows, Rows()
        written = self._dialect.write(self.connection, rows, self._at)
        self._at = written.at
        return written

    def fetch(self, select: Select, rows: Sequence[Row]) -> list[tuple[Any, ...]]:
        """Read the given rows, in their order; none given: nothing is asked."""
        return self._dialect.fetch(self.connection, select, rows) if rows else []
