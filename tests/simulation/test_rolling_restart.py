"""A deploy with orders under way: some processes run the old version of the checkout, some both, all on one store."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from checkout_core.checkout.shop import Shop
from checkout_core.saga.journal import Stepped
from checkout_core.testing.simulator import Purchase, Scenario, World, cart, request
from checkout_core.testing.simulator.behaviours import POLICIES, SETTINGS
from checkout_core.testing.simulator.invariants import Seen
from checkout_core.testing.simulator.schedule import Drawn, Misfortune
from tests.checkout.versions import GREETING, NEW, OLD

SEEDS = 100
AFTER_THE_DEPLOY = ("shop-2", "recovery-2")


class Deploy(World):
    """The second shop and the second recovery worker run the new code."""

    def shop(self, worker: str) -> Shop:
        return replace(super().shop(worker), recipes=NEW if worker in AFTER_THE_DEPLOY else OLD)

    def run(self) -> None:
        super().run()
        for seen in self.witness.view.sagas.values():
            opened_by = seen.file.journal[0].worker
            expected = 2 if opened_by in AFTER_THE_DEPLOY else 1
            assert seen.file.saga.definition_version == expected
            assert (GREETING in steps_of(seen)) is (expected == 2)
            others = {row.worker for row in seen.file.journal} - set(AFTER_THE_DEPLOY)
            assert expected == 1 or not others, f"{others} moved an order of a version that they do not know"


def steps_of(seen: Seen) -> list[str]:
    return [entry.step for _, entry in seen.entries if isinstance(entry, Stepped)]


@pytest.mark.parametrize("token", ["tok_approve", "tok_timeout_with_effect", "tok_timeout_with_late_effect:60s"])
def test_each_order_is_finished_by_the_version_that_opened_it_whatever_goes_wrong(token: str) -> None:
    """LIVE-1, and every other promise; whoever looks first, old workers leave new orders to new ones."""
    wanted = [request(f"key-{i}", token, cart(f"cart-{i}", {"shirt": 1}, revision="1")) for i in (1, 2)]
    scenario = Scenario(
        name="rolling restart",
        purchases=tuple(Purchase(request=each) for each in wanted),
        stock={"shirt": 2},
        policy=POLICIES["replay"],
        settings=SETTINGS,
        recoverers=2,
    )
    left_alone = 0
    for seed in range(SEEDS):
        misfortune = Misfortune(faults=2, span=12, travels_seconds=80.0)
        world = Deploy(scenario, Drawn(Random(seed), misfortune))
        world.run()
        left_alone += "does not know checkout version 2" in world.history.text()
    assert left_alone > SEEDS // 10
