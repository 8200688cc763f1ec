"""A card number in the wrong place is refused, and found nowhere afterwards (SAFE-1)."""

from __future__ import annotations

import json
import logging
import pickle
import random
import traceback
import uuid
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout_core.domain.buyer import Address, Contact
from checkout_core.domain.cart import CartLine
from checkout_core.domain.money import Money
from checkout_core.domain.payment import PaymentMethod, holds_card_number
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.value import dump, parse
from checkout_core.errors import InvalidRequestError
from checkout_core.ports.records import RecordIntent
from checkout_core.testing.transactions import Fence, Purchase, opening
from tests.domain.examples import request

CARDS = ["4111111111111111", "5555555555554444", "378282246310005", "30569309025904", "6304000000000000"]
WRITTEN = [str, lambda card: f"{card[:4]}-{card[4:8]}-{card[8:]}", lambda card: f"tok_{card}_x"]


def _document(**changes: Any) -> str:
    return json.dumps({**json.loads(dump(request())), **changes})


PLACES: dict[str, Callable[[str], object]] = {
    "token": lambda card: PaymentMethod(kind="card", token=card),
    "token as a number": lambda card: PaymentMethod(kind="card", token=int(card)),  # type: ignore[arg-type]
    "token in a list": lambda card: PaymentMethod(kind="card", token=[card]),  # type: ignore[arg-type]
    "token in a document": lambda card: parse(
        CheckoutRequest, _document(payment_method={"kind": "card", "token": card})
    ),
    "payment method": lambda card: request(payment_method=card),
    "payment method in a document": lambda card: parse(CheckoutRequest, _document(payment_method=card)),
    "unknown field": lambda card: PaymentMethod(kind="card", token="tok", number=card),  # type: ignore[call-arg]
    "name of an unknown field": lambda card: PaymentMethod(kind="card", token="tok", **{f"n{card}": 1}),
    "name of an unknown field in a document": lambda card: parse(CheckoutRequest, _document(**{card: 1})),
    "key": lambda card: request(idempotency_key=card),
    "quantity": lambda card: CartLine(item_id="A", qty=int(card), price=Money.of("1", "EUR")),
    "currency": lambda card: Money(minor=1, currency=card),
    "broken document": lambda card: parse(CheckoutRequest, "{" + card),
}


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _library_frames(error: BaseException) -> Iterator[FrameType]:
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if "checkout_core" in frame.f_globals.get("__name__", ""):
            yield frame


def _leaks(error: InvalidRequestError, secret: str) -> list[str]:
    """Every place of ``error`` in which ``secret`` can be found."""
    seen = {
        "str": str(error),
        "repr": repr(error),
        "args": repr(error.args),
        "problems": repr(error.problems),
        "attributes": repr(vars(error)),
        "traceback": "".join(traceback.format_exception(error)),
        "pickle": pickle.dumps([str(error), error.args]).decode("latin-1"),
        "chain": repr([(each, each.args, vars(each)) for each in _chain(error)]),
        "frames": repr([dict(frame.f_locals) for frame in _library_frames(error)]),
    }
    return [place for place, text in seen.items() if secret in text]


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("place", PLACES)
def test_a_card_number_is_refused_and_found_nowhere(place: str, card: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(InvalidRequestError) as refused:
        PLACES[place](card)
    error = refused.value
    logging.getLogger("shop").error("checkout failed", exc_info=error)
    assert _leaks(error, card) == []
    assert list(_chain(error)) == [error]
    assert card not in caplog.text
    assert "checkout failed" in caplog.text


def test_the_search_finds_what_is_there() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        raise InvalidRequestError([]) from ValueError(CARDS[0])
    assert _leaks(refused.value, CARDS[0]) == ["traceback", "chain"]


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("written", WRITTEN)
def test_a_card_number_is_recognised_however_it_is_written(card: str, written: Callable[[str], str]) -> None:
    assert holds_card_number(written(card))
    with pytest.raises(InvalidRequestError, match="looks like a card number"):
        PaymentMethod(kind="card", token=written(card))
    with pytest.raises(InvalidRequestError, match="looks like a card number"):
        request(idempotency_key=written(card))


@pytest.mark.parametrize("text", ["tok_visa", "pm_1PgafmLkdIwHu7ix", "order-2026-11-22", "4111111111111112", "0" * 16])
def test_what_is_no_card_number_is_let_pass(text: str) -> None:
    assert not holds_card_number(text)


@given(prefix=st.text("0123456789", min_size=14, max_size=14), noise=st.integers(1, 9))
def test_one_wrong_digit_is_no_card_number(prefix: str, noise: int) -> None:
    right = next(digit for digit in "0123456789" if holds_card_number(f"4{prefix}{digit}"))
    wrong = str((int(right) + noise) % 10)
    assert not holds_card_number(f"4{prefix}{wrong}")


def test_no_usual_key_is_taken_for_a_card_number() -> None:
    """One refusal in a hundred thousand would be a buyer who cannot pay."""
    dice = random.Random(7)
    uuids = [uuid.UUID(int=dice.getrandbits(128), version=4) for _ in range(100_000)]
    milliseconds = range(1_790_000_000_000, 1_790_000_010_000)
    usual = [*map(str, uuids), *(each.hex for each in uuids), *(f"cart-{each}" for each in milliseconds)]
    assert [key for key in usual if holds_card_number(key)] == []


def test_a_uuid_of_digits_alone_is_no_card_number() -> None:
    assert not any(holds_card_number(f"a1b2c3d4-4111-4111-8111-{last:012}") for last in range(1000))
    assert not any(holds_card_number(f"4111111{last % 10}-4111-4111-8111-{last:012}") for last in range(1000))


def test_tokens_and_personal_data_are_in_no_repr() -> None:
    hidden = ["tok_secret", "Ada", "ada@example.org", "+4912345", "Main Street", "Flat 2", "Berlin", "10115", "BE"]
    address = Address(country="DE", name="Ada", line1="Main Street", line2="Flat 2", city="Berlin", postal_code="10115",
                      region="BE")  # fmt: skip
    shown = request(
        payment_method=PaymentMethod(kind="card", token="tok_secret"),
        contact=Contact(email="ada@example.org", phone="+4912345", name="Ada"),
        shipping_address=address,
        billing_address=address,
    )
    assert [each for each in hidden if each in repr(shown) or each in str(shown)] == []
    assert "DE" in repr(shown)


def test_a_token_on_its_way_to_the_store_is_in_no_repr() -> None:
    """A tool that shows the variables of a traceback shows transactions and their records."""
    opened = opening(
        Purchase(saga_id="s", scope="", key="k", fingerprint="f", cart_id="c"), Fence(commit_id="c", token="t")
    )
    (intent,) = [record for record in opened.records if isinstance(record, RecordIntent)]
    assert intent.token
    assert intent.token not in repr(opened)
