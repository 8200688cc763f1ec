"""Running forward: what rides in which commit, and which records a commit holds."""

from __future__ import annotations

import pytest

from checkout_core.ports.records import GuardTaken, OpenSaga, Phase, ReserveStock, SaveSaga, TakeGuard
from checkout_core.saga.draft import SHORT
from checkout_core.saga.engine import Ended, Stop
from checkout_core.saga.step import Change, Kind, LocalStep, Step
from tests.saga.trip import LEASE_SECONDS, SEAT, Travel, Trip, local, nothing, remote


@pytest.mark.parametrize(
    "steps",
    [
        [local("plan")],
        [remote("hotel")],
        [local("plan"), local("pack")],
        [local("plan"), remote("hotel"), local("mid"), local("more"), remote("flight"), local("go")],
        [remote("hotel"), remote("flight"), remote("car")],
    ],
)
def test_there_is_one_commit_more_than_there_are_calls(steps: list[Step[Trip]]) -> None:
    travel = Travel(steps)
    ended = travel.open()
    assert ended.stop is Stop.RESTING
    assert len(travel.driver.commits()) == len(travel.calls()) + 1
    assert travel.file.saga.phase is Phase.DONE
    assert ended.saga.progress.done == tuple(step.name for step in steps)


def test_local_steps_ride_in_the_commit_between_two_calls() -> None:
    travel = Travel([local("plan"), remote("hotel"), local("mid"), remote("flight"), local("go")])
    travel.open()
    assert travel.commits() == [
        ["stepped plan", "intended hotel book hotel/1 run"],
        ["settled hotel book hotel/1 done run", "stepped mid", "intended flight book flight/1 run"],
        ["settled flight book flight/1 done run", "stepped go", "closed"],
    ]


def test_an_intent_is_durable_before_its_call() -> None:
    travel = Travel([remote("hotel")])
    seen = list[list[str]]()

    def look(call: object) -> str:
        seen.append(travel.said())
        return "yes"

    travel.driver.answer = look
    travel.open()
    assert seen == [["intended hotel book hotel/1 run"]]


def test_a_step_that_does_not_apply_is_passed_over() -> None:
    travel = Travel([remote("hotel", applies=lambda _: False), local("go")])
    travel.open()
    assert travel.commits() == [["stepped go", "closed"]]
    assert travel.calls() == []


def test_the_first_commit_opens_the_saga_and_the_lease_is_kept_while_something_is_sent() -> None:
    travel = Travel([remote("hotel"), local("go")])
    travel.open()
    first, last = travel.driver.commits()
    assert first.records[0] == OpenSaga(definition="trip", definition_version=1)
    kept, given = first.records[-1], last.records[-1]
    assert isinstance(kept, SaveSaga)
    assert isinstance(given, SaveSaga)
    assert (kept.phase, kept.lease_seconds, kept.due_seconds) == (Phase.RUNNING, LEASE_SECONDS, LEASE_SECONDS)
    assert (given.phase, given.lease_seconds, given.due_seconds) == (Phase.DONE, None, None)
    assert not any(isinstance(record, OpenSaga) for record in last.records)


def test_each_commit_has_an_id_of_its_own() -> None:
    travel = Travel([remote("hotel"), remote("flight")])
    travel.open()
    ids = [each.commit_id for each in travel.driver.commits()]
    assert len(set(ids)) == len(ids) == 3


def reserve(_: Trip) -> Change:
    return Change((ReserveStock(lines=SEAT),))


def test_a_saga_that_opens_short_is_closed_in_its_first_commit() -> None:
    travel = Travel([local("plan"), LocalStep("seat", run=reserve, may_fall_short=True), remote("hotel")])
    travel.store.inventory.set_available("seat", 0)
    ended = travel.open()
    assert isinstance(ended, Ended)
    assert ended.short is not None
    assert [line.item_id for line in ended.short.lines] == ["seat"]
    assert travel.commits() == [["moved no seat never was", f"turned {SHORT}", "closed"]]
    assert travel.calls() == []
    assert travel.file.saga.phase is Phase.DONE


def test_a_step_that_falls_short_later_turns_the_saga() -> None:
    travel = Travel([local("plan"), remote("hotel"), LocalStep("seat", run=reserve, may_fall_short=True)])
    travel.store.inventory.set_available("seat", 0)
    travel.open()
    travel.settle()
    assert travel.commits()[1:] == [
        ["settled hotel book hotel/1 done run", f"turned {SHORT}", "intended hotel cancel hotel/1 undo"],
        ["settled hotel cancel hotel/1 done undo", "undone plan", f"moved travelling {SHORT} cancelled", "closed"],
    ]


def test_a_step_that_can_fall_short_but_does_not_goes_on() -> None:
    travel = Travel([LocalStep("seat", run=reserve, may_fall_short=True), remote("hotel")])
    ended = travel.open()
    assert isinstance(ended, Ended)
    assert ended.short is None
    assert travel.store.inventory.available("seat") == 0
    assert travel.commits()[0] == ["stepped seat", "intended hotel book hotel/1 run"]


def test_a_refused_opening_stores_nothing() -> None:
    def guard(_: Trip) -> Change:
        return Change((TakeGuard(scope="", cart_id="trip", revision="", owner="me"),))

    travel = Travel([LocalStep("guard", run=guard), remote("hotel")])
    travel.open()
    winner, travel.saga_id = travel.saga_id, travel.new_id()
    assert travel.open() == GuardTaken(order_id=winner, owner="me")
    assert travel.store.load(travel.saga_id) is None
    assert travel.calls() == ["book hotel"]


def test_after_the_pivot_a_refusal_is_for_an_operator() -> None:
    travel = Travel([LocalStep("sell", run=nothing, kind=Kind.PIVOT), remote("mail", kind=Kind.RETRIABLE)])
    travel.words["book mail"] = ["no"]
    travel.open()
    assert "parked refused_after_pivot" in travel.said()
    assert not [word for word in travel.said() if word.startswith("turned")]
    assert [alarm.kind for alarm in travel.store.alarms()] == ["refused_after_pivot"]


def test_a_retriable_step_is_tried_again_until_it_is_done() -> None:
    travel = Travel([LocalStep("sell", run=nothing, kind=Kind.PIVOT), remote("mail", kind=Kind.RETRIABLE)])
    travel.words["book mail"] = ["not now", "no, stay", "yes"]
    travel.open()
    travel.settle()
    assert travel.calls() == ["book mail"] * 3
    assert travel.said()[-2:] == ["settled mail book mail/3 done run", "closed"]
