"""Undoing: in reverse order, planned before the action, and whatever happened to the action."""

from __future__ import annotations

from checkout_core.ports.records import Phase
from checkout_core.saga.journal import Intended
from checkout_core.saga.step import LocalStep, WhenUnknown
from tests.saga.trip import Travel, local, nothing, remote


def undone(travel: Travel) -> list[str]:
    """The undos, in the order in which they were begun."""
    words = [word.split() for word in travel.said()]
    begun = [word[1] for word in words if word[0] == "undone" or (word[0] == "intended" and word[-1] == "undo")]
    return list(dict.fromkeys(begun))


def test_undo_goes_in_reverse_order() -> None:
    travel = Travel([local("plan"), remote("hotel"), local("mid"), remote("flight"), remote("car")])
    travel.words["book car"] = ["no"]
    travel.open()
    assert undone(travel) == ["flight", "mid", "hotel", "plan"]
    assert travel.calls() == ["book hotel", "book flight", "book car", "cancel flight", "cancel hotel"]
    assert travel.said()[-2:] == ["moved travelling refused cancelled", "closed"]
    assert travel.file.saga.phase is Phase.DONE


def test_local_undos_ride_in_the_commit_of_the_refusal() -> None:
    travel = Travel([local("plan"), local("pack"), remote("hotel")])
    travel.words["book hotel"] = ["no"]
    travel.open()
    assert travel.commits()[1] == [
        "settled hotel book hotel/1 refused run",
        "turned refused",
        "undone pack",
        "undone plan",
        "moved travelling refused cancelled",
        "closed",
    ]


def test_a_step_without_undo_stands() -> None:
    travel = Travel([LocalStep("note", run=nothing), local("plan"), remote("hotel")])
    travel.words["book hotel"] = ["no"]
    ended = travel.open()
    assert undone(travel) == ["plan"]
    assert ended.saga.progress.done == ("note",)
    assert travel.file.saga.phase is Phase.DONE


def test_an_undo_has_an_intent_of_its_own_before_it_is_sent() -> None:
    travel = Travel([remote("hotel"), remote("flight")])
    travel.words["book flight"] = ["no"]
    seen = list[list[str]]()

    def look(call: object) -> str:
        seen.append(travel.said())
        return travel.say(call)  # type: ignore[arg-type]

    travel.driver.answer = look
    travel.open()
    assert seen[-1][-1] == "intended hotel cancel hotel/1 undo"


def test_an_undo_that_did_not_happen_is_tried_again_later_as_a_new_attempt() -> None:
    travel = Travel([remote("hotel"), remote("flight")])
    travel.words |= {"book flight": ["no"], "cancel hotel": ["not now", "yes"]}
    travel.open()
    assert travel.file.saga.phase is Phase.RUNNING
    travel.settle()
    sent = [entry.operation_id for entry in travel.entries if isinstance(entry, Intended) and entry.direction == "undo"]
    assert sent == ["cancel hotel/1", "cancel hotel/2"]
    assert travel.said()[-1] == "closed"


def test_an_undo_whose_outcome_is_unknown_is_resolved_before_anything_else_is_undone() -> None:
    travel = Travel([local("plan"), remote("hotel"), remote("flight")])
    travel.words |= {"book flight": ["no"], "cancel hotel": ["unknown"], "find cancel hotel": ["unknown", "yes"]}
    travel.open()
    assert "undone plan" not in travel.said()
    travel.settle()
    assert travel.calls()[-3:] == ["cancel hotel", "find cancel hotel", "find cancel hotel"]
    assert "undone plan" in travel.said()


def test_an_undo_that_ends_unknown_with_a_reason_is_not_taken_as_done() -> None:
    travel = Travel([remote("hotel", undo_when_unknown=WhenUnknown.DIRECT), remote("flight")])
    travel.words |= {"book flight": ["no"], "cancel hotel": ["unknown, lost"], "find cancel hotel": ["yes"]}
    travel.open()
    assert travel.file.saga.phase is Phase.RUNNING
    travel.settle()
    assert travel.calls()[-2:] == ["cancel hotel", "find cancel hotel"]


def test_unknown_is_resolved_before_it_is_undone() -> None:
    travel = Travel([local("plan"), remote("hotel")])
    travel.words |= {"book hotel": ["unknown, lost"], "find hotel": ["unknown", "gone"]}
    travel.words["find book hotel"] = ["unknown, lost", "gone"]
    travel.open()
    assert "turned lost" not in travel.said()
    assert "undone plan" not in travel.said()
    travel.settle()
    assert "cancel hotel" not in travel.calls()
    assert travel.said()[-1] == "closed"


def test_unknown_that_turns_out_done_is_undone() -> None:
    travel = Travel([remote("hotel"), remote("flight")])
    travel.words |= {"book flight": ["unknown, lost"], "find book flight": ["yes"]}
    travel.open()
    travel.settle()
    assert travel.said()[-2:] == ["settled flight book flight/1 done run", "closed"]  # wanted after all


def test_unknown_with_a_direct_undo_is_undone_at_once() -> None:
    travel = Travel([local("plan"), remote("hotel", undo_when_unknown=WhenUnknown.DIRECT)])
    travel.words["book hotel"] = ["unknown, lost"]
    travel.open()
    assert travel.calls() == ["book hotel", "cancel hotel"]
    assert travel.commits()[1] == [
        "settled hotel book hotel/1 assumed_done run",
        "turned lost",
        "intended hotel cancel hotel/1 undo",
    ]
    assert travel.said()[-1] == "closed"


def test_unknown_without_a_reason_to_turn_is_never_undone() -> None:
    travel = Travel([remote("hotel", undo_when_unknown=WhenUnknown.DIRECT)])
    travel.words |= {"book hotel": ["unknown"], "find book hotel": ["unknown", "yes"]}
    travel.open()
    travel.settle()
    assert "cancel hotel" not in travel.calls()


def test_an_undo_runs_although_nobody_knows_whether_the_action_ran() -> None:
    """Null compensation: the process died between intent and send; the direct undo must tolerate it."""
    travel = Travel([remote("hotel", undo_when_unknown=WhenUnknown.DIRECT)])
    travel.open(crash_after=0)
    assert travel.calls() == []
    travel.words["find book hotel"] = ["unknown, lost"]
    travel.settle()
    assert travel.calls() == ["find book hotel", "cancel hotel"]
    assert travel.said()[-1] == "closed"


def test_an_action_is_never_sent_after_its_undo_was_planned() -> None:
    """Hanging guard: the worker that slept over its lease comes back when its booking is undone, and sends nothing."""
    travel = Travel([remote("hotel", undo_when_unknown=WhenUnknown.DIRECT)])
    travel.words["find book hotel"] = ["unknown, lost"]

    def sleep_then_send(call: object) -> str:
        travel.driver.answer = travel.say
        travel.clock.now += 61.0
        travel.go_on()  # another worker takes over, undoes it, and closes
        return "yes"

    travel.driver.answer = sleep_then_send
    ended = travel.open()
    assert ended.stop == "fenced"
    after = travel.clock.now
    sent = [call for call in travel.driver.calls() if call.operation == "book hotel"]
    assert len(sent) == 1
    assert sent[0].send_before < after
    assert travel.said()[-1] == "closed"
