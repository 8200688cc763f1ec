"""The contract of ``checkout_core.ports.outbox.Outbox`` as a test class for authors of stores.

Give it a store and pytest runs every clause::

    class TestMyOutbox(OutboxContract):
        @pytest.fixture
        def store(self) -> Iterator[Store]:
            store = MyStore(...)
            yield store
            store.close()

Every test uses sinks and orders of its own, so the store may keep what earlier tests left.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from checkout_core.domain.event import EventType
from checkout_core.ports.store import Store
from checkout_core.testing.mailbox import Mailbox
from checkout_core.testing.names import event_of
from checkout_core.testing.till import Till
from checkout_core.testing.transactions import LONG, Ending


class OutboxContract:
    """Each test's docstring names the clause of the port and the properties that it shows."""

    @pytest.fixture
    def till(self, store: Store) -> Till:
        """Sells from the ``store`` fixture of the subclass."""
        return Till(store)

    @pytest.fixture
    def box(self, till: Till) -> Mailbox:
        """A registered sink of the test's own."""
        return Mailbox(till, "box")

    def test_an_event_is_pending_at_each_sink_that_is_registered(self, till: Till, box: Mailbox) -> None:
        """Clause 1: as the outbox has it, with the time of its commit (EVENT-1)."""
        other = Mailbox(till, "other")
        bought = till.opened()
        transaction = till.ending(bought, Ending.CONFIRM)
        stored = till.stored(transaction)
        for each in (box, other):
            (found,) = each.claim()
            assert found.tries == 1
            assert found.event.event_id == event_of(transaction.commit_id)
            assert (found.event.order_id, found.event.sequence) == (bought.saga_id, 2)
            assert (found.event.type, found.event.payload) == (EventType.ORDER_CONFIRMED, '{"order": "ö"}')
            assert (found.event.occurred_at, found.event.occurred_at.utcoffset()) == (stored.at, timedelta(0))

    def test_a_sink_sees_the_events_from_its_registration_on(self, till: Till, box: Mailbox) -> None:
        """Clause 1."""
        bought = till.opened()
        box.event(bought, 1)
        late = Mailbox(till, "late")
        second = box.event(bought, 2)
        assert late.claimed() == [second]

    def test_what_is_not_committed_is_not_pending(self, till: Till, box: Mailbox) -> None:
        """Clause 1, EVENT-1: a refused commit leaves nothing at any sink."""
        bought = till.opened()
        till.refused_by_fence(till.ending(bought, Ending.CONFIRM, token=till.token()))
        assert box.claim() == ()

    def test_a_repeated_commit_is_not_delivered_twice(self, till: Till, box: Mailbox) -> None:
        """Clause 1, protocol 2.8."""
        transaction = till.ending(till.opened(), Ending.CONFIRM)
        till.stored(transaction)
        till.stored(transaction)
        assert box.claimed() == [event_of(transaction.commit_id)]

    def test_all_members_of_a_batch_are_delivered(self, till: Till, box: Mailbox) -> None:
        """Clause 1: each to each sink."""
        other = Mailbox(till, "other")
        batch = [till.ending(till.opened(), kind) for kind in (Ending.CONFIRM, Ending.DECLINE) for _ in range(3)]
        till.store.commit(batch)
        expected = sorted(event_of(each.commit_id) for each in batch)
        assert sorted(box.claimed()) == sorted(other.claimed()) == expected

    def test_the_oldest_due_come_first_and_no_more_than_asked_for(self, till: Till, box: Mailbox) -> None:
        """Clause 2: what failed waits for its time."""
        events = [box.event(till.opened(), 1) for _ in range(3)]
        token, found = box.claim_under(limit=3)
        ages = dict(zip(events, (10.0, 30.0, 20.0), strict=True))
        box.fail(found, token, {each.event.event_id: -ages[each.event.event_id] for each in found})
        assert box.claimed(limit=2) == [events[1], events[2]]
        assert box.claimed(limit=2) == [events[0]]

    def test_a_claimed_event_is_not_handed_out_while_its_lease_lives(self, till: Till, box: Mailbox) -> None:
        """Clause 2."""
        box.event(till.opened(), 1)
        assert len(box.claim()) == 1
        assert box.claim() == ()

    def test_what_was_claimed_comes_again_when_the_lease_ends(self, till: Till, box: Mailbox) -> None:
        """Clause 2, EVENT-2: with the same id, and one try more."""
        event = box.event(till.opened(), 1)
        first, second = box.claim(lease_seconds=0.0), box.claim()
        assert [each.event.event_id for each in (*first, *second)] == [event, event]
        assert [each.tries for each in (*first, *second)] == [1, 2]

    def test_of_an_order_only_the_first_event_is_handed_out(self, till: Till, box: Mailbox) -> None:
        """Clause 2, EVENT-2: the next when the first is acknowledged."""
        bought = till.opened()
        events = [box.event(bought, version) for version in (1, 2, 3)]
        for expected in events:
            token, found = box.claim_under()
            assert [each.event.event_id for each in found] == [expected]
            assert box.claim() == ()
            box.acknowledge(found, token)
        assert box.claim() == ()

    def test_a_failing_event_blocks_its_order_and_no_other(self, till: Till, box: Mailbox) -> None:
        """Clauses 2 and 4, LIVE-3."""
        failing, other = till.opened(), till.opened()
        box.event(failing, 1)
        token, found = box.claim_under()
        box.fail(found, token, LONG)
        box.event(failing, 2)
        expected = box.event(other, 1)
        assert box.claimed() == [expected]

    def test_callers_at_once_are_handed_different_events(self, till: Till, box: Mailbox) -> None:
        """Clause 2: from eight threads, each event once, and of each order its first."""
        orders = [till.opened() for _ in range(12)]
        firsts = [box.event(order, 1) for order in orders]
        for order in orders:
            box.event(order, 2)
        with ThreadPoolExecutor(8) as pool:
            claims = [pool.submit(box.claimed, limit=2) for _ in range(16)]
        assert sorted(each for claim in claims for each in claim.result()) == sorted(firsts)

    def test_exactly_what_is_named_is_acknowledged(self, till: Till, box: Mailbox) -> None:
        """Clause 3: not what came before it, nor beside it."""
        events = [box.event(till.opened(), 1) for _ in range(3)]
        token, found = box.claim_under(lease_seconds=0.0)
        named = [each for each in found if each.event.event_id == events[1]]
        assert box.acknowledge(named, token) == 1
        assert sorted(box.claimed()) == sorted([events[0], events[2]])

    def test_an_expired_lease_that_nobody_took_still_acknowledges(self, till: Till, box: Mailbox) -> None:
        """Clause 3: and saying it again changes nothing."""
        box.event(till.opened(), 1)
        token, found = box.claim_under(lease_seconds=0.0)
        assert (box.acknowledge(found, token), box.acknowledge(found, token)) == (1, 0)
        assert box.claim() == ()

    def test_nobody_acknowledges_or_fails_what_another_holds(self, till: Till, box: Mailbox) -> None:
        """Clauses 3 and 4: whoever was too slow learns it and changes nothing."""
        box.event(till.opened(), 1)
        slow, found = box.claim_under(lease_seconds=0.0)
        token, _ = box.claim_under()
        assert box.acknowledge(found, slow) == 0
        box.fail(found, slow, 0.0)
        box.fail(found, slow, None)
        assert (box.claim(), box.letters()) == ((), [])
        assert box.acknowledge(found, token) == 1

    def test_a_failed_event_comes_again_at_its_time(self, till: Till, box: Mailbox) -> None:
        """Clause 4: later, or at once; and counts its tries."""
        box.event(till.opened(), 1)
        for tries in (1, 2):
            token, found = box.claim_under()
            assert [each.tries for each in found] == [tries]
            box.fail(found, token, 0.0)
        token, found = box.claim_under()
        box.fail(found, token, LONG)
        assert box.claim() == ()
        assert box.acknowledge(found, token) == 0

    def test_a_dead_letter_is_listed_with_an_alarm_and_handed_out_no_more(self, till: Till, box: Mailbox) -> None:
        """Clause 4, EVENT-2: the order's later events wait."""
        bought = till.opened()
        event = box.event(bought, 1)
        box.event(bought, 2)
        token, found = box.claim_under()
        box.fail(found, token, None)
        (letter,) = box.letters()
        assert (letter.event_id, letter.order_id, letter.type) == (event, bought.saga_id, EventType.ORDER_CONFIRMED)
        assert (letter.tries, letter.error) == (1, "the receiver said no")
        assert letter.died_at >= found[0].event.occurred_at
        assert box.claim() == ()
        alarms = [each for each in till.store.alarms(limit=1000) if each.order_id == bought.saga_id]
        assert [each.kind for each in alarms] == ["dead_letter"]
        assert event in alarms[0].detail

    def test_a_dead_letter_delays_no_other_order_and_no_other_sink(self, till: Till, box: Mailbox) -> None:
        """Clauses 4 and 6, LIVE-3."""
        other = Mailbox(till, "other")
        dead = box.event(till.opened(), 1)
        token, found = box.claim_under()
        box.fail(found, token, None)
        alive = box.event(till.opened(), 1)
        assert box.claimed() == [alive]
        assert sorted(other.claimed()) == sorted([dead, alive])

    def test_a_replayed_letter_comes_again_and_then_its_followers(self, till: Till, box: Mailbox) -> None:
        """Clause 5: with no tries counted."""
        bought = till.opened()
        events = [box.event(bought, version) for version in (1, 2)]
        token, found = box.claim_under()
        box.fail(found, token, None)
        assert box.replay(events[0])
        assert box.letters() == []
        token, found = box.claim_under()
        assert [(each.event.event_id, each.tries) for each in found] == [(events[0], 1)]
        box.acknowledge(found, token)
        assert box.claimed() == [events[1]]

    def test_a_skipped_letter_is_gone_and_its_followers_are_due(self, till: Till, box: Mailbox) -> None:
        """Clause 5."""
        bought = till.opened()
        events = [box.event(bought, version) for version in (1, 2)]
        token, found = box.claim_under()
        box.fail(found, token, None)
        assert box.skip(events[0])
        assert box.letters() == []
        assert box.claimed() == [events[1]]

    def test_only_dead_letters_of_the_sink_are_replayed_or_skipped(self, till: Till, box: Mailbox) -> None:
        """Clauses 5 and 6: anything else is left as it is, and said to be absent."""
        other = Mailbox(till, "other")
        pending = box.event(till.opened(), 1)
        absent = till.names.commit(1)
        assert not any([box.replay(pending), box.skip(pending), box.replay(absent), box.skip(absent)])
        token, found = box.claim_under()
        box.fail(found, token, None)
        assert not any([other.replay(pending), other.skip(pending)])
        assert box.skip(pending)
        assert other.claimed() == [pending]

    def test_a_retired_sink_is_forgotten(self, till: Till, box: Mailbox) -> None:
        """Clause 6: with what was pending there; the others keep theirs."""
        other = Mailbox(till, "other")
        event = box.event(till.opened(), 1)
        box.retire()
        box.event(till.opened(), 1)
        assert box.claim() == ()
        assert box.backlog() is None
        assert event in other.claimed()

    def test_registering_again_changes_nothing(self, till: Till, box: Mailbox) -> None:
        """Clause 1."""
        event = box.event(till.opened(), 1)
        again = Mailbox(till, "box")
        assert again.claimed() == [event]

    def test_the_backlog_counts_what_waits(self, till: Till, box: Mailbox) -> None:
        """Clauses 6 and 7: the dead apart."""
        for _ in range(3):
            box.event(till.opened(), 1)
        token, found = box.claim_under(limit=1)
        box.fail(found, token, None)
        waiting = box.backlog()
        assert waiting is not None
        assert (waiting.pending, waiting.dead) == (2, 1)
        assert 0.0 <= waiting.oldest_seconds < LONG
        empty = Mailbox(till, "empty").backlog()
        assert empty is not None
        assert (empty.pending, empty.dead, empty.oldest_seconds) == (0, 0, 0.0)
