"""Who receives events, whatever the colour: publishers as they are, and the notifier as a sink of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from checkout_core.checkout.notices import concerns_buyer, notice_of
from checkout_core.domain.event import Event
from checkout_core.domain.order import Order
from checkout_core.drivers.composition import ColourCheck
from checkout_core.errors import ConfigurationError, RemoteError
from checkout_core.ports.notifier import NOTICES, AsyncNotifier, Notice, Notifier
from checkout_core.ports.outbox import SINK_NAME_MOST
from checkout_core.ports.payment import CallLimits
from checkout_core.ports.publisher import AsyncPublisher, Publisher

P = TypeVar("P", Publisher, AsyncPublisher)
EVENTS_TOGETHER = 50
"""Events of different orders that a publisher is given in one call."""


@dataclass(frozen=True, slots=True)
class Sink(Generic[P]):
    """``together``: how many events one call may hold."""

    publisher: P
    together: int = EVENTS_TOGETHER

    @property
    def name(self) -> str:
        return self.publisher.name


def sinks_of(notices: P | None, publishers: Iterable[P], check: ColourCheck) -> tuple[Sink[P], ...]:
    """Raises :class:`ConfigurationError` for what is no publisher, has the wrong colour, or another's name."""
    sinks = [Sink(notices, together=1)] if notices is not None else []
    names = {NOTICES}
    for publisher in publishers:
        check(publisher, ("publish",))
        name = getattr(publisher, "name", None)
        if not (isinstance(name, str) and 0 < len(name) <= SINK_NAME_MOST and name.isprintable()):
            raise ConfigurationError(
                f"expected that {type(publisher).__name__} has a name of 1 to {SINK_NAME_MOST} characters"
            )
        if name in names:
            raise ConfigurationError(f"expected one publisher per sink, found that {name!r} is taken")
        names.add(name)
        sinks.append(Sink(publisher, int(getattr(publisher, "events_together", EVENTS_TOGETHER))))
    return tuple(sinks)


class Notices:
    """A :class:`Notifier` as a publisher. ``read`` gives the notice of an event as the order is now; it blocks."""

    name = NOTICES

    def __init__(self, notifier: Notifier, read: Callable[[Event], Notice | None]) -> None:
        self._notifier = notifier
        self._read = read

    def publish(self, events: Sequence[Event], limits: CallLimits) -> Sequence[RemoteError | None]:
        for event in events:
            notice = self._read(event)
            if notice is not None:
                self._notifier.send(notice, limits)
        return [None] * len(events)


class AsyncNotices:
    """:class:`Notices` for asyncio. ``do`` runs what blocks in a thread."""

    name = NOTICES

    def __init__(
        self,
        notifier: AsyncNotifier,
        read: Callable[[Event], Notice | None],
        do: Callable[[Callable[[], Notice | None]], Awaitable[Notice | None]],
    ) -> None:
        self._notifier = notifier
        self._read = read
        self._do = do

    async def publish(self, events: Sequence[Event], limits: CallLimits) -> Sequence[RemoteError | None]:
        for event in events:
            notice = await self._do(partial(self._read, event))
            if notice is not None:
                await self._notifier.send(notice, limits)
        return [None] * len(events)


def reader(order: Callable[[str], Order]) -> Callable[[Event], Notice | None]:
    """Notices read from orders; an event that no buyer is told of reads nothing."""
    return lambda event: notice_of(event, order(event.order_id)) if concerns_buyer(event) else None
