"""What a process is doomed to: at the n-th meeting with one boundary it does a deed, most often its last."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from checkout_core.testing.faults.boundaries import Boundary, Moment, Role


@dataclass(frozen=True, slots=True)
class Meeting:
    """``saga_ids``: whose effect it was; those of a batch, where it was COMMIT."""

    boundary: Boundary
    saga_ids: tuple[str, ...]


Deed: TypeAlias = Callable[[Meeting], None]


class Fate:
    """``deed`` is done once, at the ``nth`` meeting with ``boundary``; with None never. Thread-safe."""

    def __init__(self, boundary: Boundary | None, nth: int, deed: Deed) -> None:
        self._boundary = boundary
        self._nth = nth
        self._deed = deed
        self._lock = threading.Lock()
        self._met = 0
        self._roles: dict[str, Role] = {}

    def belongs(self, saga_id: str, role: Role) -> None:
        """From now on what happens to this saga here counts as ``role``'s."""
        self._roles[saga_id] = role

    def role_of(self, saga_id: str, otherwise: Role) -> Role:
        return self._roles.get(saga_id, otherwise)

    def meet(self, boundary: Boundary, *saga_ids: str, first: Callable[[], None] | None = None) -> None:
        """A run is at ``boundary``. Where it is the one, ``first`` is done and then the deed, while others go on."""
        if boundary != self._boundary:
            return
        with self._lock:
            self._met += 1
            if self._met != self._nth:
                return
            if first is not None:
                first()
            self._deed(Meeting(boundary, saga_ids))

    def meet_batch(
        self, batch: Sequence[tuple[Role, str, str]], moment: Moment, first: Callable[[], None] | None
    ) -> None:
        """Every kind of member of a batch (role, what, saga) is at ``moment`` of the batch's transaction."""
        kinds = dict.fromkeys((role, what) for role, what, _ in batch)
        for role, what in kinds:
            mine = [saga_id for r, w, saga_id in batch if (r, w) == (role, what) and saga_id]
            self.meet(Boundary(role, what, moment), *mine, first=first)


def kill_self(_: Meeting) -> None:
    """SIGKILL: no handler, no buffer, no goodbye."""
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


def stop_self(_: Meeting) -> None:
    """SIGSTOP, until somebody sends SIGCONT."""
    os.kill(os.getpid(), signal.SIGSTOP)
