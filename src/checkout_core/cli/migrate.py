"""``checkout-core migrate``: the tables, created or brought up to date."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from checkout_core.adapters.sql import SqlStore
from checkout_core.cli.screen import Screen, Style
from checkout_core.cli.terminal import OK


@dataclass(frozen=True, slots=True)
class Migrated:
    """``before`` 0: there were no tables."""

    database: str
    before: int
    after: int

    @property
    def status(self) -> int:
        return OK

    def as_dict(self) -> dict[str, object]:
        return asdict(self)

    def show(self, screen: Screen) -> None:
        if self.before == self.after:
            said = f"the schema is at version {self.after} already"
        elif self.before:
            said = f"the schema was at version {self.before} and is now at version {self.after}"
        else:
            said = f"there were no tables; the schema is now at version {self.after}"
        screen.mark("ok", f"{self.database}: {said}", Style.GOOD)


def migrate(store: SqlStore, database: str) -> Migrated:
    """Create or upgrade the tables. Raises :class:`SchemaVersionError` where the database is newer than this code."""
    before = store.migrate(through=0)  # no step: only tells where it stands
    after = store.migrate()
    store.alarms(limit=1)  # any use checks the range
    return Migrated(database, before, after)
