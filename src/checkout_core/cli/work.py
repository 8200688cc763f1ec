"""``checkout-core worker``, ``recover`` and ``relay``: finishing what crashed processes began, delivering events."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial

from checkout_core.cli.app import AnyCheckout, ask
from checkout_core.cli.screen import Screen, Style
from checkout_core.cli.terminal import OK
from checkout_core.drivers.aio import AsyncCheckout
from checkout_core.drivers.recovery import RecoveryReport
from checkout_core.drivers.relaying import RelayReport
from checkout_core.drivers.threads import Checkout

SIGNALS = (signal.SIGTERM, signal.SIGINT)
"""What ends a worker: it begins nothing more and finishes what is under way. A second one ends it at once."""


@dataclass(frozen=True, slots=True)
class RecoverAnswer:
    """One pass."""

    report: RecoveryReport

    @property
    def status(self) -> int:
        return OK

    def as_dict(self) -> dict[str, object]:
        return asdict(self.report)

    def show(self, screen: Screen) -> None:
        report = self.report
        screen.say(
            f"{report.claimed} checkouts were due: {report.finished} finished, {report.waiting} wait, "
            f"{report.fenced} belong to other workers, {report.unfinished} are still at work."
        )
        for left in report.left_alone:
            screen.mark("left", f"order {left.order_id}: {left.reason}", Style.BAD)


@dataclass(frozen=True, slots=True)
class RelayAnswer:
    """One pass."""

    report: RelayReport

    @property
    def status(self) -> int:
        return OK

    def as_dict(self) -> dict[str, object]:
        return asdict(self.report)

    def show(self, screen: Screen) -> None:
        report = self.report
        screen.say(
            f"{report.claimed} events were due: {report.delivered} delivered, {report.failed} come again, "
            f"{report.dead} are dead letters, {report.unfinished} are still on their way."
        )


@dataclass(frozen=True, slots=True)
class StoppedAnswer:
    """The worker was told to stop."""

    @property
    def status(self) -> int:
        return OK

    def as_dict(self) -> dict[str, object]:
        return {"stopped": True}

    def show(self, screen: Screen) -> None:
        screen.say("stopped; what was under way is finished", Style.QUIET)


def recover(checkout: AnyCheckout, limit: int) -> RecoverAnswer:
    """One bounded pass of recovery."""
    return RecoverAnswer(
        ask(checkout, lambda found: found.recover(limit=limit), lambda found: found.recover(limit=limit))
    )


def relay(checkout: AnyCheckout, limit: int) -> RelayAnswer:
    """One bounded pass of the relay."""
    return RelayAnswer(ask(checkout, lambda found: found.relay(limit=limit), lambda found: found.relay(limit=limit)))


def work(checkout: AnyCheckout) -> StoppedAnswer:
    """Run a worker until one of :data:`SIGNALS` comes."""
    ask(checkout, _work_in_threads, _work_in_tasks)
    return StoppedAnswer()


def _work_in_threads(checkout: Checkout) -> None:
    stop = threading.Event()
    # A handler runs between two steps of this very thread, which may be inside the event: another thread sets it.
    with _on_signals(lambda: threading.Thread(target=stop.set).start()):
        checkout.run_worker(stop=stop)


async def _work_in_tasks(checkout: AsyncCheckout) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    with _on_signals(partial(loop.call_soon_threadsafe, stop.set)):
        await checkout.run_worker(stop=stop)


@contextmanager
def _on_signals(deed: Callable[[], object]) -> Generator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def handle(_number: int, _frame: object) -> None:
        _restore(before)
        deed()

    for number in SIGNALS:
        signal.signal(number, handle)
    try:
        yield
    finally:
        _restore(before)


def _restore(handlers: dict[signal.Signals, signal._HANDLER]) -> None:  # pyright: ignore[reportPrivateUsage]
    for number, handler in handlers.items():
        signal.signal(number, handler)
