"""An async publisher lent to threads: whoever waits in its loop is told when the loop ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future

import pytest

from checkout_core.domain.event import Event
from checkout_core.drivers.looping import LoopedPublisher, in_loop
from checkout_core.errors import RemoteError
from checkout_core.ports.payment import CallLimits

PATIENCE_SECONDS = 10.0
LIMITS = CallLimits(timeout_seconds=60.0)


class Hanging:
    """Accepts nothing and answers nobody; ``close`` fails where it ``breaks``."""

    name = "hanging"

    def __init__(self, *, breaks: bool = False) -> None:
        self.asked = threading.Event()
        self._breaks = breaks

    async def publish(self, events: Sequence[Event], limits: CallLimits) -> Sequence[RemoteError | None]:
        self.asked.set()
        await asyncio.Event().wait()
        return []

    async def close(self) -> None:
        if self._breaks:
            raise ConnectionError


def test_closing_ends_the_calls_that_are_under_way() -> None:
    """LIVE-3: a relay's thread does not wait for ever for a loop that has ended."""
    publisher = Hanging()
    lent = in_loop(publisher)
    call = _under_way(lent, publisher)
    lent.close()
    with pytest.raises(CancelledError):
        call.result(PATIENCE_SECONDS)


def test_a_publisher_that_fails_to_close_leaves_no_thread() -> None:
    publisher = Hanging(breaks=True)
    lent = in_loop(publisher)
    call = _under_way(lent, publisher)
    with pytest.raises(ConnectionError):
        lent.close()
    with pytest.raises(CancelledError):
        call.result(PATIENCE_SECONDS)
    assert not [thread for thread in threading.enumerate() if thread.name == "checkout-looped"]


def _under_way(lent: LoopedPublisher, publisher: Hanging) -> Future[object]:
    """A call in a thread of its own, which waits in the loop."""
    ended: Future[object] = Future()

    def call() -> None:
        try:
            ended.set_result(lent.publish([], LIMITS))
        except BaseException as error:
            ended.set_exception(error)

    threading.Thread(target=call, daemon=True).start()
    assert publisher.asked.wait(PATIENCE_SECONDS)
    return ended
