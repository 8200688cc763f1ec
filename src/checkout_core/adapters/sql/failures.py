"""How an attempt at a batch can fail. None of these leaves the package, and none quotes a value (SAFE-1)."""

from __future__ import annotations


class AttemptError(Exception):
    """The transaction was rolled back, or may have been."""


class ConflictedError(AttemptError):
    """Rolled back because of others: may be repeated at once."""


class BusyError(AttemptError):
    """The database as a whole is occupied: repeated, but splitting the batch would not help."""


class UnreachableError(AttemptError):
    """The connection or the server is gone. Certainly nothing was stored."""


class LostCommitError(AttemptError):
    """COMMIT went out and its answer did not come (protocol 2.8)."""


class UnstorableError(AttemptError):
    """Rolled back: some row of some member can never be stored."""


class ShortBatchError(AttemptError):
    """Rolled back: a reservation was short, so that the stock rows must be looked at before anything is written."""
