"""The journal's JSON: what is written is read again, and what was ever written stays readable."""

from __future__ import annotations

import typing
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from checkout_core.ports.store import JournalRow
from checkout_core.saga.journal import (
    Alarmed,
    Closed,
    Entry,
    Intended,
    Moved,
    Parked,
    Reopened,
    Resumed,
    RunFailed,
    Sending,
    Settled,
    Stepped,
    Turned,
    Undone,
    Verdict,
    decode,
    encode,
)

ENTRIES: tuple[type[Entry], ...] = typing.get_args(Entry)

texts = st.text(max_size=30)
_FIELDS: dict[str, st.SearchStrategy[typing.Any]] = {
    "failures": st.integers(1, 1000),
    "verdict": st.sampled_from(Verdict),
    "direction": st.sampled_from(["run", "undo"]),
}


def _entries_of(kind: type[Entry]) -> st.SearchStrategy[Entry]:
    names = [name for name in kind.__dataclass_fields__ if name != "entry"]
    return st.builds(kind, **{name: _FIELDS.get(name, texts) for name in names})


entries: st.SearchStrategy[Entry] = st.one_of(*map(_entries_of, ENTRIES))


def row(text: str, version: int = 1) -> JournalRow:
    return JournalRow(version=version, commit_id="c", at=datetime(2026, 1, 1, tzinfo=UTC), worker="w", entries=text)


@given(st.lists(st.lists(entries, max_size=5), max_size=4))
def test_what_is_written_is_read_again(commits: list[list[Entry]]) -> None:
    rows = [row(encode(each), number) for number, each in enumerate(commits, 1)]
    assert decode(rows) == tuple(entry for each in commits for entry in each)


GOLDEN: dict[str, Entry] = {
    '{"step":"open_order","entry":"stepped"}': Stepped("open_order"),
    '{"step":"pay","operation_id":"charge/0/1","direction":"run","entry":"intended"}': Intended("pay", "charge/0/1"),
    '{"step":"pay","operation_id":"refund/0/1","direction":"undo","entry":"intended"}': Intended(
        "pay", "refund/0/1", "undo"
    ),
    '{"step":"pay","operation_id":"charge/0/1","entry":"sending"}': Sending("pay", "charge/0/1"),
    '{"step":"pay","operation_id":"1","verdict":"refused","direction":"run","detail":"no","entry":"settled"}': Settled(
        "pay", "1", Verdict.REFUSED, "run", "no"
    ),
    '{"reason":"declined","detail":"no","entry":"turned"}': Turned("declined", "no"),
    '{"step":"guard_cart","entry":"undone"}': Undone("guard_cart"),
    '{"source":"","on":"opened","target":"PENDING","entry":"moved"}': Moved("", "opened", "PENDING"),
    '{"entry":"closed"}': Closed(),
    '{"entry":"reopened"}': Reopened(),
    '{"cause":"odd","entry":"alarmed"}': Alarmed("odd"),
    '{"cause":"odd","entry":"parked"}': Parked("odd"),
    '{"note":"looked","entry":"resumed"}': Resumed("looked"),
    '{"where":"ValueError","failures":5,"entry":"run_failed"}': RunFailed("ValueError", 5),
}
"""The JSON of version 1. These literals never change; a new field has a default and is added below."""


def test_there_is_a_literal_of_every_kind_of_entry() -> None:
    assert {type(entry) for entry in GOLDEN.values()} == set(ENTRIES)


@pytest.mark.parametrize(("text", "entry"), GOLDEN.items(), ids=[text[-40:] for text in GOLDEN])
def test_an_old_journal_stays_readable(text: str, entry: Entry) -> None:
    assert decode([row(f"[{text}]")]) == (entry,)


@pytest.mark.parametrize(("text", "entry"), GOLDEN.items(), ids=[text[-40:] for text in GOLDEN])
def test_an_old_reader_can_read_what_is_written_now(text: str, entry: Entry) -> None:
    """During a rolling restart older processes read what newer ones write."""
    assert encode([entry]) == f"[{text}]"


@pytest.mark.parametrize(
    "verdict", ["done", "refused", "not_executed", "presumed", "assumed_done", "unknown", "waiting"]
)
def test_every_verdict_ever_written_stays_readable(verdict: str) -> None:
    text = f'[{{"step":"pay","operation_id":"1","verdict":"{verdict}","entry":"settled"}}]'
    assert decode([row(text)]) == (Settled("pay", "1", Verdict(verdict)),)


def test_an_entry_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(ValidationError):
        decode([row('[{"entry":"flown"}]')])
