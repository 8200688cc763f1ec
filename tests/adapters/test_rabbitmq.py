"""Events to a real RabbitMQ."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aio_pika
from aio_pika.abc import AbstractIncomingMessage, AbstractQueue

from checkout_core.adapters.rabbitmq import RabbitPublisher
from checkout_core.drivers.looping import in_loop
from checkout_core.errors import NotExecutedError, NotSentError
from checkout_core.ports.payment import CallLimits
from tests.adapters.events import an_event
from tests.drivers.receivers import ReceivingShop

LIMITS = CallLimits(timeout_seconds=10.0)


@dataclass
class Bound:
    """A queue that is bound to an exchange of the test's own, both gone afterwards."""

    exchange: str
    queue: AbstractQueue

    async def next(self) -> AbstractIncomingMessage:
        message = await self.queue.get(timeout=10, fail=False)
        assert message is not None
        await message.ack()
        return message


@asynccontextmanager
async def bound(url: str) -> AsyncIterator[Bound]:
    exchange_name = f"checkout.test.{uuid.uuid4().hex}"
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        exchange = await channel.declare_exchange(exchange_name, aio_pika.ExchangeType.TOPIC, durable=True)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(exchange, "order.#")
        try:
            yield Bound(exchange_name, queue)
        finally:
            await exchange.delete()


def test_a_confirmed_message_is_in_the_queue_under_the_events_id(rabbitmq_url: str) -> None:
    """EVENT-2: and again when it is published again, as after a crash."""

    async def body() -> None:
        async with bound(rabbitmq_url) as place:
            publisher = RabbitPublisher("rabbit", rabbitmq_url, exchange=place.exchange)
            events = [an_event(number) for number in range(3)]
            assert await publisher.publish(events, LIMITS) == [None] * 3
            assert await publisher.publish(events[:1], LIMITS) == [None]
            messages = [await place.next() for _ in range(4)]
            await publisher.close()
        named = sorted(str(each.message_id) for each in messages)
        assert named == sorted([*(each.event_id for each in events), events[0].event_id])
        assert {each.routing_key for each in messages} == {"order.confirmed.v1"}
        assert {each.delivery_mode for each in messages} == {aio_pika.DeliveryMode.PERSISTENT}
        assert {each.body.decode() for each in messages} == {events[0].payload}

    asyncio.run(body())


def test_a_message_that_no_queue_would_get_is_not_accepted(rabbitmq_url: str) -> None:
    """EVENT-2: it comes again when somebody has bound a queue."""

    async def body() -> None:
        async with bound(rabbitmq_url) as place:
            await place.queue.unbind(place.exchange, "order.#")
            publisher = RabbitPublisher("rabbit", rabbitmq_url, exchange=place.exchange)
            (answer,) = await publisher.publish([an_event()], LIMITS)
            await place.queue.bind(place.exchange, "order.#")
            assert await publisher.publish([an_event()], LIMITS) == [None]
            await publisher.close()
        assert isinstance(answer, NotExecutedError)

    asyncio.run(body())


def test_a_connection_that_was_lost_is_opened_again(rabbitmq_url: str) -> None:
    """LIVE-4."""

    async def body() -> None:
        async with bound(rabbitmq_url) as place:
            publisher = RabbitPublisher("rabbit", rabbitmq_url, exchange=place.exchange)
            await publisher.publish([an_event()], LIMITS)
            assert publisher._connection is not None
            await publisher._connection.close()
            assert await publisher.publish([an_event()], LIMITS) == [None]
            await publisher.close()

    asyncio.run(body())


def test_a_broker_that_is_not_there_was_certainly_not_told() -> None:
    async def body() -> None:
        publisher = RabbitPublisher("rabbit", "amqp://guest:guest@127.0.0.1:1/")
        (answer,) = await publisher.publish([an_event()], LIMITS)
        assert isinstance(answer, NotSentError)

    asyncio.run(body())


def test_a_shop_with_threads_publishes_through_a_loop(rabbitmq_url: str) -> None:
    """EVENT-2: through the relay."""

    async def received(place: Bound, number: int) -> list[str]:
        return [str((await place.next()).message_id) for _ in range(number)]

    async def body() -> None:
        async with bound(rabbitmq_url) as place:
            lent = in_loop(RabbitPublisher("rabbit", rabbitmq_url, exchange=place.exchange))
            shop = ReceivingShop("threads", lent)
            events = shop.events(5)
            assert (await asyncio.to_thread(shop.relay)).delivered == 5
            shop.close()
            await asyncio.to_thread(lent.close)
            assert sorted(await received(place, 5)) == sorted(events)

    asyncio.run(body())
