"""The kill: a shop process dies by SIGKILL with the money taken and nothing written down, and its order survives."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

from checkout_core.adapters.sandbox import LedgerEntry
from checkout_core.cli.demo.beats import Beats, Scene, Told, Traced, check
from checkout_core.cli.demo.cart_file import Crash
from checkout_core.cli.demo.stage import SETTINGS, Stage
from checkout_core.cli.failure import BrokenPromiseError
from checkout_core.domain.order import OrderStatus
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.value import dump
from checkout_core.ports.records import OperationState
from checkout_core.ports.store import SagaFile

DOOMED = "checkout_core.cli.demo.doomed_shop"
"""The shop process that is killed."""

_BANK_MOST_SECONDS = 15.0
_RECOVERY_MOST_SECONDS = 15.0
_LOOK_AGAIN_SECONDS = 0.1


def play_kill(stage: Stage, crash: Crash) -> Beats:
    yield Scene(crash.title, crash.why)
    request, total = crash.request, str(crash.request.priced_cart.payable)
    with _doomed(stage, request) as process:
        yield Told(f"A second shop process, {process.pid}, begins the checkout.")
        charge = _money_taken(stage, process)
        yield Told(f"The bank's ledger: {charge.amount} taken. Its answer is on the way: SIGKILL to {process.pid}.")
        process.kill()
        process.communicate()
    yield check("the process died of SIGKILL, in the middle of the call", process.returncode, -signal.SIGKILL)
    yield check(f"the bank's ledger has its charge of {total}", str(charge.amount), total)
    file = _file(stage, request)
    known = (file.order and file.order.status, [each.state for each in file.operations])
    yield check(
        "all that the database knows: PENDING, a charge is about to be sent",
        known,
        (OrderStatus.PENDING, [OperationState.INTENDED]),
    )
    order_id = file.saga.saga_id
    yield Told(
        f"Now recovery runs, as in any worker. {SETTINGS.lease_seconds:g} seconds after it began, the dead shop's "
        "lease ends; the order is taken over, and the same request goes to the bank with the same key. The bank knows "
        "the key: it answers again, and charges nothing again."
    )
    yield Told(f"Recovered after {_recovered(stage, order_id):.1f} seconds.")
    order = stage.checkout.get_order(order_id)
    yield check("the order is CONFIRMED", order.status, OrderStatus.CONFIRMED)
    yield check("the bank's ledger still has exactly one charge for it", len(stage.charges(order_id)), 1)
    yield Scene("The trace of that order", "Every commit with its time, and which process made it.")
    yield Traced(stage.checkout.trace(order_id))


@contextmanager
def _doomed(stage: Stage, request: CheckoutRequest) -> Generator[subprocess.Popen[str]]:
    """A shop process at work on ``request``, whose bank books the charge and holds its answer back."""
    command = [sys.executable, "-m", DOOMED, stage.url, stage.bank.url]
    stage.bank.hold("charge")
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)  # noqa: S603 - our own module
    try:
        assert process.stdin is not None
        process.stdin.write(dump(request))
        process.stdin.close()
        process.stdin = None
        yield process
    finally:
        process.kill()
        process.communicate()
    stage.bank.release("charge")


def _money_taken(stage: Stage, process: subprocess.Popen[str]) -> LedgerEntry:
    """The charge, as soon as it is in the bank's ledger and its answer is being held."""
    before = len(stage.bank.ledger())
    give_up = time.monotonic() + _BANK_MOST_SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        booked = stage.bank.ledger(after=before, wait_seconds=1.0)
        if booked and stage.bank.held(at_least=1, wait_seconds=_BANK_MOST_SECONDS):
            return booked[0]
    said = process.communicate()[1] if process.poll() is not None else ""
    last = said.strip().splitlines()[-1:] or ["it said nothing"]
    raise BrokenPromiseError(f"the shop process did not reach the bank: {last[0]}")


def _file(stage: Stage, request: CheckoutRequest) -> SagaFile:
    file = stage.store.find(request.scope, request.idempotency_key)
    if file is None:
        raise BrokenPromiseError("the bank has charged an order that the database does not know")
    return file


def _recovered(stage: Stage, order_id: str) -> float:
    """Run recovery passes until the order is decided; how many seconds that took."""
    began = time.monotonic()
    while stage.checkout.get_order(order_id).status.is_open and time.monotonic() - began < _RECOVERY_MOST_SECONDS:
        time.sleep(_LOOK_AGAIN_SECONDS)
        stage.checkout.recover()
    return time.monotonic() - began
