"""A committer whose batches are full: for races and kills that must happen in the middle of many checkouts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

from checkout_core.drivers import composition
from checkout_core.drivers.committer import Commit, Committer
from checkout_core.drivers.member import Commits, Member
from checkout_core.settings import Settings


class GatheringCommitter(Committer):
    """While :meth:`gather` asks for it, no batch begins with fewer members than that.

    Whoever asks keeps enough checkouts under way: a batch that never fills waits for :meth:`gather` to be called again.
    """

    def __init__(self, commit: Commit, settings: Settings) -> None:
        self._at_least = 1
        super().__init__(commit, settings)

    def gather(self, at_least: int) -> None:
        """From now on begin a batch with ``at_least`` members; 1: as soon as there is one, as in a shop."""
        with self._lock:
            self._at_least = at_least
            self._work.notify_all()

    def _gather(self, late: list[Member[Any]]) -> list[Member[Any]]:
        return super()._gather(late) if len(self._ready) >= self._at_least else []


def gathering() -> AbstractContextManager[Callable[..., object]]:
    """Within this block, checkouts are composed with a :class:`GatheringCommitter`."""
    return mock.patch.object(composition, "Committer", GatheringCommitter)


def committer_of(commits: Commits) -> GatheringCommitter:
    """The committer of a checkout that was composed so."""
    assert isinstance(commits, GatheringCommitter)
    return commits
