"""Every schedule of one and two crashes, of the first worker and of the one that takes over, with every behaviour."""

from __future__ import annotations

from collections import Counter
from itertools import count
from typing import Any

import pytest

from checkout_core.ports.records import Phase
from checkout_core.saga.effects import Call
from checkout_core.saga.engine import open_saga, run
from tests.saga.driving import Crashed
from tests.saga.trip import Travel, local, remote

BEHAVIOURS = ["yes", "no", "lost with effect", "lost without effect", "not now"]


class Agency:
    """Keeps books: an operation takes effect once, however often it is sent; a question is answered truly."""

    def __init__(self, flight: str) -> None:
        self.flight = flight
        self.books = dict[str, str]()
        self.sent = Counter[str]()

    def say(self, call: Call) -> str:
        operation_id = str(call.request)
        if call.operation.startswith("find"):
            return self.books.get(operation_id, "again")
        self.sent[call.operation] += 1
        behaviour = self.flight if call.operation == "book flight" and self.sent[call.operation] == 1 else "yes"
        if behaviour == "not now":
            return behaviour
        if behaviour == "no" or self.books.get(operation_id) == "no":
            self.books[operation_id] = "no"
            return "no"
        if behaviour != "lost without effect":
            self.books[operation_id] = "yes"
        return "unknown" if behaviour.startswith("lost") else "yes"

    def moved(self, what: str) -> int:
        return sum(word == "yes" for operation, word in self.books.items() if operation.startswith(what))


class Story:
    def __init__(self, flight: str) -> None:
        self.travel = Travel([local("plan"), remote("hotel"), local("mid"), remote("flight"), local("go")])
        self.agency = Agency(flight)
        self.travel.driver.answer = self.agency.say

    def open(self, **crash: Any) -> bool:
        """Whether the worker died."""
        travel = self.travel
        return isinstance(travel.driver.run(open_saga(travel.definition, travel.new_saga()), **crash), Crashed)

    def recover(self, **crash: Any) -> bool:
        travel = self.travel
        if travel.store.load(travel.saga_id) is None:
            return False
        due = travel.file.saga.due_in_seconds
        travel.clock.now += max(due or 0.0, 0.0)
        saga = travel.in_hand()
        return saga is not None and isinstance(travel.driver.run(run(travel.definition, saga), **crash), Crashed)

    def check(self) -> None:
        if self.travel.store.load(self.travel.saga_id) is None:
            assert self.agency.books == {}
            return
        self.travel.settle()
        assert self.travel.file.saga.phase is Phase.DONE
        turned = any(word.startswith("turned") for word in self.travel.said())
        hotels, flights = self.agency.moved("book hotel"), self.agency.moved("book flight")
        assert (hotels, flights) == ((1, 0) if turned else (1, 1))
        assert self.agency.moved("cancel hotel") == (1 if turned else 0)
        assert self.agency.moved("cancel flight") == 0
        assert turned == (self.agency.flight == "no")


CRASHES = ("crash_before", "crash_after")


def firsts(flight: str) -> list[dict[str, int]]:
    """Every way in which the first worker can die."""
    found = list[dict[str, int]]()
    for kind in CRASHES:
        for number in count():
            if not Story(flight).open(**{kind: number}):
                break
            found.append({kind: number})
    return found


@pytest.mark.parametrize("flight", BEHAVIOURS)
def test_whatever_dies_once_or_twice_everything_is_done_once_or_undone_once(flight: str) -> None:
    schedules = 0
    for first in [{}, *firsts(flight)]:
        story = Story(flight)
        story.open(**first)
        story.check()
        schedules += 1
        for kind in CRASHES:
            for number in count():
                story = Story(flight)
                story.open(**first)
                died = story.recover(**{kind: number})
                story.check()
                if not died:
                    break
                schedules += 1
    effects = {"yes": 5, "no": 7, "lost with effect": 5, "lost without effect": 5, "not now": 5}[flight]
    assert len(firsts(flight)) == 2 * effects
    assert schedules > 4 * effects
