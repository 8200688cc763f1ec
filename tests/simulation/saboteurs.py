"""Planted bugs: each is a small change of engine, store or driver that real systems were found to have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from checkout_core.adapters.memory.change import Change
from checkout_core.checkout import charge, execute, money_action, recipe, refund, unknown_outcome
from checkout_core.domain.order import Attention, OrderStatus
from checkout_core.domain.result import Shortage
from checkout_core.domain.value import evolve
from checkout_core.ports.records import (
    AppendEvent,
    Applied,
    CommitAnswer,
    FreeGuard,
    MoveOrder,
    OpenOrder,
    OperationState,
    Phase,
    RecordIntent,
    RecordOutcome,
    ReleaseStock,
    ReserveStock,
    SaveSaga,
    Transaction,
    VersionConflict,
)
from checkout_core.saga.effects import Commit
from checkout_core.saga.journal import Verdict
from checkout_core.saga.step import Settlement
from checkout_core.testing.simulator import Mishap, World
from checkout_core.testing.simulator.faults import Fault
from checkout_core.testing.simulator.store import SimulatedStore
from checkout_core.testing.simulator.worker import Asked, Worker

Patch = pytest.MonkeyPatch


def store_that(change: type[Change]) -> type[World]:
    """A world whose store decides and writes as ``change`` does."""

    class Store(SimulatedStore):
        pass

    class Sabotaged(World):
        store_type = Store

    Store.change = change
    return Sabotaged


def worker_that(worker: type[Worker]) -> type[World]:
    class Sabotaged(World):
        worker_type = worker

    return Sabotaged


# Store


class ReleasesWhoeverAsks(Change):
    """``available = available + qty`` in front of the fence, without a look at the reservation's state."""

    def answer(self) -> CommitAnswer:
        for record in self.transaction.records:
            if isinstance(record, ReleaseStock):
                for line in record.lines:
                    self.add_available(line, line.qty)
        return super().answer()

    def release_stock(self, record: ReleaseStock) -> None:
        for line in record.lines:
            self.add_available(line, -line.qty)
        super().release_stock(record)


class AcceptsEveryFence(Change):
    def fence_holds(self) -> bool:
        if self.first_answer() is not None:
            return False
        saga = self.tables.sagas.get(self.transaction.saga_id)
        self.version = 1 if saga is None else saga.version + 1
        return saga is None or self.transaction.version > 0


class AdoptsWhatIsThere(Change):
    """After a lost COMMIT: the saga is newer than before, so it must have been me."""

    def conflict(self) -> VersionConflict:
        if self.transaction.saga_id in self.tables.sagas and self.saga.version > self.transaction.version:
            return Applied(version=self.saga.version, at=self.at)  # type: ignore[return-value]
        return super().conflict()


class ForgetsTheFencedOut(Change):
    def conflict(self) -> VersionConflict:
        return VersionConflict()


class ForgetsRefusedKeys(Change):
    def key_refusal(self) -> None:
        return None


class ForgetsGuards(Change):
    def guard_refusal(self) -> None:
        return None


class TakesWhatIsThere(Change):
    """A reservation takes the lines that are there, and says nothing of the others."""

    def shortages(self) -> Any:
        return iter(())

    def add_available(self, line: Any, qty: int) -> None:
        there = self.tables.stock[line.item_id, line.location].available
        super().add_available(line, max(qty, -there))


class LosesALine(Change):
    """The order is stored without its last line."""

    def open_order(self, record: OpenOrder) -> None:
        super().open_order(replace(record, items=record.items[:-1] or (replace(record.items[0], qty=9),)))


class TellsNobody(Change):
    def append_event(self, record: AppendEvent) -> None:
        pass


class HidesTheUndoing(Change):
    def move_order(self, record: MoveOrder) -> None:
        shown = Attention.NONE if record.attention is Attention.UNDOING else record.attention
        super().move_order(replace(record, attention=shown))


class KeepsAReserve(Change):
    """The last unit is never sold."""

    def shortages(self) -> Any:
        for reserve in self.each(ReserveStock):
            for line in reserve.lines:
                available = self.tables.stock[line.item_id, line.location].available
                if available <= line.qty:
                    yield Shortage(item_id=line.item_id, location="", wanted=line.qty, available=available)


class ForgetsToCommitStock(Change):
    def commit_stock(self) -> None:
        pass


class ReservesTheFirstLine(Change):
    def reserve_stock(self, record: ReserveStock) -> None:
        super().reserve_stock(replace(record, lines=record.lines[:1]))

    def release_stock(self, record: ReleaseStock) -> None:
        super().release_stock(replace(record, lines=record.lines[:1]))


class ForgetsWhatIsDue(Change):
    """A saga that gave its lease up is never due again."""

    def save_saga(self, record: SaveSaga) -> None:
        due = record.due_seconds if record.lease_seconds is not None else None
        super().save_saga(replace(record, due_seconds=due))


class KeepsGuards(Change):
    """A failed order keeps its cart."""

    def free_guard(self, record: FreeGuard) -> None:
        pass


class GivesUpRefusedRefunds(Change):
    """A late payment whose refund the bank refuses counts as given back: nobody is asked to look."""

    where_bought_again = False

    def save_saga(self, record: SaveSaga) -> None:
        order = self.saga.order
        assert order is not None
        refused = any(
            each.operation_id.startswith("refund") and each.state is OperationState.DECLINED
            for each in self.each(RecordOutcome)
        )
        guard = self.tables.guards.get((order.scope, order.cart_id, order.cart_revision))
        bought_again = guard is not None and guard.order_id != order.order_id
        over = refused and not order.status.is_open and bought_again is self.where_bought_again
        super().save_saga(replace(record, phase=Phase.DONE) if over else record)


class GivesThemUpWhereTheCartWasBoughtAgain(GivesUpRefusedRefunds):
    """Only where the cart has another order, which is paid, too."""

    where_bought_again = True


class OneSagaTwiceInABatch(SimulatedStore):
    """A saga's second member in a batch is decided on the row from before the batch, and writes over the first."""

    def commit(self, batch: Sequence[Transaction]) -> list[CommitAnswer]:
        before = {member.saga_id: self._tables.sagas.get(member.saga_id) for member in batch}
        answers: list[CommitAnswer] = []
        for member in batch:
            row = before[member.saga_id]
            if row is not None:
                self._tables.sagas[member.saga_id] = row
            answers += super().commit([member])
        return answers


class OneSagaTwiceWorld(World):
    store_type = OneSagaTwiceInABatch


class LastWriteWins(SimulatedStore):
    """All members of a batch are decided on what stood before it; then each writes its rows over the others'."""

    def commit(self, batch: Sequence[Transaction]) -> list[CommitAnswer]:
        drafts = [self._tables.draft() for _ in batch]
        now = self._clock()
        answers = [self.change(draft, member, now).answer() for draft, member in zip(drafts, batch, strict=True)]
        for draft in drafts:
            self._tables.keep(draft)
        return answers


class LastWriteWinsWorld(World):
    store_type = LastWriteWins


# Driver


class IntentWithTheOutcome(Worker):
    """The intent is not durable before the call: it is written together with the outcome."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kept: dict[str, list[Any]] = {}

    def _ask(self, effect: Any) -> None:
        if isinstance(effect, Commit):
            effect = Commit(self._later(effect.transaction))
        super()._ask(effect)

    def _later(self, transaction: Transaction) -> Transaction:
        kept = self._kept.pop(transaction.saga_id, [])
        now = [record for record in transaction.records if not isinstance(record, RecordIntent)]
        self._kept[transaction.saga_id] = [each for each in transaction.records if isinstance(each, RecordIntent)]
        return replace(transaction, records=(*kept, *now))


class StampsTheRepetition(Worker):
    """After a lost COMMIT the lease is counted from the repetition, and not from the first try."""

    def committed(self, answer: CommitAnswer, mishap: Mishap | None) -> None:
        super().committed(answer, mishap)
        lost = mishap is not None and mishap.fault in (Fault.COMMIT_LOST, Fault.COMMIT_FAILED)
        if lost and isinstance(self._pending, Asked):
            self._pending = replace(self._pending, asked_at=self._pending.at + self._offset)


class IgnoresTheLastMoment(Worker):
    """Sends whatever it is given, however late it is."""

    def _call(self, call: Any, mishap: Mishap | None) -> None:
        super()._call(replace(call, send_before=float("inf")), mishap)


# Engine


def unknown_is_failed(patch: Patch) -> None:
    async def failed(inquiry: Any) -> Settlement:
        return inquiry.not_executed("no answer")

    patch.setattr(unknown_outcome, "_sent_without_answer", failed)


def pay_by_is_ignored(patch: Patch) -> None:
    def only_the_lease(inquiry: Any) -> float:
        return inquiry.at.send_before - inquiry.shop.settings.call_timeout_seconds

    patch.setattr(unknown_outcome.Inquiry, "send_before", property(only_the_lease))


def window_is_ignored(patch: Patch) -> None:
    patch.setattr(unknown_outcome.Inquiry, "resend_before", unknown_outcome.Inquiry.send_before)


def new_key_for_each_send(patch: Patch) -> None:
    original = charge._wire
    sent: dict[str, int] = {}

    def renewed(*args: Any) -> Any:
        request = original(*args)
        sent[request.key] = sent.get(request.key, 0) + 1
        return request if sent[request.key] == 1 else replace(request, key=f"{request.key}-{sent[request.key]}")

    patch.setattr(charge, "_wire", renewed)


def not_found_counts_at_once_and_for_ever(patch: Patch) -> None:
    """Before every request must have ended, and without a watch."""

    async def always(_: Any) -> bool:
        return True

    def gone(shop: Any, account: Any, operation: Any, why: str) -> Settlement:
        return charge._not_executed(operation, why)

    patch.setattr(unknown_outcome, "_is_quiet", always)
    patch.setattr(unknown_outcome, "presumed", gone)


def unknown_refund_is_tried_anew(patch: Patch) -> None:
    async def failed(inquiry: Any) -> Settlement:
        if inquiry.operation.kind == "refund":
            return inquiry.not_executed("no answer")
        return await original(inquiry)

    original = unknown_outcome._sent_without_answer
    patch.setattr(unknown_outcome, "_sent_without_answer", failed)


def processing_is_paid(patch: Patch) -> None:
    original = charge.settle_charge

    def paid(shop: Any, state: Any, operation: Any, answer: Any) -> Settlement:
        if type(answer).__name__ != "Processing":
            return original(shop, state, operation, answer)
        record = RecordOutcome(
            operation_id=operation.operation_id,
            state=OperationState.SUCCEEDED,
            provider_reference=answer.provider_reference,
            moved_minor=operation.amount.minor,
        )
        return Settlement(Verdict.DONE, (record,))

    patch.setattr(charge, "settle_charge", paid)


def refund_is_of_the_total(patch: Patch) -> None:
    """Gives back what the order costs, and not what was charged for it."""
    original = refund.GiveBack.intend

    def intend(self: Any, state: Any) -> Any:
        intent = original(self, state)
        first, *others = intent.records
        return replace(intent, records=(replace(first, amount=state.opened.total), *others))

    patch.setattr(refund.GiveBack, "intend", intend)


def compensation_charges_first(patch: Patch) -> None:
    """An unknown charge is found out by sending it again, although the order is being undone."""
    patch.setattr(unknown_outcome.Inquiry, "repeats", property(lambda inquiry: inquiry.account.repeats_safely))


def busy_is_sent_again_without_keys(patch: Patch) -> None:
    """A provider that knows no keys is asked for the money until it is not busy any more."""
    original = unknown_outcome.send

    async def stubborn(inquiry: Any) -> Settlement:
        told = await original(inquiry)
        return await original(inquiry) if told.verdict is Verdict.NOT_EXECUTED else told

    patch.setattr(money_action, "send", stubborn)


def status_is_the_one_that_was_read_first(patch: Patch) -> None:
    """Whatever the buyer was asked meanwhile, the order moves on from where it was opened."""
    original = recipe.move

    def stale(order: Any, on: Any, *args: Any, **more: Any) -> Any:
        status = OrderStatus.PENDING if order.status is OrderStatus.REQUIRES_ACTION else order.status
        return original(evolve(order, status=status), on, *args, **more)

    patch.setattr(recipe, "move", stale)


def late_success_is_not_given_back(patch: Patch) -> None:
    """A late success of an ended order is only noted down."""

    async def noted(inquiry: Any) -> Settlement:
        return inquiry.not_executed("nobody looks again")

    patch.setattr(money_action, "watch", noted)


def fingerprints_are_equal(patch: Patch) -> None:
    patch.setattr(execute, "fingerprint_of", lambda request: "1:same")


@dataclass(frozen=True)
class Planted:
    """``found_as``: the promises of which one must be found broken. ``first``: a rare one is looked for from this
    schedule on, or the default run would take long."""

    found_as: tuple[str, ...]
    worlds: type[World] = World
    patch: Callable[[Patch], None] | None = None
    first: int = 0


PLANTED: dict[str, Planted] = {
    "intent not durable before the call": Planted(("MONEY-5",), worker_that(IntentWithTheOutcome)),
    "release by +qty, whoever asks": Planted(("STOCK-1",), store_that(ReleasesWhoeverAsks)),
    "unknown taken as failed": Planted(("MONEY-2", "MONEY-4"), patch=unknown_is_failed),
    "fence not checked": Planted(("STATE-2",), store_that(AcceptsEveryFence)),
    "another's newer version adopted after a lost COMMIT": Planted(("STATE-2",), store_that(AdoptsWhatIsThere)),
    "a fenced worker's success dropped": Planted(("STATE-2",), store_that(ForgetsTheFencedOut)),
    "two members of one saga in a batch": Planted(("STATE-2", "STATE-3", "STOCK-1"), OneSagaTwiceWorld),
    "a batch decided on what stood before it": Planted(("ORDER-1", "ORDER-3", "STOCK-1"), LastWriteWinsWorld),
    "sending after pay_by": Planted(("MONEY-8",), patch=pay_by_is_ignored),
    "sending after the key's window": Planted(("MONEY-6",), patch=window_is_ignored),
    "sending without a lease": Planted(("MONEY-2", "MONEY-6", "MONEY-8"), worker_that(IgnoresTheLastMoment)),
    "lease counted from the repetition of a lost COMMIT": Planted(("MONEY-2",), worker_that(StampsTheRepetition)),
    "new key on retry": Planted(("MONEY-5",), patch=new_key_for_each_send),
    "not found taken as final at once": Planted(("MONEY-2", "MONEY-4"), patch=not_found_counts_at_once_and_for_ever),
    "unknown refund tried anew": Planted(("MONEY-1", "MONEY-6", "LIVE-1"), patch=unknown_refund_is_tried_anew),
    "processing taken as paid": Planted(("MONEY-1", "MONEY-3"), patch=processing_is_paid),
    "refund of the total instead of the charge": Planted(("MONEY-1",), patch=refund_is_of_the_total),
    "refund given up without a word": Planted(("MONEY-4",), store_that(GivesUpRefusedRefunds), first=800),
    "money for a cart that was bought again kept": Planted(
        ("MONEY-9",), store_that(GivesThemUpWhereTheCartWasBoughtAgain), first=1600
    ),
    "charged in order to be given back": Planted(("MONEY-8",), patch=compensation_charges_first, first=2400),
    "busy provider without keys asked again": Planted(("MONEY-2",), patch=busy_is_sent_again_without_keys),
    "status read before it changed": Planted(("STATE-1",), patch=status_is_the_one_that_was_read_first),
    "late success not given back": Planted(("MONEY-2", "MONEY-4"), patch=late_success_is_not_given_back),
    "idempotency key not unique": Planted(("ORDER-1",), store_that(ForgetsRefusedKeys)),
    "cart guard not checked": Planted(("ORDER-3",), store_that(ForgetsGuards)),
    "fingerprint not compared": Planted(("ORDER-2",), patch=fingerprints_are_equal),
    "a line lost on the way": Planted(("ORDER-4",), store_that(LosesALine)),
    "event not appended": Planted(("EVENT-1",), store_that(TellsNobody)),
    "undoing hidden behind FAILED": Planted(("STATE-4",), store_that(HidesTheUndoing)),
    "last unit never sold": Planted(("STOCK-2", "LIVE-2"), store_that(KeepsAReserve)),
    "stock of a confirmed order not committed": Planted(("STOCK-3",), store_that(ForgetsToCommitStock)),
    "first line reserved only": Planted(("STOCK-4",), store_that(ReservesTheFirstLine)),
    "nothing due after the lease": Planted(("LIVE-1",), store_that(ForgetsWhatIsDue)),
    "failed order keeps its cart": Planted(("LIVE-2",), store_that(KeepsGuards)),
    "reservation takes what is there": Planted(("STOCK-1", "STOCK-4"), store_that(TakesWhatIsThere)),
}
