"""Hypothesis strategies for tests of stores."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TypeVar

from hypothesis import strategies as st

from checkout_core.testing.stories import Advance, Again, Basket, Move, Open, Pen, Round, Story
from checkout_core.testing.transactions import Ending

MOST_IN_A_BATCH = 64

V = TypeVar("V")


@st.composite
def stories(draw: st.DrawFn, *, sagas_most: int = 24, rounds_most: int = 4) -> Story:
    """Stories in which many sagas want few items, and some the key or the cart of another."""
    stock = draw(st.lists(st.integers(0, 12), min_size=3, max_size=5))
    sagas = draw(st.integers(1, sagas_most))
    buyers = [draw(baskets(number, items_known=len(stock))) for number in range(sagas)]
    rounds = draw(st.lists(_rounds(sagas), min_size=1, max_size=rounds_most))
    return Story(stock=tuple(stock), baskets=tuple(buyers), rounds=tuple(rounds))


@cache
def baskets(number: int, *, items_known: int) -> st.SearchStrategy[Basket]:
    """What saga ``number`` buys. Most have a key and a cart of their own; few want an item that the store lacks."""
    item = st.sampled_from(_mostly(range(items_known), items_known, items_known + 1))
    quantities = st.dictionaries(item, st.integers(1, 3), max_size=3)
    mine_or_another = st.sampled_from(_mostly([number], *range(number)))
    return st.builds(
        Basket,
        key=mine_or_another,
        cart=mine_or_another,
        fingerprint=st.integers(0, 1),
        lines=quantities.map(lambda chosen: tuple(sorted(chosen.items()))),
    )


def _mostly(usual: Iterable[V], *unusual: V) -> list[V]:
    """For ``sampled_from``: about nine times in ten one of ``usual``."""
    usually = list(usual)
    return usually * max(1, 9 * len(unusual) // len(usually)) + list(unusual)


@cache
def _rounds(sagas: int) -> st.SearchStrategy[Round]:
    saga = st.integers(0, sagas - 1)
    move = st.one_of(_advances(saga), _advances(saga), _advances(saga), _opens(saga), _repeats())
    few = st.lists(move, min_size=1, max_size=8)
    many = st.lists(move, min_size=16, max_size=MOST_IN_A_BATCH)
    return st.builds(
        Round,
        claims=st.lists(saga, max_size=6).map(tuple),
        moves=st.one_of(few, many).map(tuple),
    )


def _advances(saga: st.SearchStrategy[int]) -> st.SearchStrategy[Move]:
    pen = st.sampled_from(_mostly([Pen.CURRENT], Pen.STALE, Pen.AHEAD, Pen.STRANGER))
    return st.builds(Advance, saga=saga, ending=st.sampled_from(list(Ending)), pen=pen)


def _opens(saga: st.SearchStrategy[int]) -> st.SearchStrategy[Move]:
    return st.builds(Open, saga=saga, leased=st.booleans())


def _repeats() -> st.SearchStrategy[Move]:
    return st.builds(Again, back=st.integers(1, 10))
