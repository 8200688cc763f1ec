"""Clauses 2 and 3 of the store port: the fence, observations, and repetition."""

from __future__ import annotations

from dataclasses import replace

from checkout_core.domain.order import StockState
from checkout_core.ports.records import (
    Applied,
    MergeObservation,
    OperationState,
    Phase,
    RecordOutcome,
    Short,
    VersionConflict,
)
from checkout_core.ports.store import SagaFile
from checkout_core.testing.till import Till
from checkout_core.testing.transactions import LONG, Ending, Purchase, outcome, saving


class FenceClauses:
    """Part of ``StoreContract``."""

    def test_another_version_is_a_conflict_and_changes_nothing(self, till: Till) -> None:
        """Clause 2, STATE-2: behind or ahead."""
        item = till.item(1)
        bought = till.opened({item: 1})
        till.stored(till.ending(bought, Ending.UNKNOWN))
        for version in (1, 3):
            till.refused_by_fence(till.ending(bought, Ending.DECLINE, version=version))
        file = till.file(bought)
        assert file.saga.version == 2
        assert file.order is not None
        assert file.order.stock is StockState.HELD
        assert file.operations[0].state is OperationState.UNKNOWN
        assert till.balance(item).available == 0
        assert till.store.outbox_of(bought.saga_id) == ()

    def test_another_token_is_a_conflict_and_changes_nothing(self, till: Till) -> None:
        """Clause 2, STATE-2."""
        bought = till.opened()
        till.refused_by_fence(till.ending(bought, Ending.CONFIRM, token=till.token()))
        assert till.file(bought).saga.version == 1
        assert till.file(bought).operations[0].state is OperationState.INTENDED

    def test_an_opening_of_a_saga_that_is_there_is_a_conflict(self, till: Till) -> None:
        """Clause 3: under another commit's id it is somebody else's."""
        bought = till.opened()
        till.refused_by_fence(till.opening(bought))
        assert till.file(bought).saga.version == 1

    def test_a_saga_that_is_not_there_is_a_conflict(self, till: Till) -> None:
        """Clause 2: and nothing is kept, since there is no owner who could take it up."""
        absent = till.purchase()
        till.refused_by_fence(till.ending(absent, Ending.CONFIRM))
        assert till.store.load(absent.saga_id) is None
        till.stored(till.opening(absent))
        assert till.file(absent).observations == ()

    def test_an_expired_lease_that_nobody_took_still_writes(self, till: Till) -> None:
        """Protocol 3.1: expiry only permits takeover."""
        bought = till.opened(lease_seconds=0.0)
        till.stored(till.ending(bought, Ending.CONFIRM))

    def test_a_lease_that_was_taken_over_writes_no_more(self, till: Till) -> None:
        """Clause 2: the version is the same, the token is not."""
        bought = till.opened(lease_seconds=0.0)
        token = till.claim(bought)
        till.refused_by_fence(till.ending(bought, Ending.CONFIRM))
        till.stored(till.ending(bought, Ending.CONFIRM, token=token))

    def test_a_lease_that_was_given_up_writes_no_more(self, till: Till) -> None:
        """Clause 2: the token went with the lease."""
        bought = till.opened()
        till.stored(till.ending(bought, Ending.LET_GO))
        till.refused_by_fence(till.ending(bought, Ending.CONFIRM, version=2))

    def test_what_a_fenced_out_worker_was_told_is_kept(self, till: Till) -> None:
        """Clause 2, STATE-2: as it was told, in full, beside the state of the operation."""
        bought = till.opened(lease_seconds=0.0)
        till.claim(bought)
        told = RecordOutcome(
            operation_id="charge-1",
            state=OperationState.ACTION_REQUIRED,
            provider_reference="ch_é",
            moved_minor=1,
            code="3ds",
            action_url="https://bank.example/?a=1&b=2",
            quiet_seconds=7.0,
            watch_seconds=9.0,
            erase_token=True,
        )
        till.refused_by_fence(till.writing(bought, told, saving()))
        assert _told(till, bought) == [told]
        assert till.file(bought).operations[0].state is OperationState.INTENDED

    def test_an_observation_is_kept_once_however_often_its_commit_is_repeated(self, till: Till) -> None:
        """Clause 2, protocol 2.8; also after the owner has taken it up."""
        bought = till.opened(lease_seconds=0.0)
        token = till.claim(bought)
        late = till.ending(bought, Ending.CONFIRM)
        assert till.store.commit([late, late]) == [VersionConflict(), VersionConflict()]
        till.refused_by_fence(late)
        kept = till.file(bought).observations
        assert [each.outcome.state for each in kept] == [OperationState.SUCCEEDED]
        merge = MergeObservation(observation_id=kept[0].observation_id)
        till.stored(till.writing(bought, kept[0].outcome, merge, saving(), token=token))
        till.refused_by_fence(late)
        assert _told(till, bought) == []

    def test_two_outcomes_of_one_commit_are_two_observations(self, till: Till) -> None:
        """Clause 2: every outcome of the records, none of the alternative's."""
        bought = till.opened()
        one = outcome(OperationState.SUCCEEDED)
        two = outcome(OperationState.UNKNOWN, operation_id="refund-1")
        other = outcome(OperationState.DECLINED)
        late = replace(till.writing(bought, one, two, saving(), version=9), if_short=(other, saving()))
        till.refused_by_fence(late)
        assert sorted(_told(till, bought), key=repr) == sorted([one, two], key=repr)

    def test_a_merged_observation_is_not_loaded_again_the_others_are(self, till: Till) -> None:
        """Clause 2."""
        bought = till.opened()
        for state in (OperationState.SUCCEEDED, OperationState.UNKNOWN):
            till.refused_by_fence(till.writing(bought, outcome(state), saving(), version=9))
        first, second = till.file(bought).observations
        till.stored(till.writing(bought, MergeObservation(observation_id=first.observation_id), saving()))
        assert till.file(bought).observations == (second,)

    def test_a_finished_saga_is_woken_by_what_a_fenced_out_worker_was_told(self, till: Till) -> None:
        """Clause 2, MONEY-4: it is due at once, so that a worker looks whether that contradicts how the saga ended."""
        bought = till.opened(lease_seconds=0.0)
        token = till.claim(bought)
        till.stored(till.ending(bought, Ending.DECLINE, token=token))
        late = till.ending(bought, Ending.CONFIRM)
        till.refused_by_fence(late)
        assert till.file(bought).saga.phase is Phase.WATCHING
        claimed = till.token()
        assert till.store.claim_due(token=claimed, lease_seconds=LONG, limit=1000) == (bought.saga_id,)
        merge = MergeObservation(observation_id=till.file(bought).observations[0].observation_id)
        closed = saving(Phase.DONE, lease_seconds=None, due=None)
        till.stored(till.writing(bought, merge, closed, version=2, token=claimed))
        till.refused_by_fence(late)
        assert till.file(bought).saga.phase is Phase.DONE

    def test_a_saga_does_not_end_over_an_observation_that_its_owner_has_not_seen(self, till: Till) -> None:
        """Clause 2, MONEY-4: it came after the owner had loaded; the saga is due at once instead of done."""
        bought = till.opened(lease_seconds=0.0)
        token = till.claim(bought)
        till.refused_by_fence(till.ending(bought, Ending.CONFIRM))
        till.stored(till.ending(bought, Ending.DECLINE, token=token))
        assert till.file(bought).saga.phase is Phase.WATCHING
        claimed = till.token()
        assert till.store.claim_due(token=claimed, lease_seconds=LONG, limit=1000) == (bought.saga_id,)

    def test_a_conflict_without_an_outcome_wakes_nobody(self, till: Till) -> None:
        """Clause 2."""
        bought = till.opened()
        till.stored(till.ending(bought, Ending.CONFIRM))
        till.refused_by_fence(till.ending(bought, Ending.PARK))
        assert till.file(bought).saga.phase is Phase.DONE

    def test_a_repeated_opening_gets_its_first_answer(self, till: Till) -> None:
        """Clause 3: with its first time, and not as a duplicate of itself."""
        item = till.item(2)
        opening = till.opening(till.purchase({item: 1}))
        first = till.stored(opening)
        assert till.store.commit([opening, opening]) == [first, first]
        assert till.balance(item).available == 1

    def test_a_member_twice_in_one_batch_is_applied_once(self, till: Till) -> None:
        """Clause 3, STATE-5."""
        item = till.item(2)
        bought = till.purchase({item: 1})
        opening, ending = till.opening(bought), till.ending(bought, Ending.DECLINE)
        answers = till.store.commit([opening, opening, ending, ending])
        assert [answer.version for answer in answers if isinstance(answer, Applied)] == [1, 1, 2, 2]
        assert (answers[0], answers[2]) == (answers[1], answers[3])
        assert till.balance(item).available == 2

    def test_a_repeated_shortage_stays_one(self, till: Till) -> None:
        """Clause 3, protocol 2.8: the answer in the journal counts, not what could be had by now."""
        item = till.item(1)
        opening = till.opening(till.purchase({item: 2}))
        first = till.short(opening)
        till.store.inventory.set_available(item[0], 5, location=item[1])
        again = till.commit(opening)
        assert isinstance(again, Short)
        assert again == first
        assert till.balance(item).available == 5

    def test_a_repetition_changes_nothing(self, till: Till) -> None:
        """Clause 3, EVENT-1, STOCK-3: one journal row, one event, one alarm, one release."""
        item = till.item(1)
        bought = till.opened({item: 1})
        parked = till.ending(bought, Ending.PARK)
        first = till.stored(parked)
        token = till.claim(bought)
        undone = till.ending(bought, Ending.DECLINE, version=2, token=token)
        second = till.stored(undone)
        before = _content(till, bought)
        assert till.store.commit([undone, parked]) == [second, first]
        assert _content(till, bought) == before
        assert till.balance(item).available == 1

    def test_a_repetition_gets_its_answer_however_far_the_saga_has_moved(self, till: Till) -> None:
        """Clause 3: and what others wrote since stays."""
        bought = till.opened()
        first = till.ending(bought, Ending.UNKNOWN)
        answer = till.stored(first)
        till.stored(till.ending(bought, Ending.CONFIRM, version=2))
        assert till.commit(first) == answer
        assert till.file(bought).saga.phase is Phase.DONE
        assert till.file(bought).observations == ()

    def test_the_version_of_another_is_never_taken_for_ones_own(self, till: Till) -> None:
        """Clause 3, protocol 2.8: the version that I wanted to write is there, but under another's commit id."""
        bought = till.opened(lease_seconds=0.0)
        mine = till.ending(bought, Ending.CONFIRM)
        token = till.claim(bought)
        till.stored(till.ending(bought, Ending.DECLINE, token=token))
        till.refused_by_fence(mine)
        assert [each.outcome.state for each in till.file(bought).observations] == [OperationState.SUCCEEDED]


def _told(till: Till, bought: Purchase) -> list[RecordOutcome]:
    return [each.outcome for each in till.file(bought).observations]


def _content(till: Till, bought: Purchase) -> tuple[object, ...]:
    file: SagaFile = till.file(bought)
    alarms = [alarm for alarm in till.store.alarms(limit=1000) if alarm.order_id == bought.saga_id]
    return file.journal, file.order, file.observations, till.store.outbox_of(bought.saga_id), alarms
