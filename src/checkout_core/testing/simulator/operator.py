"""An operator: finds what is parked, looks into the bank's own books, and says what shall become of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from checkout_core.adapters.sandbox import SandboxBank
from checkout_core.checkout.operator import Evidence, compensate, force, retry
from checkout_core.checkout.shop import Shop
from checkout_core.domain.order import Order
from checkout_core.effect import Program
from checkout_core.errors import TransitionRefusedError
from checkout_core.ports.payment import Lookup
from checkout_core.ports.records import OperationKind
from checkout_core.ports.store import Operation, SagaFile
from checkout_core.saga.journal import decode
from checkout_core.saga.machine import read
from checkout_core.testing.simulator.invariants import PropertyViolatedError
from checkout_core.testing.simulator.schedule import Schedule
from checkout_core.testing.simulator.store import SimulatedStore
from checkout_core.testing.simulator.worker import NEVER, Job

ACTIONS_MOST = 3
"""What is parked after so many actions stays parked."""

SETTLED_AFTER_SECONDS = 500.0
"""Whatever was sent before an order was parked has had its effect at the bank so long after, or never will. Who says
sooner that nothing was charged is put right by the watch, where the bank can be asked."""


class Premises(Protocol):
    """What an operator needs of the world."""

    store: SimulatedStore
    bank: SandboxBank
    schedule: Schedule

    @property
    def now(self) -> float: ...
    @property
    def is_bank_at_rest(self) -> bool:
        """Nothing is on its way to the bank, and it has decided everything."""
        ...

    def shop(self, worker: str) -> Shop: ...
    def happened(self, worker: str, what: str, answer: object) -> None: ...


class Operator:
    """Acts ``after_seconds`` after having found an order parked, and says what the bank's books show then."""

    def __init__(self, world: Premises, name: str, after_seconds: float) -> None:
        self._world = world
        self._name = name
        self._after_seconds = after_seconds
        self._left = ACTIONS_MOST
        self._found: dict[str, float] = {}

    def next_at(self) -> float:
        if self._left == 0:
            return NEVER
        parked = self._world.store.parked()
        times = [self._found.setdefault(order_id, self._world.now) for order_id in parked]
        return min(times, default=NEVER) + self._after_seconds

    def take(self) -> Job:
        self._left -= 1
        order_id = min(self._world.store.parked(), key=self._found.__getitem__)
        file = self._world.store.load(order_id)
        assert file is not None
        actions = self._actions(file)
        name, begin = actions[self._world.schedule.pick(len(actions))]
        del self._found[order_id]
        return Job(f"{name} of {order_id[-4:]}", begin(), self._ended)

    def _actions(self, file: SagaFile) -> list[tuple[str, Callable[[], Program[Order]]]]:
        shop, order_id = self._world.shop(self._name), file.saga.saga_id
        actions: list[tuple[str, Callable[[], Program[Order]]]] = [
            ("retry", partial(retry, shop, order_id, "again")),
            ("compensate", partial(compensate, shop, order_id, "undo")),
        ]
        seen = self._seen_at_the_bank(file)
        if seen is not None:
            evidence, reference = seen
            actions.append((f"force {evidence}", partial(force, shop, order_id, evidence, reference, "seen")))
        return actions

    def _seen_at_the_bank(self, file: SagaFile) -> tuple[Evidence, str] | None:
        """What became of the operation in doubt, where that is settled, or can be put right."""
        open_ = read(decode(file.journal)).open
        if open_ is None:
            return None
        operation = next(each for each in file.operations if each.operation_id == open_.operation_id)
        evidence = self._evidence(operation)
        rested = self._world.now - self._found[file.saga.saga_id]
        settled = rested >= SETTLED_AFTER_SECONDS and self._world.is_bank_at_rest
        is_watched = self._world.bank.policy.lookup_by_reference is not Lookup.NONE
        if settled or (is_watched and evidence is not None and evidence[0] == "not_charged"):
            return evidence
        return None

    def _evidence(self, operation: Operation) -> tuple[Evidence, str] | None:
        booked = [each for each in self._world.bank.ledger(self._world.now) if each.reference == operation.reference]
        is_charge = operation.kind is OperationKind.CHARGE
        if not booked:
            return ("not_charged" if is_charge else "not_refunded"), ""
        if [each.amount for each in booked] != [operation.amount]:
            return None
        return ("charged" if is_charge else "refunded"), booked[0].provider_reference

    def _ended(self, result: Any, error: Exception | None) -> None:
        self._world.happened(self._name, "acted", result if error is None else error)
        if error is not None and not isinstance(error, TransitionRefusedError):
            raise PropertyViolatedError("LIVE-1", f"an operator's action raised {error!r}") from error
