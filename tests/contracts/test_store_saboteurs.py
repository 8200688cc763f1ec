"""Each store that is wrong in one point is caught by the test of that point, and most by the differential test too."""

from __future__ import annotations

import pytest
from hypothesis import Phase, given, settings

from checkout_core.adapters.memory import MemoryStore
from checkout_core.adapters.memory.change import Change
from checkout_core.errors import InvariantError
from checkout_core.testing.contracts.differential import assert_same_as_memory
from checkout_core.testing.contracts.store import StoreContract
from checkout_core.testing.stories import Story
from checkout_core.testing.strategies import stories
from checkout_core.testing.till import Till
from tests.contracts import store_saboteurs as wrong

CAUGHT_BY: dict[type[Change | MemoryStore], str] = {
    wrong.FenceIgnored: "another_version_is_a_conflict_and_changes_nothing",
    wrong.TokenIgnored: "another_token_is_a_conflict_and_changes_nothing",
    wrong.VersionIgnored: "another_version_is_a_conflict_and_changes_nothing",
    wrong.ExpiredLeaseRefused: "an_expired_lease_that_nobody_took_still_writes",
    wrong.TokenKeptWithoutLease: "a_lease_that_was_given_up_writes_no_more",
    wrong.NewerVersionAdopted: "the_version_of_another_is_never_taken_for_ones_own",
    wrong.RepetitionForgotten: "a_repeated_opening_gets_its_first_answer",
    wrong.ShortageForgotten: "a_repeated_shortage_stays_one",
    wrong.LatestAnswerRepeated: "a_repetition_gets_its_answer_however_far_the_saga_has_moved",
    wrong.WhatWasToldDropped: "what_a_fenced_out_worker_was_told_is_kept",
    wrong.FinishedSagaNotWoken: "a_finished_saga_is_woken_by_what_a_fenced_out_worker_was_told",
    wrong.ObservationKeptTwice: "an_observation_is_kept_once_however_often_its_commit_is_repeated",
    wrong.AlternativeObserved: "two_outcomes_of_one_commit_are_two_observations",
    wrong.MergeForgotten: "a_merged_observation_is_not_loaded_again_the_others_are",
    wrong.KeysFolded: "keys_carts_and_items_that_differ_in_bytes_are_different",
    wrong.KeyFreedByFailure: "a_key_belongs_to_its_order_for_ever",
    wrong.GuardIgnored: "of_one_cart_in_a_batch_the_first_member_gets_it",
    wrong.GuardKeptForEver: "a_guard_that_was_given_up_may_be_taken",
    wrong.GuardFreedAtOnce: "a_guard_that_will_be_free_later_is_taken_until_then",
    wrong.GuardOfOthersFreed: "nobody_frees_the_guard_of_another_order",
    wrong.GuardBeforeKey: "decisions_are_made_in_the_order_key_guard_unknown_items_shortage",
    wrong.ShortageBeforeUnknown: "decisions_are_made_in_the_order_key_guard_unknown_items_shortage",
    wrong.FirstUnknownOnly: "every_unknown_item_is_named",
    wrong.FirstShortageOnly: "a_shortage_names_every_short_line_and_takes_none",
    wrong.Overselling: "the_last_units_go_to_as_many_buyers_as_there_are_units",
    wrong.RefusedTakesStock: "a_refused_cart_takes_no_stock_from_later_members",
    wrong.AlternativeNotStored: "a_shortage_stores_the_alternative_and_nothing_else",
    wrong.ReleasedBlindly: "a_second_release_adds_nothing",
    wrong.CommittedBlindly: "committed_stock_is_not_released_and_released_stock_not_committed",
    wrong.CommittedStockReleased: "committed_stock_is_not_released_and_released_stock_not_committed",
    wrong.SequenceOfEvents: "an_event_bears_the_version_that_its_commit_made",
    wrong.QuietTimeForgotten: "an_outcome_moves_the_bounds_that_it_names",
    wrong.WatchKeptForEver: "an_outcome_moves_the_bounds_that_it_names",
    wrong.TokenNotErased: "an_outcome_is_read_as_it_was_recorded",
    wrong.LinesJoined: "the_order_is_read_as_it_was_opened",
    wrong.LastWriteWins: "two_members_of_one_saga_apply_one_after_the_other",
    wrong.AllOrNothing: "of_one_key_in_a_batch_the_first_member_gets_it",
    wrong.LastFirst: "a_refused_cart_takes_no_stock_from_later_members",
    wrong.LiveLeaseStolen: "a_saga_is_not_handed_out_while_its_lease_lives",
    wrong.NewestDueFirst: "the_oldest_due_come_first_and_no_more_than_asked_for",
    wrong.ParkedHandedOut: "what_is_leased_or_not_due_or_at_rest_is_not_handed_out",
    wrong.DoneClaimed: "a_saga_that_is_done_or_absent_cannot_be_claimed",
    wrong.ForgetsTries: "what_is_put_back_remembers_the_tries_that_it_is_told",
    wrong.PutBackByAnybody: "nobody_puts_back_the_lease_of_another",
    wrong.RemainingTimesNeverNegative: "what_is_past_is_negative",
    wrong.FirstPageAgain: "files_are_paged_in_order_of_their_ids",
    wrong.AdjustmentRepeated: "an_adjustment_is_entered_once",
}

OUTSIDE_THE_STORIES = frozenset(
    {
        wrong.MergeForgotten,
        wrong.NewestDueFirst,
        wrong.ParkedHandedOut,
        wrong.PutBackByAnybody,
        wrong.ForgetsTries,
        wrong.RemainingTimesNeverNegative,
        wrong.FirstPageAgain,
        wrong.AdjustmentRepeated,
        wrong.AlternativeObserved,
    }
)
"""Stories claim single sagas, never merge, and read what they named."""


@pytest.mark.parametrize("saboteur", CAUGHT_BY, ids=lambda each: each.__name__)
def test_a_wrong_store_fails_the_test_of_its_point(saboteur: type[Change | MemoryStore]) -> None:
    clause = getattr(StoreContract(), f"test_{CAUGHT_BY[saboteur]}")
    clause(Till(MemoryStore()))
    with pytest.raises((AssertionError, InvariantError)):
        clause(Till(_store(saboteur)))


@pytest.mark.parametrize(
    "saboteur", [each for each in CAUGHT_BY if each not in OUTSIDE_THE_STORIES], ids=lambda each: each.__name__
)
def test_a_wrong_store_tells_another_story(saboteur: type[Change | MemoryStore], told: list[Story]) -> None:
    assert any(_is_told_otherwise(_store(saboteur), story) for story in told)


def test_the_right_store_tells_the_same_stories(told: list[Story]) -> None:
    assert not any(_is_told_otherwise(MemoryStore(), story) for story in told[:50])


@pytest.fixture(scope="module")
def told() -> list[Story]:
    """The same stories for each store."""
    gathered: list[Story] = []

    @settings(max_examples=300, derandomize=True, database=None, phases=[Phase.generate])
    @given(stories())
    def gather(story: Story) -> None:
        gathered.append(story)

    gather()
    return gathered


def _is_told_otherwise(store: MemoryStore, story: Story) -> bool:
    try:
        assert_same_as_memory(store, story)
    except (AssertionError, InvariantError):
        return True
    return False


def _store(saboteur: type[Change | MemoryStore]) -> MemoryStore:
    return (wrong.sabotaged(saboteur) if issubclass(saboteur, Change) else saboteur)()
