"""A stage for each race: database, colour, and whether a crowd buys beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from checkout_core import Settings
from checkout_core.adapters.sandbox import SandboxBank
from tests.races.shops import SHOPS
from tests.races.stage import Stage


@pytest.fixture(params=sorted(SHOPS))
def colour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["alone", "crowded"])
def crowded(request: pytest.FixtureRequest) -> bool:
    """Whether background checkouts fill the batches."""
    return bool(request.param == "crowded")


@pytest.fixture
def open_stage(sql_url: str, colour: str, crowded: bool) -> Iterator[Callable[[dict[str, int]], Stage]]:
    """Opens the stage with these units of these items."""
    stages: list[Stage] = []

    def opened(stock: dict[str, int]) -> Stage:
        shop = SHOPS[colour](sql_url, SandboxBank(), Settings())
        stages.append(Stage(shop, stock, crowded=crowded))
        return stages[-1]

    yield opened
    for stage in stages:
        stage.shop.close()
