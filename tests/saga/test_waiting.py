"""Waiting, looking again, alarms and operators."""

from __future__ import annotations

from dataclasses import replace

import pytest

from checkout_core.ports.records import Phase
from checkout_core.saga.draft import Told
from checkout_core.saga.engine import steer
from checkout_core.saga.journal import Resumed, Verdict
from checkout_core.saga.retry import Backoff
from checkout_core.saga.step import Settlement
from tests.saga.trip import LEASE_SECONDS, Travel, local, remote


def resume(travel: Travel, **more: object) -> None:
    """What an operator's retry does."""
    token = travel.new_id()
    assert travel.store.claim_one(travel.saga_id, token=token, lease_seconds=LEASE_SECONDS)
    told = Told(Settlement(Verdict.UNKNOWN, entries=(Resumed("looked"),), due_seconds=0.0, **more))  # type: ignore[arg-type]
    travel.driver.run(steer(travel.definition, travel.loaded(token, "operator"), told))


def dues(travel: Travel, claims: int) -> list[float]:
    """After how many seconds the saga is looked at again, claim by claim."""
    waits = list[float]()
    for _ in range(claims):
        waits.append(travel.file.saga.due_in_seconds or 0.0)
        travel.wait_and_go_on()
    return waits


def test_an_unknown_outcome_is_looked_at_again_at_growing_intervals() -> None:
    travel = Travel([remote("hotel")])
    travel.words |= {"book hotel": ["unknown"], "find book hotel": ["unknown"]}
    travel.open()
    waits = dues(travel, 12)
    assert waits[:5] == [2.0, 4.0, 8.0, 16.0, 32.0]
    assert waits[-1] == 300.0


def test_sending_again_does_not_shorten_the_intervals() -> None:
    travel = Travel([remote("hotel")])
    travel.words |= {"book hotel": ["unknown"], "find book hotel": ["again"]}
    travel.open()
    assert dues(travel, 6) == [2.0, 4.0, 8.0, 16.0, 32.0, 64.0]


def test_new_attempts_of_what_is_refused_for_now_are_made_at_growing_intervals() -> None:
    travel = Travel([remote("hotel")])
    travel.words["book hotel"] = ["not now"]
    travel.open()
    assert dues(travel, 6) == [2.0, 4.0, 8.0, 16.0, 32.0, 64.0]


def test_progress_makes_the_intervals_short_again() -> None:
    travel = Travel([remote("hotel"), remote("flight")])
    travel.words |= {"book hotel": ["unknown"], "find book hotel": ["unknown", "unknown", "unknown", "yes"]}
    travel.words |= {"book flight": ["unknown"], "find book flight": ["unknown"]}
    travel.open()
    assert dues(travel, 6) == [2.0, 4.0, 8.0, 16.0, 2.0, 4.0]


def test_the_other_side_says_when_to_look_again() -> None:
    travel = Travel([remote("hotel")])
    travel.words |= {"book hotel": ["waiting, 45"], "find book hotel": ["yes"]}
    travel.open()
    assert travel.file.saga.due_in_seconds == 45.0
    assert travel.go_on() is None
    travel.wait_and_go_on()
    assert travel.said()[-1] == "closed"


def test_an_alarm_for_one_cause_is_raised_once() -> None:
    travel = Travel([remote("hotel")])
    travel.words |= {
        "book hotel": ["alarm, slow"],
        "find book hotel": ["alarm, slow", "alarm, slow", "alarm, odd", "yes"],
    }
    travel.open()
    travel.settle()
    assert [alarm.kind for alarm in travel.store.alarms()] == ["slow", "odd"]
    assert travel.said().count("alarmed slow") == 1


def test_a_parked_saga_raises_an_alarm_and_is_never_due() -> None:
    travel = Travel([remote("hotel"), local("go")])
    travel.words["book hotel"] = ["park, odd"]
    travel.open()
    assert (travel.file.saga.phase, travel.file.saga.due_in_seconds) == (Phase.PARKED, None)
    assert travel.said()[-3:] == ["alarmed odd", "moved travelling odd parked", "parked odd"]
    assert [alarm.kind for alarm in travel.store.alarms()] == ["odd"]
    travel.clock.now += 1e9
    assert travel.go_on() is None


def test_a_resumed_saga_goes_on_where_it_stopped() -> None:
    travel = Travel([remote("hotel"), local("go")])
    travel.words["book hotel"] = ["park, odd"]
    travel.open()
    resume(travel)
    assert travel.file.saga.phase is Phase.RUNNING
    travel.wait_and_go_on()
    assert travel.calls() == ["book hotel", "find book hotel"]
    assert travel.said()[-1] == "closed"


def test_parking_again_after_an_operator_resumed_is_a_new_alarm() -> None:
    travel = Travel([remote("hotel")])
    travel.words |= {"book hotel": ["park, odd"], "find book hotel": ["park, odd"]}
    travel.open()
    for alarm in travel.store.alarms():
        travel.store.acknowledge_alarm(alarm.alarm_id)
    resume(travel)
    travel.wait_and_go_on()
    assert travel.file.saga.phase is Phase.PARKED
    assert [alarm.kind for alarm in travel.store.alarms()] == ["odd"]


def test_an_operator_can_turn_a_parked_saga() -> None:
    travel = Travel([remote("hotel"), remote("flight")])
    travel.words["book flight"] = ["yes, price changed"]
    travel.open()
    token = travel.new_id()
    assert travel.store.claim_one(travel.saga_id, token=token, lease_seconds=LEASE_SECONDS)
    told = Told(Settlement(Verdict.DONE, entries=(Resumed("undo it"),), turn="operator"))
    travel.driver.run(steer(travel.definition, travel.loaded(token), told))
    assert travel.calls()[2:] == ["cancel flight", "cancel hotel"]
    assert travel.said()[-2:] == ["moved travelling operator cancelled", "closed"]


def test_looking_without_learning_anything_writes_nothing() -> None:
    travel = Travel([remote("hotel")])
    travel.words |= {"book hotel": ["waiting, 5"], "find book hotel": ["nothing new, 7"]}
    travel.open()
    before = travel.file
    ended = travel.wait_and_go_on()
    assert ended.stop == "resting"
    assert travel.file.journal == before.journal
    assert travel.file.saga.version == before.saga.version
    assert (travel.file.saga.due_in_seconds, travel.file.saga.lease_seconds) == (7.0, 0.0)


def test_a_finished_saga_that_is_claimed_for_nothing_rests_again() -> None:
    """However it came to be due: it must not be claimed again with every lease that runs out."""
    travel = Travel([remote("hotel")])
    travel.open()
    rows = travel.store._tables.sagas
    rows[travel.saga_id] = replace(rows[travel.saga_id], phase=Phase.WATCHING, due_at=travel.clock.now)
    ended = travel.go_on()
    assert ended.stop == "resting"
    assert (travel.file.saga.phase, travel.file.saga.due_in_seconds) == (Phase.DONE, None)
    assert travel.file.saga.lease_seconds <= 0


@pytest.mark.parametrize(("tries", "seconds"), [(0, 1.0), (1, 2.0), (5, 32.0), (8, 256.0), (9, 300.0), (10**9, 300.0)])
def test_backoff_doubles_to_its_limit(tries: int, seconds: float) -> None:
    assert Backoff(1.0, 300.0).seconds(tries) == seconds


@pytest.mark.parametrize(("age", "seconds"), [(0.0, 1.0), (1.0, 1.0), (100.0, 50.0), (10_000.0, 300.0)])
def test_what_is_asked_again_and_again_is_asked_in_half_its_age(age: float, seconds: float) -> None:
    assert Backoff(1.0, 300.0).after(age) == seconds
