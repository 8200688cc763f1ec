"""Worker processes as their tests see them: started, heard, stopped, continued, and gone."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Self

from checkout_core.domain.value import dump, parse
from checkout_core.testing.faults.errand import Errand, Report

GRACE_SECONDS = 60.0


class Worker:
    """One worker process. What it reports is kept in :attr:`reports`."""

    def __init__(self, errand: Errand) -> None:
        self.errand = errand
        self.reports: list[Report] = []
        self._news: queue.Queue[Report] = queue.Queue()

    def tell(self, report: Report) -> None:
        self._news.put(report)

    def heard(self, *kinds: str, timeout_seconds: float = GRACE_SECONDS) -> Report | None:
        """The next report of one of these kinds; None where none came in time. An end ends every wait."""
        give_up = time.monotonic() + timeout_seconds
        while True:
            try:
                report = self._news.get(timeout=max(0.0, give_up - time.monotonic()))
            except queue.Empty:
                return None
            self.reports.append(report)
            if report.kind in kinds:
                return report
            if report.kind == "ended":
                return None

    @property
    def has_ended(self) -> bool:
        return any(self.all_of("ended"))

    def all_of(self, kind: str) -> Iterator[Report]:
        return (report for report in self.reports if report.kind == kind)

    def signal(self, number: int) -> None:
        """Send a signal to a worker that has started and not ended."""
        started = next(self.all_of("started"), None)
        if started is None and not self.has_ended:
            started = self.heard("started")
        assert started is not None, f"{self.errand.name} ended before it began; it said why on standard error"
        os.kill(started.pid, number)

    def leave(self) -> None:
        """Ask it to end what it does and go, and wait for that."""
        self.signal(signal.SIGTERM)
        ended = self.heard("ended")
        assert ended is not None, f"{self.errand.name} did not leave"
        assert ended.signal == 0, f"{self.errand.name} ended with {ended.signal}"


class Workers:
    """The process that forks workers, and a thread that hears them all. A context manager: nobody outlives it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "checkout_core.testing.faults.worker"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._workers: dict[str, Worker] = {}
        self._hearing = threading.Thread(target=self._hear, daemon=True)
        self._hearing.start()

    def start(self, errand: Errand) -> Worker:
        worker = self._workers[errand.name] = Worker(errand)
        assert self._process.stdin is not None
        self._process.stdin.write(dump(errand).encode() + b"\n")
        self._process.stdin.flush()
        return worker

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(GRACE_SECONDS)
        self._hearing.join(GRACE_SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _hear(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            report = parse(Report, line)
            self._workers[report.worker].tell(report)
