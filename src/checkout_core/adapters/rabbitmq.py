"""Events to RabbitMQ, with publisher confirms. Needs the extra ``rabbitmq``. For ``Checkout``: ``in_loop(...)``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractExchange
from aio_pika.exceptions import AMQPError, DeliveryError

from checkout_core.domain.event import Event
from checkout_core.errors import NotExecutedError, NotSentError, OutcomeUnknownError, RemoteError
from checkout_core.ports.payment import CallLimits
from checkout_core.ports.publisher import AsyncPublisher


class RabbitPublisher(AsyncPublisher):
    """Publishes persistent messages to a durable topic exchange, which it declares, under the event's type as the key.

    Accepted is what the broker has confirmed. A message that no queue would get is not accepted: bind the queues first.
    ``message_id`` is the event's id in every attempt (EVENT-2); order and sequence are headers. One connection, opened
    when needed; ``close`` gives it back.
    """

    def __init__(self, name: str, url: str, *, exchange: str = "checkout.events") -> None:
        self._name = name
        self._url = url
        self._exchange_name = exchange
        self._opening = asyncio.Lock()
        self._connection: AbstractConnection | None = None
        self._exchange: AbstractExchange | None = None

    @property
    def name(self) -> str:
        return self._name

    async def publish(self, events: Sequence[Event], limits: CallLimits) -> Sequence[RemoteError | None]:
        try:
            exchange = await self._opened(limits.timeout_seconds)
        except (TimeoutError, OSError, AMQPError, RuntimeError) as error:
            return [NotSentError(f"no connection to the broker: {type(error).__name__}") for _ in events]
        return await asyncio.gather(*(_confirmed(exchange, event, limits.timeout_seconds) for event in events))

    async def close(self) -> None:
        """Give the connection back; the next call opens another."""
        connection, self._connection, self._exchange = self._connection, None, None
        if connection is not None:
            await connection.close()

    async def _opened(self, timeout_seconds: float) -> AbstractExchange:
        async with self._opening:
            if self._exchange is not None and self._connection is not None and not self._connection.is_closed:
                return self._exchange
            await self.close()
            async with asyncio.timeout(timeout_seconds):
                self._connection = await aio_pika.connect(self._url)
                channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
                self._exchange = await channel.declare_exchange(
                    self._exchange_name, aio_pika.ExchangeType.TOPIC, durable=True
                )
            return self._exchange


async def _confirmed(exchange: AbstractExchange, event: Event, timeout_seconds: float) -> RemoteError | None:
    message = aio_pika.Message(
        event.payload.encode(),
        message_id=event.event_id,
        type=event.type,
        timestamp=event.occurred_at,
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        headers={"order_id": event.order_id, "sequence": event.sequence},
    )
    try:
        await exchange.publish(message, event.type, mandatory=True, timeout=timeout_seconds)
    except DeliveryError:
        return NotExecutedError("the broker did not take the message: no queue is bound to it, or it is full")
    except (TimeoutError, OSError, AMQPError, RuntimeError) as error:
        return OutcomeUnknownError(f"the broker did not confirm: {type(error).__name__}")
    return None
