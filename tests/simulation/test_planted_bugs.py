"""The search works: each planted bug is found, and the number of schedules that it took is printed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from checkout_core.testing.simulator import ScheduleFailedError, World, narrowed, play_seed
from checkout_core.testing.simulator.__main__ import main
from tests.simulation.saboteurs import PLANTED

SEEDS_MOST = 5000


def schedules_until_found(worlds: type[World], first: int = 0) -> tuple[int, ScheduleFailedError]:
    for seed in range(first, SEEDS_MOST):
        try:
            play_seed(seed, worlds)
        except ScheduleFailedError as failure:
            return seed + 1, failure
    pytest.fail(f"not found in {SEEDS_MOST} schedules")


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_found(
    name: str, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    planted = PLANTED[name]
    if planted.patch is not None:
        planted.patch(monkeypatch)
    schedules, failure = schedules_until_found(planted.worlds, planted.first)
    record_property("figures", f"planted: {name}: found as {failure.violation.property_id} in schedule {schedules}")
    assert failure.violation.property_id in planted.found_as, failure
    assert "python -m checkout_core.testing.simulator --seed" in str(failure)


def test_a_failure_is_narrowed_to_the_faults_that_matter_and_says_how_to_see_it_again() -> None:
    worlds = PLANTED["a fenced worker's success dropped"].worlds
    _, failure = schedules_until_found(worlds)
    seed = int(str(failure).partition("--seed ")[2].split()[0])
    narrow = narrowed(failure, seed, worlds)
    assert narrow.violation.property_id == failure.violation.property_id
    faults = [each.schedule.partition("\nagain")[0].count("#") for each in (narrow, failure)]
    assert 1 <= faults[0] <= faults[1]
    left_out = frozenset(map(int, str(narrow).partition("--without ")[2].partition("\n")[0].split()))
    with pytest.raises(ScheduleFailedError) as again:
        play_seed(seed, worlds, left_out)
    assert str(again.value) == str(narrow)


def test_the_command_line_plays_a_seed_and_shows_every_effect(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "1", "--trace"]) == 0
    shown = capsys.readouterr().out
    assert "commit" in shown
    assert "call charge" in shown
    assert shown.endswith("effects, no violation\n")


def test_the_command_line_counts_what_it_played(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--count", "30"]) == 0
    assert capsys.readouterr().out.startswith("30 random schedules, ")
