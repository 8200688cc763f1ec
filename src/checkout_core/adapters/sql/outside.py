"""Members whose fence does not hold: repetitions of a stored commit, and workers that lost their lease."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from checkout_core.adapters.sql import answers
from checkout_core.adapters.sql.candidate import Candidate
from checkout_core.adapters.sql.dialects.dialect import Dialect
from checkout_core.adapters.sql.groups import OBSERVATIONS, WAKES
from checkout_core.adapters.sql.looks import OBSERVED, STORED_ANSWERS
from checkout_core.adapters.sql.statement import Row
from checkout_core.adapters.sql.work import Work
from checkout_core.domain.value import dump
from checkout_core.ports.records import VersionConflict


def answer_outside(work: Work, dialect: Dialect, members: Sequence[Candidate], sagas: Collection[str]) -> None:
    """A repetition gets its first answer (protocol 2.8), anybody else a conflict; what the provider said is kept for
    the saga's owner (STATE-2). ``sagas``: those of the members' sagas that exist; their rows are locked."""
    asked = [(m.transaction.saga_id, m.transaction.commit_id, m.transaction.version + 1) for m in members]
    stored = {(row[0], row[1]): row for row in work.fetch(STORED_ANSWERS, sorted(asked))}
    for member in members:
        transaction = member.transaction
        row = stored.get((transaction.saga_id, transaction.version + 1))
        if row is not None:
            member.answer = answers.read(row[3], version=row[1], at=dialect.moment(row[2]))
        else:
            member.answer = VersionConflict()
    _observe(work, [member for member in members if isinstance(member.answer, VersionConflict)], sagas)


def _observe(work: Work, conflicted: Sequence[Candidate], sagas: Collection[str]) -> None:
    """Keep each outcome once, however often its commit is repeated; without a saga there is no owner to keep it for."""
    told: list[Row] = []
    for member in conflicted:
        transaction = member.transaction
        if transaction.saga_id in sagas:
            for position, outcome in enumerate(member.outcomes()):
                name = f"{transaction.commit_id}.{position}"
                told.append((name, transaction.saga_id, position, 0, dump(outcome)))
    known = {row[0] for row in work.fetch(OBSERVED, sorted((row[0],) for row in told))}
    fresh = [row for row in told if row[0] not in known]
    for row in fresh:
        work.add(OBSERVATIONS, row)
    for saga_id, count in Counter(row[1] for row in fresh).items():
        work.add(WAKES, (saga_id, count))
