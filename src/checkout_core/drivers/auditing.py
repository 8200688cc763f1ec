"""The auditor at work on a store: pages of orders, their events, the stock, and the provider's ledger.

On a shop that is selling, the parts of this picture are read one after the other, and what happens in between looks
like a contradiction. So a finding counts only if a second look, at everything anew, finds it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from checkout_core.checkout.audit import Audited, AuditReport, LedgerEntry, audit
from checkout_core.ports.store import SagaFile, Store

PAGE = 200

Ledger: TypeAlias = Sequence[LedgerEntry] | Callable[[], Sequence[LedgerEntry]]
"""The provider's whole ledger, or what reads it as it stands then: that is asked anew for each look."""

Progress: TypeAlias = Callable[[int], None]
"""Told after each page how many orders were read in this look."""


def audit_store(store: Store, ledger: Ledger | None = None, progress: Progress | None = None) -> AuditReport:
    """Check every promise on ``store`` as it stands, and against the provider's own books where ``ledger`` is given.

    Reads only, page by page: memory does not grow with the number of orders, but for the ledger and the keys. A ledger
    that was exported earlier lacks what was charged since: export it after the last sale that it is compared with.
    Raises :class:`StorageUnavailableError` where the store cannot be read, and what ``ledger`` raises.
    """
    report = _look(store, ledger, progress)
    if report.clean:
        return report
    before = {(each.property_id, each.subject) for each in report.findings}
    report = _look(store, ledger, progress)
    report.findings = [each for each in report.findings if (each.property_id, each.subject) in before]
    return report


def every_file(store: Store, progress: Progress | None = None) -> Iterator[SagaFile]:
    """Every order's file, oldest first, in pages."""
    seen, last = 0, ""
    while page := store.files_after(last, limit=PAGE):
        yield from page
        seen, last = seen + len(page), page[-1].saga.saga_id
        if progress is not None:
            progress(seen)


def _look(store: Store, ledger: Ledger | None, progress: Progress | None) -> AuditReport:
    # The ledger first: an entry's intent was stored before it (MONEY-5), so its order is among those read afterwards.
    entries = ledger() if callable(ledger) else ledger
    return audit((_audited(store, file) for file in every_file(store, progress)), store.stock_balances(), entries)


def _audited(store: Store, file: SagaFile) -> Audited:
    events = store.outbox_of(file.saga.saga_id)
    # What came after the file was read belongs to a later picture.
    return Audited(file=file, events=tuple(each for each in events if each.aggregate_seq <= file.saga.version))
