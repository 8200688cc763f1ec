"""The checkout over HTTP: statuses, keys, whose order it is, and what a body cannot say (ORDER-1, ORDER-2, SAFE-1,
SAFE-2)."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import pytest

from checkout_core.domain.order import OrderStatus
from checkout_core.domain.result import ProviderUnavailable, Refused
from checkout_core.errors import StorageUnavailableError
from checkout_core.integrations.fastapi.statuses import status_of
from tests.integrations.fastapi.conftest import CARD, CART, Site

CARD_NUMBER = "4111111111111111"


def test_a_cart_is_bought_once(site: Site) -> None:
    first, again = site.buy("1"), site.buy("1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert (first.json()["result"], first.json()["replayed"]) == ("confirmed", False)
    assert first.json()["order"]["total"] == {"minor": 1500, "currency": "EUR", "text": "EUR 15.00"}
    assert (again.json()["order_id"], again.json()["replayed"]) == (first.json()["order_id"], True)
    assert len(site.bank.ledger()) == 1


def test_a_decline(site: Site) -> None:
    answer = site.buy("1", token="tok_decline")
    assert (answer.status_code, answer.json()["result"]) == (402, "refused")
    assert answer.json()["reason"]["kind"] == "payment_declined"
    assert answer.json()["reason"]["code"] == "card_declined"


def test_out_of_stock(site: Site) -> None:
    line = {**CART["lines"][0], "qty": 11}
    answer = site.buy("1", cart={"lines": [line]})
    assert answer.status_code == 409
    assert answer.json()["reason"]["lines"] == [{"item_id": "MUG", "location": "", "wanted": 11, "available": 10}]


def test_a_cart_that_has_an_order(site: Site) -> None:
    cart = {"cart_id": "the cart", "revision": "7"}
    first = site.buy("1", cart=cart)
    assert site.buy("2", cart=cart).json()["reason"] == _reason("cart_taken", order_id=first.json()["order_id"])
    other = site.buy("3", cart=cart, user="boris")
    assert (other.status_code, other.json()["reason"]) == (409, _reason("cart_taken"))


def test_a_key_with_another_request(site: Site) -> None:
    site.buy("1")
    answer = site.buy("1", token="tok_decline")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert site.look("orders/x", user="anna").status_code == 404


def test_what_is_not_decided_is_accepted_and_asked_for_again(site: Site) -> None:
    answer = site.buy("1", token="tok_decide_later:900")
    assert (answer.status_code, answer.json()["result"]) == (202, "pending")
    assert int(answer.headers["retry-after"]) > 0
    again = site.buy("1", token="tok_decide_later:900")
    assert (again.status_code, again.json()["order_id"]) == (409, answer.json()["order_id"])


def test_a_buyer_who_must_act(site: Site) -> None:
    answer = site.buy("1", token="tok_requires_action")
    assert (answer.status_code, answer.json()["result"]) == (202, "action_required")
    assert answer.json()["action_url"].startswith("http")


def test_the_same_key_of_two_tenants_or_a_body_that_names_a_user_changes_nothing(site: Site) -> None:
    for field in ("user_id", "scope", "idempotency_key", "total"):
        answer = site.buy("1", **{field: "boris"})
        assert (answer.status_code, answer.json()["problems"][0]["rule"]) == (400, "unexpected keyword argument")
    assert site.bank.ledger() == ()


def test_prices_of_strangers_are_not_accepted(site: Site) -> None:
    body = {"cart": CART, "payment_method": CARD}
    headers = {"Idempotency-Key": "1", "X-User": "anna"}
    assert site.client.post("/shop/v1/checkout", json=body, headers=headers).status_code == 403
    assert site.bank.ledger() == ()


def test_a_stranger_buys_the_shops_cart_at_the_shops_price(site_with_carts: Site) -> None:
    answer = _post(site_with_carts, "1", {"cart_id": "kept"})
    assert (answer.status_code, answer.json()["order"]["total"]["text"]) == (201, "EUR 15.00")
    assert _post(site_with_carts, "1", {"cart_id": "kept"}).status_code == 200


def test_a_body_that_names_another_price_changes_nothing(site_with_carts: Site) -> None:
    line = {**CART["lines"][0], "price": {"minor": 1, "currency": "EUR"}}
    answer = _post(site_with_carts, "1", {"cart": {**CART, "cart_id": "kept", "lines": [line]}})
    assert (answer.status_code, answer.json()["reason"]["kind"]) == (409, "cart_changed")
    assert answer.json()["reason"]["cart"]["total"]["minor"] == 1500
    assert site_with_carts.bank.ledger() == ()


@pytest.mark.parametrize("body", [{}, {"cart_id": "kept", "cart": CART}, {"cart": CART, "revision": "1"}])
def test_a_body_names_one_cart(site_with_carts: Site, body: dict[str, Any]) -> None:
    assert _post(site_with_carts, "1", body).status_code == 422


def test_a_cart_that_is_not_there(site_with_carts: Site) -> None:
    answer = _post(site_with_carts, "1", {"cart_id": "lost"})
    assert (answer.status_code, answer.json()["reason"]["cart"]) == (409, None)


def test_an_order_is_shown_to_its_user_and_to_nobody_else(site: Site) -> None:
    order_id = site.buy("1").json()["order_id"]
    shown = site.look(f"orders/{order_id}", user="anna")
    assert (shown.status_code, shown.json()["status"]) == (200, "CONFIRMED")
    assert site.look(f"orders/{order_id}", user="boris").status_code == 404
    assert site.look(f"orders/{order_id}").status_code == 404
    assert site.look(f"orders/{order_id}", **{"X-Service": "s3cret"}).status_code == 200
    assert site.look(f"orders/{order_id}", user="boris").json() == site.look(f"orders/{uuid.uuid4()}").json()


def test_a_guests_order_is_shown_to_no_guest(site: Site) -> None:
    order_id = site.buy("1", user="").json()["order_id"]
    assert site.look(f"orders/{order_id}").status_code == 404


def test_whoever_is_not_known_is_turned_away(site: Site) -> None:
    assert site.buy("1", user="nobody").status_code == 401
    assert site.look("orders/x", user="nobody").status_code == 401


def test_the_trace_is_for_operators(site: Site) -> None:
    order_id = site.buy("1").json()["order_id"]
    assert site.look(f"orders/{order_id}/trace", user="anna").status_code == 403
    trace = site.look(f"orders/{order_id}/trace", **{"X-Operator": "s3cret"})
    assert (trace.status_code, trace.json()["order_id"]) == (200, order_id)
    assert site.look("orders/x/trace", **{"X-Operator": "s3cret"}).status_code == 404


def test_health_follows_the_store(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert site.look("health").json() == {"status": "ok"}

    def away(*_: object, **__: object) -> Any:
        raise StorageUnavailableError("gone", applied="no")

    monkeypatch.setattr(site.store, "alarms", away)
    answer = site.look("health")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({}, json.dumps({"cart": CART, "payment_method": CARD}), 400),
        ({"Idempotency-Key": "1"}, "{", 400),
        ({"Idempotency-Key": "1"}, "[]", 400),
        ({"Idempotency-Key": "1"}, json.dumps({"cart": {**CART, "lines": []}, "payment_method": CARD}), 400),
        ({"Idempotency-Key": "1"}, json.dumps({"cart": {**CART, "note": CARD_NUMBER}, "payment_method": CARD}), 400),
        ({"Idempotency-Key": "1"}, json.dumps({"cart": CART, "payment_method": {**CARD, "token": CARD_NUMBER}}), 422),
        ({"Idempotency-Key": CARD_NUMBER}, json.dumps({"cart": CART, "payment_method": CARD}), 422),
        ({"Idempotency-Key": "1"}, json.dumps({"cart": {**CART, "currency": "USD"}, "payment_method": CARD}), 422),
        ({"Idempotency-Key": "1"}, json.dumps({"cart": CART}), 422),
        ({"Idempotency-Key": "x" * 256}, json.dumps({"cart": CART, "payment_method": CARD}), 400),
        ({"Idempotency-Key": "1"}, " " * 600_000, 413),
        ({"Idempotency-Key": "1", "Content-Type": "text/plain"}, "{}", 415),
    ],
)
def test_bad_requests_have_no_effect(site: Site, headers: dict[str, str], content: str, status: int) -> None:
    sent = {"Content-Type": "application/json", "X-Service": "s3cret", **headers}
    answer = site.client.post("/shop/v1/checkout", content=content, headers=sent)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert CARD_NUMBER not in answer.text
    assert site.store.files_after("", limit=1) == ()


def test_two_keys_are_none(site: Site) -> None:
    body = json.dumps({"cart": CART, "payment_method": CARD})
    headers = [("Idempotency-Key", "1"), ("Idempotency-Key", "2"), ("Content-Type", "application/json")]
    headers.append(("X-Service", "s3cret"))
    assert site.client.post("/shop/v1/checkout", content=body, headers=headers).status_code == 400


def test_the_document_says_what_is_answered_while_the_provider_is_away(site: Site) -> None:
    """The same status as for a database that is away, but a result, as for every other refusal."""
    answers = site.client.get("/openapi.json").json()["paths"]["/shop/v1/checkout"]["post"]["responses"]
    away = Refused(order_id="", status=OrderStatus.FAILED, reason=ProviderUnavailable(provider="bank"))
    assert status_of(away) == 503
    assert set(answers["503"]["content"]) == {"application/json", "application/problem+json"}
    assert answers["503"]["content"]["application/json"] == answers["402"]["content"]["application/json"]


def test_who_leaves_in_the_middle_of_a_body_is_no_error_of_the_shop(site: Site) -> None:
    """LIVE-3: a client that hangs up writes no traceback into the shop's log."""
    said: list[Any] = [{"type": "http.request", "body": b'{"ca', "more_body": True}, {"type": "http.disconnect"}]
    headers = [(b"content-type", b"application/json"), (b"idempotency-key", b"1")]
    scope = {"type": "http", "method": "POST", "path": "/shop/v1/checkout", "query_string": b"", "headers": headers}
    answers: list[Any] = []

    async def receive() -> Any:
        return said.pop(0)

    async def send(message: Any) -> None:
        answers.append(message)

    asyncio.run(site.client.app(scope, receive, send))
    assert answers[0]["status"] == 400
    assert site.store.files_after("", limit=1) == ()


def _reason(kind: str, *, order_id: str = "") -> dict[str, Any]:
    return {"kind": kind, "code": "", "decline_kind": "", "lines": [], "order_id": order_id, "step": "", "cart": None}


def _post(site: Site, key: str, body: dict[str, Any]) -> Any:
    headers = {"Idempotency-Key": key, "X-User": "anna"}
    return site.client.post("/shop/v1/checkout", json={"payment_method": CARD, **body}, headers=headers)
