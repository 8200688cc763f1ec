"""What a definition refuses, and steps that older sagas know."""

from __future__ import annotations

import pytest

from checkout_core.errors import ConfigurationError, InvariantError
from checkout_core.saga.machine import unknown_step
from checkout_core.saga.step import Kind
from tests.saga.trip import Travel, local, remote

PIVOT = local("sell", kind=Kind.PIVOT)


def test_two_steps_with_one_name_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="one name"):
        Travel([local("plan"), remote("plan")])


def test_a_retired_step_with_the_name_of_a_step_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="one name"):
        Travel([local("plan")], retired=(remote("plan"),))


def test_two_pivots_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="at most one pivot"):
        Travel([PIVOT, local("again", kind=Kind.PIVOT)])


def test_after_the_pivot_only_retriable_steps_are_allowed() -> None:
    with pytest.raises(ConfigurationError, match="retriable"):
        Travel([PIVOT, local("mail", kind=Kind.RETRIABLE), remote("hotel")])
    Travel([remote("hotel"), PIVOT, local("mail", kind=Kind.RETRIABLE)])


def old_trip(hotel: str = "unknown", flight: str = "yes") -> Travel:
    """A trip that was begun when a hotel was still booked."""
    travel = Travel([local("plan"), remote("hotel"), remote("flight")])
    travel.words |= {"book hotel": [hotel], "find book hotel": ["yes"], "book flight": [flight]}
    travel.open()
    return travel


def test_a_retired_step_is_resolved_and_undone() -> None:
    travel = old_trip()
    travel.definition = travel.defined([local("plan"), remote("flight")], retired=(remote("hotel"),))
    travel.words["book flight"] = ["no"]
    travel.settle()
    assert travel.calls() == ["book hotel", "find book hotel", "book flight", "cancel hotel"]
    assert travel.said()[-1] == "closed"


def test_a_retired_step_is_never_newly_run() -> None:
    travel = Travel([local("plan"), remote("flight")], retired=(remote("hotel"),))
    travel.open()
    assert travel.calls() == ["book flight"]
    assert travel.said()[-1] == "closed"


@pytest.mark.parametrize(
    ("hotel", "flight"),
    [("unknown", "yes"), ("yes", "unknown"), ("presumed", "yes")],
    ids=["open", "done", "presumed"],
)
def test_a_saga_whose_journal_names_a_step_that_is_not_here_is_told_apart(hotel: str, flight: str) -> None:
    travel = old_trip(hotel, flight)
    progress = travel.loaded("token").progress
    assert unknown_step(travel.definition, progress) == ""
    assert unknown_step(travel.defined([local("plan"), remote("flight")]), progress) == "hotel"
    retired = travel.defined([local("plan"), remote("flight")], retired=(remote("hotel"),))
    assert unknown_step(retired, progress) == ""


def test_running_a_saga_with_a_step_that_is_not_here_is_a_bug() -> None:
    travel = old_trip()
    travel.definition = travel.defined([local("plan"), remote("flight")])
    with pytest.raises(InvariantError, match="lacks step hotel"):
        travel.wait_and_go_on()


def test_a_call_that_became_a_local_step_is_a_bug() -> None:
    travel = old_trip()
    travel.definition = travel.defined([local("plan"), local("hotel"), remote("flight")])
    with pytest.raises(InvariantError, match="local step"):
        travel.wait_and_go_on()
