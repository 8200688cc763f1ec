"""Any store against the memory store: clause 1 of the store port (STATE-5) as one assertion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import unified_diff
from itertools import count
from pprint import pformat

from checkout_core.adapters.memory import MemoryStore
from checkout_core.domain.order import StockState
from checkout_core.errors import CheckoutError
from checkout_core.ports.records import Applied, CommitAnswer, Short, StockLine, Transaction
from checkout_core.ports.store import SagaFile, Store
from checkout_core.testing.names import Names
from checkout_core.testing.snapshot import SOME_TIME, Extent, snapshot_of
from checkout_core.testing.stories import Advance, Again, Basket, Move, Open, Pen, Round, Story
from checkout_core.testing.transactions import LONG, Ending, Fence, Purchase, ending, opening


def assert_same_as_memory(store: Store, story: Story) -> None:
    """Tell ``story`` to ``store`` in batches and to a :class:`MemoryStore` member by member; they must agree.

    Compared after each round: every claim, every answer (but for its time) and everything stored. The story is told
    under names of its own, so ``store`` need not be empty and may serve any number of stories.
    """
    telling = _Telling(store, story)
    for number, each in enumerate(story.rounds, start=1):
        telling.tell(number, each)
    telling.acknowledge_alarms()


class _Telling:
    def __init__(self, store: Store, story: Story) -> None:
        self.names = Names()
        self.store = store
        self.memory = MemoryStore()
        self.purchases = [self._purchase(number, basket) for number, basket in enumerate(story.baskets)]
        self.extent = Extent(
            names=self.names,
            sagas=tuple(each.saga_id for each in self.purchases),
            keys=tuple(sorted({each.key for each in self.purchases})),
            carts=tuple(sorted({each.cart_id for each in self.purchases})),
        )
        self.tokens: dict[str, str] = {}
        self.told: list[Transaction] = []
        self.numbers = count(1)
        for number, units in enumerate(story.stock):
            item_id, location = self.names.item(number)
            for stock in (self.memory.inventory, store.inventory):
                stock.set_available(item_id, units, location=location)

    def tell(self, number: int, each: Round) -> None:
        for saga in each.claims:
            self.claim(self.purchases[saga].saga_id)
        expected: list[CommitAnswer] = []
        batch: list[Transaction] = []
        for move in each.moves:
            batch.append(self.transaction(move))
            expected += self.memory.commit(batch[-1:])
        given = self.store.commit(batch)
        _assert_equal(f"answers of round {number}", _listed(batch, expected), _listed(batch, given))
        self.assert_same_content(f"content after round {number}")

    def claim(self, saga_id: str) -> None:
        token = self.names.token(next(self.numbers))
        expected = self.memory.claim_one(saga_id, token=token, lease_seconds=LONG)
        given = self.store.claim_one(saga_id, token=token, lease_seconds=LONG)
        _assert_equal(f"claim of {saga_id}", expected, given)
        if expected:
            self.tokens[saga_id] = token

    def transaction(self, move: Move) -> Transaction:
        made = self._made(move)
        self.told.append(made)
        return made

    def _made(self, move: Move) -> Transaction:
        match move:
            case Again(back) if self.told:
                return self.told[-1 - (back - 1) % len(self.told)]
            case Again():
                return self._open(self.purchases[0], lease_seconds=LONG)
            case Open(saga, leased):
                return self._open(self.purchases[saga], lease_seconds=LONG if leased else 0.0)
            case Advance(saga, kind, pen):
                return self._advance(self.purchases[saga], kind, pen)

    def _open(self, purchase: Purchase, *, lease_seconds: float) -> Transaction:
        fence = Fence(commit_id=self.names.commit(next(self.numbers)), token=self.names.token(0))
        return opening(purchase, fence, lease_seconds=lease_seconds)

    def _advance(self, purchase: Purchase, kind: Ending, pen: Pen) -> Transaction:
        file = self.memory.load(purchase.saga_id)
        if file is None or file.order is None:
            return self._open(purchase, lease_seconds=LONG)
        version = file.saga.version + {Pen.STALE: -1, Pen.AHEAD: 1}.get(pen, 0)
        stranger = pen is Pen.STRANGER
        fence = Fence(
            commit_id=self.names.commit(next(self.numbers)),
            token=self.names.token(10**9) if stranger else self.tokens.get(purchase.saga_id, self.names.token(0)),
            version=max(1, version),
        )
        return ending(purchase, _possible(kind, file), fence)

    def assert_same_content(self, what: str) -> None:
        _assert_equal(what, snapshot_of(self.memory, self.extent), snapshot_of(self.store, self.extent))

    def acknowledge_alarms(self) -> None:
        for alarm in self.memory.alarms(limit=1_000_000):
            for store in (self.memory, self.store):
                store.acknowledge_alarm(alarm.alarm_id)
        self.assert_same_content("content after the alarms were acknowledged")

    def _purchase(self, number: int, basket: Basket) -> Purchase:
        places = [(*self.names.item(item), qty) for item, qty in basket.lines]
        return Purchase(
            saga_id=self.names.saga(number),
            scope=self.names.scope,
            key=self.names.key(basket.key),
            fingerprint=f"v1:{basket.fingerprint}",
            cart_id=self.names.cart(basket.cart),
            lines=tuple(sorted(StockLine(item_id=item, location=place, qty=qty) for item, place, qty in places)),
        )


def _possible(kind: Ending, file: SagaFile) -> Ending:
    """``kind``, or what the checkout could write instead where this saga never gets there."""
    if not file.operations:
        return Ending.PARK if kind is Ending.PARK else Ending.LET_GO
    if kind is Ending.LATE and (file.order is None or file.order.stock is not StockState.RELEASED):
        return Ending.CONFIRM
    return kind


def _listed(batch: Sequence[Transaction], answers: Sequence[CommitAnswer | CheckoutError]) -> list[str]:
    pairs = zip(batch, answers, strict=True)
    return [f"{member.saga_id} {member.commit_id} at {member.version}: {_timeless(a)}" for member, a in pairs]


def _timeless(answer: CommitAnswer | CheckoutError) -> CommitAnswer | CheckoutError:
    return replace(answer, at=SOME_TIME) if isinstance(answer, Applied | Short) else answer


def _assert_equal(what: str, expected: object, given: object) -> None:
    # By repr: a StrEnum equals its text, and a store that loads texts for enums must not pass.
    if repr(expected) != repr(given):
        lines = unified_diff(_lines(expected), _lines(given), "memory store", "this store", lineterm="")
        raise AssertionError("\n".join((f"{what} differs from the memory store's", *lines)))


def _lines(content: object) -> list[str]:
    return pformat(content, width=140, sort_dicts=False).splitlines()
