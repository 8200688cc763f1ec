"""The program behind ``Checkout.execute``: open the order and run it, or follow the order that the key already has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, assert_never

from checkout_core.checkout.definitions import newest
from checkout_core.checkout.plan import fingerprint_of, owner_of
from checkout_core.checkout.pricing import Unpriced, price
from checkout_core.checkout.recovery import go_on
from checkout_core.checkout.results import result_of
from checkout_core.checkout.shop import Shop
from checkout_core.checkout.state import CheckoutState
from checkout_core.domain.order import OrderStatus
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.result import CartChanged, CartTaken, CheckoutResult, Pending, ProviderUnavailable, Refused
from checkout_core.errors import (
    IdempotencyConflictError,
    InvalidRequestError,
    InvariantError,
    Problem,
    StorageUnavailableError,
)
from checkout_core.ports.records import DuplicateKey, GuardTaken, Phase, UnknownItems
from checkout_core.ports.store import SagaFile
from checkout_core.saga.draft import Saga
from checkout_core.saga.effects import Claim, Load, Stamped, Wait
from checkout_core.saga.engine import Ended, Stop, open_saga
from checkout_core.saga.machine import Progress

Unsold: TypeAlias = CartChanged | ProviderUnavailable | Unpriced | InvalidRequestError


@dataclass(frozen=True, slots=True)
class Call:
    """One call of ``execute``. ``provider_open``: the provider's circuit is open, so that nothing new may begin."""

    request: CheckoutRequest
    provider_open: bool = False


async def execute(shop: Shop, call: Call) -> CheckoutResult:
    """Open, reserve, pay, confirm; or undo. The same key gives the same order (ORDER-1)."""
    fingerprint = fingerprint_of(call.request)
    request = await _sellable(shop, call)
    if not isinstance(request, CheckoutRequest):
        return await _known(shop, call.request, fingerprint) or _unsold(request)
    ended = await open_saga(newest(shop), _new_saga(shop, request, fingerprint))
    match ended:
        case DuplicateKey(order_id=order_id):
            return await _follow(shop, fingerprint, order_id)
        case GuardTaken(order_id=order_id, owner=owner):
            return _refused(CartTaken(order_id=order_id if owner == owner_of(request) else ""))
        case UnknownItems(items=items):
            raise InvalidRequestError(
                [Problem("cart.lines", f"unknown item {item!r}", well_formed=True) for item, _ in items]
            )
        case Ended(saga=saga, stop=Stop.FENCED):
            return await _follow(shop, fingerprint, saga.saga_id, replayed=False)
        case Ended(saga=saga, short=short):
            return result_of(saga.state, short=short.lines if short is not None else ())
        case _:
            assert_never(ended)


async def _sellable(shop: Shop, call: Call) -> CheckoutRequest | Unsold:
    """The request with the cart that is sold; or why no order is opened for it now, which is for new keys only."""
    try:
        request = await price(shop, call.request)
        if not isinstance(request, CheckoutRequest):
            return request
        account = shop.account_for(request.payment_method) if request.payment_method is not None else None
    except InvalidRequestError as error:
        return error
    if call.provider_open and account is not None and request.priced_cart.payable.minor > 0:
        return ProviderUnavailable(provider=account.name)
    return request


def _new_saga(shop: Shop, request: CheckoutRequest, fingerprint: str) -> Saga[CheckoutState]:
    new_id = shop.context.new_id
    order_id = new_id()
    state = CheckoutState(order_id=order_id, fingerprint=fingerprint, request=request)
    return Saga(
        saga_id=order_id, token=new_id(), worker=shop.context.worker, version=0, state=state, progress=Progress()
    )


async def _known(shop: Shop, request: CheckoutRequest, fingerprint: str) -> CheckoutResult | None:
    """What became of an earlier call with this key; None where there was none, and nothing shall be opened now."""
    loaded = await Load(scope=request.scope, key=request.idempotency_key)
    if loaded.value is None:
        return None
    return await _follow(shop, fingerprint, loaded.value.saga.saga_id)


def _unsold(why: Unsold) -> CheckoutResult:
    if isinstance(why, InvalidRequestError):
        raise why
    if isinstance(why, Unpriced):
        raise StorageUnavailableError("the cart source could not be used; nothing was stored", applied="no")
    return _refused(why)


async def _follow(shop: Shop, fingerprint: str, order_id: str, *, replayed: bool = True) -> CheckoutResult:
    """Give the order's result as soon as it has one; take the saga over if its worker is gone (protocol section 1)."""
    give_up = await Wait(0) + shop.settings.replay_wait_seconds
    while True:
        loaded = await Load(saga_id=order_id)
        file = _there(loaded)
        if file.fingerprint != fingerprint:
            raise IdempotencyConflictError("this idempotency key was used with another request; use a new key")
        if not _is_held(file):
            if _is_due(file):
                await _take_over(shop, order_id)
                continue
            return result_of(CheckoutState.loaded(file, loaded.asked_at), replayed=replayed)
        if await Wait(shop.settings.poll_seconds) >= give_up:
            return Pending(order_id=order_id, status=_status(file), replayed=replayed)


def _there(loaded: Stamped[SagaFile | None]) -> SagaFile:
    if loaded.value is None or loaded.value.order is None:
        raise InvariantError("a key names an order that is not there")
    return loaded.value


async def _take_over(shop: Shop, order_id: str) -> None:
    """The saga is due and nobody holds it: go on with it here."""
    token = shop.context.new_id()
    claimed = await Claim(order_id, token, shop.settings.lease_seconds)
    if claimed.value:
        await go_on(shop, order_id, token, claimed.asked_at)


def _is_held(file: SagaFile) -> bool:
    return file.saga.phase is Phase.RUNNING and file.saga.lease_seconds > 0


def _is_due(file: SagaFile) -> bool:
    due = file.saga.due_in_seconds
    return file.saga.phase is Phase.RUNNING and due is not None and due <= 0


def _status(file: SagaFile) -> OrderStatus:
    return file.order.status if file.order is not None else OrderStatus.PENDING


def _refused(reason: CartChanged | CartTaken | ProviderUnavailable) -> Refused:
    return Refused(order_id="", status=OrderStatus.FAILED, reason=reason)
