"""A process that publishes events into a file and dies before it can acknowledge them. Run with URL and FILE."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from checkout_core.adapters.sandbox import SandboxPayments
from checkout_core.adapters.sql import SqlStore
from checkout_core.domain.event import Event
from checkout_core.drivers.threads import Checkout
from checkout_core.errors import RemoteError
from checkout_core.ports.payment import CallLimits
from checkout_core.settings import Settings

SETTINGS = Settings(call_timeout_seconds=0.2, lease_seconds=0.4)
"""A lease short enough to be waited for."""


class FilePublisher:
    """Appends ids to a file; ``dies``: and is killed before anybody hears of it."""

    name = "file"

    def __init__(self, file: Path, *, dies: bool = False) -> None:
        self._file = file
        self._dies = dies

    def publish(self, events: Sequence[Event], limits: CallLimits) -> Sequence[RemoteError | None]:
        with self._file.open("a") as lines:
            lines.writelines(f"{each.event_id}\n" for each in events)
        if self._dies:
            os.kill(os.getpid(), signal.SIGKILL)
        return [None] * len(events)


def main(url: str, file: str) -> None:
    checkout = Checkout(
        SqlStore(url), SandboxPayments(), publishers=[FilePublisher(Path(file), dies=True)], settings=SETTINGS
    )
    checkout.relay()


if __name__ == "__main__":
    main(*sys.argv[1:])
