"""Exhaustive: a crash before and after every effect of a checkout, recovery included, at every kind of bank."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from checkout_core.testing.simulator import explore, explore_every_fault
from checkout_core.testing.simulator.behaviours import POLICIES, TOKENS, scenarios
from checkout_core.testing.simulator.counting import created_effects
from checkout_core.testing.simulator.scenario import Scenario
from tests.simulation.enumeration import schedules, schedules_with_one_fault

Report = Callable[[str], None]

SCENARIOS = tuple(scenarios())
PROMPT = ", recovery at once"
TELLING = ("tok_approve", "tok_timeout_with_effect", "tok_timeout_with_late_effect:60s")
"""The tokens whose story differs from bank to bank."""

LASTING_SECONDS = (15.0, 65.0)
"""Longer than a call, and longer than a lease."""


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Report:
    """Figures for the end of the test run."""
    return lambda text: record_property("figures", text)


def named(*parts: str) -> list[Scenario]:
    return [each for each in SCENARIOS if all(part in each.name for part in parts)]


def played(chosen: Iterable[Scenario], crashes: int, report: Report, what: str) -> int:
    """Play every schedule with exactly so many crashes (and fewer); compare with how many there are."""
    chosen = list(chosen)
    explored = effects = 0
    with created_effects() as created:
        for scenario in chosen:
            exploration = explore(scenario, crashes)
            explored += exploration.schedules[crashes]
            effects += exploration.effects
    enumerated = sum(schedules(scenario, crashes) for scenario in chosen)
    report(f"{what}: {explored} schedules with {crashes} crashes were played, {enumerated} there are")
    assert created.effects == effects, "an effect was created and not awaited"
    assert explored == enumerated > 0
    return explored


@pytest.mark.parametrize("bank", POLICIES)
def test_every_schedule_with_one_crash_at_every_bank(bank: str, report: Report) -> None:
    played(named(f", {bank}, "), 1, report, bank)


@pytest.mark.parametrize("token", TOKENS)
def test_every_schedule_with_two_crashes_for_every_behaviour(token: str, report: Report) -> None:
    played(named(f"{token}, replay{PROMPT}"), 2, report, token)


@pytest.mark.parametrize("bank", [bank for bank in POLICIES if bank != "replay"])
def test_every_schedule_with_two_crashes_where_banks_differ(bank: str, report: Report) -> None:
    chosen = [each for token in TELLING for each in named(f"{token}, {bank}{PROMPT}")]
    played(chosen, 2, report, bank)


def test_every_schedule_with_three_crashes_of_a_plain_checkout(report: Report) -> None:
    played(named(f"tok_approve, replay{PROMPT}"), 3, report, "tok_approve")


@pytest.mark.parametrize(("name", "schedules_with_one_crash"), [("zero total", 2), ("out of stock", 2)])
def test_a_purchase_that_the_bank_never_sees_is_one_commit(
    name: str, schedules_with_one_crash: int, report: Report
) -> None:
    assert played(named(name), 1, report, name) == schedules_with_one_crash


@pytest.mark.parametrize("bank", POLICIES)
def test_every_schedule_with_one_fault_of_any_kind(bank: str, report: Report) -> None:
    chosen = [each for token in TELLING for each in named(f"{token}, {bank}{PROMPT}")]
    explored = sum(explore_every_fault(scenario, LASTING_SECONDS).schedules[1] for scenario in chosen)
    enumerated = sum(schedules_with_one_fault(scenario) for scenario in chosen) * len(LASTING_SECONDS)
    report(f"{bank}: {explored} schedules with one fault were played, {enumerated} there are")
    assert explored == enumerated > 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("bank", POLICIES)
def test_every_schedule_with_two_crashes_at_every_bank(bank: str, report: Report) -> None:
    played(named(f", {bank}, "), 2, report, bank)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("token", TOKENS)
def test_every_schedule_with_three_crashes_for_every_behaviour(token: str, report: Report) -> None:
    played(named(f"{token}, replay{PROMPT}"), 3, report, token)
