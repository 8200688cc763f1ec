"""The canonical request: what the provider is sent for what was stored, per version, across deploys."""

from __future__ import annotations

from dataclasses import replace

import pytest

from checkout_core.checkout.operator import compensate
from checkout_core.domain.request import CheckoutRequest
from checkout_core.ports.payment import ChargeRequest, Guarantees, RefundRequest, Repeats
from checkout_core.ports.records import RecordIntent
from checkout_core.saga.effects import OutcomeUnknown
from tests.checkout.asking import ask, operation
from tests.checkout.desk import STRONG, Desk, eur, request

ORDER = "00000000-0000-7000-8000-000000000001"


def intents(desk: Desk) -> list[RecordIntent]:
    return [each for commit in desk.driver.commits() for each in commit.records if isinstance(each, RecordIntent)]


def test_what_is_stored_for_a_charge_never_changes() -> None:
    """Golden, version 1."""
    desk = Desk()
    desk.buy(replace(request(), return_url="https://shop.example/back"))
    (intent,) = intents(desk)
    assert intent.request == '{"version":1,"method_kind":"card","return_url":"https://shop.example/back"}'
    assert (intent.operation_id, intent.reference) == ("charge/0/1", f"co_{ORDER}_charge-0-1")
    assert (intent.provider, intent.account, intent.amount) == ("testbank", "main", eur(1990))
    assert intent.token == "tok_secret"


def test_a_stored_charge_of_version_1_makes_the_same_request_for_ever() -> None:
    stored = operation(request='{"version":1,"method_kind":"card","return_url":"https://shop.example/back"}')
    assert ask("send", stored, {"charge": [OutcomeUnknown()]}).calls[0].request == ChargeRequest(
        key="key of charge",
        reference="reference of charge",
        order_id="order-1",
        amount=eur(1990),
        method_kind="card",
        token="tok_secret",
        return_url="https://shop.example/back",
        version=1,
    )


def uncovered() -> Desk:
    desk = Desk()
    desk.answers["charge"] = [lambda call: replace(desk.moved(call), amount=eur(1989))]
    desk.buy()
    return desk


def test_what_is_stored_for_a_refund_and_sent_never_changes() -> None:
    """Golden, version 1."""
    desk = uncovered()
    desk.driver.run(compensate(desk.shop, ORDER, "undo"))
    intent = intents(desk)[1]
    assert (intent.operation_id, intent.reference) == ("refund/0/1", f"co_{ORDER}_refund-0-1")
    assert (intent.request, intent.token) == ('{"version":1}', "")
    assert desk.sent("refund") == [
        RefundRequest(
            key=intent.key,
            reference=intent.reference,
            order_id=ORDER,
            provider_reference="p1",
            amount=eur(1989),
            version=1,
        )
    ]


def test_every_repeat_is_the_identical_request() -> None:
    desk = Desk()
    desk.answers |= {"charge": [OutcomeUnknown()], "lookup": [OutcomeUnknown()]}
    desk.buy()
    desk.wait(300.0)
    first, *repeats = desk.sent("charge")
    assert len(repeats) > 2
    assert all(repeat == first for repeat in repeats)


def bounds(guarantees: Guarantees, **settings: float) -> tuple[float, float, float]:
    desk = Desk(guarantees, **settings)
    desk.buy()
    (intent,) = intents(desk)
    return intent.pay_by_seconds, intent.resend_seconds, intent.quiet_seconds


def test_the_bounds_of_a_charge() -> None:
    assert bounds(STRONG) == (900.0, 86400.0 * 0.8, 60.0 + 0.0 + 30.0)
    assert bounds(replace(STRONG, lookup_lag_seconds=300.0)) == (900.0, 86400.0 * 0.8, 390.0)
    assert bounds(Guarantees()) == (900.0, 0.0, 90.0)
    assert bounds(STRONG, pay_by_seconds=60.0, lease_seconds=20.0, quiet_margin_seconds=1.0) == (60.0, 69120.0, 21.0)


def test_a_provider_that_knows_keys_but_not_for_how_long_is_sent_no_repeats() -> None:
    desk = Desk(Guarantees(repeats=Repeats.REPLAY))
    desk.answers["charge"] = [OutcomeUnknown()]
    desk.buy()
    desk.wait(2000.0, every=30.0)
    assert len(desk.sent("charge")) == 1


@pytest.mark.parametrize("kind", ["card", "sepa"])
def test_the_kind_of_method_selects_the_account(kind: str) -> None:
    desk = Desk()
    other = replace(desk.account, port="sepa", account="sepa account")
    desk.shop = replace(desk.shop, accounts={"card": desk.account, "sepa": other})
    base = request()
    assert base.payment_method is not None
    chosen: CheckoutRequest = replace(base, payment_method=replace(base.payment_method, kind=kind))
    desk.buy(chosen)
    assert desk.driver.calls()[0].port == {"card": "bank", "sepa": "sepa"}[kind]
    assert desk.file().operations[0].account == {"card": "main", "sepa": "sepa account"}[kind]
