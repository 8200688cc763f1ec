"""What a batch leaves behind: nothing that only the garbage collector could clear away."""

from __future__ import annotations

import gc

from checkout_core.testing.till import Till


def test_a_stored_batch_is_let_go_at_once(till: Till) -> None:
    """A cycle around a batch keeps its checkouts, payloads and all, until the collector's longest pass."""
    item = till.item(10)
    till.stored(till.opening(till.purchase({item: 1})))  # what is made once, by the first of all
    batch = [till.opening(till.purchase({item: 1})) for _ in range(3)]
    gc.collect()
    gc.disable()
    try:
        till.store.commit(batch)
        assert gc.collect() == 0
    finally:
        gc.enable()
