"""How long to leave a saga alone before it is looked at again. No jitter is needed: claims are spread already."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """``first_seconds``, doubled at each try, never more than ``most_seconds``."""

    first_seconds: float
    most_seconds: float

    def seconds(self, tries: int) -> float:
        return min(self.most_seconds, self.first_seconds * 2.0 ** min(tries, 32))

    def after(self, age_seconds: float) -> float:
        """For something that is asked about again and again: in half as long as it has waited already."""
        return min(self.most_seconds, max(self.first_seconds, age_seconds / 2))
