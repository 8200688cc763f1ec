"""What a worker process does: buys, repeats, recovers or operates, until it dies of its fate or is asked to leave."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from itertools import count

from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.result import CheckoutResult
from checkout_core.testing.faults.boundaries import Boundary, Moment, Role, role_of_this_run
from checkout_core.testing.faults.errand import Errand, Kind, Report
from checkout_core.testing.faults.fate import Fate, Meeting, kill_self, stop_self
from checkout_core.testing.faults.requests import nth_request
from checkout_core.testing.faults.shop_process import open_shop

AT_ONCE = 16
"""Sagas that one pass of recovery, or of an operator, takes."""

FOLLOWED = 48
"""So many of a dead worker's calls are repeated."""

_PAUSE_SECONDS = 0.05


def work(errand: Errand) -> None:
    """Do ``errand`` in this process, whose main thread this is."""
    leaving = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: leaving.set())
    _Worker(errand, leaving).run()


class _Worker:
    def __init__(self, errand: Errand, leaving: threading.Event) -> None:
        self._errand = errand
        self._leaving = leaving
        boundary = Boundary(errand.role, errand.what, Moment(errand.moment)) if errand.what else None
        self._shop = open_shop(errand, Fate(boundary, errand.nth, self._meet))
        self._lock = threading.Lock()
        self._mine = self._requests(errand.follows or errand.name, FOLLOWED if errand.follows else None)
        self._others = self._requests(f"{errand.name}+", None)

    def run(self) -> None:
        errand = self._errand
        self._report("started")
        self._shop.committer.gather(errand.gather)
        threads = [self._thread(self._buy, Role.BYSTANDER, self._others) for _ in range(errand.bystanders)]
        if errand.role in (Role.BUY, Role.FOLLOW):
            threads += [self._thread(self._buy, errand.role, self._mine) for _ in range(errand.buyers)]
        elif errand.role is Role.RECOVER:
            threads.append(self._thread(self._again_and_again, errand.role, self._shop.recover))
        elif errand.role is Role.OPERATE:
            threads.append(self._thread(self._again_and_again, errand.role, self._shop.compensate_parked))
        for thread in threads:
            thread.start()
        self._leaving.wait()
        self._shop.committer.gather(1)
        for thread in threads:
            thread.join()
        self._shop.close()
        self._report("left")

    def _buy(self, requests: Iterator[CheckoutRequest]) -> None:
        while not self._leaving.is_set():
            with self._lock:
                request = next(requests, None)
            if request is None:
                return
            try:
                self._report("answered", request, self._shop.execute(request))
            except Exception as error:  # noqa: BLE001 - the parent judges what may be raised when
                self._failed(error, request)

    def _again_and_again(self, one_pass: Callable[[int], int]) -> None:
        while not self._leaving.is_set():
            try:
                found = one_pass(AT_ONCE)
            except Exception as error:  # noqa: BLE001 - the parent judges what may be raised when
                self._failed(error, None)
                found = 0
            if not found:
                self._leaving.wait(_PAUSE_SECONDS)

    def _thread(self, target: Callable[..., None], role: Role, argument: object) -> threading.Thread:
        def run() -> None:
            role_of_this_run.set(role)
            target(argument)

        return threading.Thread(target=run, daemon=True)

    def _requests(self, name: str, most: int | None) -> Iterator[CheckoutRequest]:
        numbers = count() if most is None else iter(range(most))
        return (nth_request(name, number, self._errand.items) for number in numbers)

    def _meet(self, meeting: Meeting) -> None:
        committer = self._shop.committer
        report = Report(
            kind="met",
            worker=self._errand.name,
            pid=os.getpid(),
            sagas=meeting.saga_ids,
            members=committer.members,
            batches=committer.batches,
        )
        report.send()
        (kill_self if self._errand.deed == "kill" else stop_self)(meeting)

    def _failed(self, error: Exception, request: CheckoutRequest | None) -> None:
        key = request.idempotency_key if request is not None else ""
        Report(kind="failed", worker=self._errand.name, key=key, status=f"{type(error).__name__}: {error}").send()

    def _report(self, kind: Kind, request: CheckoutRequest | None = None, answer: CheckoutResult | None = None) -> None:
        Report(
            kind=kind,
            worker=self._errand.name,
            pid=os.getpid(),
            key=request.idempotency_key if request is not None else "",
            order_id=answer.order_id if answer is not None else "",
            status=str(answer.status) if answer is not None else "",
            members=self._shop.committer.members,
            batches=self._shop.committer.batches,
        ).send()
