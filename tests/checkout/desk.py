"""A shop at its desk: a memory store, a clock that tests move, and a provider whose answers were put in its mouth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from itertools import count
from typing import Any, TypeAlias

from checkout_core.adapters.memory import MemoryStore
from checkout_core.checkout.audit import Audited, AuditReport, LedgerEntry, audit
from checkout_core.checkout.execute import Call as Request
from checkout_core.checkout.execute import execute
from checkout_core.checkout.recovery import RecoveredSaga, recover_one
from checkout_core.checkout.shop import Account, Shop
from checkout_core.domain.cart import Cart, CartLine
from checkout_core.domain.money import Money
from checkout_core.domain.order import Order
from checkout_core.domain.payment import PaymentMethod
from checkout_core.domain.request import CheckoutRequest
from checkout_core.ports.payment import Guarantees, Lookup, PaymentQuery, Repeats, Succeeded
from checkout_core.ports.records import OperationKind, OperationState
from checkout_core.ports.store import SagaFile
from checkout_core.saga.context import Context
from checkout_core.saga.effects import Call
from checkout_core.settings import Settings
from tests.saga.driving import Clock, Driver, Ids

Answer: TypeAlias = "object | Callable[[Call], object]"
"""What the provider answers, or what it does to find its answer."""

STRONG = Guarantees(
    repeats=Repeats.REPLAY,
    key_window_seconds=86400.0,
    lookup_by_reference=Lookup.STRONG,
    lookup_by_provider_reference=Lookup.STRONG,
)
LOOKUP_ONLY = Guarantees(lookup_by_reference=Lookup.STRONG, lookup_by_provider_reference=Lookup.STRONG)
BLIND = Guarantees()


def eur(minor: int) -> Money:
    return Money(minor=minor, currency="EUR")


def request(
    key: str = "key-1", *, cart_id: str = "", qty: int = 1, minor: int = 1990, revision: str = "", user_id: str = ""
) -> CheckoutRequest:
    line = CartLine(item_id="shirt", qty=qty, price=eur(minor))
    return CheckoutRequest(
        idempotency_key=key,
        cart=Cart(cart_id=cart_id or f"cart of {key}", currency="EUR", lines=(line,), revision=revision),
        payment_method=PaymentMethod(kind="card", token="tok_secret"),
        user_id=user_id,
    )


class Desk:
    """``answers["charge"]`` are the provider's answers in order, the last for ever; without any it moves the money."""

    def __init__(
        self, guarantees: Guarantees = STRONG, *, cancels_keys: bool = False, stock: int = 10, **settings: Any
    ) -> None:
        self.clock, self.new_id = Clock(), Ids()
        self.store = MemoryStore(self.clock)
        self.store.inventory.set_available("shirt", stock)
        self.driver = Driver(self.store, self.clock, self.answer)
        self.settings = Settings(**settings)
        self.account = Account("bank", "testbank", "main", guarantees, cancels_keys)
        self.answers = defaultdict[str, list[Answer]](list)
        self._references = count(1)
        self.shop = self.shop_of("first")

    def shop_of(self, worker: str) -> Shop:
        return Shop(self.settings, {"*": self.account}, Context(worker, self.new_id))

    def answer(self, call: Call) -> object:
        answers = self.answers[call.operation]
        if not answers:
            return self.moved(call)
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return found(call) if callable(found) else found

    def moved(self, call: Call) -> Succeeded:
        if isinstance(call.request, PaymentQuery | str):
            raise AssertionError(f"no answer was given for {call.operation}")
        return Succeeded(provider_reference=f"p{next(self._references)}", amount=call.request.amount)  # type: ignore[attr-defined]

    def moved_for(self, call: Call, minor: int) -> Succeeded:
        """A lookup's answer: the operation that is asked for has moved this much."""
        return Succeeded(provider_reference=f"found {call.request.reference}", amount=eur(minor))  # type: ignore[attr-defined]

    def buy(self, request_: CheckoutRequest | None = None, *, provider_open: bool = False, **crash: int) -> Any:
        call = Request(request_ or request(), provider_open=provider_open)
        return self.driver.run(execute(self.shop, call), **crash)

    def recover(self, worker: str = "second", **crash: int) -> list[RecoveredSaga | Any]:
        """Everything that is due, once."""
        token, asked_at = self.new_id(), self.clock.now
        due = self.store.claim_due(token=token, lease_seconds=self.settings.lease_seconds, limit=100)
        return [self.driver.run(recover_one(self.shop_of(worker), each, token, asked_at), **crash) for each in due]

    def wait(self, seconds: float, *, every: float = 5.0) -> None:
        """Let time pass; whatever gets due on the way is recovered."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now += min(every, end - self.clock.now)
            self.recover()

    def file(self, key: str = "key-1") -> SagaFile:
        file = self.store.find("", key)
        assert file is not None
        return file

    @property
    def order(self) -> Order:
        """The order of the first key."""
        order = self.file().order
        assert order is not None
        return order

    def moved_in_books(self) -> tuple[int, int]:
        """(charged, given back) for the first key, by our own records."""
        done = [op for op in self.file().operations if op.state is OperationState.SUCCEEDED]
        charged = sum(op.moved_minor for op in done if op.kind is OperationKind.CHARGE)
        return charged, sum(op.moved_minor for op in done if op.kind is OperationKind.REFUND)

    def alarms(self) -> list[str]:
        return [alarm.kind for alarm in self.store.alarms()]

    def calls(self) -> list[str]:
        return [call.operation for call in self.driver.calls()]

    def sent(self, operation: str) -> list[Any]:
        return [call.request for call in self.driver.calls() if call.operation == operation]

    def available(self) -> int:
        return self.store.inventory.available("shirt") or 0

    def audit(self, ledger: list[LedgerEntry] | None = None) -> AuditReport:
        files = self.store.files_after("", limit=1000)
        orders = [Audited(file=file, events=self.store.outbox_of(file.saga.saga_id)) for file in files]
        return audit(orders, self.store.stock_balances(), ledger)
