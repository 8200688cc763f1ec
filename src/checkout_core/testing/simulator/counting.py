"""Effects created against effects handed to a driver: one that is created and not awaited is a defect."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from checkout_core.saga.effects import Call, Claim, Commit, Load, PutBack, Wait
from checkout_core.testing.simulator.passes import ClaimDue

KINDS: tuple[type[Any], ...] = (Commit, Load, Claim, PutBack, Call, Wait, ClaimDue)


class Created:
    """How many effects were created since."""

    def __init__(self) -> None:
        self.effects = 0


@contextmanager
def created_effects() -> Generator[Created]:
    """Count every effect that is created inside the block, in this process."""
    created = Created()
    originals = {kind: kind.__init__ for kind in KINDS}
    for kind, original in originals.items():
        setattr(kind, "__init__", _counting(original, created))  # noqa: B010 - a type checker allows no plain assignment
    try:
        yield created
    finally:
        for kind, original in originals.items():
            setattr(kind, "__init__", original)  # noqa: B010


def _counting(original: Callable[..., None], created: Created) -> Callable[..., None]:
    def counted(self: object, *args: object, **kwargs: object) -> None:
        created.effects += 1
        original(self, *args, **kwargs)

    return counted
