"""The memory store keeps the contract of which it is the specification."""

from __future__ import annotations

import pytest

from checkout_core.adapters.memory import MemoryStore
from checkout_core.testing.contracts.store import StoreContract


class TestMemoryStore(StoreContract):
    stories_told = 100

    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()
