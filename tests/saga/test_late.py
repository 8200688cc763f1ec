"""A late success: an action that was taken as not executed has had its effect after all."""

from __future__ import annotations

import pytest

from checkout_core.errors import InvariantError
from checkout_core.ports.records import FreeGuard, Phase, ReleaseStock, ReserveStock, TakeGuard, Transaction
from checkout_core.saga.draft import Told
from checkout_core.saga.engine import open_saga, steer
from checkout_core.saga.journal import Resumed, Verdict
from checkout_core.saga.step import Change, LocalStep, Settlement, Step
from tests.saga.fenced import observe
from tests.saga.trip import LEASE_SECONDS, SEAT, Travel, Trip, local, remote

SEATED = LocalStep(
    "seat",
    run=lambda _: Change((ReserveStock(lines=SEAT),)),
    undo=lambda _: Change((ReleaseStock(lines=SEAT),)),
    may_fall_short=True,
)
GUARDED = LocalStep(
    "guard",
    run=lambda _: Change((TakeGuard(scope="", cart_id="trip", revision="", owner=""),)),
    undo=lambda _: Change((FreeGuard(scope="", cart_id="trip", revision=""),)),
)


def presumed(*steps: Step[Trip], hotel: str = "yes") -> Travel:
    """A trip that was cancelled because its hotel was not found; it is found later, and says ``hotel``."""
    travel = Travel([*steps, remote("hotel"), local("go")])
    travel.words |= {"book hotel": ["presumed"], "watch book hotel": [hotel]}
    travel.open()
    assert travel.said()[-1] == "closed"
    assert travel.file.saga.phase is Phase.WATCHING
    return travel


def last_commit(travel: Travel) -> list[str]:
    return travel.commits()[-1]


def test_what_is_presumed_not_executed_turns_the_saga() -> None:
    """MONEY-2: a saga that went on would run the step again, beside the one that may yet have its effect."""
    travel = Travel([remote("hotel")])
    travel.words["book hotel"] = ["presumed, and on"]
    with pytest.raises(InvariantError, match="hotel was presumed"):
        travel.open()


def test_a_watch_that_learns_nothing_goes_on() -> None:
    travel = presumed(hotel="nothing new, 30")
    version = travel.file.saga.version
    travel.wait_and_go_on()
    assert (travel.file.saga.phase, travel.file.saga.version) == (Phase.WATCHING, version)
    assert travel.file.saga.due_in_seconds == 30.0


def test_a_watch_that_ends_is_over() -> None:
    travel = presumed(hotel="gone")
    travel.wait_and_go_on()
    assert travel.file.saga.phase is Phase.DONE
    assert last_commit(travel) == ["settled hotel book hotel/1 not_executed run"]


def test_a_late_refusal_ends_the_watch() -> None:
    travel = presumed(hotel="no")
    travel.wait_and_go_on()
    assert travel.file.saga.phase is Phase.DONE
    assert not [word for word in last_commit(travel) if word.startswith("turned")]


def test_a_late_success_takes_everything_again_in_one_commit() -> None:
    travel = presumed(GUARDED, SEATED)
    travel.wait_and_go_on()
    assert last_commit(travel) == [
        "settled hotel book hotel/1 done run",
        "reopened",
        "stepped guard",
        "stepped seat",
        "stepped go",
        "closed",
    ]
    assert travel.file.saga.phase is Phase.DONE
    assert travel.store.inventory.available("seat") == 0


def test_a_late_success_is_given_back_where_the_stock_is_gone() -> None:
    travel = presumed(GUARDED, SEATED)
    travel.store.inventory.set_available("seat", 0)
    travel.wait_and_go_on()
    assert travel.calls()[-1] == "cancel hotel"
    assert travel.commits()[-2:] == [
        ["settled hotel book hotel/1 done run", "intended hotel cancel hotel/1 undo"],
        ["settled hotel cancel hotel/1 done undo", "moved travelling gone given back", "closed"],
    ]
    assert travel.file.saga.phase is Phase.DONE


def test_a_late_success_is_given_back_where_somebody_else_has_the_guard() -> None:
    travel = presumed(GUARDED, SEATED)
    other = Travel([GUARDED, SEATED])
    other.store, other.driver = travel.store, travel.driver
    other.saga_id = travel.new_id()
    other.driver.run(open_saga(other.definition, other.new_saga()))
    travel.wait_and_go_on()
    assert last_commit(travel)[-2:] == ["moved travelling gone given back", "closed"]
    guards = [record for record in last_written(travel) if isinstance(record, TakeGuard | FreeGuard)]
    assert guards == []


def last_written(travel: Travel) -> Transaction | tuple[object, ...]:
    return travel.driver.commits()[-1].records


def test_a_late_success_whose_undo_must_be_tried_twice_is_given_back_once() -> None:
    travel = presumed(SEATED)
    travel.store.inventory.set_available("seat", 0)
    travel.words["cancel hotel"] = ["not now", "yes"]
    travel.settle()
    assert travel.calls()[-2:] == ["cancel hotel", "cancel hotel"]
    assert last_commit(travel)[-2:] == ["moved travelling gone given back", "closed"]


def test_a_late_success_that_is_refused_further_on_is_given_back() -> None:
    """Taken again, it needs a call that had not been made before; that call is refused."""
    travel = Travel([remote("hotel"), remote("flight")])
    travel.words |= {"book hotel": ["presumed"], "watch book hotel": ["yes"], "book flight": ["no"]}
    travel.open()
    travel.settle()
    assert travel.calls() == ["book hotel", "watch book hotel", "book flight", "cancel hotel"]
    assert last_commit(travel)[-2:] == ["moved travelling refused given back", "closed"]


def test_a_late_success_that_is_parked_can_still_be_given_back() -> None:
    travel = presumed(GUARDED, SEATED, hotel="yes, price changed")
    travel.wait_and_go_on()
    assert travel.file.saga.phase is Phase.PARKED
    assert "reopened" not in travel.said()
    other = Travel([GUARDED])
    other.store, other.driver, other.saga_id = travel.store, travel.driver, travel.new_id()
    other.driver.run(open_saga(other.definition, other.new_saga()))
    token = travel.new_id()
    assert travel.store.claim_one(travel.saga_id, token=token, lease_seconds=LEASE_SECONDS)
    told = Told(Settlement(Verdict.UNKNOWN, entries=(Resumed("go on"),)))
    travel.driver.run(steer(travel.definition, travel.loaded(token), told))
    assert travel.calls()[-1] == "cancel hotel"
    assert last_commit(travel)[-2:] == ["moved travelling gone given back", "closed"]


def test_what_was_presumed_before_the_saga_closed_is_undone_with_the_rest() -> None:
    """The flight is found while the hotel's cancellation is under way: neither may be forgotten."""
    travel = Travel([remote("hotel"), remote("flight")])
    travel.words |= {"book flight": ["presumed"], "cancel hotel": ["unknown"], "find cancel hotel": ["unknown", "yes"]}
    travel.words["watch book flight"] = ["gone"]
    travel.open()
    assert travel.said()[-1].startswith("settled hotel cancel hotel/1 unknown")

    observe(travel, "book flight/1")
    travel.settle()
    assert travel.calls().count("cancel hotel") == 1
    assert travel.calls().count("cancel flight") == 1
    assert travel.said()[-1] == "closed"


def test_nothing_is_left_to_watch_after_a_late_success() -> None:
    travel = presumed()
    travel.wait_and_go_on()
    assert travel.file.saga.due_in_seconds is None
