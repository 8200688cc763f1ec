"""What a driver gives to every run: the core draws no randomness and knows no host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Context:
    """``worker`` names the process in the journal. ``new_id`` gives UUIDv7 strings that nobody else draws."""

    worker: str
    new_id: Callable[[], str]
