"""A worker that lost its lease changes nothing, and what it was told is not lost."""

from __future__ import annotations

import pytest

from checkout_core.ports.records import OperationState, Phase
from checkout_core.saga.engine import Stop
from tests.saga.fenced import observe
from tests.saga.trip import Travel, local, remote


def sleeping(travel: Travel, word: str) -> None:
    """The next call sleeps over the lease, while the second worker goes on; then it is answered ``word``."""

    def answer(call: object) -> str:
        travel.driver.answer = travel.say
        travel.clock.now += 61.0
        travel.go_on("second")
        return word

    travel.driver.answer = answer


def test_a_fenced_worker_stops_and_changes_nothing() -> None:
    travel = Travel([remote("hotel"), local("go")])
    sleeping(travel, "no")
    ended = travel.open()
    assert ended.stop is Stop.FENCED
    assert travel.said()[-1] == "closed"
    assert {row.worker for row in travel.file.journal} == {"first", "second"}
    assert travel.file.journal[-1].worker == "second"
    assert "turned refused" not in travel.said()


def test_the_owner_merges_what_the_fenced_worker_was_told() -> None:
    travel = Travel([remote("hotel"), local("go")])
    travel.words["find book hotel"] = ["unknown"]
    sleeping(travel, "yes")
    travel.open()
    assert len(travel.file.observations) == 1
    travel.settle()
    assert travel.file.observations == ()
    assert travel.calls() == ["book hotel", "find book hotel"]  # it was told; nothing had to be asked
    assert travel.said()[-3:] == ["settled hotel book hotel/1 done run", "stepped go", "closed"]


def test_an_observed_refusal_turns_the_saga() -> None:
    travel = Travel([local("plan"), remote("hotel")])
    travel.words["find book hotel"] = ["unknown"]
    sleeping(travel, "no")
    travel.open()
    travel.settle()
    assert "undone plan" in travel.said()
    assert travel.said()[-1] == "closed"


def test_an_observation_that_says_nothing_is_merged_and_the_action_stays_open() -> None:
    travel = Travel([remote("hotel")])
    travel.words |= {"book hotel": ["unknown"], "find book hotel": ["yes"]}
    travel.open()
    observe(travel, "book hotel/1", OperationState.UNKNOWN)
    travel.wait_and_go_on()
    assert travel.file.observations == ()
    travel.settle()
    assert travel.said()[-1] == "closed"


def test_an_observed_success_of_what_was_presumed_is_a_late_success() -> None:
    travel = Travel([remote("hotel"), local("go")])
    travel.words |= {"book hotel": ["presumed"], "watch book hotel": ["nothing new, 10"]}
    travel.open()
    observe(travel, "book hotel/1")
    travel.wait_and_go_on()
    assert "reopened" in travel.said()
    assert travel.said()[-2:] == ["stepped go", "closed"]


def test_an_observation_about_something_settled_is_only_merged() -> None:
    travel = Travel([remote("hotel"), remote("flight")])
    travel.words |= {"book flight": ["unknown"], "find book flight": ["yes"]}
    travel.open()
    observe(travel, "book hotel/1", OperationState.DECLINED)
    travel.settle()
    assert "turned refused" not in travel.said()
    assert travel.file.observations == ()
    assert travel.said()[-1] == "closed"


def test_a_finished_saga_that_is_woken_merges_and_rests_again() -> None:
    travel = Travel([remote("hotel")])
    travel.open()
    observe(travel, "book hotel/1")
    travel.settle()
    assert travel.file.saga.phase is Phase.DONE
    assert travel.file.observations == ()


def test_what_has_just_been_intended_is_sent_before_anything_is_merged() -> None:
    """Only this worker may send it: it must not spend its turn on an observation."""
    travel = Travel([remote("hotel"), remote("flight")])
    travel.words |= {"book flight": ["unknown"], "find book flight": ["gone"]}
    travel.open()
    observe(travel, "book flight/1", OperationState.DECLINED)
    observe(travel, "book hotel/1")
    travel.wait_and_go_on()
    assert travel.calls() == ["book hotel", "book flight", "cancel hotel"]
    travel.settle()
    assert travel.file.observations == ()
    assert travel.file.saga.phase is Phase.DONE


@pytest.mark.parametrize("word", ["no", "gone"])
def test_an_observed_success_of_what_had_failed_is_a_late_success(word: str) -> None:
    travel = Travel([local("plan"), remote("hotel"), local("go")])
    travel.words["book hotel"] = [word]
    travel.open()
    assert travel.file.saga.phase is Phase.DONE
    observe(travel, "book hotel/1")
    travel.settle()
    assert travel.commits()[-1] == [
        "settled hotel book hotel/1 done run",
        "reopened",
        "stepped plan",
        "stepped go",
        "closed",
    ]


def test_an_observed_success_of_what_had_failed_is_undone_with_the_rest() -> None:
    travel = Travel([remote("hotel"), remote("flight")])
    travel.words |= {"book flight": ["no"], "cancel hotel": ["unknown"], "find cancel hotel": ["yes"]}
    travel.open()
    observe(travel, "book flight/1")
    travel.settle()
    assert travel.calls()[2:] == ["cancel hotel", "find cancel hotel", "cancel flight"]
    assert travel.said()[-1] == "closed"


@pytest.mark.parametrize(("second", "left"), [("yes", "closed"), ("unknown", "settled hotel book hotel/2 unknown run")])
def test_a_step_that_two_attempts_have_done_is_for_an_operator(second: str, left: str) -> None:
    travel = Travel([remote("hotel")])
    travel.words["book hotel"] = ["not now", second]
    travel.open()
    travel.wait_and_go_on()
    assert travel.said()[-1] == left
    observe(travel, "book hotel/1")
    travel.wait_and_go_on()
    assert travel.file.saga.phase is Phase.PARKED
    assert [alarm.kind for alarm in travel.store.alarms()] == ["done_twice"]
    assert {op.operation_id for op in travel.file.operations if op.state is OperationState.SUCCEEDED} >= {
        "book hotel/1"
    }


def test_a_worker_that_was_fenced_in_the_middle_does_not_send_the_next_action() -> None:
    travel = Travel([remote("hotel"), remote("flight")])
    travel.words["find book hotel"] = ["unknown"]
    sleeping(travel, "yes")
    travel.open()
    assert "book flight" not in travel.calls()
