"""``checkout_router``: the checkout over HTTP (protocol 7.6)."""

# No postponed annotations here: FastAPI must find the host's own dependencies in them.

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect

from checkout_core.domain.value import parse
from checkout_core.drivers.aio import AsyncCheckout
from checkout_core.drivers.threads import Checkout
from checkout_core.errors import CheckoutError, InvalidRequestError, OrderNotFoundError, Problem
from checkout_core.integrations.fastapi.body import MOST_BYTES, CheckoutBody, body_schema
from checkout_core.integrations.fastapi.doors import Doors, doors_of
from checkout_core.integrations.fastapi.identity import Identity
from checkout_core.integrations.fastapi.statuses import (
    RETRY_AFTER_SECONDS,
    answer_to,
    documented,
    may_be_repeated,
    problem,
    status_of,
)
from checkout_core.integrations.fastapi.views import CheckoutView, OrderView, order_view, view_of

KEY_HEADER = "Idempotency-Key"
_KEY_SCHEMA = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"}
"""What a request's key may be, without the spaces around a header's value."""

_CHECKOUT_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": CheckoutView, "description": "Confirmed by an earlier request with this key."},
    201: {"model": CheckoutView, "description": "Confirmed: paid, and reserved for good."},
    202: {"model": CheckoutView, "description": "Not decided yet, or the buyer must act at `action_url`."},
    402: {"model": CheckoutView, "description": "The payment was declined or could not be made; nothing is owed."},
    409: {"model": CheckoutView, "description": "In progress elsewhere, out of stock, or the cart has an order."},
    **documented(400, 403, 413, 415, 422, 500),
    503: {**documented(503)[503], "model": CheckoutView},
}


def checkout_router(
    checkout: Checkout | AsyncCheckout,
    *,
    identify: Callable[..., Identity | Any],
    operator: Callable[..., Any] | None = None,
    timeout_seconds: float = 20.0,
) -> APIRouter:
    """Routes over ``checkout``: ``POST /v1/checkout``, ``GET /v1/orders/{order_id}``, ``GET /v1/health``, and with
    ``operator`` ``GET /v1/orders/{order_id}/trace``.

    ``identify``: a FastAPI dependency that gives the caller's :class:`Identity`, or raises ``HTTPException(401)``.
    ``operator``: a dependency that raises unless the caller is one of your operators; without it there is no trace.
    ``timeout_seconds``: how long a request waits for the outcome; then it is answered 202 and goes on.

    The key comes from the header ``Idempotency-Key``. A body can name neither user nor tenant, and a cart with prices
    is accepted from trusted callers, or where the checkout's ``CartSource`` prices it again; others name their cart by
    ``cart_id``. The order of another user answers 404. Statuses are those of protocol
    section 1; errors are ``application/problem+json``. The checkout stays the host's: it is not closed here.
    """
    doors, router = doors_of(checkout), APIRouter(prefix="/v1", tags=["checkout"])
    _add_checkout(router, doors, identify, timeout_seconds)
    _add_order(router, doors, identify)
    if operator is not None:
        _add_trace(router, doors, operator)
    _add_health(router, doors)
    return router


def _add_checkout(router: APIRouter, doors: Doors, identify: Callable[..., Any], timeout_seconds: float) -> None:
    header = {"name": KEY_HEADER, "in": "header", "required": True, "schema": _KEY_SCHEMA}
    body = {"required": True, "content": {"application/json": {"schema": body_schema()}}}

    @router.post(
        "/checkout",
        status_code=201,
        responses=_CHECKOUT_RESPONSES,
        openapi_extra={"parameters": [header], "requestBody": body},
    )
    async def execute(request: Request, identity: Annotated[Identity, Depends(identify)]) -> Response:
        """Buy the cart: one key, one order, however often it is sent."""
        if not _is_json(request):
            return problem(415, "the body is not JSON", "expected Content-Type: application/json")
        try:
            document = await _read(request)
        except ClientDisconnect:
            return problem(400, "the body is not complete", "the connection was closed")
        if document is None:
            return problem(413, "the body is too large", f"expected at most {MOST_BYTES} bytes")
        try:
            key = _key(request)
            said = parse(CheckoutBody, document)
            if said.cart is not None and not (identity.trusted or doors.reprices):
                return problem(
                    403, "the cart cannot be accepted", "name it by its cart_id: prices are the shop's to say"
                )
            asked = said.request(key, identity)
            result = await doors.execute(asked, timeout_seconds)
        except CheckoutError as error:
            return answer_to(error)
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if may_be_repeated(result) else None
        return JSONResponse(view_of(result).model_dump(mode="json"), status_of(result), headers)


def _add_order(router: APIRouter, doors: Doors, identify: Callable[..., Any]) -> None:
    @router.get("/orders/{order_id}", response_model=OrderView, responses=documented(404, 500, 503))
    async def order(order_id: str, identity: Annotated[Identity, Depends(identify)]) -> Response:
        """The order as it is now."""
        try:
            found = await doors.get_order(order_id)
            if not identity.may_read(user_id=found.user_id, scope=found.scope):
                raise OrderNotFoundError
        except CheckoutError as error:
            return answer_to(error)
        return JSONResponse(order_view(found).model_dump(mode="json"))


def _add_trace(router: APIRouter, doors: Doors, operator: Callable[..., Any]) -> None:
    @router.get("/orders/{order_id}/trace", dependencies=[Depends(operator)], responses=documented(404, 500, 503))
    async def trace(order_id: str) -> Response:
        """Everything that happened to the order, for operators."""
        try:
            return JSONResponse((await doors.trace(order_id)).as_dict())
        except CheckoutError as error:
            return answer_to(error)


def _add_health(router: APIRouter, doors: Doors) -> None:
    @router.get("/health", responses=documented(500, 503))
    async def health() -> Response:
        """Whether the checkout's database answers."""
        try:
            await doors.knock()
        except CheckoutError as error:
            return answer_to(error)
        return JSONResponse({"status": "ok"})


def _key(request: Request) -> str:
    keys = request.headers.getlist(KEY_HEADER)
    if len(keys) != 1:
        raise InvalidRequestError([Problem(KEY_HEADER, "expected this header exactly once")])
    return keys[0]


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


async def _read(request: Request) -> bytes | None:
    """The body, or None where it is larger than any cart."""
    document = bytearray()
    async for piece in request.stream():
        document += piece
        if len(document) > MOST_BYTES:
            return None
    return bytes(document)
