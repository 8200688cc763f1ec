"""Checkouts whose drivers meet their fate before and after every effect."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from checkout_core.drivers.aio import AsyncCheckout
from checkout_core.drivers.async_runs import AsyncRuns
from checkout_core.drivers.async_worker import AsyncWorker
from checkout_core.drivers.awaiting import AsyncDriver
from checkout_core.drivers.blocking import ThreadDriver
from checkout_core.drivers.operations import AsyncOperations, Operations
from checkout_core.drivers.pool import Pool
from checkout_core.drivers.run import Run
from checkout_core.drivers.thread_runs import ThreadRuns
from checkout_core.drivers.threads import Checkout
from checkout_core.drivers.worker import Worker
from checkout_core.effect import Effect
from checkout_core.ports.payment import AsyncPaymentProvider, PaymentProvider
from checkout_core.ports.store import Store
from checkout_core.settings import Settings
from checkout_core.testing.faults.boundaries import (
    Boundary,
    Moment,
    name_of_effect,
    role_of_this_run,
    saga_of_effect,
)
from checkout_core.testing.faults.fate import Fate
from checkout_core.testing.faults.gathering import GatheringCommitter, committer_of, gathering

_saga_of_this_run: ContextVar[str] = ContextVar("_saga_of_this_run", default="")
"""The one that its last effect named: some effects name none."""


class DoomedCheckout(Checkout):
    """:class:`Checkout`, made of the same parts but for its driver."""

    def __init__(
        self, store: Store, payments: PaymentProvider | Mapping[str, PaymentProvider], settings: Settings, fate: Fate
    ) -> None:
        with gathering():
            super().__init__(store, payments, settings=settings)
        parts = self._composition
        driver = _DoomedThreadDriver(store, parts.commits, parts.calls, settings)
        driver.fate = fate
        self._runs = ThreadRuns(driver, parts.commits, Pool(settings.runs_most, "checkout-run"))
        self._worker = Worker(parts, driver)
        self.ops = Operations(parts, self._runs, self._reports)

    @property
    def committer(self) -> GatheringCommitter:
        return committer_of(self._composition.commits)


class AsyncDoomedCheckout(AsyncCheckout):
    """:class:`DoomedCheckout` for asyncio."""

    def __init__(
        self,
        store: Store,
        payments: AsyncPaymentProvider | Mapping[str, AsyncPaymentProvider],
        settings: Settings,
        fate: Fate,
    ) -> None:
        with gathering():
            super().__init__(store, payments, settings=settings)
        parts = self._composition
        self._driver = driver = _DoomedAsyncDriver(store, parts.commits, parts.calls, settings)
        driver.fate = fate
        self._runs = AsyncRuns(driver, parts.commits, settings.runs_most)
        self._worker = AsyncWorker(parts, driver)
        self.ops = AsyncOperations(parts, self._runs, self._reports, driver.readers)

    @property
    def committer(self) -> GatheringCommitter:
        return committer_of(self._composition.commits)


class _DoomedThreadDriver(ThreadDriver):
    fate: Fate

    def _perform(self, effect: Effect[Any], run: Run) -> object:
        _meet(self.fate, effect, Moment.BEFORE)
        answer = super()._perform(effect, run)
        _meet(self.fate, effect, Moment.AFTER)
        return answer


class _DoomedAsyncDriver(AsyncDriver):
    fate: Fate

    async def _perform(self, effect: Effect[Any], run: Run) -> object:
        _meet(self.fate, effect, Moment.BEFORE)
        answer = await super()._perform(effect, run)
        _meet(self.fate, effect, Moment.AFTER)
        return answer


def _meet(fate: Fate, effect: Effect[Any], moment: Moment) -> None:
    role, saga_id = role_of_this_run.get(), saga_of_effect(effect)
    if saga_id:
        _saga_of_this_run.set(saga_id)
        fate.belongs(saga_id, role)
    victim = saga_id or _saga_of_this_run.get()
    fate.meet(Boundary(role, name_of_effect(effect), moment), *filter(None, (victim,)))
