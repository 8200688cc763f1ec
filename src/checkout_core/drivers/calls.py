"""Calling an adapter, but for the call itself: who is asked, whether it may still be sent, and what an exception means.

Both colours use this; they differ only in how they wait for the adapter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from checkout_core.domain.cart import Cart
from checkout_core.domain.payment import holds_card_number
from checkout_core.drivers.answers import pause_wished, readable
from checkout_core.drivers.circuit import Circuit
from checkout_core.drivers.failures import described
from checkout_core.errors import (
    InvariantError,
    KeyMismatchError,
    NotExecutedError,
    NotSentError,
    RejectedError,
    RemoteError,
)
from checkout_core.ports.cart_source import NoCart
from checkout_core.ports.payment import ActionNeeded, CallLimits, Declined, NotFound, Processing, Succeeded
from checkout_core.saga.effects import (
    Call,
    CallAnswer,
    CallFailure,
    KeyMismatch,
    NotExecuted,
    NotSent,
    OutcomeUnknown,
    Rejected,
)

SEND_MARGIN_SECONDS = 0.05
"""A request must be able to leave this long before ``send_before``; a longer stop between is what watches are for."""

_DETAIL_MOST = 200

Answers: TypeAlias = Mapping[str, tuple[type, ...]]
"""By operation, the types of answer that the port allows; whatever else comes back is no answer."""

_DECIDED = (Succeeded, Declined, ActionNeeded, Processing)
PAYMENT_ANSWERS: Answers = {
    "charge": _DECIDED,
    "refund": _DECIDED,
    "cancel_by_key": _DECIDED,
    "lookup": (*_DECIDED, NotFound),
}
CART_ANSWERS: Answers = {"load": (Cart, NoCart)}


@dataclass(frozen=True, slots=True)
class Route:
    """Where the calls of one port go. ``circuit`` guards the operation ``guarded`` and no other."""

    adapter: object
    answers: Answers
    circuit: Circuit | None = None
    guarded: str = "charge"


class Outgoing:
    """A call that may be made: ``method(request, limits)``, then exactly one of :meth:`answered` and :meth:`failed`."""

    __slots__ = ("_answers", "_circuit", "_secret", "limits", "method", "request")

    def __init__(self, route: Route, call: Call, circuit: Circuit | None) -> None:
        self.method: Callable[[Any, CallLimits], Any] = getattr(route.adapter, call.operation)
        self.request = call.request
        self.limits = CallLimits(timeout_seconds=call.timeout_seconds)
        self._answers = route.answers[call.operation]
        self._secret = str(getattr(call.request, "token", ""))
        self._circuit = circuit

    def answered(self, answer: object) -> CallAnswer:
        """What the adapter returned, if its port allows that; otherwise nobody knows what happened."""
        if not isinstance(answer, self._answers):
            return self._unknown(f"the adapter answered with {type(answer).__name__}")
        usable = readable(answer, self._secret)
        if usable is None:
            return self._unknown(f"the adapter answered with a {type(answer).__name__} that cannot be stored")
        if self._circuit is not None:
            self._circuit.succeeded()
        return usable

    def failed(self, error: BaseException) -> CallFailure:
        """The exception as a value. Whatever is not declared counts as outcome unknown (MONEY-2)."""
        match error:
            case NotSentError():
                if self._circuit is not None:
                    self._circuit.failed()
                return NotSent(self._said(error))
            case NotExecutedError():
                failure: CallFailure = NotExecuted(self._said(error), pause_wished(error.retry_after_seconds))
            case RejectedError():
                failure = Rejected(self._said(error))
            case KeyMismatchError():
                failure = KeyMismatch(self._said(error))
            case _:
                return self._unknown(self._said(error) if isinstance(error, RemoteError) else described(error))
        if self._circuit is not None:
            self._circuit.succeeded()  # it is up: it said no
        return failure

    def timed_out(self) -> CallFailure:
        """The adapter did not keep its limit."""
        return self._unknown(f"no answer within {self.limits.timeout_seconds:g} s")

    def _unknown(self, detail: str) -> OutcomeUnknown:
        if self._circuit is not None:
            self._circuit.failed()
        return OutcomeUnknown(detail)

    def _said(self, error: RemoteError) -> str:
        text = " ".join(str(error).split())
        if (self._secret and self._secret in text) or holds_card_number(text) or not text.isprintable():
            return type(error).__name__
        return text[:_DETAIL_MOST]


class Calls:
    """``routes`` by :attr:`Call.port`."""

    def __init__(self, routes: Mapping[str, Route], clock: Callable[[], float] = time.monotonic) -> None:
        self._routes = dict(routes)
        self._clock = clock

    def begin(self, call: Call) -> Outgoing | NotSent:
        """The call, or the refusal to make it: too late, or the provider's circuit is open."""
        route = self._routes.get(call.port)
        if route is None or call.operation not in route.answers:
            raise InvariantError(f"the program calls {call.port}.{call.operation}, which was never composed")
        if self._clock() + SEND_MARGIN_SECONDS > call.send_before:
            return NotSent("too late to send", too_late=True)
        circuit = route.circuit if call.operation == route.guarded else None
        if circuit is not None and not circuit.admit():
            return NotSent("the provider's circuit is open")
        return Outgoing(route, call, circuit)
