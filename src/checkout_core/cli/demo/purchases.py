"""The first scenes: checkouts one by one, each with what it must leave behind at the bank and on the shelves."""

from __future__ import annotations

from collections import Counter

from checkout_core.cli.demo.beats import Beats, Scene, Told, check
from checkout_core.cli.demo.cart_file import Expected, Purchase
from checkout_core.cli.demo.stage import Stage
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.result import CheckoutResult, Confirmed, OutOfStock, PaymentDeclined, Refused


def play_purchase(stage: Stage, purchase: Purchase) -> Beats:
    yield Scene(purchase.title, purchase.why)
    if purchase.request is None:
        yield from _again(stage, purchase)
        return
    request = purchase.request
    shelves = stage.available()
    result = stage.buy(request)
    yield from _tell(result)
    if purchase.expect is None:
        return
    yield check(f"the result is: {purchase.expect.replace('_', ' ')}", _kind(result), purchase.expect)
    sold = purchase.expect is Expected.CONFIRMED
    booked = [str(each.amount) for each in stage.charges(result.order_id)]
    total = str(request.priced_cart.payable)
    if sold:
        yield check(f"the bank's ledger has one charge of {total} for it", booked, [total])
    else:
        yield check("the bank's ledger has no charge for it", booked, [])
    taken = {item: shelves[item] - units for item, units in stage.available().items() if shelves[item] != units}
    promise = "exactly what was sold has left the shelves" if sold else "not a unit has left the shelves"
    yield check(promise, taken, dict(_units(request)) if sold else {})


def _again(stage: Stage, purchase: Purchase) -> Beats:
    request = next(each for each in stage.carts.requests() if each.idempotency_key == purchase.again)
    first, shelves, booked = stage.answers[purchase.again], stage.available(), len(stage.bank.ledger())
    result = stage.buy(request)
    yield from _tell(result)
    yield check("it is the same order, and says that it was replayed", (result.order_id, result.replayed), _same(first))
    if purchase.expect is not None:
        yield check(f"the result is: {purchase.expect.replace('_', ' ')}", _kind(result), purchase.expect)
    yield check("the bank's ledger has nothing new", len(stage.bank.ledger()), booked)
    yield check("not a unit has left the shelves", stage.available(), shelves)


def told(result: CheckoutResult) -> str:
    """What came of it, in a few words."""
    match result:
        case Confirmed():
            return f"{result.status}, {result.order.total}"
        case Refused(reason=OutOfStock(lines=lines)) if lines:
            short = ", ".join(f"{each.item_id}: {each.wanted} wanted, {each.available} there" for each in lines)
            return f"{result.status}, out of stock ({short})"
        case Refused(reason=OutOfStock()):
            return f"{result.status}, out of stock"
        case Refused(reason=PaymentDeclined(code=code)):
            return f"{result.status}, payment declined ({code})"
        case Refused(reason=reason):
            return f"{result.status}, {type(reason).__name__}"
        case _:
            return str(result.status)


def _tell(result: CheckoutResult) -> Beats:
    yield Told(told(result))
    if result.order_id:
        yield Told(f"order {result.order_id}")


def _kind(result: CheckoutResult) -> str:
    match result:
        case Confirmed():
            return Expected.CONFIRMED
        case Refused(reason=PaymentDeclined()):
            return Expected.DECLINED
        case Refused(reason=OutOfStock()):
            return Expected.OUT_OF_STOCK
        case _:
            return type(result).__name__


def _same(first: CheckoutResult) -> tuple[str, bool]:
    return first.order_id, True


def _units(request: CheckoutRequest) -> Counter[str]:
    units: Counter[str] = Counter()
    for line in request.priced_cart.lines:
        units[line.item_id] += line.qty
    return units
