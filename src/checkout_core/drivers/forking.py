"""What a forked child must not inherit: threads that are gone, locks that nobody releases, random bytes in use."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Renewable(Protocol):
    """Something that a child process has to begin anew."""

    def renew(self) -> None:
        """Forget everything of the parent's. Runs in the child, alone: no lock may be waited for."""
        ...


_living: weakref.WeakSet[Renewable] = weakref.WeakSet()


def renew_after_fork(thing: Renewable) -> None:
    """Have ``thing.renew()`` called in every child that this process forks, for as long as ``thing`` lives."""
    _living.add(thing)


def _renew_all() -> None:
    for thing in list(_living):
        thing.renew()


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=_renew_all)
