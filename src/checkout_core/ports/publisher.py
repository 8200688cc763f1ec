"""The publisher port: events leave the shop, to a broker, to webhooks, or to functions of the host's.

Contract:

1. ``name`` names the sink, for as long as its deliveries are to be kept apart: every process that publishes for it
   says the same name, and no other sink has it. A sink sees the events from its registration on: the first pass of
   ``relay()`` or ``run_worker()`` of a checkout that has the publisher.
2. ``publish(events, limits)`` hands the events to the receiver and answers by position: None where the receiver has
   accepted the event for good, otherwise the :class:`RemoteError` that says what went wrong. It returns None for an
   event only after the receiver's confirmation: what was not confirmed is published again.
3. An exception means that no event of the call is known to be accepted: all are published again. After that each is
   published in a call of its own, so that a poison event delays nobody else (LIVE-3).
4. :class:`RejectedError` is for good: the event becomes a dead letter at once. ``NotExecutedError`` may say when to
   come back. Everything else is repeated with growing pauses until ``Settings.delivery_tries`` are used up.
   An attribute ``events_together`` bounds how many events a call has; without it 50.
5. Delivery is at least once (EVENT-2): a receiver must expect an event again, with the same ``event_id``, and may know
   it by that. Events of one order come one after the other; the events of one call belong to different orders.
6. A call keeps to ``limits.timeout_seconds``. Under threads nobody can end a call that does not: it keeps one of its
   sink's threads, and no other sink's.
7. Whatever happens here changes no money, stock or order (EVENT-3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from checkout_core.domain.event import Event
from checkout_core.errors import RemoteError
from checkout_core.ports.payment import CallLimits


@runtime_checkable
class Publisher(Protocol):
    """For ``Checkout``; called from several threads at once."""

    @property
    def name(self) -> str: ...

    def publish(self, events: Sequence[Event], limits: CallLimits) -> Sequence[RemoteError | None]: ...


class AsyncPublisher(Protocol):
    """For ``AsyncCheckout``: the same contract. A call that takes too long is cancelled."""

    @property
    def name(self) -> str: ...

    async def publish(self, events: Sequence[Event], limits: CallLimits) -> Sequence[RemoteError | None]: ...
