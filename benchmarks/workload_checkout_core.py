"""The library on the workload, through its full public interface: requests are built and validated for every order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, contextmanager

from benchmarks.contender import Sell, SellAsync, Tally
from benchmarks.workload import HOT_ITEM, Bank, Order, Outcome, Workload
from checkout_core import (
    AsyncCheckout,
    Cart,
    CartLine,
    Checkout,
    CheckoutRequest,
    CheckoutResult,
    Confirmed,
    Money,
    OutOfStock,
    PaymentDeclined,
    PaymentMethod,
    Refused,
)
from checkout_core.adapters.sql import SqlStore
from checkout_core.domain.result import DeclineKind
from checkout_core.ports.payment import (
    CallLimits,
    ChargeRequest,
    Declined,
    Guarantees,
    Lookup,
    LookupAnswer,
    NotFound,
    PaymentAnswer,
    PaymentQuery,
    RefundRequest,
    Repeats,
    Succeeded,
)

CURRENCY = "EUR"
GUARANTEES = Guarantees(
    repeats=Repeats.REPLAY,
    key_window_seconds=86_400,
    lookup_by_reference=Lookup.STRONG,
    lookup_by_provider_reference=Lookup.STRONG,
)


class Library:
    """See :class:`benchmarks.contender.Contender`."""

    def prepare(self, dsn: str, workload: Workload) -> None:
        with closing(SqlStore(_url(dsn))) as store:
            store.migrate()
            with ThreadPoolExecutor(8) as loaders:
                items = range(1, workload.items + 1)
                stocked = loaders.map(
                    lambda item: store.inventory.set_available(_item_id(item), workload.stock_of(item)), items
                )
                for _ in stocked:  # raises what a loader raised
                    pass

    def set_hot_stock(self, dsn: str, units: int) -> None:
        with closing(SqlStore(_url(dsn))) as store:
            store.inventory.set_available(_item_id(HOT_ITEM), units)

    @contextmanager
    def threads(self, dsn: str, bank: Bank) -> Iterator[Sell]:
        with closing(SqlStore(_url(dsn))) as store, Checkout(store, Payments(bank)) as checkout:
            yield lambda order: _outcome(checkout.execute(_request(order)))

    @asynccontextmanager
    async def tasks(self, dsn: str, bank: Bank) -> AsyncIterator[SellAsync]:
        with closing(SqlStore(_url(dsn))) as store:
            async with AsyncCheckout(store, AsyncPayments(bank)) as checkout:

                async def sell(order: Order) -> Outcome:
                    return _outcome(await checkout.execute(_request(order)))

                yield sell

    def verify(self, dsn: str, workload: Workload, tally: Tally, bank: Bank) -> dict[str, bool]:
        with closing(SqlStore(_url(dsn))) as store:
            balances = {balance.item_id: balance for balance in store.stock_balances()}
            alarms = store.alarms()
        confirmed = tally.outcomes[Outcome.CONFIRMED]
        return {
            "every unit is somewhere": all(
                each.received == each.available + each.held + each.committed and each.available >= 0
                for each in balances.values()
            ),
            "units sold are the units that buyers were told": all(
                balances[_item_id(item)].committed == tally.sold[item] for item in range(1, workload.items + 1)
            ),
            "nothing is half done": all(each.held == 0 for each in balances.values()),
            "each confirmed order is charged once": bank.charges.total() == len(bank.charges) == confirmed,
            "no alarm": not alarms,
        }


class Payments:
    """The workload's bank behind the payment port."""

    name = "bank"
    account = "benchmark"
    guarantees = GUARANTEES

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        reference = self._bank.charge(request.key)
        if reference is None:
            return Declined(code="card_declined", kind=DeclineKind.HARD)
        return Succeeded(provider_reference=reference, amount=request.amount)

    def refund(self, request: RefundRequest, limits: CallLimits) -> PaymentAnswer:
        raise AssertionError("nothing in this workload is refunded")

    def lookup(self, query: PaymentQuery, limits: CallLimits) -> LookupAnswer:
        return NotFound()


class AsyncPayments:
    """:class:`Payments` as coroutines."""

    name = Payments.name
    account = Payments.account
    guarantees = GUARANTEES

    def __init__(self, bank: Bank) -> None:
        self._payments = Payments(bank)

    async def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        return self._payments.charge(request, limits)

    async def refund(self, request: RefundRequest, limits: CallLimits) -> PaymentAnswer:
        return self._payments.refund(request, limits)

    async def lookup(self, query: PaymentQuery, limits: CallLimits) -> LookupAnswer:
        return self._payments.lookup(query, limits)


def _request(order: Order) -> CheckoutRequest:
    lines = tuple(
        CartLine(item_id=_item_id(item), qty=1, price=Money(minor=price, currency=CURRENCY))
        for item, price in zip(order.items, order.prices, strict=True)
    )
    return CheckoutRequest(
        idempotency_key=order.key,
        cart=Cart(cart_id=order.key, currency=CURRENCY, lines=lines),
        payment_method=PaymentMethod(kind="card", token="tok_benchmark"),
    )


def _outcome(result: CheckoutResult) -> Outcome:
    match result:
        case Confirmed():
            return Outcome.CONFIRMED
        case Refused(reason=PaymentDeclined()):
            return Outcome.DECLINED
        case Refused(reason=OutOfStock()):
            return Outcome.NO_STOCK
        case _:
            raise AssertionError(f"expected a decided checkout, found {result}")


def _item_id(item: int) -> str:
    return f"ITEM-{item:05}"


def _url(dsn: str) -> str:
    return dsn.replace("postgresql://", "postgresql+psycopg://", 1)
