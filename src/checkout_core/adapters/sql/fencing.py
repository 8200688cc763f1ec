"""Who may write: (token, version) and nothing else, under the lock of the saga's row (protocol 3.1)."""

from __future__ import annotations

from collections.abc import Sequence

from checkout_core.adapters.sql.candidate import Candidate
from checkout_core.adapters.sql.dialects.dialect import Dialect
from checkout_core.adapters.sql.looks import FENCES
from checkout_core.adapters.sql.outside import answer_outside
from checkout_core.adapters.sql.work import Work
from checkout_core.adapters.sql.writing import NOBODY
from checkout_core.domain.order import StockState


def check_fences(work: Work, dialect: Dialect, members: Sequence[Candidate]) -> None:
    """Lock the members' sagas, note their stock, and answer the members whose fence does not hold."""
    sagas = sorted({(member.transaction.saga_id,) for member in members})
    found = {row[0]: row for row in work.fetch(FENCES, sagas)}
    outside: list[Candidate] = []
    for member in members:
        transaction = member.transaction
        row = found.get(transaction.saga_id)
        if row is None:
            holds = member.is_new
        else:
            _, version, token, stock = row
            holds = (version, token) == (transaction.version, transaction.token) and token != NOBODY
            member.stock = StockState(stock)
        if not holds:
            outside.append(member)
    if outside:
        answer_outside(work, dialect, outside, found)
