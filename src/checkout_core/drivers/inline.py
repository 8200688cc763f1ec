"""Commits in the caller's own thread, one by one: for hosts with row-level security by session, and for scripts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from checkout_core.drivers.committer import Commit
from checkout_core.drivers.forking import renew_after_fork
from checkout_core.drivers.member import Member, Outcome, Stage, W, closed, too_late, unanswered
from checkout_core.errors import CheckoutError


class InlineCommitter:
    """The same promises as :class:`Committer` without a thread of its own; a member is a batch."""

    def __init__(self, commit: Commit, clock: Callable[[], float] = time.monotonic) -> None:
        self._commit = commit
        self._clock = clock
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Begin anew: in a forked child nothing is under way."""
        self._idle = threading.Condition()
        self._under_way = 0
        self._closing = False

    def submit(self, member: Member[W]) -> None:
        """Commit the member before returning."""
        if self._begin(member):
            try:
                member.settle(self._answer(member))
            finally:
                with self._idle:
                    self._under_way -= 1
                    self._idle.notify_all()
        member.post([member])

    def offer(self, member: Member[W]) -> bool:
        """Never: a commit here always blocks."""
        return False

    def withdraw(self, member: Member[W]) -> bool:
        """Keep a member from beginning that has not begun."""
        with self._idle:
            if member.stage is not Stage.NEW:
                return False
            member.settle(too_late())
            return True

    def close(self, timeout_seconds: float) -> bool:
        """Take nothing more; wait for what is under way."""
        with self._idle:
            self._closing = True
            return self._idle.wait_for(lambda: not self._under_way, timeout_seconds)

    def _begin(self, member: Member[W]) -> bool:
        with self._idle:
            if member.stage is not Stage.NEW:
                return False
            now = self._clock()
            if self._closing or member.deadline <= now:
                member.settle(closed() if self._closing else too_late())
                return False
            member.stage = Stage.BEGUN
            member.asked_at = now
            self._under_way += 1
            return True

    def _answer(self, member: Member[W]) -> Outcome:
        try:
            (outcome,) = self._commit([member.transaction])
        except CheckoutError as error:
            return error
        except Exception as error:  # noqa: BLE001 - whatever it is, the commit is not answered
            return unanswered(error)
        return outcome
