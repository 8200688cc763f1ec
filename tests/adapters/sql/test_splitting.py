"""A batch of which every member waits for the same held row is given up in time: others wait behind it (LIVE-3)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from checkout_core.adapters.sql.committing import Committing, Outcome
from checkout_core.adapters.sql.dialects.dialect import Timeouts
from checkout_core.adapters.sql.failures import ConflictedError
from checkout_core.adapters.sql.parts import Parts
from checkout_core.adapters.sql.pools import Pool
from checkout_core.adapters.sql.repeating import Repeating
from checkout_core.errors import StorageUnavailableError
from checkout_core.ports.records import Applied, Transaction
from tests.drivers.toys import MOMENT, HandClock, opening

LOCK_SECONDS = 2.0
DEADLINE_SECONDS = 5.0


class HeldRow(Committing):
    """A store in which whoever touches the ``held`` sagas waits for a lock, in vain."""

    def __init__(self, url: str, held: set[str]) -> None:
        self.clock = HandClock()
        repeating = Repeating(DEADLINE_SECONDS, self.clock, self.clock.sleep)
        super().__init__(Pool(url, Timeouts()), Parts(), repeating)
        self._held = held

    def attempt(self, members: Sequence[Transaction], *, stock_first: bool) -> list[Outcome]:
        if any(each.saga_id in self._held for each in members):
            self.clock.now += LOCK_SECONDS
            raise ConflictedError("55P03")
        return [Applied(version=1, at=MOMENT) for _ in members]


def test_a_batch_that_waits_as_a_whole_is_given_up_in_time(sqlite_url: str) -> None:
    batch = [opening() for _ in range(128)]
    store = HeldRow(sqlite_url, {each.saga_id for each in batch})
    began = store.clock.now
    with pytest.raises(StorageUnavailableError) as raised:
        store.commit(batch)
    assert raised.value.applied == "no"
    # One last wait for each piece that was still to come when time was up: one for each halving.
    assert store.clock.now - began < 2 * DEADLINE_SECONDS + 10 * LOCK_SECONDS


def test_who_waits_for_nothing_is_stored_although_another_waits_in_vain(sqlite_url: str) -> None:
    batch = [opening() for _ in range(8)]
    store = HeldRow(sqlite_url, {batch[5].saga_id})
    answers = store.commit(batch)
    assert [type(each) for each in answers] == [Applied] * 5 + [StorageUnavailableError] + [Applied] * 2
