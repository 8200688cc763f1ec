"""One transaction on its way through an attempt."""

from __future__ import annotations

from checkout_core.adapters.sql.draft import Draft
from checkout_core.adapters.sql.movements import MovementKind
from checkout_core.domain.order import StockState
from checkout_core.errors import CheckoutError, InvariantError
from checkout_core.ports.records import CommitAnswer, RecordOutcome, Transaction


class Member:
    """``answer`` is None while the member is still in the race; ``draft`` is the alternative that will be written."""

    __slots__ = ("answer", "claimed", "draft", "transaction")

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction
        self.answer: CommitAnswer | CheckoutError | None = None
        self.draft: Draft
        self.claimed: Draft | None = None
        """The alternative whose key and guards are claimed; None while it is not known whether the fence holds."""

    @property
    def is_new(self) -> bool:
        return self.transaction.version == 0

    def plan(self, stock: StockState | None) -> None:
        """Draft the records; a malformed transaction is answered by the error."""
        try:
            self.draft = self.claimed = Draft(self.transaction, self.transaction.records, stock)
            self._check()
        except InvariantError as error:
            self.answer = error

    def fall_back(self, stock: StockState) -> None:
        """Draft ``if_short`` instead."""
        try:
            if self.transaction.if_short is None:
                raise self.draft.broken("a reservation was short and there is no if_short alternative")
            self.draft = Draft(self.transaction, self.transaction.if_short, stock)
            if self.draft.movement is not None:
                raise self.draft.broken("if_short moves stock")
        except InvariantError as error:
            self.answer = error

    def outcomes(self) -> list[RecordOutcome]:
        return [record for record in self.transaction.records if isinstance(record, RecordOutcome)]

    def _check(self) -> None:
        movement = self.draft.movement
        if self.draft.key is not None and not self.is_new:
            raise self.draft.broken("claims a key after its first commit")
        if movement is not None and movement.kind is MovementKind.RESERVE and self.transaction.if_short is None:
            raise self.draft.broken("expected an if_short alternative beside ReserveStock")
