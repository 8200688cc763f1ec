"""A job that the pool admits begins at once; what has no room is refused at its deadline."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator
from contextvars import ContextVar

import pytest

from checkout_core.drivers import pool as pool_module
from checkout_core.drivers.pool import Pool
from tests.drivers.toys import PATIENCE, HandClock


class Gate:
    """Jobs that run until they are let go."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.opens = threading.Event()

    def job(self) -> None:
        self.begun.release()
        assert self.opens.wait(PATIENCE)

    def await_begun(self) -> None:
        assert self.begun.acquire(timeout=PATIENCE)


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.opens.set()


def test_every_admitted_job_runs_at_the_same_time(gate: Gate) -> None:
    pool = Pool(8, "test")
    assert all(pool.start(gate.job, 0.0) for _ in range(8))
    for _ in range(8):
        gate.await_begun()


def test_a_full_pool_refuses_at_the_deadline(gate: Gate) -> None:
    clock = HandClock()
    pool = Pool(1, "test", clock)
    assert pool.start(gate.job, clock.now)
    assert not pool.start(gate.job, clock.now)


def test_who_waits_for_room_gets_it(gate: Gate) -> None:
    clock = HandClock()
    pool = Pool(1, "test", clock)
    assert pool.start(gate.job, clock.now)
    gate.await_begun()
    admitted: list[bool] = []
    waiter = threading.Thread(target=lambda: admitted.append(pool.start(gate.job, math.inf)))
    waiter.start()
    gate.opens.set()
    waiter.join(PATIENCE)
    assert admitted == [True]


def test_threads_are_used_again() -> None:
    pool = Pool(4, "test")
    names: set[int] = set()
    for _ in range(50):
        done = threading.Event()

        def job(done: threading.Event = done) -> None:
            names.add(threading.get_ident())
            done.set()

        assert pool.start(job, 0.0)
        assert done.wait(PATIENCE)
    assert len(names) <= 4


def test_idle_threads_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "_IDLE_SECONDS", 0.001)
    pool = Pool(2, "short-lived")
    workers: list[threading.Thread] = []
    done = threading.Event()

    def job() -> None:
        workers.append(threading.current_thread())
        done.set()

    assert pool.start(job, 0.0)
    assert done.wait(PATIENCE)
    workers[0].join(PATIENCE)
    assert not workers[0].is_alive()
    again = threading.Event()
    assert pool.start(again.set, 0.0)
    assert again.wait(PATIENCE)


def test_a_job_sees_nothing_of_the_context_that_started_its_thread() -> None:
    tenant: ContextVar[str] = ContextVar("tenant", default="nobody")
    tenant.set("acme")
    seen: list[str] = []
    pool = Pool(1, "test")
    pool.start(lambda: seen.append(tenant.get()), 0.0)
    assert pool.drain(PATIENCE)
    assert seen == ["nobody"]


def test_draining_waits_for_what_runs_and_admits_nothing_more(gate: Gate) -> None:
    pool = Pool(2, "test")
    assert pool.start(gate.job, 0.0)
    gate.await_begun()
    assert not pool.drain(0.0)
    assert not pool.start(gate.job, 0.0)
    gate.opens.set()
    assert pool.drain(PATIENCE)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_all_its_room(gate: Gate) -> None:
    pool = Pool(1, "test")
    assert pool.start(gate.job, 0.0)
    gate.await_begun()
    with pool._changed:
        child = os.fork()
    if child == 0:
        done = threading.Event()
        os._exit(0 if pool.start(done.set, 0.0) and done.wait(PATIENCE) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_system_that_gives_no_thread_takes_no_room_away(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(1, "test", HandClock())
    with monkeypatch.context() as starved:
        starved.setattr(threading.Thread, "start", _cannot_start)
        with pytest.raises(RuntimeError):
            pool.start(gate.job, 0.0)
    assert pool.start(gate.job, 0.0)
    gate.await_begun()


def _cannot_start(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")
