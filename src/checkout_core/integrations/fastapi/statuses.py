"""Which HTTP status says what (protocol section 1), for results and for errors."""

from __future__ import annotations

from typing import Any, assert_never

from pydantic import BaseModel
from starlette.responses import JSONResponse

from checkout_core.domain.result import (
    ActionRequired,
    CheckoutResult,
    Confirmed,
    PaymentDeclined,
    PaymentNotSent,
    Pending,
    ProviderUnavailable,
    Refused,
)
from checkout_core.errors import (
    CheckoutError,
    CheckoutTimeoutError,
    IdempotencyConflictError,
    InvalidRequestError,
    OrderNotFoundError,
    Problem,
    StorageUnavailableError,
)

RETRY_AFTER_SECONDS = 2
PROBLEM_TYPE = "application/problem+json"


class ProblemView(BaseModel):
    """RFC 9457. ``problems``: where in the request, and which rule; never what was sent."""

    title: str
    status: int
    detail: str
    problems: list[dict[str, str]] = []


def status_of(result: CheckoutResult) -> int:
    match result:
        case Confirmed():
            return 200 if result.replayed else 201
        case ActionRequired():
            return 202
        case Pending():
            return 409 if result.replayed else 202
        case Refused(reason=PaymentDeclined() | PaymentNotSent()):
            return 402
        case Refused(reason=ProviderUnavailable()):
            return 503
        case Refused():
            return 409
        case _:
            assert_never(result)


def may_be_repeated(result: CheckoutResult) -> bool:
    """Whether the same request with the same key may bring another answer a little later."""
    return isinstance(result, Pending) or (
        isinstance(result, Refused) and isinstance(result.reason, ProviderUnavailable)
    )


def answer_to(error: CheckoutError) -> JSONResponse:
    """The problem document for what the checkout raised; a fault of the shop's shows nothing of its inside."""
    match error:
        case InvalidRequestError():
            status = 422 if any(each.well_formed for each in error.problems) else 400
            return problem(status, "the request breaks a rule", "see problems", error.problems)
        case IdempotencyConflictError():
            return problem(422, "the key was used with another request", "use a new Idempotency-Key")
        case OrderNotFoundError():
            return problem(404, "no such order", "no order of yours has this id")
        case StorageUnavailableError() | CheckoutTimeoutError():
            return problem(503, "not available now", "repeat with the same Idempotency-Key", retry=True)
        case _:
            return problem(500, "the shop is not set up right", type(error).__name__)


def problem(
    status: int, title: str, detail: str, problems: tuple[Problem, ...] = (), *, retry: bool = False
) -> JSONResponse:
    view = ProblemView(
        title=title,
        status=status,
        detail=detail,
        problems=[{"location": each.location, "rule": each.rule} for each in problems],
    )
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if retry else None
    return JSONResponse(view.model_dump(), status, headers, media_type=PROBLEM_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For OpenAPI: these statuses answer with a problem document."""
    schema = ProblemView.model_json_schema()
    return {each: {"description": _TITLES[each], "content": {PROBLEM_TYPE: {"schema": schema}}} for each in statuses}


_TITLES = {
    400: "The request breaks a rule, or has no Idempotency-Key. Nothing was stored.",
    403: "The caller may not do this.",
    404: "No order of the caller's has this id.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "The Idempotency-Key was used with another request, or the cart contradicts itself or the shop. Nothing was "
    "stored.",
    500: "The shop is not set up right.",
    503: "The provider or the database cannot be used now; repeat with the same key.",
}
