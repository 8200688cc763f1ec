"""Bad input at the facade: a typed error that says where, and no effect at all (SAFE-2, SAFE-1)."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text

from checkout_core import (
    CheckoutError,
    CheckoutRequest,
    Confirmed,
    IdempotencyConflictError,
    InvalidRequestError,
    Money,
    Settings,
    parse,
)
from checkout_core.adapters.sandbox import Handled, SandboxBank
from checkout_core.adapters.sandbox.answers import BankRequest
from tests.races.requests import request
from tests.races.shops import SHOPS, refuse_error

CARD = "4111111111111111"
UNTOUCHED = {"checkout_schema", "checkout_stock", "checkout_stock_adjustments"}
"""Tables that the stage itself fills."""

GOOD: dict[str, Any] = {
    "idempotency_key": "good",
    "cart": {
        "cart_id": "cart",
        "currency": "EUR",
        "lines": [{"item_id": "shirt", "qty": 1, "price": {"minor": 1000, "currency": "EUR"}}],
    },
    "payment_method": {"kind": "card", "token": "tok_approve"},
}


def _with(**changes: Any) -> dict[str, Any]:
    """The good request, changed: ``cart__lines__0__qty=0`` sets that place."""
    document: dict[str, Any] = json.loads(json.dumps(GOOD))
    for path, value in changes.items():
        place: Any = document
        *steps, last = (int(step) if step.isdigit() else step for step in path.split("__"))
        for step in steps:
            place = place[step]
        place[last] = value
    return document


def _euros(minor: Any, currency: str = "EUR") -> dict[str, Any]:
    return {"minor": minor, "currency": currency}


LINE = GOOD["cart"]["lines"][0]
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a float amount": (_with(cart__lines__0__price=_euros(10.5)), "cart.lines.0.price.minor"),
    "a float of a whole amount": (_with(cart__lines__0__price=_euros(10.0)), "cart.lines.0.price.minor"),
    "an amount as text": (_with(cart__lines__0__price=_euros("1000")), "cart.lines.0.price.minor"),
    "a negative price": (_with(cart__lines__0__price=_euros(-1)), "cart.lines.0"),
    "quantity zero": (_with(cart__lines__0__qty=0), "cart.lines.0.qty"),
    "a negative quantity": (_with(cart__lines__0__qty=-1), "cart.lines.0.qty"),
    "a float quantity": (_with(cart__lines__0__qty=1.0), "cart.lines.0.qty"),
    "a quantity out of range": (_with(cart__lines__0__qty=1_000_001), "cart.lines.0.qty"),
    "mixed currencies": (_with(cart__lines=[LINE, {**LINE, "price": _euros(1000, "USD")}]), "cart"),
    "an unknown currency": (_with(cart__currency="XXY"), "cart"),
    "a total that does not add up": (_with(cart__total=_euros(1001)), "cart"),
    "a discount above the total": (
        _with(cart__adjustments=[{"kind": "discount", "amount": _euros(1001)}]),
        "cart",
    ),
    "a negative tax": (_with(cart__adjustments=[{"kind": "tax", "amount": _euros(-1)}]), "cart.adjustments.0"),
    "another expected total": (_with(expected_total=_euros(999)), "request"),
    "an unknown item": (_with(cart__lines__0__item_id="unheard of"), "cart.lines"),
    "an item that differs in case": (_with(cart__lines__0__item_id="Shirt"), "cart.lines"),
    "an unknown location": (_with(cart__lines__0__location="moon"), "cart.lines"),
    "an empty cart": (_with(cart__lines=[]), "cart.lines"),
    "501 lines": (_with(cart__lines=[LINE] * 501), "cart.lines"),
    "a card number in place of a token": (_with(payment_method__token=CARD), "payment_method.token"),
    "a card number in the token": (_with(payment_method__token=f"card={CARD}"), "payment_method.token"),
    "an empty token": (_with(payment_method__token=""), "payment_method.token"),
    "a missing payment method": (_with(payment_method=None), "request"),
    "a card number as key": (_with(idempotency_key=CARD), "idempotency_key"),
    "an empty key": (_with(idempotency_key=""), "idempotency_key"),
    "a key of spaces": (_with(idempotency_key="   "), "idempotency_key"),
    "an oversized key": (_with(idempotency_key="k" * 256), "idempotency_key"),
    "a key with a line break": (_with(idempotency_key="a\nb"), "idempotency_key"),
    "a key beyond ASCII": (_with(idempotency_key="schlüssel"), "idempotency_key"),
    "a key with a NUL": (_with(idempotency_key="a\0b"), "idempotency_key"),
    "a number as key": (_with(idempotency_key=7), "idempotency_key"),
    "an item with a NUL": (_with(cart__lines__0__item_id="a\0b"), "cart.lines.0.item_id"),
    "an oversized cart id": (_with(cart__cart_id="c" * 129), "cart.cart_id"),
    "an unknown field": (_with(cart__price=1), "cart.price"),
}


class CountingBank(SandboxBank):
    """A bank that counts what it is asked."""

    asked = 0

    def handle(self, request: BankRequest, now: float | None = None) -> Handled:
        self.asked += 1
        return super().handle(request, now)


class Counter:
    """A shop with one shirt, whose every effect is looked for."""

    def __init__(self, url: str, colour: str) -> None:
        self._url, self._bank = url, CountingBank()
        self.shop = SHOPS[colour](url, self._bank, Settings())
        self.shop.store.migrate()
        self.shop.store.inventory.set_available("shirt", 1)

    def refused(self, *makes: Callable[[], CheckoutRequest]) -> list[Exception]:
        """The errors that making each request, or executing it, raised. Nothing was stored and the bank not called."""
        before = self._effects()
        errors: list[Exception] = []
        for make in makes:
            with pytest.raises(CheckoutError) as raised:
                refuse_error(self.shop.at_once([make()])[0])
            errors.append(raised.value)
        assert self._effects() == before
        return errors

    def _effects(self) -> tuple[dict[str, int], int | None, int]:
        return self._rows(), self.shop.store.inventory.available("shirt"), self._bank.asked

    def _rows(self) -> dict[str, int]:
        engine = create_engine(self._url)
        names = [name for name in inspect(engine).get_table_names() if name not in UNTOUCHED]
        with engine.connect() as connection:
            rows = {name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in names}
        engine.dispose()
        assert "checkout_orders" in rows
        return rows


@pytest.fixture
def counter(sql_url: str, colour: str) -> Iterator[Counter]:
    counter = Counter(sql_url, colour)
    yield counter
    counter.shop.close()


def test_bad_requests_are_refused_before_any_effect(counter: Counter) -> None:
    makes = [partial(parse, CheckoutRequest, json.dumps(document)) for document, _ in BAD.values()]

    errors = counter.refused(*makes)

    for (name, (_, location)), error in zip(BAD.items(), errors, strict=True):
        assert isinstance(error, InvalidRequestError), name
        assert error.problems[0].location == location, name
        assert all(problem.rule for problem in error.problems), name


def test_the_request_that_all_bad_ones_are_made_from_is_good(counter: Counter) -> None:
    """Whatever refused the others was what was changed in them; and their keys are free."""
    counter.refused(partial(parse, CheckoutRequest, json.dumps(BAD["an unknown item"][0])))
    (answer,) = counter.shop.at_once([parse(CheckoutRequest, json.dumps(GOOD))])
    assert isinstance(answer, Confirmed)


def test_a_key_that_was_used_with_another_request_has_no_effect(counter: Counter) -> None:
    counter.shop.at_once([request("the key", {"shirt": 1})])
    (error,) = counter.refused(lambda: request("the key", {"shirt": 2}))
    assert isinstance(error, IdempotencyConflictError)


def test_floats_are_refused_where_money_is_made() -> None:
    for amount in (10.0, 0.1 + 0.2, float("nan"), True, None, "10.001", "1e3", "NaN", "Infinity", "1,50", ""):
        with pytest.raises(InvalidRequestError):
            Money.of(amount, "EUR")  # type: ignore[arg-type]


@pytest.mark.parametrize("place", ["payment_method__token", "idempotency_key"])
def test_a_card_number_is_found_nowhere(
    counter: Counter, place: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    (error,) = counter.refused(partial(parse, CheckoutRequest, json.dumps(_with(**{place: CARD}))))
    chain = [error, *filter(None, (error.__cause__, error.__context__))]
    said = [str(each) + repr(each) + repr(vars(each)) for each in chain]
    said += traceback.format_exception(error)
    said += traceback.TracebackException.from_exception(error, capture_locals=True).format()
    ours = [line for line in said if "checkout_core" in line or "Error" in line]
    assert ours
    assert CARD not in "".join(line for line in said if "test_bad_input" not in line)
    assert CARD not in caplog.text + "".join(capfd.readouterr())
