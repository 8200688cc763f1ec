"""Random schedules with up to five faults and two contending sagas, then healing.

In most of them an operator acts on what is parked, and in some the warehouse enters stock meanwhile.

Looked at after every step: ORDER-1, ORDER-3, ORDER-4, MONEY-1, MONEY-2, MONEY-3, MONEY-5, MONEY-6, MONEY-7, MONEY-8,
STOCK-1, STOCK-3, STOCK-4, EVENT-1, STATE-1, STATE-2, STATE-3, STATE-4. At rest: ORDER-2, STOCK-2, MONEY-4, MONEY-9,
LIVE-1.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from checkout_core.testing.simulator import play_seed, swarm
from checkout_core.testing.simulator.counting import created_effects

SLICES = 8
SEEDS_PER_SLICE = 2500


@pytest.mark.parametrize("first", range(0, SLICES * SEEDS_PER_SLICE, SEEDS_PER_SLICE))
def test_random_schedules_keep_every_promise(first: int, record_property: Callable[[str, object], None]) -> None:
    with created_effects() as created:
        tally = swarm(range(first, first + SEEDS_PER_SLICE))
    record_property("figures", tally.text())
    assert tally.runs == SEEDS_PER_SLICE
    assert created.effects == tally.effects, "an effect was created and not awaited"


def test_a_seed_gives_the_same_run_every_time() -> None:
    for seed in range(50):
        first, second = (play_seed(seed)[1].history.text() for _ in range(2))
        assert first == second
