"""Less work for the cyclic garbage collector while many short runs are played."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def rare_collections() -> Generator[None]:
    """Each run leaves one knot of objects: looking for them all the time takes a third of it."""
    thresholds = gc.get_threshold()
    gc.set_threshold(200_000, 10, 100)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
