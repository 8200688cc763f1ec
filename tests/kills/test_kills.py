"""Processes killed at every boundary, and nothing is lost: real databases, two workers, a bank of its own.

At rest every order has ended or is settled by an operator, the bank's books and ours agree, no operation happened
twice, and no unit is missing (MONEY-2, MONEY-4, MONEY-5, STOCK-1, STOCK-3, EVENT-1, STATE-3, LIVE-1). Counts per
boundary are printed at the end.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from checkout_core.adapters.sandbox import BankPolicy
from checkout_core.ports.payment import Repeats
from checkout_core.testing.faults.boundaries import Boundary, Role, boundaries
from tests.kills.deaths import BUYING, FOLLOWING, FULL_BATCH, OPERATING, RECOVERING, Killing, Tally
from tests.kills.scene import open_scene

EVERYWHERE = [*BUYING, *FOLLOWING, *RECOVERING, *OPERATING]
BY_LOOKUP = [*BUYING, *boundaries(Role.RECOVER, ("claim_due", "settle", "put_back"), ("load", "wait", "call_lookup"))]
POLICIES: dict[str, tuple[BankPolicy, list[Boundary]]] = {
    "keys": (BankPolicy(), EVERYWHERE),
    "lookups": (BankPolicy(repeats=Repeats.NONE), BY_LOOKUP),
}
"""A bank that knows keys is sent the same request again; one that does not can only be asked."""

LEAST_CHARGED = 0.3


def test_a_death_at_each_boundary(postgres_url: str, tmp_path: Path) -> None:
    tally = _kill(postgres_url, tmp_path, "keys", full=1, alone=0)
    assert set(tally.deaths) == set(EVERYWHERE)


@pytest.mark.slow
@pytest.mark.parametrize("policy", POLICIES)
def test_five_deaths_at_each_boundary(
    server_url: str, tmp_path: Path, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = _kill(server_url, tmp_path, policy, full=3, alone=2)
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *tally.lines(), ""]))
    assert all(tally.deaths[boundary] >= 5 for boundary in POLICIES[policy][1])


def _kill(url: str, directory: Path, policy: str, *, full: int, alone: int) -> Tally:
    bank, chosen = POLICIES[policy]
    with open_scene(url, directory, bank) as scene:
        killing = Killing(scene, seed=20)
        for number in range(full + alone):
            killing.wave(chosen, full=number < full)
        scene.bring_to_rest()
        scene.assert_books()
    tally = killing.tally
    assert tally.members / tally.batches >= FULL_BATCH
    assert tally.charged.total() >= LEAST_CHARGED * tally.deaths.total()
    return tally
