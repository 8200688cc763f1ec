"""The effects that go straight to the store: in the caller's thread, or in one of the readers'."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, assert_never

from checkout_core.ports.store import SagaFile, Store
from checkout_core.saga.effects import Claim, Load, PutBack, Stamped

Asking: TypeAlias = Load | Claim | PutBack


def ask(store: Store, effect: Asking, clock: Callable[[], float]) -> Stamped[SagaFile | None] | Stamped[bool] | None:
    """Perform ``effect``, with the clock read just before."""
    asked_at = clock()
    match effect:
        case Load():
            found = store.load(effect.saga_id) if effect.saga_id else store.find(effect.scope, effect.key)
            return Stamped(found, asked_at)
        case Claim():
            claimed = store.claim_one(effect.saga_id, token=effect.token, lease_seconds=effect.lease_seconds)
            return Stamped(claimed, asked_at)
        case PutBack():
            store.put_back(effect.saga_id, token=effect.token, due_seconds=effect.due_seconds, tries=effect.tries)
            return None
        case _:
            assert_never(effect)
