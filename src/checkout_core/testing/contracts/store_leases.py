"""Clauses 5 and 6 of the store port: leases, due times, and remaining seconds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from checkout_core.ports.records import OperationState, Phase, RecordOutcome, RecordSend
from checkout_core.testing.snapshot import coarse
from checkout_core.testing.till import Till
from checkout_core.testing.transactions import CHARGE, LONG, Ending, Purchase, saving


class LeaseClauses:
    """Part of ``StoreContract``. The store must hold no due saga of others."""

    def test_a_due_saga_is_handed_out_once_per_lease(self, till: Till) -> None:
        """Clause 6: and its row says that it is leased, and due when the lease runs out."""
        bought = till.opened(lease_seconds=0.0)
        assert till.due() == [bought.saga_id]
        assert till.due() == []
        saga = till.file(bought).saga
        assert (coarse(saga.lease_seconds), coarse(saga.due_in_seconds)) == (LONG, LONG)
        assert saga.version == 1

    def test_what_is_leased_or_not_due_or_at_rest_is_not_handed_out(self, till: Till) -> None:
        """Clause 6: RUNNING and WATCHING are work; PARKED and DONE are not."""
        till.opened()
        for kind in (Ending.LET_GO, Ending.PARK, Ending.CONFIRM, Ending.PRESUME):
            till.stored(till.ending(till.opened(lease_seconds=0.0), kind))
        never = till.opened(lease_seconds=0.0)
        till.stored(till.writing(never, saving(lease_seconds=None, due=None)))
        for phase in (Phase.PARKED, Phase.DONE):
            resting = till.opened(lease_seconds=0.0)
            till.stored(till.writing(resting, saving(phase, lease_seconds=None, due=-1.0)))
        watched = till.opened(lease_seconds=0.0)
        till.stored(till.writing(watched, saving(Phase.WATCHING, lease_seconds=None, due=-1.0)))
        assert till.due() == [watched.saga_id]

    def test_a_saga_is_not_handed_out_while_its_lease_lives(self, till: Till) -> None:
        """Clause 6: a live lease is never stolen, whatever the due time says."""
        bought = till.opened()
        till.stored(till.writing(bought, saving(lease_seconds=LONG, due=-1.0)))
        assert till.due() == []
        assert not till.store.claim_one(bought.saga_id, token=till.token(), lease_seconds=LONG)

    def test_the_oldest_due_come_first_and_no_more_than_asked_for(self, till: Till) -> None:
        """Clause 6, LIVE-3."""
        since = {10.0: till.opened(), 30.0: till.opened(), 20.0: till.opened()}
        for seconds, bought in since.items():
            till.stored(till.writing(bought, saving(lease_seconds=None, due=-seconds)))
        assert till.due(limit=2) == [since[30.0].saga_id, since[20.0].saga_id]
        assert till.due(limit=2) == [since[10.0].saga_id]

    def test_a_claim_lets_the_new_token_write_and_the_old_one_no_more(self, till: Till) -> None:
        """Clause 6, protocol 3.1."""
        bought = till.opened(lease_seconds=0.0)
        token = till.token()
        assert till.store.claim_due(token=token, lease_seconds=LONG, limit=1000) == (bought.saga_id,)
        till.refused_by_fence(till.ending(bought, Ending.CONFIRM))
        till.stored(till.ending(bought, Ending.CONFIRM, token=token))

    def test_callers_at_once_are_handed_different_sagas(self, till: Till) -> None:
        """Clause 6: from eight threads, each saga once."""
        sagas = [till.opened(lease_seconds=0.0).saga_id for _ in range(24)]
        with ThreadPoolExecutor(8) as pool:
            claims = [pool.submit(till.due, limit=3) for _ in range(16)]
        assert sorted(saga_id for each in claims for saga_id in each.result()) == sorted(sagas)

    def test_of_callers_at_once_one_is_given_the_saga(self, till: Till) -> None:
        """Clause 6: from eight threads."""
        bought = till.opened(lease_seconds=0.0)
        with ThreadPoolExecutor(8) as pool:
            claims = [
                pool.submit(till.store.claim_one, bought.saga_id, token=till.token(), lease_seconds=LONG)
                for _ in range(16)
            ]
        assert sorted(claim.result() for claim in claims) == [False] * 15 + [True]

    def test_one_saga_can_be_claimed_also_when_it_is_parked_or_not_yet_due(self, till: Till) -> None:
        """Clause 6: an operator need not wait."""
        for kind in (Ending.PARK, Ending.LET_GO, Ending.PRESUME):
            bought = till.opened()
            till.stored(till.ending(bought, kind))
            till.stored(till.ending(bought, Ending.CONFIRM, version=2, token=till.claim(bought)))

    def test_a_saga_that_is_done_or_absent_cannot_be_claimed(self, till: Till) -> None:
        """Clause 6."""
        bought = till.opened()
        till.stored(till.ending(bought, Ending.CONFIRM))
        for saga_id in (bought.saga_id, till.purchase().saga_id):
            assert not till.store.claim_one(saga_id, token=till.token(), lease_seconds=LONG)

    def test_a_lease_that_is_put_back_is_free_and_due_as_said(self, till: Till) -> None:
        """Clause 6: without a change of the saga."""
        bought = till.opened(lease_seconds=0.0)
        token = till.claim(bought)
        till.store.put_back(bought.saga_id, token=token, due_seconds=1000.0)
        saga = till.file(bought).saga
        assert (saga.version, coarse(saga.due_in_seconds)) == (1, 1000)
        assert saga.lease_seconds <= 0
        till.refused_by_fence(till.ending(bought, Ending.CONFIRM, token=token))
        till.store.put_back(bought.saga_id, token=till.claim(bought), due_seconds=-1.0)
        assert till.due() == [bought.saga_id]

    def test_what_is_put_back_remembers_the_tries_that_it_is_told(self, till: Till) -> None:
        """Clause 6: and keeps them when it is told nothing."""
        bought = till.opened(lease_seconds=0.0)
        for told, kept in ((3, 3), (None, 3), (0, 0)):
            till.store.put_back(bought.saga_id, token=till.claim(bought), due_seconds=1000.0, tries=told)
            assert till.file(bought).saga.tries == kept

    def test_nobody_puts_back_the_lease_of_another(self, till: Till) -> None:
        """Clause 6."""
        bought = till.opened()
        till.store.put_back(bought.saga_id, token=till.token(), due_seconds=-1.0)
        assert coarse(till.file(bought).saga.lease_seconds) == LONG
        assert till.due() == []
        till.stored(till.ending(bought, Ending.CONFIRM))

    def test_loads_give_remaining_seconds(self, till: Till) -> None:
        """Clause 5: of lease, due time and the bounds of each operation."""
        bought = till.opened()
        file = till.file(bought)
        operation = file.operations[0]
        assert (coarse(file.saga.lease_seconds), coarse(file.saga.due_in_seconds)) == (LONG, LONG)
        assert (coarse(operation.pay_by_seconds), coarse(operation.resend_seconds)) == (1000, 5000)
        assert (coarse(operation.quiet_seconds), operation.watch_seconds) == (4000, None)
        assert 0 <= operation.age_seconds < LONG

    def test_what_is_past_is_negative(self, till: Till) -> None:
        """Clause 5."""
        bought = till.opened()
        past = RecordOutcome(
            operation_id=CHARGE, state=OperationState.UNKNOWN, quiet_seconds=-1000.0, watch_seconds=-2000.0
        )
        till.stored(till.writing(bought, past, saving(lease_seconds=-3000.0, due=-3000.0)))
        file = till.file(bought)
        operation = file.operations[0]
        assert -3500 < file.saga.lease_seconds <= -3000
        assert file.saga.due_in_seconds is not None
        assert -3500 < file.saga.due_in_seconds <= -3000
        assert -1500 < operation.quiet_seconds <= -1000
        assert operation.watch_seconds is not None
        assert -2500 < operation.watch_seconds <= -2000

    def test_an_outcome_moves_the_bounds_that_it_names(self, till: Till) -> None:
        """Clause 5: ``quiet_seconds`` None leaves the time as it was, ``watch_seconds`` None ends the watch."""
        bought = till.opened()
        assert self._bounds_after(till, bought, 1, quiet=None, watch=2000.0) == (4000, 2000)
        assert self._bounds_after(till, bought, 2, quiet=1000.0, watch=3000.0) == (1000, 3000)
        assert self._bounds_after(till, bought, 3, quiet=None, watch=None) == (1000, None)

    def test_another_send_moves_the_quiet_time_alone(self, till: Till) -> None:
        """Clause 5: the bounds of the intent stay."""
        bought = till.opened()
        till.stored(till.writing(bought, RecordSend(operation_id=CHARGE, quiet_seconds=2000.0), saving()))
        operation = till.file(bought).operations[0]
        assert operation.state is OperationState.INTENDED
        assert (coarse(operation.quiet_seconds), coarse(operation.pay_by_seconds)) == (2000, 1000)

    def test_times_are_of_one_clock_and_in_utc(self, till: Till) -> None:
        """Clause 5: the answer's time is the journal's and the order's."""
        bought = till.purchase()
        answer = till.stored(till.opening(bought))
        file = till.file(bought)
        assert file.order is not None
        assert answer.at.utcoffset() == timedelta(0)
        assert file.journal[0].at == answer.at
        assert file.order.created_at == answer.at
        later = till.stored(till.ending(bought, Ending.CONFIRM)).at
        moved = till.file(bought).order
        assert moved is not None
        assert (moved.created_at, moved.updated_at) == (answer.at, later)
        assert later >= answer.at

    @staticmethod
    def _bounds_after(
        till: Till, bought: Purchase, version: int, *, quiet: float | None, watch: float | None
    ) -> tuple[int | None, int | None]:
        told = RecordOutcome(
            operation_id=CHARGE, state=OperationState.UNKNOWN, quiet_seconds=quiet, watch_seconds=watch
        )
        till.stored(till.writing(bought, told, saving(), version=version))
        operation = till.file(bought).operations[0]
        return coarse(operation.quiet_seconds), coarse(operation.watch_seconds)
