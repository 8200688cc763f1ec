"""Records that are worked out when somebody reads them: most alternatives never are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import overload

from checkout_core.ports.records import Record


class DeferredRecords(Sequence[Record]):
    """A sequence that ``make`` gives at the first look and that is the same ever after, so that a repeated commit bears
    the same ids."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], tuple[Record, ...]]) -> None:
        self._make = make
        self._made: tuple[Record, ...] | None = None

    def _records(self) -> tuple[Record, ...]:
        if self._made is None:
            self._made = self._make()
        return self._made

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Record, ...]: ...
    def __getitem__(self, index: int | slice) -> Record | tuple[Record, ...]:
        return self._records()[index]

    def __len__(self) -> int:
        return len(self._records())
