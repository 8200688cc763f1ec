"""Where the demonstration plays: a shop on a SQLite file, and a bank that is a process of its own."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from checkout_core.adapters.sandbox import BankProcess, HttpSandboxPayments
from checkout_core.adapters.sandbox import LedgerEntry as BankEntry
from checkout_core.adapters.sql import SqlStore
from checkout_core.checkout.audit import LedgerEntry
from checkout_core.checkout.plan import REFERENCE_PREFIX
from checkout_core.cli.demo.cart_file import CartFile
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.result import CheckoutResult
from checkout_core.drivers.threads import Checkout
from checkout_core.settings import Settings

SETTINGS = Settings(call_timeout_seconds=2.0, lease_seconds=4.0, retry_first_seconds=0.2)
"""A short lease, so that nobody has to wait long until a killed shop's order is taken over."""

CALL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Stage:
    """``store`` and ``checkout`` are this process's shop. ``answers``: the result of each key so far."""

    carts: CartFile
    url: str
    bank: BankProcess
    store: SqlStore
    checkout: Checkout
    answers: dict[str, CheckoutResult]

    def buy(self, request: CheckoutRequest) -> CheckoutResult:
        result = self.checkout.execute(request, timeout_seconds=CALL_SECONDS)
        self.answers.setdefault(request.idempotency_key, result)
        return result

    def charges(self, order_id: str) -> list[BankEntry]:
        """What the bank booked for this order, by the bank's own ledger."""
        ours = f"{REFERENCE_PREFIX}{order_id}_"
        return [each for each in self.bank.ledger() if order_id and each.reference.startswith(ours)]

    def available(self) -> dict[str, int]:
        """Units on sale by item."""
        return {item: self.store.inventory.available(item) or 0 for item in self.carts.stock}

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """The bank's books, for the auditor."""
        return tuple(
            LedgerEntry(
                kind=each.kind,
                reference=each.reference,
                key=each.key,
                minor=each.amount.minor,
                currency=each.amount.currency,
            )
            for each in self.bank.ledger()
        )


@contextmanager
def open_stage(directory: Path, carts: CartFile) -> Generator[Stage]:
    """A shop with an empty database in ``directory``, its shelves filled; closed with the block, and so is the bank."""
    url = f"sqlite:///{directory / 'shop.db'}"
    with BankProcess(directory / "bank.jsonl") as bank, open_shop(url, bank.url) as (store, checkout):
        store.migrate()
        for item, units in carts.stock.items():
            store.inventory.set_available(item, units)
        yield Stage(carts=carts, url=url, bank=bank, store=store, checkout=checkout, answers={})


@contextmanager
def open_shop(url: str, bank_url: str) -> Generator[tuple[SqlStore, Checkout]]:
    """One shop process's composition: the very same for the shop that lives and for the one that is killed."""
    store = SqlStore(url)
    try:
        with Checkout(store, payments=HttpSandboxPayments(bank_url), settings=SETTINGS) as checkout:
            yield store, checkout
    finally:
        store.close()
