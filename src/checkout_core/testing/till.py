"""A till: what tests of a store do over and over, in one line each."""

from __future__ import annotations

from itertools import count

from checkout_core.errors import CheckoutError
from checkout_core.ports.records import Applied, CommitAnswer, Record, Short, StockLine, Transaction, VersionConflict
from checkout_core.ports.store import SagaFile, StockBalance, Store
from checkout_core.testing.names import Names
from checkout_core.testing.transactions import LONG, Ending, Fence, Purchase, ending, of_saga, opening

Place = tuple[str, str]
"""(item, location)"""


class Till:
    """Sells from ``store`` under names of its own.

    Each purchase has a key and a cart of its own unless the test shares them.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.names = Names()
        self._numbers = count(1)

    def item(self, units: int) -> Place:
        """An item of which the store has this many."""
        place = self.unknown_item()
        self.store.inventory.set_available(place[0], units, location=place[1])
        return place

    def unknown_item(self) -> Place:
        return self.names.item(next(self._numbers) + 100)

    def purchase(self, lines: dict[Place, int] | None = None, *, key: str = "", cart_id: str = "") -> Purchase:
        number = next(self._numbers) + 100
        wanted = [StockLine(item_id=item, location=place, qty=qty) for (item, place), qty in (lines or {}).items()]
        return Purchase(
            saga_id=self.names.saga(number),
            scope=self.names.scope,
            key=key or self.names.key(number),
            fingerprint=f"v1:{number}",
            cart_id=cart_id or self.names.cart(number),
            lines=tuple(sorted(wanted)),
        )

    def token(self) -> str:
        return self.names.token(next(self._numbers))

    def fence(self, version: int, *, token: str = "") -> Fence:
        """A new commit under ``token``; without one, under the token that opened."""
        commit_id = self.names.commit(next(self._numbers))
        return Fence(commit_id=commit_id, token=token or self.names.token(0), version=version)

    def opening(self, purchase: Purchase, *, lease_seconds: float = LONG) -> Transaction:
        return opening(purchase, self.fence(0), lease_seconds=lease_seconds)

    def ending(self, purchase: Purchase, kind: Ending, *, version: int = 1, token: str = "") -> Transaction:
        return ending(purchase, kind, self.fence(version, token=token))

    def writing(self, purchase: Purchase, *records: Record, version: int = 1, token: str = "") -> Transaction:
        return of_saga(purchase.saga_id, self.fence(version, token=token), *records)

    def commit(self, transaction: Transaction) -> CommitAnswer:
        answer = self.store.commit([transaction])[0]
        if isinstance(answer, CheckoutError):
            raise answer
        return answer

    def stored(self, transaction: Transaction) -> Applied:
        """Commit what must be applied."""
        answer = self.commit(transaction)
        assert isinstance(answer, Applied), answer
        return answer

    def short(self, transaction: Transaction) -> Short:
        """Commit what must fall short."""
        answer = self.commit(transaction)
        assert isinstance(answer, Short), answer
        return answer

    def refused_by_fence(self, transaction: Transaction) -> None:
        assert self.commit(transaction) == VersionConflict()

    def opened(self, lines: dict[Place, int] | None = None, *, lease_seconds: float = LONG) -> Purchase:
        """A purchase that has been opened, with its lines on hold."""
        purchase = self.purchase(lines)
        self.stored(self.opening(purchase, lease_seconds=lease_seconds))
        return purchase

    def file(self, purchase: Purchase) -> SagaFile:
        file = self.store.load(purchase.saga_id)
        assert file is not None
        return file

    def balance(self, place: Place) -> StockBalance:
        found = [row for row in self.store.stock_balances() if (row.item_id, row.location) == place]
        assert len(found) == 1, found
        return found[0]

    def claim(self, purchase: Purchase) -> str:
        """The token under which the saga is now leased."""
        token = self.token()
        assert self.store.claim_one(purchase.saga_id, token=token, lease_seconds=LONG)
        return token

    def due(self, *, limit: int = 1000) -> list[str]:
        """Which sagas of this till a worker is handed now."""
        claimed = self.store.claim_due(token=self.token(), lease_seconds=LONG, limit=limit)
        return [saga_id for saga_id in claimed if saga_id.startswith(self.names.scope[:8])]
