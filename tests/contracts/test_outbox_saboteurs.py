"""Each outbox that is wrong in one point is caught by the test of that point."""

from __future__ import annotations

import pytest

from checkout_core.adapters.memory import MemoryStore
from checkout_core.adapters.memory.change import Change
from checkout_core.adapters.memory.outbox import MemoryOutbox
from checkout_core.testing.contracts.outbox import OutboxContract
from checkout_core.testing.mailbox import Mailbox
from checkout_core.testing.till import Till
from tests.contracts import outbox_saboteurs as wrong

CAUGHT_BY: dict[type[MemoryOutbox | Change], str] = {
    wrong.FirstSinkOnly: "an_event_is_pending_at_each_sink_that_is_registered",
    wrong.PastEventsToo: "a_sink_sees_the_events_from_its_registration_on",
    wrong.RegistrationForgets: "registering_again_changes_nothing",
    wrong.RetiredKeepsPending: "a_retired_sink_is_forgotten",
    wrong.NewestFirst: "the_oldest_due_come_first_and_no_more_than_asked_for",
    wrong.LeaseIgnored: "a_claimed_event_is_not_handed_out_while_its_lease_lives",
    wrong.LostWithItsWorker: "what_was_claimed_comes_again_when_the_lease_ends",
    wrong.TriesForgotten: "what_was_claimed_comes_again_when_the_lease_ends",
    wrong.WholeOrdersHandedOut: "of_an_order_only_the_first_event_is_handed_out",
    wrong.DeadLetterOvertaken: "a_dead_letter_is_listed_with_an_alarm_and_handed_out_no_more",
    wrong.DeadLetterBlocksAll: "a_dead_letter_delays_no_other_order_and_no_other_sink",
    wrong.AcknowledgesUpToTheLast: "exactly_what_is_named_is_acknowledged",
    wrong.AnybodyAcknowledges: "nobody_acknowledges_or_fails_what_another_holds",
    wrong.ExpiredLeaseRefused: "an_expired_lease_that_nobody_took_still_acknowledges",
    wrong.RetriedAtOnce: "a_failing_event_blocks_its_order_and_no_other",
    wrong.DeadWithoutAlarm: "a_dead_letter_is_listed_with_an_alarm_and_handed_out_no_more",
    wrong.ReplayKeepsTries: "a_replayed_letter_comes_again_and_then_its_followers",
    wrong.SkipsTheLiving: "only_dead_letters_of_the_sink_are_replayed_or_skipped",
    wrong.SkipsAtEverySink: "only_dead_letters_of_the_sink_are_replayed_or_skipped",
    wrong.DeadCountedAsPending: "the_backlog_counts_what_waits",
}


@pytest.mark.parametrize("saboteur", CAUGHT_BY, ids=lambda each: each.__name__)
def test_a_wrong_outbox_fails_the_test_of_its_point(saboteur: type[MemoryOutbox | Change]) -> None:
    clause = getattr(OutboxContract(), f"test_{CAUGHT_BY[saboteur]}")
    for store, is_right in ((MemoryStore(), True), (wrong.store_with(saboteur), False)):
        till = Till(store)
        box = Mailbox(till, "box")
        if is_right:
            clause(till, box)
        else:
            with pytest.raises((AssertionError, ValueError)):
                clause(till, box)
