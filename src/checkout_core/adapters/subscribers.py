"""Functions of the host's own as receivers of events, in the process that relays."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

from checkout_core.domain.event import Event, EventType
from checkout_core.errors import OutcomeUnknownError, RemoteError
from checkout_core.ports.payment import CallLimits
from checkout_core.ports.publisher import AsyncPublisher, Publisher

Subscriber: TypeAlias = Callable[[Event], None]
AsyncSubscriber: TypeAlias = Callable[[Event], Awaitable[None]]


class Subscribers(Publisher):
    """Calls each event's function; an event without one is accepted.

    ``functions`` by event type. A function that raises is called again later, with the same event, as after a crash: it
    must be safe to run twice. It sees what is committed, and cannot undo it (EVENT-3). Functions that shall not hold
    each other's orders up are given to publishers of different names.
    """

    events_together = 1

    def __init__(self, functions: Mapping[EventType, Subscriber], *, name: str = "subscribers") -> None:
        self._functions = {str(kind): function for kind, function in functions.items()}
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def publish(self, events: Sequence[Event], limits: CallLimits) -> Sequence[RemoteError | None]:
        return [self._tell(event) for event in events]

    def _tell(self, event: Event) -> RemoteError | None:
        function = self._functions.get(event.type)
        try:
            if function is not None:
                function(event)
        except Exception as error:  # noqa: BLE001 - whatever a host's function raises
            return _failure(error)
        return None


class AsyncSubscribers(AsyncPublisher):
    """:class:`Subscribers` for ``AsyncCheckout``: coroutine functions."""

    events_together = 1

    def __init__(self, functions: Mapping[EventType, AsyncSubscriber], *, name: str = "subscribers") -> None:
        self._functions = {str(kind): function for kind, function in functions.items()}
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    async def publish(self, events: Sequence[Event], limits: CallLimits) -> Sequence[RemoteError | None]:
        return [await self._tell(event) for event in events]

    async def _tell(self, event: Event) -> RemoteError | None:
        function = self._functions.get(event.type)
        try:
            if function is not None:
                await function(event)
        except Exception as error:  # noqa: BLE001 - whatever a host's function raises
            return _failure(error)
        return None


def _failure(error: Exception) -> RemoteError:
    return (
        error if isinstance(error, RemoteError) else OutcomeUnknownError(f"the function raised {type(error).__name__}")
    )
