"""``checkout-core trace``: the whole history of one order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from checkout_core.checkout.trace import Trace, trace_of
from checkout_core.cli.screen import Screen, Style
from checkout_core.cli.terminal import OK
from checkout_core.errors import OrderNotFoundError
from checkout_core.ports.store import Store


@dataclass(frozen=True, slots=True)
class TraceAnswer:
    """The trace of one order."""

    trace: Trace

    @property
    def status(self) -> int:
        return OK

    def as_dict(self) -> Mapping[str, object]:
        return self.trace.as_dict()

    def show(self, screen: Screen) -> None:
        show_trace(self.trace, screen)


def show_trace(trace: Trace, screen: Screen) -> None:
    """Commit by commit: when, and by which process."""
    screen.say(f"order {trace.order_id}  {trace.status}", Style.STRONG, indent=2)
    for commit, lines in groupby(trace.lines, key=lambda line: line.commit):
        first, *others = lines
        screen.say(f"{commit:>4}  {first.at:%Y-%m-%d %H:%M:%S.%f}  {first.worker}", Style.QUIET)
        for line in (first, *others):
            screen.say(line.text, indent=8)


def trace_in(store: Store, order_id: str) -> Trace:
    """The trace of one order. Raises :class:`OrderNotFoundError`."""
    file = store.load(order_id)
    if file is None:
        raise OrderNotFoundError(f"there is no order {order_id} in this database")
    return trace_of(file)
