"""A relay that is killed between publishing and acknowledging."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from checkout_core.adapters.sandbox import SandboxPayments
from checkout_core.adapters.sql import SqlStore
from checkout_core.drivers.threads import Checkout
from checkout_core.testing.till import Till
from checkout_core.testing.transactions import Ending
from tests.kills.relaying import SETTINGS, FilePublisher

PATIENCE_SECONDS = 60.0


def test_what_a_killed_relay_published_is_published_again_under_the_same_ids(sql_url: str, tmp_path: Path) -> None:
    """EVENT-2: SIGKILL between publishing and acknowledging; nothing is lost, and nothing comes a third time."""
    store = SqlStore(sql_url)
    store.migrate()
    store.outbox.register(FilePublisher.name)
    till, file = Till(store), tmp_path / "published"
    for _ in range(3):
        till.stored(till.ending(till.opened(), Ending.CONFIRM))
    command = [sys.executable, "-m", "tests.kills.relaying", sql_url, str(file)]
    assert subprocess.run(command, timeout=PATIENCE_SECONDS).returncode == -signal.SIGKILL
    first = file.read_text().split()
    assert len(first) == 3
    delivered, end = 0, time.monotonic() + PATIENCE_SECONDS
    with Checkout(store, SandboxPayments(), publishers=[FilePublisher(file)], settings=SETTINGS) as survivor:
        while delivered < 3 and time.monotonic() < end:  # until the dead process's lease ends
            delivered += survivor.relay().delivered
        assert survivor.relay().claimed == 0
    assert sorted(file.read_text().split()) == sorted([*first, *first])
    store.close()
