"""Who works on a saga: claims and their return, compared with the database's clock (protocol 3.1, 3.3, 3.6)."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, or_, select, update

from checkout_core.adapters.sql.dialects.dialect import Dialect
from checkout_core.adapters.sql.tables import SAGAS
from checkout_core.ports.records import Phase

_CLAIMABLE = (Phase.RUNNING.value, Phase.WATCHING.value)


class Leases:
    """Each method is the body of a write transaction."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def claim_due(self, connection: Connection, *, token: str, lease_seconds: float, limit: int) -> tuple[str, ...]:
        now = self._dialect.now(connection)
        here = self._dialect.instant(now)
        due = (
            select(SAGAS.c.saga_id)
            .where(SAGAS.c.due_at <= here, SAGAS.c.phase.in_(_CLAIMABLE))
            .where(or_(SAGAS.c.lease_until.is_(None), SAGAS.c.lease_until <= here))
            .order_by(SAGAS.c.due_at, SAGAS.c.saga_id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        claimed = tuple(connection.execute(due).scalars())
        if claimed:
            until = self._dialect.instant(now + timedelta(seconds=lease_seconds))
            leased = update(SAGAS).where(SAGAS.c.saga_id.in_(claimed))
            connection.execute(leased.values(token=token, lease_until=until, due_at=until))
        return claimed

    def claim_one(self, connection: Connection, saga_id: str, *, token: str, lease_seconds: float) -> bool:
        now = self._dialect.now(connection)
        here = self._dialect.instant(now)
        until = self._dialect.instant(now + timedelta(seconds=lease_seconds))
        free = (
            update(SAGAS)
            .where(SAGAS.c.saga_id == saga_id, SAGAS.c.phase != Phase.DONE.value)
            .where(or_(SAGAS.c.lease_until.is_(None), SAGAS.c.lease_until <= here))
        )
        return connection.execute(free.values(token=token, lease_until=until, due_at=until)).rowcount == 1

    def put_back(
        self, connection: Connection, saga_id: str, *, token: str, due_seconds: float, tries: int | None
    ) -> None:
        due_at = self._dialect.instant(self._dialect.now(connection) + timedelta(seconds=due_seconds))
        mine = update(SAGAS).where(SAGAS.c.saga_id == saga_id, SAGAS.c.token == token, SAGAS.c.token != "")
        remembered = {} if tries is None else {"tries": tries}
        connection.execute(mine.values(token="", lease_until=None, due_at=due_at, **remembered))
