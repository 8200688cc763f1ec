"""The memory store, with what the simulator must see of it and the port does not show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from checkout_core.adapters.memory import MemoryStore
from checkout_core.adapters.memory.store import CLAIMABLE


@dataclass(frozen=True, slots=True)
class Fence:
    """Who may write a saga: the token, which version comes before the write, and until when nobody else may claim."""

    token: str | None
    version: int
    leased_until: float


class SimulatedStore(MemoryStore):
    """A :class:`MemoryStore` on the virtual clock."""

    def fence(self, saga_id: str) -> Fence | None:
        """The fence as stored; None: there is no such saga."""
        saga = self._tables.sagas.get(saga_id)
        return None if saga is None else Fence(saga.token, saga.version, saga.leased_until or 0.0)

    def next_due(self) -> float | None:
        """When the next saga can be claimed."""
        return min(self._due(), default=None)

    def wrote(self, saga_id: str, commit_id: str) -> bool:
        """Whether this commit is in the saga's journal."""
        saga = self._tables.sagas.get(saga_id)
        return saga is not None and any(each.row.commit_id == commit_id for each in saga.journal)

    def _due(self) -> Iterator[float]:
        for saga in self._tables.sagas.values():
            if saga.phase in CLAIMABLE and saga.due_at is not None:
                yield max(saga.due_at, saga.leased_until or 0.0)
