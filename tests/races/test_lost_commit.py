"""COMMIT forwarded and the connection cut, or cut before it: unnoticed, nothing happens twice (ORDER-1, LIVE-4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import pytest
from sqlalchemy import make_url

from checkout_core import Confirmed, OrderStatus, Settings
from checkout_core.adapters.sandbox import Handled, SandboxBank
from checkout_core.adapters.sandbox.answers import BankRequest
from checkout_core.testing.faults.cutting_proxy import Cut, CuttingProxy
from tests.races.requests import request
from tests.races.shops import SHOPS
from tests.races.stage import ALONE, Stage

BUYERS = 48
CUTS = 6


class TellingBank(SandboxBank):
    """Does something when it is asked: between commit 1 and commit 2."""

    when_asked: Callable[[], None] = staticmethod(lambda: None)

    def handle(self, request: BankRequest, now: float | None = None) -> Handled:
        self.when_asked()
        return super().handle(request, now)


@pytest.fixture
def proxy(server_url: str) -> Iterator[CuttingProxy]:
    url = make_url(server_url)
    protocol = "postgresql" if url.get_backend_name() == "postgresql" else "mariadb"
    assert url.host is not None
    assert url.port is not None
    proxy = CuttingProxy((url.host, url.port), protocol)
    yield proxy
    proxy.close()


@pytest.fixture
def open_cut_stage(
    server_url: str, proxy: CuttingProxy, colour: str, crowded: bool
) -> Iterator[Callable[[dict[str, int]], Stage]]:
    """A shop behind the proxy."""
    url = make_url(server_url).set(host="127.0.0.1", port=proxy.port)
    if url.get_backend_name() == "postgresql":
        url = url.update_query_dict({"sslmode": "disable", "gssencmode": "disable"})
    stages: list[Stage] = []

    def opened(stock: dict[str, int]) -> Stage:
        shop = SHOPS[colour](url.render_as_string(hide_password=False), TellingBank(), Settings())
        stages.append(Stage(shop, stock, crowded=crowded))
        return stages[-1]

    yield opened
    for stage in stages:
        with suppress(AssertionError):
            stage.shop.close()


@pytest.mark.parametrize("how", [Cut.AFTER, None], ids=["answer lost", "both in turn"])
def test_cut_commits_are_not_noticed(
    open_cut_stage: Callable[[dict[str, int]], Stage], proxy: CuttingProxy, how: Cut | None
) -> None:
    stage = open_cut_stage({"shirt": 1000, "last": 10})
    lines = [{"shirt": 1}, {"shirt": 2, "last": 1}]
    for number in range(CUTS):
        proxy.cut_next(how or list(Cut)[number % 2])

    answers = stage.race([request(f"buyer {number}", lines[number % 2]) for number in range(BUYERS)])

    assert proxy.cuts >= (2 if stage.crowded else 1)
    assert not [each for each in answers if isinstance(each, Exception)]
    confirmed = [each for each in answers if isinstance(each, Confirmed)]
    assert len(confirmed) == BUYERS // 2 + 10
    assert not any(each.replayed for each in confirmed)
    orders = stage.settled()
    assert len(orders) == BUYERS
    assert sum(order.status is OrderStatus.CONFIRMED for order in orders) == len(confirmed)


@ALONE
@pytest.mark.parametrize("colour", ["threads"])
@pytest.mark.parametrize("how", list(Cut), ids=["answer lost", "COMMIT lost"])
@pytest.mark.parametrize(
    ("commit", "token"),
    [(1, "tok_approve"), (2, "tok_approve"), (2, "tok_decline")],
    ids=["commit 1", "commit 2 confirms", "commit 2 undoes"],
)
def test_each_commit_of_a_lone_checkout_cut(
    open_cut_stage: Callable[[dict[str, int]], Stage], proxy: CuttingProxy, how: Cut, commit: int, token: str
) -> None:
    stage = open_cut_stage({"shirt": 1})
    stage.race([request("warm up", {"shirt": 1}, token="tok_decline")])
    before = proxy.commits

    if commit == 1:
        proxy.cut_next(how)
    else:
        assert isinstance(stage.shop.bank, TellingBank)
        stage.shop.bank.when_asked = partial(proxy.cut_next, how)
    (answer,) = stage.race([request("the key", {"shirt": 1}, token=token)])

    assert proxy.cuts == 1
    assert proxy.commits == before + 3
    assert isinstance(answer, Confirmed) == (token == "tok_approve")
    assert not isinstance(answer, Exception)
    assert len(stage.settled()) == 2
