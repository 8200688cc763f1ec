"""The machine's table, row by row, and how each entry changes progress."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout_core.saga.journal import (
    Alarmed,
    Closed,
    Entry,
    Intended,
    Moved,
    Parked,
    Reopened,
    Resumed,
    Sending,
    Settled,
    Stepped,
    Turned,
    Undone,
    Verdict,
)
from checkout_core.saga.machine import (
    Close,
    Late,
    Open,
    Progress,
    Resolve,
    Rest,
    Run,
    Todo,
    Undo,
    Watch,
    next_todo,
    read,
)
from checkout_core.saga.step import LocalStep
from tests.saga.test_journal import entries
from tests.saga.trip import Travel, Trip, local, nothing, remote

PLAN, HOTEL, NOTE, FLIGHT = local("plan"), remote("hotel"), LocalStep("note", run=nothing), remote("flight")
DEFINITION = Travel([PLAN, HOTEL, NOTE, FLIGHT]).definition
TURNED = Turned("refused")
ALL = ("plan", "hotel", "note", "flight")
OPEN = Open("hotel", "book hotel/1", "run")
SENT_TWICE = Open("hotel", "book hotel/1", "run", sends=2)
UNDOING = Open("hotel", "cancel hotel/1", "undo")

TABLE: list[tuple[str, Progress, Todo[Trip]]] = [
    ("parked", Progress(parked="odd"), Rest()),
    ("parked, with an open action", Progress(parked="odd", open=OPEN), Rest()),
    ("parked, turned", Progress(parked="odd", turned=TURNED, done=("plan",)), Rest()),
    ("open", Progress(done=("plan",), open=OPEN), Resolve(HOTEL, OPEN)),
    ("open undo", Progress(turned=TURNED, done=("plan", "hotel"), open=UNDOING), Resolve(HOTEL, UNDOING)),
    ("open, though closed", Progress(closed=True, open=OPEN), Resolve(HOTEL, OPEN)),
    ("running, nothing done", Progress(), Run(PLAN)),
    ("running, one done", Progress(done=("plan",)), Run(HOTEL)),
    ("running, a gap", Progress(done=("plan", "note")), Run(HOTEL)),
    ("running, all done", Progress(done=ALL), Close()),
    ("turned, last is remote", Progress(turned=TURNED, done=("plan", "hotel")), Undo(HOTEL)),
    ("turned, last is local", Progress(turned=TURNED, done=("hotel", "plan")), Undo(PLAN)),
    ("turned, last has no undo", Progress(turned=TURNED, done=("plan", "note")), Undo(PLAN)),
    ("turned, nothing to undo", Progress(turned=TURNED), Close()),
    ("turned, only what has no undo", Progress(turned=TURNED, done=("note",)), Close()),
    ("turned, presumed, not closed", Progress(turned=TURNED, presumed=(("hotel", "1"),)), Close()),
    ("closed, presumed", Progress(turned=TURNED, closed=True, presumed=(("hotel", "1"),)), Watch(HOTEL, "1")),
    (
        "closed, two presumed",
        Progress(turned=TURNED, closed=True, presumed=(("hotel", "1"), ("flight", "2"))),
        Watch(FLIGHT, "2"),
    ),
    ("closed after running", Progress(done=ALL, closed=True), Rest()),
    ("closed after running, a step was added since", Progress(done=("plan",), closed=True), Rest()),
    ("closed after undoing", Progress(turned=TURNED, done=("note",), closed=True), Rest()),
]


@pytest.mark.parametrize(("progress", "todo"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_what_is_next(progress: Progress, todo: Todo[Trip]) -> None:
    assert next_todo(DEFINITION, progress, Trip()) == todo


def test_a_step_that_does_not_apply_is_not_next() -> None:
    definition = Travel([local("plan", applies=lambda _: False), HOTEL]).definition
    assert next_todo(definition, Progress(), Trip()) == Run(HOTEL)


def settled(verdict: Verdict, step: str = "hotel", operation: str = "book hotel/1", direction: str = "run") -> Settled:
    return Settled(step, operation, verdict, direction)  # type: ignore[arg-type]


BEGUN = Progress(done=("plan",), open=OPEN)
FAILED = Progress(done=("plan",), failed=(("hotel", "book hotel/1"),))
GIVING_BACK = Progress(turned=TURNED, done=("plan", "hotel"), open=UNDOING)
PRESUMED = Progress(turned=TURNED, closed=True, presumed=(("hotel", "book hotel/1"),))
FOUND = Progress(turned=TURNED, done=("hotel",), late=Late.FOUND)

ENTRIES: list[tuple[str, Progress, Entry, Progress]] = [
    ("stepped", Progress(), Stepped("plan"), Progress(done=("plan",))),
    ("undone", Progress(done=("plan", "note")), Undone("plan"), Progress(done=("note",))),
    ("intended", Progress(done=("plan",)), Intended("hotel", "book hotel/1"), BEGUN),
    ("sending", BEGUN, Sending("hotel", "book hotel/1"), Progress(done=("plan",), open=SENT_TWICE)),
    ("done", BEGUN, settled(Verdict.DONE), Progress(done=("plan", "hotel"))),
    ("assumed done", BEGUN, settled(Verdict.ASSUMED_DONE), Progress(done=("plan", "hotel"))),
    ("refused", BEGUN, settled(Verdict.REFUSED), FAILED),
    ("not executed", BEGUN, settled(Verdict.NOT_EXECUTED), FAILED),
    ("done after all", FAILED, settled(Verdict.DONE), Progress(done=("plan", "hotel"))),
    ("presumed", BEGUN, settled(Verdict.PRESUMED), Progress(done=("plan",), presumed=(("hotel", "book hotel/1"),))),
    ("undo done", GIVING_BACK, settled(Verdict.DONE, "hotel", "cancel hotel/1", "undo"), Progress(TURNED, ("plan",))),
    (
        "undo refused",
        GIVING_BACK,
        settled(Verdict.REFUSED, "hotel", "cancel hotel/1", "undo"),
        Progress(TURNED, ("plan", "hotel")),
    ),
    ("late", PRESUMED, settled(Verdict.DONE), FOUND),
    (
        "late refused",
        PRESUMED,
        settled(Verdict.REFUSED),
        Progress(turned=TURNED, closed=True, failed=(("hotel", "book hotel/1"),)),
    ),
    ("still presumed", PRESUMED, settled(Verdict.PRESUMED), PRESUMED),
    ("turned", Progress(), TURNED, Progress(turned=TURNED)),
    ("closed", FOUND, Closed(), Progress(turned=TURNED, done=("hotel",), closed=True)),
    ("reopened", FOUND, Reopened(), Progress(done=("hotel",), late=Late.REVIVED)),
    ("alarmed", Progress(alarmed=frozenset({"a"})), Alarmed("b"), Progress(alarmed=frozenset({"a", "b"}))),
    ("parked", BEGUN, Parked("odd"), Progress(done=("plan",), open=OPEN, parked="odd")),
    ("resumed", Progress(parked="odd", alarmed=frozenset({"odd"})), Resumed("note"), Progress()),
    ("moved", BEGUN, Moved("", "opened", "PENDING"), BEGUN),
]


@pytest.mark.parametrize(("before", "entry", "after"), [row[1:] for row in ENTRIES], ids=[row[0] for row in ENTRIES])
def test_what_an_entry_means(before: Progress, entry: Entry, after: Progress) -> None:
    assert read([entry], before) == after


@pytest.mark.parametrize("verdict", [Verdict.UNKNOWN, Verdict.WAITING])
def test_an_open_verdict_leaves_the_action_open(verdict: Verdict) -> None:
    assert read([settled(verdict)], BEGUN).open == Open("hotel", "book hotel/1", "run", verdict=verdict)


def test_intending_to_undo_a_late_success_is_remembered() -> None:
    assert read([Intended("hotel", "cancel hotel/1", "undo")], FOUND).late is Late.UNDOING
    assert read([Intended("flight", "book flight/1")], FOUND).late is Late.FOUND


@pytest.mark.parametrize("verdict", list(Verdict))
def test_what_settles_one_action_leaves_another_open(verdict: Verdict) -> None:
    before = Progress(turned=TURNED, done=("hotel",), open=UNDOING, presumed=(("flight", "book flight/1"),))
    assert read([settled(verdict, "flight", "book flight/1")], before).open == UNDOING


@given(st.lists(entries, max_size=12), st.integers(0, 12))
def test_reading_in_parts_is_reading_at_once(journal: list[Entry], cut: int) -> None:
    assert read(journal[cut:], read(journal[:cut])) == read(journal)
