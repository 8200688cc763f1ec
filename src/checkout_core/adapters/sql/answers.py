"""What a journal row remembers of its commit's answer, for a repetition after a lost COMMIT (protocol 2.8)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from pydantic_core import to_json

from checkout_core.domain.result import Shortage
from checkout_core.ports.records import Applied, Short


def write(lines: Sequence[Shortage]) -> str:
    """The journal's text of a shortage; an applied commit has ''."""
    return to_json([(line.item_id, line.location, line.wanted, line.available) for line in lines]).decode()


def read(shortage: str, *, version: int, at: datetime) -> Applied | Short:
    """The answer that was given then."""
    if not shortage:
        return Applied(version=version, at=at)
    lines = tuple(
        Shortage(item_id=item_id, location=location, wanted=wanted, available=available)
        for item_id, location, wanted, available in json.loads(shortage)
    )
    return Short(version=version, at=at, lines=lines)
