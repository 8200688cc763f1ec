"""Signed webhooks against a real HTTP server that accepts and says no, is slow, or is not there."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from checkout_core.adapters.webhooks import Webhooks
from checkout_core.errors import (
    ConfigurationError,
    NotExecutedError,
    NotSentError,
    OutcomeUnknownError,
    RejectedError,
    RemoteError,
)
from checkout_core.ports.payment import CallLimits
from tests.adapters.events import an_event
from tests.adapters.http_receivers import HttpReceiver, Reply, http_receiver
from tests.drivers.receivers import ReceivingShop
from tests.drivers.test_facades import COLOURS

OLD, NEW = (f"whsec_{base64.b64encode(letter * 32).decode()}" for letter in (b"o", b"n"))
LIMITS = CallLimits(timeout_seconds=30.0)


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with http_receiver() as server:
        yield server


def _hooks(receiver: HttpReceiver, *secrets: str, **keywords: Any) -> Webhooks:
    return Webhooks("hooks", receiver.url, secrets or [NEW], allow_http=True, **keywords)


def _said(receiver: HttpReceiver, reply: Reply, limits: CallLimits = LIMITS) -> RemoteError | None:
    receiver.replies = [reply]
    (answer,) = _hooks(receiver).publish([an_event()], limits)
    return answer


def test_a_webhook_can_be_verified_and_names_the_event(receiver: HttpReceiver) -> None:
    """EVENT-2: by the specification's own library, with either secret while they change."""
    event = an_event()
    assert _hooks(receiver, NEW, OLD).publish([event], LIMITS) == [None]
    ((headers, body),) = receiver.received
    for secret in (NEW, OLD):
        Webhook(secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(body + b" ", headers)
    assert headers["webhook-id"] == event.event_id
    assert json.loads(body) == {
        "type": "order.confirmed.v1",
        "timestamp": "2026-03-01T12:00:00Z",
        "data": {"order_id": "o-1", "total": {"minor": 1990, "currency": "EUR"}},
    }


@pytest.mark.parametrize("colour", COLOURS)
def test_what_was_accepted_and_answered_with_500_comes_again_under_its_id(receiver: HttpReceiver, colour: str) -> None:
    """EVENT-2: through the relay."""
    shop = ReceivingShop(colour, _hooks(receiver))
    (event,) = shop.events(1)
    receiver.replies = [Reply(500)]
    assert shop.relay().failed == 1
    shop.clock.now += 1.0
    assert shop.relay().delivered == 1
    shop.close()
    assert [headers["webhook-id"] for headers, _ in receiver.received] == [event, event]
    assert receiver.received[0][1] == receiver.received[1][1]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(202), type(None)),
        (Reply(302, {"location": "http://127.0.0.1:9/"}), OutcomeUnknownError),
        (Reply(400), OutcomeUnknownError),
        (Reply(410), RejectedError),
        (Reply(429), NotExecutedError),
        (Reply(500), OutcomeUnknownError),
        (Reply(503), NotExecutedError),
    ],
    ids=lambda each: str(each.status) if isinstance(each, Reply) else "",
)
def test_what_each_status_means(receiver: HttpReceiver, reply: Reply, error: type) -> None:
    assert isinstance(_said(receiver, reply), error)
    assert len(receiver.received) == 1


@pytest.mark.parametrize("said", ["120", "date", "soon"])
def test_a_receiver_may_say_when_to_come_back(receiver: HttpReceiver, said: str) -> None:
    """RFC 9110: seconds or a date; anything else says nothing."""
    in_two_minutes = format_datetime(datetime.now(UTC) + timedelta(seconds=120), usegmt=True)
    answer = _said(receiver, Reply(503, {"retry-after": in_two_minutes if said == "date" else said}))
    assert isinstance(answer, NotExecutedError)
    if said == "soon":
        assert answer.retry_after_seconds is None
    else:
        assert answer.retry_after_seconds is not None
        assert 100 < answer.retry_after_seconds <= 120


def test_a_slow_receiver_is_given_up(receiver: HttpReceiver) -> None:
    """LIVE-3: nobody knows whether it accepted."""
    released = threading.Event()
    answer = _said(receiver, Reply(held=released), CallLimits(timeout_seconds=0.1))
    released.set()
    assert isinstance(answer, OutcomeUnknownError)


def test_a_receiver_that_is_down_was_certainly_not_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        hooks = Webhooks("hooks", f"http://127.0.0.1:{taken.getsockname()[1]}/", [NEW], allow_http=True)
        (answer,) = hooks.publish([an_event()], LIMITS)
    assert isinstance(answer, NotSentError)


@pytest.mark.parametrize(
    ("url", "secrets"),
    [("http://shop.example/", [NEW]), ("ftp://shop.example/", [NEW]), ("https://", [NEW]), ("https://a/", [])],
)
def test_what_is_no_receiver_is_refused(url: str, secrets: list[str]) -> None:
    with pytest.raises(ConfigurationError):
        Webhooks("hooks", url, secrets)
