"""One check's run on a stage: requests under fresh names, and calls in either colour with one body."""

from __future__ import annotations

import asyncio
import inspect
import logging
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeAlias, cast
from uuid import uuid4

from checkout_core.domain.money import Money
from checkout_core.ports.payment import CallLimits, ChargeRequest, PaymentQuery, RefundRequest, Repeats, Succeeded
from checkout_core.testing.contracts.payment_stage import LONG, SHORT, AnyProvider, Behaviour, Operation, PaymentStage

MoneyRequest: TypeAlias = ChargeRequest | RefundRequest


class NotPlayedError(Exception):
    """The check says nothing about this adapter: not declared, or not playable on this stage."""


class ContractViolationError(AssertionError):
    """The adapter breaks a clause."""


def demand(holds: bool, otherwise: str) -> None:
    """The clause holds, or :class:`ContractViolationError` says what was found."""
    if not holds:
        raise ContractViolationError(otherwise)


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one clause, with one behaviour of the provider."""

    clause: int
    name: str
    behaviour: Behaviour
    run: Callable[[Rehearsal], None]

    def __str__(self) -> str:
        return f"{self.clause}-{self.name}-{self.behaviour}"

    def on(self, stage: PaymentStage) -> None:
        """Raises :class:`ContractViolationError` or :class:`NotPlayedError`."""
        with Rehearsal(stage, self.behaviour) as rehearsal:
            self.run(rehearsal)


class CheckList(list[Check]):
    """The checks of one module, in the order in which they are written."""

    def clause(
        self, number: int, *behaviours: Behaviour
    ) -> Callable[[Callable[[Rehearsal], None]], Callable[[Rehearsal], None]]:
        """Enter the decorated check once for each behaviour; for none it is played with an approving provider."""

        def enter(run: Callable[[Rehearsal], None]) -> Callable[[Rehearsal], None]:
            self.extend(Check(number, run.__name__, each, run) for each in behaviours or (Behaviour.APPROVE,))
            return run

        return enter


@dataclass(frozen=True, slots=True)
class Raised:
    """The call ended with an exception."""

    error: Exception

    def __str__(self) -> str:
        return f"raised {type(self.error).__name__}"


class Rehearsal:
    """A stage and an adapter whose charges shall meet ``behaviour``."""

    def __init__(self, stage: PaymentStage, behaviour: Behaviour) -> None:
        self.stage = stage
        self.behaviour = behaviour
        self.provider = stage.provider()
        self._run = uuid4().hex[:16]
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._runner.close()
        self.stage.close()

    def charge_request(self, *, name: str = "a", minor: int = 1990) -> ChargeRequest:
        """A charge that meets this check's behaviour; equal calls give equal requests."""
        return self._charge(name, minor, self.behaviour, Behaviour.APPROVE)

    def charged(self, *, refund: Behaviour = Behaviour.APPROVE) -> Succeeded:
        """A charge that succeeded, as a start for what follows; its refunds meet ``refund``."""
        answer = self.send(self._charge("charged", 1990, Behaviour.APPROVE, refund), limits=LONG)
        if not isinstance(answer, Succeeded):
            raise ContractViolationError(f"expected an approved charge to answer Succeeded, found: {answer}")
        return answer

    def refund_request(self, charged: Succeeded, *, name: str = "r", minor: int = 1990) -> RefundRequest:
        return RefundRequest(
            key=f"key-{self._run}-{name}",
            reference=f"ref-{self._run}-{name}",
            order_id=f"order-{self._run}",
            provider_reference=charged.provider_reference,
            amount=self._money(minor),
        )

    def send(
        self, request: MoneyRequest, *, limits: CallLimits | None = None, provider: AnyProvider | None = None
    ) -> object:
        """The answer, or :class:`Raised`."""
        chosen = limits or (SHORT if self.behaviour.is_silent else LONG)
        return self.call(lambda: _sent(provider or self.provider, request, chosen))

    def look_up(self, operation: Operation, reference: str, provider_reference: str = "") -> object:
        query = PaymentQuery(operation=operation, reference=reference, provider_reference=provider_reference)
        return self.call(lambda: self.provider.lookup(query, LONG))

    def call(self, function: Callable[[], object]) -> object:
        """Whatever ``function`` returns or its awaitable gives, or :class:`Raised`."""
        try:
            made = function()
            return self._runner.run(_waited(cast("Awaitable[object]", made))) if inspect.isawaitable(made) else made
        except Exception as error:  # noqa: BLE001 - what an adapter raises is what is looked at
            return Raised(error)

    def at_once(self, request: ChargeRequest, callers: int) -> list[object]:
        """The outcomes of as many callers that charge the same request together."""
        if inspect.iscoroutinefunction(self.provider.charge):
            return self._runner.run(self._gathered(request, callers))
        with ThreadPoolExecutor(callers) as pool:
            return list(pool.map(self.send, [request] * callers))

    def moved(self, request: MoneyRequest) -> list[Money]:
        """From the provider's own books."""
        operation: Operation = "charge" if isinstance(request, ChargeRequest) else "refund"
        return list(self.stage.moved(operation, request.reference))

    def advance(self, seconds: float) -> None:
        if not self.stage.advance(seconds):
            raise NotPlayedError("the stage cannot let time pass")

    def needs_keys(self) -> Repeats:
        """What the adapter declares of repeats; without any, the check says nothing."""
        repeats = self.provider.guarantees.repeats
        if repeats is Repeats.NONE:
            raise NotPlayedError("the adapter declares no repeats")
        return repeats

    async def _gathered(self, request: ChargeRequest, callers: int) -> list[object]:
        made = [_waited(cast("Awaitable[object]", _sent(self.provider, request, LONG))) for _ in range(callers)]
        outcomes = await asyncio.gather(*made, return_exceptions=True)
        return [Raised(each) if isinstance(each, Exception) else each for each in outcomes]

    def _charge(self, name: str, minor: int, behaviour: Behaviour, refund: Behaviour) -> ChargeRequest:
        token = self.stage.token(behaviour, refund=refund)
        if token is None:
            raise NotPlayedError(f"the stage cannot play {behaviour} with refund {refund}")
        return ChargeRequest(
            key=f"key-{self._run}-{name}",
            reference=f"ref-{self._run}-{name}",
            order_id=f"order-{self._run}",
            amount=self._money(minor),
            method_kind="card",
            token=token,
        )

    def _money(self, minor: int) -> Money:
        return Money(minor=minor, currency=self.stage.currency)


class Overheard(logging.Handler):
    """Everything that is logged while it listens."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self._level_before = logging.NOTSET

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()} {record.args} {record.exc_info}")

    def __enter__(self) -> Self:
        root = logging.getLogger()
        self._level_before = root.level
        root.setLevel(logging.DEBUG)
        root.addHandler(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        root = logging.getLogger()
        root.removeHandler(self)
        root.setLevel(self._level_before)


def shown(outcome: object) -> str:
    """All that a log or a tracker would show of an outcome, with the errors that it drags along."""
    if not isinstance(outcome, Raised):
        return repr(outcome)
    chain: list[BaseException] = []
    link: BaseException | None = outcome.error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    held = [f"{each!r} {each} {each.args} {vars(each)}" for each in chain]
    return "\n".join([*held, *traceback.format_exception(outcome.error)])


def _sent(provider: AnyProvider, request: MoneyRequest, limits: CallLimits) -> object:
    if isinstance(request, ChargeRequest):
        return provider.charge(request, limits)
    return provider.refund(request, limits)


async def _waited(made: Awaitable[object]) -> object:
    return await made
