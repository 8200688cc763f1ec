"""What a worker process does, as programs over effects: one pass of recovery."""

from __future__ import annotations

from dataclasses import dataclass

from checkout_core.checkout.recovery import RecoveredSaga, recover_one
from checkout_core.checkout.shop import Shop
from checkout_core.effect import Effect
from checkout_core.saga.effects import Stamped


@dataclass(frozen=True, slots=True)
class ClaimDue(Effect[Stamped[tuple[str, ...]]]):
    """Lease sagas that are due. The worker loop of a driver does this; here it is an effect, so that it can fail."""

    token: str
    lease_seconds: float
    limit: int


async def recovery_pass(shop: Shop, limit: int) -> tuple[RecoveredSaga, ...]:
    """Claim up to ``limit`` sagas and go on with them one after another."""
    token = shop.context.new_id()
    claimed = await ClaimDue(token, shop.settings.lease_seconds, limit)
    return tuple([await recover_one(shop, saga_id, token, claimed.asked_at) for saga_id in claimed.value])
