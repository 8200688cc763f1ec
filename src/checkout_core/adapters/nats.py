"""Events to NATS JetStream. Needs the extra ``nats``. For ``Checkout``: ``in_loop(...)``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.errors import NoStreamResponseError

from checkout_core.domain.event import Event
from checkout_core.errors import NotExecutedError, NotSentError, OutcomeUnknownError, RemoteError
from checkout_core.ports.payment import CallLimits
from checkout_core.ports.publisher import AsyncPublisher


class NatsPublisher(AsyncPublisher):
    """Publishes to the subject ``prefix`` and the event's type, as in ``checkout.order.confirmed.v1``.

    Accepted is what a stream has stored; one that takes these subjects must exist. ``Nats-Msg-Id`` is the event's id,
    by which the stream drops repetitions within its window for duplicates (EVENT-2). One connection, opened when
    needed; ``close`` gives it back.
    """

    def __init__(self, name: str, url: str, *, prefix: str = "checkout") -> None:
        self._name = name
        self._url = url
        self._prefix = prefix
        self._opening = asyncio.Lock()
        self._client: Client | None = None

    @property
    def name(self) -> str:
        return self._name

    async def publish(self, events: Sequence[Event], limits: CallLimits) -> Sequence[RemoteError | None]:
        try:
            stream = JetStreamContext(await self._opened(limits.timeout_seconds))
        except (TimeoutError, OSError, NatsError) as error:
            return [NotSentError(f"no connection to the broker: {type(error).__name__}") for _ in events]
        stored = (self._stored(stream, event, limits.timeout_seconds) for event in events)
        return await asyncio.gather(*stored)

    async def close(self) -> None:
        """Give the connection back; the next call opens another."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _opened(self, timeout_seconds: float) -> Client:
        async with self._opening:
            if self._client is None or not self._client.is_connected:
                await self.close()
                client = Client()
                async with asyncio.timeout(timeout_seconds):
                    await client.connect(
                        self._url,
                        allow_reconnect=False,
                        max_reconnect_attempts=1,
                        reconnect_time_wait=0,
                        error_cb=_unheard,
                    )
                self._client = client
            return self._client

    async def _stored(self, stream: JetStreamContext, event: Event, timeout_seconds: float) -> RemoteError | None:
        headers = {
            "Nats-Msg-Id": event.event_id,
            "order-id": event.order_id,
            "sequence": str(event.sequence),
            "occurred-at": event.occurred_at.isoformat(),
        }
        subject = f"{self._prefix}.{event.type}"
        try:
            await stream.publish(subject, event.payload.encode(), timeout=timeout_seconds, headers=headers)
        except NoStreamResponseError:
            return NotExecutedError("no stream takes this subject")
        except (TimeoutError, OSError, NatsError) as error:
            return OutcomeUnknownError(f"the stream did not confirm: {type(error).__name__}")
        return None


async def _unheard(_: Exception) -> None:
    """Errors are answered where they meet an event."""
