"""Processes stopped inside a batch's transaction for longer than their leases: others go on, and the stopped one, when
it wakes, changes nothing that is no longer its own (STATE-2, LIVE-3)."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from checkout_core.adapters.sql.dialects.dialect import Timeouts
from checkout_core.testing.faults.boundaries import Moment, Role
from tests.kills.deaths import FULL_BATCH
from tests.kills.scene import ITEMS, REST_SECONDS, SETTINGS, Scene, open_scene
from tests.kills.workers import Worker

STOPPED_AT_ONCE = 5
LONGER_THAN_LEASE_SECONDS = SETTINGS.lease_seconds + 0.5
WHERE = [
    ("settle", Moment.UNCOMMITTED),
    ("open", Moment.UNCOMMITTED),
    ("settle", Moment.WRITING),
    ("open", Moment.WRITING),
    ("settle", Moment.UNCOMMITTED),
]
ALLOWED = ("StorageUnavailableError", "CheckoutTimeoutError")
"""What callers of a stopped process may be told; the same key finds out what became of it."""

_ENDED = "ended by the server"
TIMEOUTS = {
    _ENDED: Timeouts(lock_seconds=2.0, idle_seconds=1.0),
    "held to its end": Timeouts(lock_seconds=2.0, idle_seconds=60.0),
}
"""Whether the server ends the stopped transaction. Where it does not, its rows stay locked: the stopped workers then
sell items of their own."""


@pytest.mark.parametrize("timeouts", TIMEOUTS)
def test_a_few_processes_stopped_inside_a_batch(postgres_url: str, tmp_path: Path, timeouts: str) -> None:
    assert _stop(postgres_url, tmp_path, timeouts, rounds=1) == STOPPED_AT_ONCE


@pytest.mark.slow
@pytest.mark.parametrize("timeouts", TIMEOUTS)
def test_many_processes_stopped_inside_a_batch(server_url: str, tmp_path: Path, timeouts: str) -> None:
    assert _stop(server_url, tmp_path, timeouts, rounds=5) == 5 * STOPPED_AT_ONCE


def _stop(url: str, directory: Path, timeouts: str, *, rounds: int) -> int:
    """How many were stopped. In each round some stop while two others recover and a third buys."""
    stopped = 0
    with open_scene(url, directory) as scene:
        scene.timeouts = TIMEOUTS[timeouts]
        others = [scene.start(Role.RECOVER, colour=colour) for colour in ("threads", "tasks")]
        others.append(scene.start(Role.BUY, buyers=4, items=ITEMS[2 * STOPPED_AT_ONCE :]))
        for _ in range(rounds):
            stopped += _one_round(scene, own_items=timeouts != _ENDED)
        for worker in others:
            worker.leave()
            _assert_failures_allowed(scene, worker)
        scene.bring_to_rest()
        scene.assert_books()
        assert timeouts != _ENDED or scene.count_observations() > 0, "nobody wrote down what a fenced-out worker knew"
    return stopped


def _one_round(scene: Scene, *, own_items: bool) -> int:
    stopping = [
        scene.start(
            Role.BUY,
            what=what,
            moment=moment,
            nth=2,
            deed="stop",
            colour=("threads", "tasks")[number % 2],
            buyers=12,
            gather=FULL_BATCH,
            **({"items": ITEMS[2 * number : 2 * number + 2]} if own_items else {}),
        )
        for number, (what, moment) in enumerate(WHERE)
    ]
    for worker in stopping:
        assert worker.heard("stopped", timeout_seconds=REST_SECONDS), f"{worker.errand.name} did not stop"
    time.sleep(LONGER_THAN_LEASE_SECONDS)  # this is the fault itself
    taken_over = 0
    for worker in stopping:
        (met,) = worker.all_of("met")
        assert met.members >= FULL_BATCH * met.batches
        taken_over += sum(_has_changed_hands(scene, saga_id) for saga_id in met.sagas)
        worker.signal(signal.SIGCONT)
    for worker in stopping:
        worker.leave()
        _assert_failures_allowed(scene, worker)
    assert own_items or taken_over > 0, "nobody took the stopped processes' orders over"
    return len(stopping)


def _has_changed_hands(scene: Scene, saga_id: str) -> bool:
    file = scene.store.load(saga_id)
    return file is not None and len({row.worker for row in file.journal}) > 1


def _assert_failures_allowed(scene: Scene, worker: Worker) -> None:
    unexpected = [each.status for each in worker.all_of("failed") if not each.status.startswith(ALLOWED)]
    assert not unexpected, f"{worker.errand.name}: {unexpected[:3]}"
    scene.remember_answers(worker)
