"""Events in the store's own table, and one pending delivery per sink: the joined half of the outbox (protocol 6.1)."""

from __future__ import annotations

from collections.abc import Sequence

from checkout_core.adapters.sql.groups import DELIVERIES, OUTBOX
from checkout_core.adapters.sql.statement import Row
from checkout_core.adapters.sql.work import Work


class JoinedOutbox:
    """Appends a batch's events on the store's open transaction; a host may give its own, under the rules of
    :class:`JoinedInventory`."""

    def append(self, work: Work, rows: Sequence[Row]) -> None:
        """Each row is (id, aggregatetype, aggregateid, type, payload, aggregate_seq), Debezium's columns."""
        for row in rows:
            event_id, _, order_id, _, _, sequence = row
            work.add(OUTBOX, row)
            work.add(DELIVERIES, (order_id, sequence, event_id))
