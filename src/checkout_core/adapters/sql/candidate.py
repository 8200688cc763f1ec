"""One transaction on its way through an attempt."""

from __future__ import annotations

from checkout_core.adapters.sql.folding import FoldedRecords, GuardPlace
from checkout_core.adapters.sql.movements import MovementKind, TooFew
from checkout_core.domain.order import StockState
from checkout_core.errors import CheckoutError, InvariantError
from checkout_core.ports.records import CommitAnswer, RecordOutcome, Transaction


class Candidate:
    """``answer`` is None while the member is still in the race; ``chosen`` is the alternative that will be written."""

    __slots__ = ("answer", "chosen", "claimed", "entered", "shortage", "stock", "transaction")

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction
        self.answer: CommitAnswer | CheckoutError | None = None
        self.chosen: FoldedRecords
        self.claimed: FoldedRecords | None = None
        """The alternative whose key and guards are claimed; None while it is not known whether the fence holds."""
        self.entered: set[GuardPlace] = set()
        """Guards that nobody had ever had and that this attempt inserted for the saga."""
        self.stock = StockState.NONE
        """The saga's stock state before this commit."""
        self.shortage: TooFew | None = None

    @property
    def is_new(self) -> bool:
        return self.transaction.version == 0

    def plan(self, stock: StockState | None) -> None:
        """Fold the records; a malformed transaction is answered by the error. ``stock``: see :class:`FoldedRecords`."""
        try:
            self.chosen = self.claimed = FoldedRecords(self.transaction, self.transaction.records, stock)
            self._check()
        except InvariantError as error:
            self.answer = error

    def fall_back(self, shortage: TooFew) -> None:
        """Fold ``if_short`` instead."""
        self.shortage = shortage
        try:
            if self.transaction.if_short is None:
                raise self.chosen.broken("a reservation was short and there is no if_short alternative")
            self.chosen = FoldedRecords(self.transaction, self.transaction.if_short, self.stock)
            if self.chosen.movement is not None:
                raise self.chosen.broken("if_short moves stock")
        except InvariantError as error:
            self.answer = error

    def outcomes(self) -> list[RecordOutcome]:
        return [record for record in self.transaction.records if isinstance(record, RecordOutcome)]

    def _check(self) -> None:
        movement = self.chosen.movement
        if self.chosen.key is not None and not self.is_new:
            raise self.chosen.broken("claims a key after its first commit")
        if movement is not None and movement.kind is MovementKind.RESERVE and self.transaction.if_short is None:
            raise self.chosen.broken("expected an if_short alternative beside ReserveStock")
