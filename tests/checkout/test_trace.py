"""The trace: an order's journal in words and for machines."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from checkout_core.checkout.trace import describe, trace_of
from checkout_core.ports.payment import Declined
from checkout_core.saga.journal import Entry
from tests.checkout.desk import Desk
from tests.saga.test_journal import GOLDEN

WORDS = {
    "stepped": "open_order: done",
    "intended": "pay: about to send charge/0/1",
    "intended, undo": "pay: about to undo with refund/0/1",
    "sending": "pay: about to send charge/0/1 again, with the same key",
    "settled": "pay: 1 refused (no)",
    "turned": "undoing: declined (no)",
    "undone": "guard_cart: undone",
    "moved": "order (new) -> PENDING: opened",
    "closed": "closed",
    "reopened": "reopened: a late success",
    "alarmed": "alarm: odd",
    "parked": "parked for an operator: odd",
    "resumed": "resumed by an operator: looked",
    "run_failed": "run failed: ValueError, 5 times in a row",
}


@pytest.mark.parametrize(("entry", "words"), list(zip(GOLDEN.values(), WORDS.values(), strict=True)), ids=WORDS)
def test_every_entry_has_words(entry: Entry, words: str) -> None:
    assert describe(entry) == words


def test_a_trace_is_one_line_per_entry_grouped_by_commit() -> None:
    desk = Desk()
    result = desk.buy()
    text = trace_of(desk.file()).text().splitlines()
    assert text[0] == f"order {result.order_id}  CONFIRMED"
    assert text[1] == "  1  22:13:20.000  order (new) -> PENDING: opened  [first]"
    assert text[2] == " " * 19 + "open_order: done"
    assert text[-1] == " " * 19 + "closed"
    assert [line[:3] for line in text[1:] if line[:3].strip()] == ["  1", "  2"]


def test_a_trace_names_who_did_what() -> None:
    desk = Desk()
    desk.buy(crash_after=0)
    desk.clock.now += 61.0
    desk.recover("second")
    lines = trace_of(desk.file()).lines
    assert {line.worker for line in lines} == {"first", "second"}
    assert [line.at for line in lines] == sorted(line.at for line in lines)


def test_a_trace_is_json() -> None:
    desk = Desk()
    desk.answers["charge"] = [Declined(code="no")]
    desk.buy()
    trace = trace_of(desk.file())
    document = json.loads(json.dumps(trace.as_dict()))
    assert (document["order_id"], document["status"]) == (trace.order_id, "FAILED")
    assert [line["entry"] for line in document["lines"]] == [line.entry for line in trace.lines]
    assert [datetime.fromisoformat(line["at"]) for line in document["lines"]] == [line.at for line in trace.lines]
    assert document["lines"][0] == {
        "commit": 1,
        "at": "2023-11-14T22:13:20+00:00",
        "worker": "first",
        "entry": "moved",
        "text": "order (new) -> PENDING: opened",
    }


def test_a_trace_holds_no_secret() -> None:
    desk = Desk()
    desk.buy()
    trace = trace_of(desk.file())
    assert "tok_secret" not in trace.text() + json.dumps(trace.as_dict())
