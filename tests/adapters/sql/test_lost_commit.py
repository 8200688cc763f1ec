"""The connection dies at COMMIT, on real servers, while the transaction carries a batch (protocol 2.8)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import make_url

from checkout_core.adapters.sql import SqlStore
from checkout_core.errors import StorageUnavailableError
from checkout_core.ports.records import Applied, Short, Transaction, VersionConflict
from checkout_core.ports.store import Store
from checkout_core.testing.faults.cutting_proxy import Cut, CuttingProxy
from checkout_core.testing.till import Till
from checkout_core.testing.transactions import Ending, Purchase

BATCH = 12


class Line:
    """A store behind a proxy, and a till that reaches the same database directly."""

    def __init__(self, url: str) -> None:
        self.then: Callable[[], None] = lambda: None
        direct = make_url(url)
        assert direct.host is not None
        assert direct.port is not None
        kind = "postgresql" if direct.get_backend_name() == "postgresql" else "mariadb"
        self.proxy = CuttingProxy((direct.host, direct.port), kind, lambda: self.then())
        through = direct.set(port=self.proxy.port)
        if kind == "postgresql":
            through = through.update_query_dict({"sslmode": "disable"})
        store = SqlStore(url)
        store.migrate()
        self.till = Till(store)
        self.through = through.render_as_string(hide_password=False)
        self.store = SqlStore(self.through)
        self.store.claim_due(token=self.till.token(), lease_seconds=1.0, limit=1)  # connected, and its own COMMIT over

    def close(self) -> None:
        self.store.close()
        self.till.store.close()  # type: ignore[attr-defined]
        self.proxy.close()


@pytest.fixture
def line(server_url: str) -> Iterator[Line]:
    line = Line(server_url)
    yield line
    line.close()


def openings(till: Till, *, units: int) -> tuple[list[Purchase], list[Transaction]]:
    item = till.item(units)
    purchases = [till.purchase({item: 1}) for _ in range(BATCH)]
    return purchases, [till.opening(each) for each in purchases]


@pytest.mark.parametrize("how", list(Cut))
def test_a_batch_whose_commit_was_lost_is_stored_once_and_gets_its_answers(line: Line, how: Cut) -> None:
    """Half of it short: the repetition says so again, though the stock has long been taken."""
    purchases, batch = openings(line.till, units=BATCH // 2)
    line.proxy.cut_next(how)
    answers = line.store.commit(batch)
    assert line.proxy.cuts == 1
    assert [type(answer) for answer in answers] == [Applied] * (BATCH // 2) + [Short] * (BATCH // 2)
    assert all(len(line.till.file(each).journal) == 1 for each in purchases)
    assert [len(line.till.store.outbox_of(each.saga_id)) for each in purchases[BATCH // 2 :]] == [1] * (BATCH // 2)
    (place,) = {(row.item_id, row.location) for each in purchases for row in each.lines}
    assert (line.till.balance(place).available, line.till.balance(place).held) == (0, BATCH // 2)
    assert line.store.commit(batch) == answers


def test_a_second_commit_whose_answer_was_lost_is_applied_once(line: Line) -> None:
    purchases, batch = openings(line.till, units=BATCH)
    line.store.commit(batch)
    kinds = [Ending.CONFIRM, Ending.DECLINE, Ending.PRESUME]
    endings = [line.till.ending(each, kinds[number % 3]) for number, each in enumerate(purchases)]
    line.proxy.cut_next(Cut.AFTER)
    assert [type(answer) for answer in line.store.commit(endings)] == [Applied] * BATCH
    (place,) = {(row.item_id, row.location) for each in purchases for row in each.lines}
    balance = line.till.balance(place)
    assert (balance.available, balance.committed, balance.held) == (BATCH * 2 // 3, BATCH // 3, 0)


def test_a_commit_that_was_stored_is_mine_even_if_the_saga_has_moved_on_since(line: Line) -> None:
    purchases, batch = openings(line.till, units=BATCH)
    batch = [line.till.opening(each, lease_seconds=0.0) for each in purchases]

    def take_over() -> None:
        for each in purchases:
            token = line.till.claim(each)
            line.till.stored(line.till.ending(each, Ending.CONFIRM, token=token))

    line.then = take_over
    line.proxy.cut_next(Cut.AFTER)
    answers = line.store.commit(batch)
    assert [(type(answer), getattr(answer, "version", None)) for answer in answers] == [(Applied, 1)] * BATCH


def test_the_version_that_another_wrote_while_my_commit_was_lost_is_not_mine(line: Line) -> None:
    purchases, _ = openings(line.till, units=BATCH)
    opened = [line.till.opening(each, lease_seconds=0.0) for each in purchases]
    line.store.commit(opened)

    def take_over() -> None:
        for each in purchases:
            token = line.till.claim(each)
            line.till.stored(line.till.ending(each, Ending.DECLINE, token=token))

    line.then = take_over
    line.proxy.cut_next(Cut.BEFORE)
    endings = [line.till.ending(each, Ending.CONFIRM) for each in purchases]
    assert line.store.commit(endings) == [VersionConflict()] * BATCH
    assert all(len(line.till.file(each).observations) == 1 for each in purchases)


@pytest.mark.parametrize("how", list(Cut))
def test_a_commit_of_which_nothing_is_heard_until_the_deadline_may_have_been_stored(line: Line, how: Cut) -> None:
    purchases, batch = openings(line.till, units=BATCH)
    hasty = SqlStore(line.through, commit_deadline_seconds=0.0)
    hasty.claim_due(token=line.till.token(), lease_seconds=1.0, limit=1)
    line.proxy.cut_next(how)
    with pytest.raises(StorageUnavailableError) as raised:
        hasty.commit(batch)
    assert raised.value.applied == "unknown"
    stored = [line.till.store.load(each.saga_id) is not None for each in purchases]
    assert stored == [how is Cut.AFTER] * BATCH
    hasty.close()


def test_what_cannot_have_reached_its_commit_was_not_stored(line: Line) -> None:
    purchases, batch = openings(line.till, units=BATCH)
    hasty = SqlStore(line.through, commit_deadline_seconds=0.0)
    hasty.load(purchases[0].saga_id)
    line.proxy.close()
    with pytest.raises(StorageUnavailableError) as raised:
        hasty.commit(batch)
    assert raised.value.applied == "no"
    assert all(line.till.store.load(each.saga_id) is None for each in purchases)
    hasty.close()


def test_a_ledger_entry_whose_commit_was_lost_counts_once(line: Line) -> None:
    item, location = line.till.item(5)
    store: Store = line.store
    for how in Cut:
        line.proxy.cut_next(how)
        store.inventory.adjust(item, 10, location=location)
    assert line.proxy.cuts == 2
    balance = line.till.balance((item, location))
    assert (balance.available, balance.received) == (25, 25)
