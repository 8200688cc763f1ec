"""What a worker leaves behind that comes back after it lost the saga."""

from __future__ import annotations

from checkout_core.ports.records import OperationState, Phase, RecordOutcome, SaveSaga, Transaction, VersionConflict
from checkout_core.saga.journal import encode
from tests.saga.trip import Travel


def observe(travel: Travel, operation_id: str, state: OperationState = OperationState.SUCCEEDED) -> None:
    """A worker without the fence stores what it was told about ``operation_id``."""
    save = SaveSaga(phase=Phase.RUNNING, entries=encode(()), lease_seconds=None, due_seconds=None)
    told = RecordOutcome(operation_id=operation_id, state=state)
    late = Transaction(
        commit_id=travel.new_id(),
        saga_id=travel.saga_id,
        token="nobody's",
        version=travel.file.saga.version,
        worker="late",
        records=(told, save),
    )
    assert travel.store.commit([late]) == [VersionConflict()]
