"""The memory store: the executable specification of the store port."""

from checkout_core.adapters.memory.store import MemoryStore

__all__ = ["MemoryStore"]
