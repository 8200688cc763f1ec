"""A member that can never be stored fails alone, in its position (protocol 2.7); nothing of it is quoted (SAFE-1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from checkout_core.adapters.sql import JoinedInventory, Parts, SqlStore
from checkout_core.adapters.sql.movements import Movement, StockAnswer
from checkout_core.adapters.sql.work import Work
from checkout_core.errors import InvariantError
from checkout_core.ports.records import (
    Applied,
    ClaimKey,
    OpenOrder,
    OperationState,
    RecordIntent,
    ReserveStock,
    SaveSaga,
    Transaction,
)
from checkout_core.testing.till import Till
from checkout_core.testing.transactions import Ending, Purchase, outcome, saving

SECRET = "4242-is-nobodys-business"


def with_key_of(characters: int) -> Callable[[Transaction], Transaction]:
    def changed(transaction: Transaction) -> Transaction:
        return _each(transaction, ClaimKey, lambda key: replace(key, key=SECRET + "x" * characters))

    return changed


def with_a_control_character(transaction: Transaction) -> Transaction:
    return _each(transaction, RecordIntent, lambda intent: replace(intent, provider=f"{SECRET}\x1fbank"))


def with_a_null_character(transaction: Transaction) -> Transaction:
    return _each(transaction, OpenOrder, lambda order: replace(order, user_id=f"{SECRET}\x00"))


def with_an_endless_time(transaction: Transaction) -> Transaction:
    return _each(transaction, SaveSaga, lambda save: replace(save, due_seconds=1e300))


def without_its_alternative(transaction: Transaction) -> Transaction:
    return replace(transaction, if_short=None)


def without_its_saga_row(transaction: Transaction) -> Transaction:
    return replace(transaction, records=tuple(each for each in transaction.records if not isinstance(each, SaveSaga)))


@pytest.mark.parametrize("spoilt", [with_an_endless_time, without_its_alternative, without_its_saga_row])
def test_a_member_that_can_never_be_stored_fails_alone(
    till: Till, spoilt: Callable[[Transaction], Transaction]
) -> None:
    _assert_that_the_third_fails_alone(till, spoilt)


@pytest.mark.parametrize("spoilt", [with_a_control_character, with_a_null_character])
def test_characters_that_separate_rows_on_the_wire_are_refused(
    postgres_url: str, spoilt: Callable[[Transaction], Transaction]
) -> None:
    store = SqlStore(postgres_url)
    store.migrate()
    _assert_that_the_third_fails_alone(Till(store), spoilt)
    store.close()


def test_a_text_that_is_too_long_fails_and_is_never_cut(mariadb_url: str) -> None:
    store = SqlStore(mariadb_url)
    store.migrate()
    _assert_that_the_third_fails_alone(Till(store), with_key_of(300))
    store.close()


def _assert_that_the_third_fails_alone(till: Till, spoilt: Callable[[Transaction], Transaction]) -> None:
    item = till.item(8)
    purchases = [till.purchase({item: 1}) for _ in range(8)]
    batch = [till.opening(each) for each in purchases]
    batch[2] = spoilt(batch[2])
    answers = till.store.commit(batch)
    assert [isinstance(answer, Applied) for answer in answers] == [True, True, False, True, True, True, True, True]
    assert isinstance(answers[2], InvariantError)
    assert SECRET not in str(answers[2]) + repr(answers[2].__cause__) + repr(answers[2].__context__)
    assert [till.store.load(each.saga_id) is not None for each in purchases] == [n != 2 for n in range(8)]
    assert till.balance(item).available == 1
    assert till.commit(till.opening(purchases[2])) == replace(_applied(till, purchases[2]), version=1)


def test_an_outcome_of_an_operation_that_was_never_intended_fails_alone(till: Till) -> None:
    purchases = [till.opened() for _ in range(4)]
    stray = till.writing(purchases[1], outcome(OperationState.SUCCEEDED, operation_id="charge-9"), saving())
    batch = [till.ending(each, Ending.CONFIRM) for each in purchases]
    answers = till.store.commit([batch[0], stray, *batch[2:]])
    assert [type(answer) for answer in answers] == [Applied, InvariantError, Applied, Applied]
    assert till.file(purchases[1]).saga.version == 1


def test_an_operation_that_is_intended_twice_fails_alone(till: Till) -> None:
    purchases = [till.opened() for _ in range(4)]
    (intent,) = [each for each in till.opening(purchases[1]).records if isinstance(each, RecordIntent)]
    batch = [till.ending(each, Ending.CONFIRM) for each in purchases]
    answers = till.store.commit([batch[0], till.writing(purchases[1], intent, saving()), *batch[2:]])
    assert [type(answer) for answer in answers] == [Applied, InvariantError, Applied, Applied]
    assert till.file(purchases[1]).saga.version == 1


class _MoodyInventory(JoinedInventory):
    """A host's own stock that fails for one order, with a message that quotes."""

    def __init__(self) -> None:
        self.order_id = ""

    def apply(self, work: Work, movements: Sequence[Movement]) -> list[StockAnswer]:
        if any(movement.order_id == self.order_id for movement in movements):
            raise RuntimeError(SECRET)
        return super().apply(work, movements)


def test_a_hosts_own_inventory_that_fails_for_one_member_fails_it_alone(sql_url: str) -> None:
    moody = _MoodyInventory()
    store = SqlStore(sql_url, parts=Parts(inventory=moody))
    store.migrate()
    till = Till(store)
    item = till.item(4)
    purchases = [till.purchase({item: 1}) for _ in range(4)]
    moody.order_id = purchases[3].saga_id
    answers = store.commit([till.opening(each) for each in purchases])
    assert [type(answer) for answer in answers] == [Applied, Applied, Applied, InvariantError]
    assert SECRET not in str(answers[3])
    assert "RuntimeError" in str(answers[3])
    assert till.balance(item).held == 3
    store.close()


def _each(
    transaction: Transaction,
    kind: type[ReserveStock | RecordIntent | OpenOrder | SaveSaga | ClaimKey],
    change: Callable,
) -> Transaction:
    changed = tuple(change(each) if isinstance(each, kind) else each for each in transaction.records)
    return replace(transaction, records=changed)


def _applied(till: Till, purchase: Purchase) -> Applied:
    (row,) = till.file(purchase).journal
    return Applied(version=row.version, at=row.at)
