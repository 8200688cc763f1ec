"""A stored saga as the port shows it: absolute times become remaining seconds (clause 5 of the store port)."""

from __future__ import annotations

from dataclasses import replace

from checkout_core.adapters.memory.tables import StoredOperation, StoredSaga
from checkout_core.ports.records import OperationState, RecordOutcome
from checkout_core.ports.store import Operation, SagaFile, SagaRow


def file_of(saga: StoredSaga, now: float) -> SagaFile:
    """Everything about ``saga`` as of ``now``."""
    return SagaFile(
        saga=_row_of(saga, now),
        journal=tuple(each.row for each in saga.journal),
        order=None if saga.order is None else replace(saga.order, stock=saga.stock),
        operations=tuple(_operation_of(each, now) for each in saga.operations.values()),
        observations=tuple(each.observation for each in saga.observations.values() if not each.merged),
        scope="" if saga.key is None else saga.key.scope,
        key="" if saga.key is None else saga.key.key,
        fingerprint="" if saga.key is None else saga.key.fingerprint,
    )


def _row_of(saga: StoredSaga, now: float) -> SagaRow:
    return SagaRow(
        saga_id=saga.saga_id,
        definition=saga.definition,
        definition_version=saga.definition_version,
        version=saga.version,
        phase=saga.phase,
        tries=saga.tries,
        due_in_seconds=None if saga.due_at is None else saga.due_at - now,
        lease_seconds=0.0 if saga.leased_until is None else saga.leased_until - now,
    )


def _operation_of(stored: StoredOperation, now: float) -> Operation:
    intent = stored.intent
    known = stored.outcome or RecordOutcome(operation_id=intent.operation_id, state=OperationState.INTENDED)
    return Operation(
        operation_id=intent.operation_id,
        kind=intent.kind,
        leg=intent.leg,
        attempt=intent.attempt,
        provider=intent.provider,
        account=intent.account,
        key=intent.key,
        reference=intent.reference,
        amount=intent.amount,
        request=intent.request,
        token=stored.token,
        state=known.state,
        provider_reference=known.provider_reference,
        moved_minor=known.moved_minor,
        code=known.code,
        decline_kind=known.decline_kind,
        action_url=known.action_url,
        age_seconds=now - stored.intended_at,
        pay_by_seconds=stored.intended_at + intent.pay_by_seconds - now,
        resend_seconds=stored.intended_at + intent.resend_seconds - now,
        quiet_seconds=stored.quiet_at - now,
        watch_seconds=None if stored.watch_until is None else stored.watch_until - now,
    )
