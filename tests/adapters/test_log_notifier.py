"""Notices in the log."""

from __future__ import annotations

import logging

import pytest

from checkout_core.adapters.log_notifier import LogNotifier
from checkout_core.domain.buyer import Contact
from checkout_core.domain.value import evolve
from tests.drivers.receivers import ReceivingShop
from tests.drivers.test_facades import request_for


def test_the_log_says_what_of_which_order_and_never_to_whom(caplog: pytest.LogCaptureFixture) -> None:
    """SAFE-1."""
    shop = ReceivingShop("threads", notifier=LogNotifier())
    contact = Contact(email="zoe@example.org", name="Zoe", locale="de-AT")
    order_id = shop.ask(shop.checkout.execute, evolve(request_for("k"), contact=contact)).order_id
    with caplog.at_level(logging.INFO, "checkout_core.notices"):
        assert shop.relay().delivered == 1
    shop.close()
    assert [each.getMessage() for each in caplog.records] == [f"confirmation of order {order_id} (CONFIRMED)"]
