"""``checkout-core status``: how many orders stand where, and what needs somebody's eye."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta

from checkout_core.cli.screen import Screen, Style
from checkout_core.cli.terminal import OK
from checkout_core.domain.order import OrderStatus
from checkout_core.drivers.auditing import Progress, every_file
from checkout_core.ports.outbox import Backlog
from checkout_core.ports.records import Phase
from checkout_core.ports.store import Alarm, Store

ALARMS = 100
"""Alarms that are counted and listed; there may be more."""

_SHOWN_ALARMS = 10


@dataclass(slots=True, kw_only=True)
class StockTotals:
    """Units over all items. STOCK-1: received = available + held + committed."""

    items: int = 0
    received: int = 0
    available: int = 0
    held: int = 0
    committed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    order_id: str
    status: str
    created_at: datetime


@dataclass(slots=True, kw_only=True)
class Figures:
    """A count of everything. Read page by page: on a shop that is selling the parts are of slightly different times."""

    at: datetime
    orders: int = 0
    by_status: Counter[str] = field(default_factory=Counter[str])
    unfinished: int = 0
    parked: int = 0
    watched: int = 0
    oldest_unfinished: Unfinished | None = None
    outbox_events: int = 0
    sinks: tuple[Backlog, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    stock: StockTotals = field(default_factory=StockTotals)

    @property
    def status(self) -> int:
        return OK

    def as_dict(self) -> dict[str, object]:
        oldest = self.oldest_unfinished
        return {
            "orders": self.orders,
            "by_status": {each.value: self.by_status[each] for each in OrderStatus if self.by_status[each]},
            "unfinished": self.unfinished,
            "parked": self.parked,
            "watched": self.watched,
            "oldest_unfinished": oldest
            and {
                "order_id": oldest.order_id,
                "status": oldest.status,
                "created_at": oldest.created_at.isoformat(),
                "age_seconds": round((self.at - oldest.created_at).total_seconds(), 3),
            },
            "outbox_events": self.outbox_events,
            "sinks": [{**asdict(each), "oldest_seconds": round(each.oldest_seconds, 3)} for each in self.sinks],
            "alarms": [{**asdict(each), "raised_at": each.raised_at.isoformat()} for each in self.alarms],
            "stock": asdict(self.stock),
        }

    def show(self, screen: Screen) -> None:
        screen.heading(f"{self.orders:,} orders")
        if self.by_status:
            screen.table(
                ("status", "orders"),
                [(each.value, f"{self.by_status[each]:,}") for each in OrderStatus if self.by_status[each]],
            )
        screen.heading("At work")
        screen.table(("", "orders"), self._at_work())
        oldest = self.oldest_unfinished
        if oldest is not None:
            age = _age(self.at - oldest.created_at)
            screen.say(f"oldest unfinished: {age}, {oldest.status}, {oldest.order_id}", indent=2)
        screen.heading("Stock, in units")
        totals = asdict(self.stock)
        screen.table(tuple(totals), [tuple(f"{units:,}" for units in totals.values())])
        screen.heading(f"Outbox: {self.outbox_events:,} events")
        if self.sinks:
            screen.table(("receiver", "pending", "oldest", "dead letters"), [_sink(each) for each in self.sinks])
        self._show_alarms(screen)

    def _at_work(self) -> list[tuple[str, str]]:
        return [
            ("unfinished (being worked on, or due for recovery)", f"{self.unfinished:,}"),
            ("parked (an operator must decide)", f"{self.parked:,}"),
            ("watched (decided; a late success is looked for)", f"{self.watched:,}"),
        ]

    def _show_alarms(self, screen: Screen) -> None:
        count = f"{len(self.alarms)}{' or more' if len(self.alarms) >= ALARMS else ''}"
        screen.heading(f"Alarms: {count}")
        for each in self.alarms[:_SHOWN_ALARMS]:
            about = "" if each.order_id in each.detail else f"order {each.order_id}: "
            screen.mark("alarm", f"{each.raised_at:%Y-%m-%d %H:%M:%S} {each.kind}: {about}{each.detail}", Style.BAD)
        if len(self.alarms) > _SHOWN_ALARMS:
            screen.say(f"the oldest {_SHOWN_ALARMS} are shown; --json lists up to {ALARMS}", Style.QUIET, indent=2)


def figures_of(
    store: Store, progress: Progress | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Figures:
    """Count what is in ``store``. Ages compare the database's times with this host's clock."""
    found = Figures(at=now())
    for file in every_file(store, progress):
        order, phase = file.order, file.saga.phase
        if order is None:
            continue
        found.orders += 1
        found.by_status[order.status] += 1
        found.unfinished += phase is Phase.RUNNING
        found.parked += phase is Phase.PARKED
        found.watched += phase is Phase.WATCHING
        oldest = found.oldest_unfinished
        if phase is Phase.RUNNING and (oldest is None or order.created_at < oldest.created_at):
            found.oldest_unfinished = Unfinished(
                order_id=order.order_id, status=order.status, created_at=order.created_at
            )
        found.outbox_events += len(store.outbox_of(order.order_id))
    for balance in store.stock_balances():
        found.stock.items += 1
        found.stock.received += balance.received
        found.stock.available += balance.available
        found.stock.held += balance.held
        found.stock.committed += balance.committed
    found.sinks = store.outbox.backlog()
    found.alarms = store.alarms(limit=ALARMS)
    return found


def _sink(waiting: Backlog) -> tuple[str, ...]:
    oldest = _age(timedelta(seconds=waiting.oldest_seconds)) if waiting.pending else ""
    return waiting.sink, f"{waiting.pending:,}", oldest, f"{waiting.dead:,}"


def _age(span: timedelta) -> str:
    seconds = max(0, int(span.total_seconds()))
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds"
