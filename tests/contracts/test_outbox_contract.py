"""The memory store's outbox keeps the contract of which it is the specification."""

from __future__ import annotations

import pytest

from checkout_core.adapters.memory import MemoryStore
from checkout_core.testing.contracts.outbox import OutboxContract


class TestMemoryOutbox(OutboxContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()
