"""The demonstration's cart file: what is in stock, and who buys what."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from checkout_core.cli.failure import UsageError
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.value import Name, Sequenced, Text, parse, value
from checkout_core.errors import InvalidRequestError

Key = Annotated[str, Field(max_length=255)]


class Expected(StrEnum):
    """What must come of a checkout."""

    CONFIRMED = "confirmed"
    DECLINED = "declined"
    OUT_OF_STOCK = "out_of_stock"


@value
class Purchase:
    """One checkout. ``again`` names the idempotency key of an earlier one that is sent once more, unchanged.

    ``expect``: the demonstration fails if something else comes of it; None: whatever comes is told.
    """

    title: Text
    why: Text = ""
    expect: Expected | None = None
    request: CheckoutRequest | None = None
    again: Key = ""

    @model_validator(mode="after")
    def _one_of_both(self) -> Purchase:
        if (self.request is None) == (not self.again):
            raise ValueError("expected either a request or the key of an earlier one in 'again'")
        return self


@value
class Race:
    """Requests that are sent at the same moment, of which exactly ``confirmed`` must be confirmed."""

    title: Text
    why: Text = ""
    requests: Annotated[tuple[CheckoutRequest, ...], Field(min_length=2, max_length=32), Sequenced]
    confirmed: int


@value
class Crash:
    """A request whose shop process is killed when the bank has taken the money."""

    title: Text
    why: Text = ""
    request: CheckoutRequest


@value
class CartFile:
    """``stock``: units by item."""

    stock: dict[Name, Annotated[int, Field(ge=0, le=1_000_000)]]
    checkouts: Annotated[tuple[Purchase, ...], Field(max_length=200), Sequenced] = ()
    race: Race | None = None
    crash: Crash | None = None

    @model_validator(mode="after")
    def _can_be_played(self) -> CartFile:
        requests = list(self.requests())
        if any(line.item_id not in self.stock for request in requests for line in request.priced_cart.lines):
            raise ValueError("every item of a cart must be listed in 'stock'")
        if any(line.location for request in requests for line in request.priced_cart.lines):
            raise ValueError("the demonstration has one stock location only: leave 'location' out")
        keys = [request.idempotency_key for request in requests]
        if len(set(keys)) < len(keys):
            raise ValueError("every request needs an idempotency_key of its own; use 'again' to repeat one")
        known = set[str]()
        for each in self.checkouts:
            if each.again and each.again not in known:
                raise ValueError("'again' must be the idempotency_key of a checkout before it")
            if each.request is not None:
                known.add(each.request.idempotency_key)
        return self

    def requests(self) -> Iterator[CheckoutRequest]:
        yield from (each.request for each in self.checkouts if each.request is not None)
        yield from self.race.requests if self.race is not None else ()
        if self.crash is not None:
            yield self.crash.request


def read_carts(path: Path | None) -> CartFile:
    """The cart file at ``path``, or the one that comes with the package. Raises :class:`UsageError`."""
    if path is None:
        return parse(CartFile, files("checkout_core.cli.demo").joinpath("carts.json").read_bytes())
    try:
        document = path.read_bytes()
    except OSError as error:
        raise UsageError(f"the cart file {path} cannot be read: {error.strerror or type(error).__name__}") from None
    try:
        return parse(CartFile, document)
    except InvalidRequestError as error:
        first, *others = error.problems
        more = f" (and {len(others)} more)" if others else ""
        where = "the document" if first.location == "request" else first.location
        raise UsageError(f"the cart file {path} is malformed: {where}: {first.rule}{more}") from None
