"""The sandbox bank's HTTP messages: JSON documents, read and written by both sides."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, cast
from urllib.parse import urlencode

from checkout_core.adapters.sandbox.answers import BankRequest, CancelKey, Failed, Fault, Reply
from checkout_core.domain.value import dump, parse
from checkout_core.errors import (
    InvalidRequestError,
    KeyMismatchError,
    NotExecutedError,
    NotSentError,
    OutcomeUnknownError,
    RejectedError,
)
from checkout_core.ports.payment import (
    ActionNeeded,
    ChargeRequest,
    Declined,
    LookupAnswer,
    NotFound,
    PaymentQuery,
    Processing,
    RefundRequest,
    Succeeded,
)

Document: TypeAlias = Mapping[str, object]

PATHS: Mapping[str, type[ChargeRequest | RefundRequest | CancelKey]] = {
    "/charges": ChargeRequest,
    "/refunds": RefundRequest,
    "/cancel": CancelKey,
}
"""What is posted where."""

_ANSWERS: Mapping[str, tuple[int, type[LookupAnswer]]] = {
    "succeeded": (200, Succeeded),
    "processing": (202, Processing),
    "action_needed": (202, ActionNeeded),
    "declined": (402, Declined),
    "not_found": (404, NotFound),
}
_STATUS_OF = {kind: (code, status) for status, (code, kind) in _ANSWERS.items()}

_CODE_OF: Mapping[Fault, int] = {
    Fault.BUSY: 429,
    Fault.IN_PROGRESS: 409,
    Fault.INVALID: 400,
    Fault.KEY_MISMATCH: 400,
    Fault.SERVER_ERROR: 500,
    Fault.CONNECTION_REFUSED: 503,  # a token cannot refuse a connection: the server says so, the client acts as if
}


@dataclass(frozen=True, slots=True)
class HttpRequest:
    method: str
    path: str
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class HttpReply:
    code: int
    body: bytes
    retry_after: str = ""


def write_request(request: BankRequest) -> HttpRequest:
    """Build the request from ``request`` alone (clause 1 of the payment port)."""
    if isinstance(request, PaymentQuery):
        query = {
            "operation": request.operation,
            "reference": request.reference,
            "provider_reference": request.provider_reference,
        }
        return HttpRequest("GET", "/lookup?" + urlencode(query))
    path = next(path for path, kind in PATHS.items() if isinstance(request, kind))
    return HttpRequest("POST", path, dump(request).encode())


def write_reply(reply: Reply) -> HttpReply:
    """The reply to give, or for ``NO_ANSWER`` nothing that may be sent: the server stays silent instead."""
    if not isinstance(reply, Failed):
        code, status = _STATUS_OF[type(reply)]
        return HttpReply(code, json.dumps({"status": status, **json.loads(dump(reply))}).encode())
    if reply.fault is Fault.GARBAGE:
        return HttpReply(200, b"<html>upstream said something")
    document = {"error": reply.fault.value, "detail": reply.detail}
    seconds = reply.retry_after_seconds
    return HttpReply(_CODE_OF[reply.fault], json.dumps(document).encode(), "" if seconds is None else f"{seconds:.3f}")


def read_reply(reply: HttpReply) -> LookupAnswer:
    """The bank's answer, or the error of the payment port that stands for what came instead of one.

    Only the bank's own document counts: a bare 404 or 400 may come from anything between us and the bank.
    """
    document = _document(reply.body)
    status = document.get("status")
    if isinstance(status, str) and status in _ANSWERS and _ANSWERS[status][0] == reply.code:
        try:
            return parse(_ANSWERS[status][1], reply.body)
        except InvalidRequestError:
            raise OutcomeUnknownError(f"unreadable answer with HTTP status {reply.code}") from None
    raise _error(reply, document)


def _error(reply: HttpReply, document: Document) -> Exception:
    error, text = document.get("error"), f"HTTP status {reply.code}: {document.get('detail') or 'no detail'}"
    match reply.code, error:
        case 400, Fault.KEY_MISMATCH:
            return KeyMismatchError(text)
        case 429 | 409, Fault.BUSY | Fault.IN_PROGRESS:
            return NotExecutedError(text, retry_after_seconds=_seconds(reply.retry_after))
        case 503, Fault.CONNECTION_REFUSED:
            return NotSentError(text)
        case code, str() if 400 <= code < 500:
            return RejectedError(text)
        case _:
            return OutcomeUnknownError(text)


def _seconds(text: str) -> float | None:
    try:
        return max(0.0, float(text))
    except ValueError:
        return None


def _document(body: bytes) -> Document:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return cast("Document", found) if isinstance(found, dict) else {}
