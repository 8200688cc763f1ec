"""One entry of the stock ledger, as the shop's warehouse software gives it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from checkout_core.domain.value import Name, value
from checkout_core.errors import InvalidRequestError, Problem

MAX_UNITS = 10**12


@value
class StockEntry:
    """``units`` of one item at one location: to add, to take away (negative), or to have. Whole units only (STOCK-1).

    ``adjustment_id`` makes a repeat of the entry change nothing; '' where the caller gave none.
    """

    item_id: Name
    location: Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]
    units: Annotated[int, Field(ge=-MAX_UNITS, le=MAX_UNITS)]
    adjustment_id: Annotated[str, Field(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""

    @property
    def place(self) -> tuple[str, str]:
        return self.item_id, self.location

    def repeats(self, place: tuple[str, str]) -> None:
        """Its id was entered before, for ``place``: refuse it where that is another, whose units would be lost."""
        if place != self.place:
            raise InvalidRequestError([Problem("adjustment_id", "was used for another item; give each entry its own")])
