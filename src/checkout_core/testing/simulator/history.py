"""What happened in a run: every effect for the reader, every request to the bank for the properties."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.result import CheckoutResult
from checkout_core.effect import Effect
from checkout_core.ports.payment import ChargeRequest, RefundRequest
from checkout_core.saga.effects import Call, Claim, Commit, Load, PutBack, Stamped, Wait
from checkout_core.testing.simulator.faults import Mishap
from checkout_core.testing.simulator.passes import ClaimDue

MoneyRequest: TypeAlias = ChargeRequest | RefundRequest


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the trace."""

    at_seconds: float
    ordinal: int
    worker: str
    what: Effect[Any] | str
    answer: object = None
    mishap: Mishap | None = None


@dataclass(slots=True)
class Send:
    """A request that left for the bank. ``refused``: it certainly had no effect, and its sender was told so.

    ``arrived``: False where even the connection was refused.
    """

    at: float
    request: MoneyRequest
    refused: bool = False
    arrived: bool = True


@dataclass(frozen=True, slots=True)
class Answered:
    """What a call of ``execute`` came to: a result, or the error that it raised."""

    request: CheckoutRequest
    result: CheckoutResult | None
    error: Exception | None = None


@dataclass(slots=True)
class History:
    happenings: list[Happening] = field(default_factory=list[Happening])
    sends: list[Send] = field(default_factory=list[Send])
    answers: list[Answered] = field(default_factory=list[Answered])
    requests: list[CheckoutRequest] = field(default_factory=list[CheckoutRequest])
    adjusted: bool = False
    """Whether the warehouse has changed the stock."""

    def sends_of(self, key: str) -> int:
        """How many requests with this key may have had an effect."""
        return sum(send.request.key == key and not send.refused for send in self.sends)

    def arrivals_of(self, key: str) -> int:
        """How many requests with this key reached the bank, whatever it made of them."""
        return sum(send.request.key == key and send.arrived for send in self.sends)

    def text(self) -> str:
        """The trace, one line per effect."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        for each in self.happenings:
            answer = "" if each.answer is None else f" -> {described(each.answer)}"
            mishap = "" if each.mishap is None else f"   !! {each.mishap.fault} ({each.mishap.seconds:g} s)"
            number = f"#{each.ordinal}" if each.ordinal else ""
            yield f"{each.at_seconds:10.2f} {number:>5} {each.worker:<10} {described(each.what)}{answer}{mishap}"


def described(what: object) -> str:  # noqa: C901 - a closed union, one line for each
    """An effect or an answer in a few words; ids are cut to what tells them apart."""
    match what:
        case str():
            return what
        case Commit(transaction):
            names = ", ".join(type(record).__name__ for record in transaction.records)
            return f"commit {short_id(transaction.saga_id)} v{transaction.version} [{names}]"
        case Call(operation=operation, request=request):
            return f"call {operation} {getattr(request, 'reference', request)}"
        case Load(saga_id, _, key):
            return f"load {short_id(saga_id) or repr(key)}"
        case Claim(saga_id):
            return f"claim {short_id(saga_id)}"
        case ClaimDue(limit=limit):
            return f"claim_due limit {limit}"
        case PutBack(saga_id, _, due):
            return f"put_back {short_id(saga_id)} for {due:g} s"
        case Wait(seconds):
            return f"wait {seconds:g} s"
        case Stamped():
            return described(cast("Stamped[object]", what).value)
        case tuple():
            return "[" + ", ".join(short_id(str(item)) for item in cast("tuple[object, ...]", what)) + "]"
        case _:
            version = getattr(what, "version", None)
            return type(what).__name__ if isinstance(version, int) else _cut(str(what))


def short_id(text: str) -> str:
    """The last digits of an id."""
    return text[-4:] if len(text) == 36 else text


def _cut(text: str) -> str:
    return text if len(text) <= 160 else text[:157] + "..."
