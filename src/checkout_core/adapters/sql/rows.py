"""The rows that a batch will write, by group."""

from __future__ import annotations

from collections.abc import Iterator

from checkout_core.adapters.sql.groups import LOCK_ORDER
from checkout_core.adapters.sql.statement import Group, Row


class Rows:
    """Rows gathered for one flush. Each (table, row) is touched by at most one of them."""

    __slots__ = ("_by_group",)

    def __init__(self) -> None:
        self._by_group: dict[Group, list[Row]] = {}

    def add(self, group: Group, row: Row) -> None:
        rows = self._by_group.get(group)
        if rows is None:
            self._by_group[group] = [row]
        else:
            rows.append(row)

    def __bool__(self) -> bool:
        return bool(self._by_group)

    def count(self, group: Group) -> int:
        return len(self._by_group.get(group, ()))

    def in_lock_order(self) -> Iterator[tuple[Group, list[Row]]]:
        """Tables in the one global order; rows by their leading columns, which are their key (protocol 2.6)."""
        # Python orders text by code point, which is the order of its UTF-8 bytes: the one that the databases are told.
        for group in LOCK_ORDER:
            rows = self._by_group.get(group)
            if rows:
                rows.sort()
                yield group, rows
