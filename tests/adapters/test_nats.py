"""Events to a real NATS JetStream."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import StreamConfig

from checkout_core.adapters.nats import NatsPublisher
from checkout_core.drivers.looping import in_loop
from checkout_core.errors import NotExecutedError, NotSentError
from checkout_core.ports.payment import CallLimits
from tests.adapters.events import an_event
from tests.drivers.receivers import ReceivingShop

LIMITS = CallLimits(timeout_seconds=10.0)


@asynccontextmanager
async def stream(url: str) -> AsyncIterator[tuple[JetStreamContext, str]]:
    """A stream of the test's own, by its name, which is the prefix of its subjects too."""
    name = f"checkout-test-{uuid.uuid4().hex}"
    client = Client()
    await client.connect(url)
    context = JetStreamContext(client)
    await context.add_stream(StreamConfig(name=name, subjects=[f"{name}.>"]))
    try:
        yield context, name
    finally:
        await context.delete_stream(name)
        await client.close()


async def _stored(context: JetStreamContext, name: str) -> list[tuple[str, str]]:
    count = (await context.stream_info(name)).state.messages
    found = [await context.get_msg(name, seq=number + 1) for number in range(count)]
    return [(str(each.subject), (each.headers or {})["Nats-Msg-Id"]) for each in found]


def test_a_repetition_is_dropped_by_the_stream(nats_url: str) -> None:
    """EVENT-2: published again, as after a crash, it is accepted and stored once."""

    async def body() -> None:
        async with stream(nats_url) as (context, name):
            publisher = NatsPublisher("nats", nats_url, prefix=name)
            events = [an_event(number) for number in range(3)]
            for _ in range(2):
                assert await publisher.publish(events, LIMITS) == [None] * 3
            await publisher.close()
            stored = await _stored(context, name)
            assert {subject for subject, _ in stored} == {f"{name}.order.confirmed.v1"}
            assert sorted(event_id for _, event_id in stored) == [each.event_id for each in events]

    asyncio.run(body())


def test_without_a_stream_nothing_is_accepted(nats_url: str) -> None:
    """EVENT-2."""

    async def body() -> None:
        publisher = NatsPublisher("nats", nats_url, prefix=f"nobody-{uuid.uuid4().hex}")
        (answer,) = await publisher.publish([an_event()], LIMITS)
        await publisher.close()
        assert isinstance(answer, NotExecutedError)

    asyncio.run(body())


def test_a_broker_that_is_not_there_was_certainly_not_told() -> None:
    async def body() -> None:
        (answer,) = await NatsPublisher("nats", "nats://127.0.0.1:1").publish([an_event()], LIMITS)
        assert isinstance(answer, NotSentError)

    asyncio.run(body())


def test_a_shop_with_threads_publishes_through_a_loop(nats_url: str) -> None:
    """EVENT-2: through the relay."""

    async def body() -> None:
        async with stream(nats_url) as (context, name):
            lent = in_loop(NatsPublisher("nats", nats_url, prefix=name))
            shop = ReceivingShop("threads", lent)
            events = shop.events(5)
            assert (await asyncio.to_thread(shop.relay)).delivered == 5
            shop.close()
            await asyncio.to_thread(lent.close)
            assert sorted(event_id for _, event_id in await _stored(context, name)) == sorted(events)

    asyncio.run(body())
