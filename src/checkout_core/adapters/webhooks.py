"""Events as signed HTTP requests, after the Standard Webhooks specification (www.standardwebhooks.com).

Needs the extra ``webhooks``. For ``AsyncCheckout``: ``in_threads(Webhooks(...))``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from pydantic_core import from_json, to_json

from checkout_core.domain.event import Event
from checkout_core.errors import (
    ConfigurationError,
    NotExecutedError,
    NotSentError,
    OutcomeUnknownError,
    RejectedError,
    RemoteError,
)
from checkout_core.ports.payment import CallLimits
from checkout_core.ports.publisher import Publisher

_GONE = 410
_BUSY = frozenset({429, 502, 503, 504})


class Webhooks(Publisher):
    """Posts each event to ``url``; accepted is what is answered with 2xx.

    ``webhook-id`` is the event's id in every attempt, by which the receiver knows a repetition (EVENT-2).
    ``secrets``: ``whsec_...``, the newest first; several while the receiver changes over, each signs. 410 is for good,
    429 and 502 to 504 may say ``Retry-After``; redirects are not followed, and like everything else come again later.
    ``url`` must be https but for ``allow_http``: it is the host's own configuration, never a buyer's input.
    """

    events_together = 1

    def __init__(
        self,
        name: str,
        url: str,
        secrets: Sequence[str],
        *,
        allow_http: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        from standardwebhooks.webhooks import Webhook

        self._name = name
        self._target = urlsplit(url)
        if self._target.scheme not in (("https", "http") if allow_http else ("https",)) or not self._target.hostname:
            raise ConfigurationError("expected an https URL for webhooks, or allow_http")
        if isinstance(secrets, str) or not secrets:
            raise ConfigurationError("expected a list of at least one webhook secret")
        self._signers = [Webhook(secret) for secret in secrets]
        self._clock = clock

    @property
    def name(self) -> str:
        return self._name

    def publish(self, events: Sequence[Event], limits: CallLimits) -> Sequence[RemoteError | None]:
        return [self._post(event, limits.timeout_seconds) for event in events]

    def _post(self, event: Event, timeout_seconds: float) -> RemoteError | None:
        connection = _connection(self._target, timeout_seconds)
        try:
            connection.connect()
        except OSError as error:
            return NotSentError(f"no connection: {type(error).__name__}")
        try:
            body = to_json({"type": event.type, "timestamp": event.occurred_at, "data": from_json(event.payload)})
            path = self._target.path or "/"
            query = f"?{self._target.query}" if self._target.query else ""
            connection.request("POST", path + query, body, self._headers(event, body.decode()))
            return _judged(connection.getresponse(), self._clock())
        except (OSError, HTTPException) as error:
            return OutcomeUnknownError(f"no answer: {type(error).__name__}")
        finally:
            connection.close()

    def _headers(self, event: Event, body: str) -> dict[str, str]:
        at = self._clock()
        signatures = [signer.sign(event.event_id, at, body) for signer in self._signers]
        return {
            "content-type": "application/json",
            "user-agent": "checkout-core",
            "webhook-id": event.event_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(signatures),
        }


def _connection(target: SplitResult, timeout_seconds: float) -> HTTPConnection:
    kind = HTTPSConnection if target.scheme == "https" else HTTPConnection
    return kind(target.hostname or "", target.port, timeout=timeout_seconds)


def _judged(response: HTTPResponse, now: datetime) -> RemoteError | None:
    status = response.status
    if 200 <= status < 300:
        return None
    if status == _GONE:
        return RejectedError("the receiver answered 410: it is gone for good")
    if status in _BUSY:
        pause = _retry_after(response.getheader("retry-after", ""), now)
        return NotExecutedError(f"the receiver answered {status}", retry_after_seconds=pause)
    return OutcomeUnknownError(f"the receiver answered {status}")


def _retry_after(said: str, now: datetime) -> float | None:
    """RFC 9110: seconds, or a date."""
    if said.isascii() and said.isdigit():
        return float(said)
    try:
        return (parsedate_to_datetime(said).astimezone(UTC) - now).total_seconds()
    except (ValueError, TypeError):
        return None
