"""The race: several carts for too few units, at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from checkout_core.cli.demo.beats import Beats, Scene, Told, check
from checkout_core.cli.demo.cart_file import Race
from checkout_core.cli.demo.purchases import told
from checkout_core.cli.demo.stage import Stage
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.result import CheckoutResult, Confirmed


def play_race(stage: Stage, race: Race) -> Beats:
    yield Scene(race.title, race.why)
    line_up = Barrier(len(race.requests))

    def run(request: CheckoutRequest) -> CheckoutResult:
        line_up.wait()
        return stage.buy(request)

    with ThreadPoolExecutor(len(race.requests)) as threads:
        results = list(threads.map(run, race.requests))
    for request, result in zip(race.requests, results, strict=True):
        yield Told(f"{request.cart.cart_id}: {told(result)}")
    winners = [each for each in results if isinstance(each, Confirmed)]
    losers = [each for each in results if not isinstance(each, Confirmed)]
    are = "is" if race.confirmed == 1 else "are"
    yield check(f"exactly {race.confirmed} of {len(results)} {are} confirmed", len(winners), race.confirmed)
    charged = [len(stage.charges(each.order_id)) for each in winners]
    yield check("each winner was charged once", charged, [1] * len(winners))
    yield check("no loser was charged", [len(stage.charges(each.order_id)) for each in losers], [0] * len(losers))
