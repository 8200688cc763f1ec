"""What was stored is read back whole: files, outbox, alarms, and the reading half of the store port."""

from __future__ import annotations

from checkout_core.domain.order import Attention, FailureReason, OrderStatus
from checkout_core.domain.result import DeclineKind
from checkout_core.ports.records import MoveOrder, OpenOrder, OperationState, Phase, RecordIntent, SaveSaga
from checkout_core.testing.till import Till
from checkout_core.testing.transactions import Ending, saving


class ReadingClauses:
    """Part of ``StoreContract``."""

    def test_the_order_is_read_as_it_was_opened(self, till: Till) -> None:
        """ORDER-4: lines, prices, order of lines, adjustments, contact and address."""
        bought = till.purchase({till.item(5): 3, till.item(5): 1})
        transaction = till.opening(bought)
        till.stored(transaction)
        opened = next(record for record in transaction.records if isinstance(record, OpenOrder))
        order = till.file(bought).order
        assert order is not None
        assert (order.order_id, order.status, order.attention) == (bought.saga_id, OrderStatus.PENDING, Attention.NONE)
        assert (order.items, order.total, order.details) == (opened.items, opened.total, opened.details)
        assert (order.cart_id, order.cart_revision, order.scope) == (opened.cart_id, "", opened.scope)
        assert (order.user_id, order.previous_order_id) == (opened.user_id, "")
        assert order.payments == ()

    def test_the_intent_is_read_as_it_was_recorded(self, till: Till) -> None:
        """MONEY-5: one key always carries one identical request."""
        bought = till.purchase()
        transaction = till.opening(bought)
        till.stored(transaction)
        intent = next(record for record in transaction.records if isinstance(record, RecordIntent))
        found = till.file(bought).operations[0]
        assert found.state is OperationState.INTENDED
        for name in (
            *("operation_id", "kind", "leg", "attempt", "provider", "account"),
            *("key", "reference", "amount", "request", "token"),
        ):
            assert getattr(found, name) == getattr(intent, name), name

    def test_an_outcome_is_read_as_it_was_recorded(self, till: Till) -> None:
        """MONEY-2, SAFE-1: and the token is gone where it is needed no more."""
        bought = till.opened({till.item(1): 1})
        till.stored(till.ending(bought, Ending.UNKNOWN))
        unknown = till.file(bought).operations[0]
        assert (unknown.state, unknown.code, unknown.token) == (OperationState.UNKNOWN, "timeout", "tok_1")
        till.stored(till.ending(bought, Ending.DECLINE, version=2))
        declined = till.file(bought).operations[0]
        assert (declined.state, declined.code) == (OperationState.DECLINED, "insufficient_funds")
        assert (declined.decline_kind, declined.moved_minor, declined.token) == (DeclineKind.SOFT, 0, "")

    def test_moving_an_order_sets_status_reason_and_attention(self, till: Till) -> None:
        """STATE-4: attention stands beside the status."""
        bought = till.opened()
        first = MoveOrder(
            status=OrderStatus.REQUIRES_ACTION,
            reason=FailureReason.STEP_REFUSED,
            reason_detail="fraud check: é",
            attention=Attention.UNDER_REVIEW,
        )
        for version, record in ((1, first), (2, MoveOrder(status=OrderStatus.CONFIRMED))):
            till.stored(till.writing(bought, record, saving(), version=version))
            order = till.file(bought).order
            assert order is not None
            assert (order.status, order.reason) == (record.status, record.reason)
            assert (order.reason_detail, order.attention) == (record.reason_detail, record.attention)

    def test_the_journal_has_every_commit_in_order(self, till: Till) -> None:
        """STATE-3: with its id, its worker and the text that the core wrote."""
        bought = till.purchase()
        later = [till.ending(bought, kind, version=n) for n, kind in ((1, Ending.UNKNOWN), (2, Ending.PARK))]
        writes = [till.opening(bought), *later]
        for each in writes:
            till.stored(each)
        journal = till.file(bought).journal
        assert [row.version for row in journal] == [1, 2, 3]
        assert [row.commit_id for row in journal] == [each.commit_id for each in writes]
        assert [row.entries for row in journal] == ['[{"did": "öpen"}]', '["?"]', '["parked"]']
        assert {row.worker for row in journal} == {"worker-1"}
        assert [row.at for row in journal] == sorted(row.at for row in journal)

    def test_the_saga_is_read_as_it_was_saved(self, till: Till) -> None:
        """STATE-3."""
        bought = till.opened()
        save = SaveSaga(phase=Phase.PARKED, entries="[]", lease_seconds=None, due_seconds=None, tries=7)
        till.stored(till.writing(bought, save))
        saga = till.file(bought).saga
        assert (saga.definition, saga.definition_version, saga.version) == ("checkout", 1, 2)
        assert (saga.phase, saga.tries, saga.due_in_seconds) == (Phase.PARKED, 7, None)
        assert saga.lease_seconds <= 0

    def test_a_saga_may_have_no_order(self, till: Till) -> None:
        """The store serves any saga, not only checkouts."""
        bought = till.purchase()
        opening = till.opening(bought)
        till.stored(till.writing(bought, opening.records[0], saving(), version=0))
        file = till.file(bought)
        assert (file.order, file.operations, file.key) == (None, (), "")

    def test_a_file_is_found_by_its_scope_and_key(self, till: Till) -> None:
        """ORDER-1: and under no other scope."""
        bought = till.opened()
        found = till.store.find(bought.scope, bought.key)
        assert found is not None
        assert (found.saga.saga_id, found.scope, found.key) == (bought.saga_id, bought.scope, bought.key)
        assert found.fingerprint == bought.fingerprint
        assert till.store.find(f"{bought.scope}2", bought.key) is None
        assert till.store.find(bought.scope, f"{bought.key} ") is None

    def test_what_is_not_there_is_none(self, till: Till) -> None:
        """Loads of the unknown are no error."""
        absent = till.purchase()
        assert till.store.load(absent.saga_id) is None
        assert till.store.outbox_of(absent.saga_id) == ()

    def test_files_are_paged_in_order_of_their_ids(self, till: Till) -> None:
        """Each once, whatever the size of the page."""
        ours = sorted(till.opened().saga_id for _ in range(5))
        seen: list[str] = []
        after = ""
        while page := till.store.files_after(after, limit=2):
            assert len(page) <= 2
            seen += [file.saga.saga_id for file in page]
            after = seen[-1]
        assert seen == sorted(set(seen))
        assert [saga_id for saga_id in seen if saga_id in ours] == ours

    def test_an_event_bears_the_version_that_its_commit_made(self, till: Till) -> None:
        """EVENT-1, protocol 6.1: in order, under the id and with the text that the core gave it."""
        bought = till.opened({till.item(1): 1})
        presume = till.ending(bought, Ending.PRESUME)
        till.stored(presume)
        late = till.ending(bought, Ending.LATE, version=2, token=till.claim(bought))
        till.stored(late)
        events = till.store.outbox_of(bought.saga_id)
        assert [event.aggregate_seq for event in events] == [2, 3]
        assert [event.type for event in events] == ["order.failed.v1", "order.confirmed.v1"]
        assert {(event.aggregatetype, event.aggregateid) for event in events} == {("order", bought.saga_id)}
        assert {event.payload for event in events} == {'{"order": "ö"}'}
        assert len({event.event_id for event in events}) == 2

    def test_an_alarm_is_listed_until_it_is_acknowledged(self, till: Till) -> None:
        """Protocol 7.5: oldest first."""
        rung = [till.opened() for _ in range(3)]
        for bought in rung:
            till.stored(till.ending(bought, Ending.PARK))
        ours = [alarm for alarm in till.store.alarms(limit=1000) if alarm.order_id in {each.saga_id for each in rung}]
        assert [alarm.kind for alarm in ours] == ["unknown_charge"] * 3
        assert [alarm.raised_at for alarm in ours] == sorted(alarm.raised_at for alarm in ours)
        assert {alarm.detail for alarm in ours} == {"older than a day"}
        for _ in range(2):
            till.store.acknowledge_alarm(ours[1].alarm_id)
        listed = till.store.alarms(limit=1000)
        assert [alarm for alarm in listed if alarm in ours] == [ours[0], ours[2]]
        assert till.store.alarms(limit=1) == listed[:1]
