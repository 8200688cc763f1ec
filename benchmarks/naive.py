"""What a shop writes first: an ORM, a session per step, a row lock per item. Two commits, no recovery."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import datetime

import psycopg
from sqlalchemy import ForeignKey, create_engine, func, insert, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from benchmarks.contender import Sell, SellAsync, Tally
from benchmarks.workload import HOT_ITEM, Bank, Order, Outcome, Workload

POOL = 32


class Table(DeclarativeBase):
    pass


class Stock(Table):
    __tablename__ = "stock"
    item: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    available: Mapped[int]


class Line(Table):
    __tablename__ = "order_lines"
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    item: Mapped[int] = mapped_column(primary_key=True)
    qty: Mapped[int]
    price: Mapped[int]


class Placed(Table):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str]
    total: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    lines: Mapped[list[Line]] = relationship()


class Payment(Table):
    __tablename__ = "payments"
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    charge: Mapped[str | None]
    amount: Mapped[int]


class Event(Table):
    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int]
    topic: Mapped[str]
    payload: Mapped[dict[str, int]] = mapped_column(JSONB)


class NaiveShop:
    """See :class:`benchmarks.contender.Contender`. Threads only: nobody writes this shop with asyncio first."""

    def prepare(self, dsn: str, workload: Workload) -> None:
        engine = create_engine(_url(dsn))
        Table.metadata.create_all(engine)
        stock = [{"item": item, "available": workload.stock_of(item)} for item in range(1, workload.items + 1)]
        with engine.begin() as connection:
            connection.execute(insert(Stock), stock)
        engine.dispose()

    def set_hot_stock(self, dsn: str, units: int) -> None:
        with psycopg.connect(dsn) as connection:
            connection.execute("UPDATE stock SET available = %s WHERE item = %s", [units, HOT_ITEM])

    @contextmanager
    def threads(self, dsn: str, bank: Bank) -> Iterator[Sell]:
        engine = create_engine(_url(dsn), pool_size=POOL)

        def sell(order: Order) -> Outcome:
            with Session(engine) as session:
                order_id = _open(session, order)
            if order_id is None:
                return Outcome.NO_STOCK
            charge = bank.charge(order.key)
            with Session(engine) as session:
                _finish(session, order_id, charge)
            return Outcome.DECLINED if charge is None else Outcome.CONFIRMED

        yield sell
        engine.dispose()

    def tasks(self, dsn: str, bank: Bank) -> AbstractAsyncContextManager[SellAsync]:
        raise ValueError("the naive shop has threads only")

    def verify(self, dsn: str, workload: Workload, tally: Tally, bank: Bank) -> dict[str, bool]:
        with psycopg.connect(dsn) as connection:
            stock: dict[int, int] = dict(connection.execute("SELECT item, available FROM stock").fetchall())
            statuses: dict[str, int] = dict(
                connection.execute("SELECT status, count(*) FROM orders GROUP BY 1").fetchall()
            )
        confirmed = tally.outcomes[Outcome.CONFIRMED]
        return {
            "stock is conserved": all(stock[item] + tally.sold[item] == workload.stock_of(item) for item in stock),
            "each confirmed order is charged once": bank.charges.total() == len(bank.charges) == confirmed,
            "orders are what buyers were told": statuses.get("CONFIRMED", 0) == confirmed,
            "nothing is half done": statuses.keys() <= {"CONFIRMED", "FAILED"},
        }


def _open(session: Session, order: Order) -> int | None:
    placed = Placed(key=order.key, status="RESERVED", total=order.total)
    session.add(placed)
    for item, price in zip(order.items, order.prices, strict=True):
        row = session.scalars(select(Stock).where(Stock.item == item).with_for_update()).one()
        if row.available < 1:
            session.rollback()
            return None
        row.available -= 1
        placed.lines.append(Line(item=item, qty=1, price=price))
    session.commit()
    return placed.id


def _finish(session: Session, order_id: int, charge: str | None) -> None:
    placed = session.get_one(Placed, order_id)
    placed.status = "FAILED" if charge is None else "CONFIRMED"
    session.add(Payment(order_id=placed.id, charge=charge, amount=placed.total))
    if charge is None:
        for line in sorted(placed.lines, key=lambda line: line.item):
            row = session.scalars(select(Stock).where(Stock.item == line.item).with_for_update()).one()
            row.available += line.qty
    else:
        session.add(Event(order_id=placed.id, topic="order.confirmed", payload={"total": placed.total}))
    session.commit()


def _url(dsn: str) -> str:
    return dsn.replace("postgresql://", "postgresql+psycopg://", 1)
