"""What a host may ask for: ids that were never given."""

from __future__ import annotations

import pytest

from checkout_core.adapters.sql import SqlStore


@pytest.mark.parametrize(
    "order_id", ["", "42", "order-1", "' OR 1=1 --", "ö" * 40, "0190A0B0-0000-7000-8000-000000000000"]
)
def test_an_id_that_was_never_given_is_not_found(store: SqlStore, order_id: str) -> None:
    assert store.load(order_id) is None
    assert store.outbox_of(order_id) == ()
    assert not store.claim_one(order_id, token="t", lease_seconds=1.0)
    store.put_back(order_id, token="t", due_seconds=1.0)
    assert store.find("", order_id) is None
    store.acknowledge_alarm(order_id)
