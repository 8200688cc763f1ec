"""The contract of ``checkout_core.ports.store.Store`` as a test class for authors of stores.

Give it a store and pytest runs every clause::

    class TestMyStore(StoreContract):
        @pytest.fixture
        def store(self) -> Iterator[Store]:
            store = MyStore(...)
            yield store
            store.close()

The store needs to be safe for several threads. Every test uses names of its own, so the store may keep what earlier
tests left, but no saga of others may be due. Clause 4, on stores that cannot be reached, needs faults of the adapter's
own kind and is left to its tests.

For messages with values write ``pytest.register_assert_rewrite("checkout_core.testing")`` in your ``conftest.py``,
before anything imports this package.
"""

from __future__ import annotations

import pytest

from checkout_core.ports.store import Store
from checkout_core.testing.contracts.store_commits import CommitClauses
from checkout_core.testing.contracts.store_fence import FenceClauses
from checkout_core.testing.contracts.store_leases import LeaseClauses
from checkout_core.testing.contracts.store_reading import ReadingClauses
from checkout_core.testing.contracts.store_stock import StockClauses
from checkout_core.testing.till import Till


class StoreContract(CommitClauses, FenceClauses, LeaseClauses, StockClauses, ReadingClauses):
    """Each test's docstring names the clause of the port and the properties that it shows."""

    @pytest.fixture
    def till(self, store: Store) -> Till:
        """Sells from the ``store`` fixture of the subclass."""
        return Till(store)
