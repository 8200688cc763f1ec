"""Worker processes, each forked from one that has everything loaded: ``python -m checkout_core.testing.faults.worker``.

Reads one :class:`~checkout_core.testing.faults.errand.Errand` per line from standard input and forks a worker for each.
Reports the workers' stops and ends among their own reports, on standard output. When the input closes, whoever is left
of its workers is killed.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import traceback

from checkout_core.domain.value import parse
from checkout_core.testing.faults.errand import Errand, Report
from checkout_core.testing.faults.work import work


class Reaper:
    """Forks workers and waits for them. Single-threaded, holds no connection: a fork of it is as good as new."""

    def __init__(self) -> None:
        self._workers: dict[int, str] = {}
        self._woken, wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(wake, False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(wake)

    def serve(self) -> None:
        buffered = b""
        while True:
            ready, _, _ = select.select([0, self._woken], [], [])
            if self._woken in ready:
                os.read(self._woken, 4096)
                self._reap()
            if 0 in ready:
                received = os.read(0, 65536)
                if not received:
                    break
                *lines, buffered = (buffered + received).split(b"\n")
                for line in lines:
                    self._fork(parse(Errand, line))
        for pid in self._workers:
            os.kill(pid, signal.SIGKILL)

    def _fork(self, errand: Errand) -> None:
        pid = os.fork()
        if pid == 0:
            _be_a_worker(errand)
        self._workers[pid] = errand.name

    def _reap(self) -> None:
        while self._workers:
            pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            if pid == 0:
                return
            if os.WIFSTOPPED(status):
                Report(kind="stopped", worker=self._workers[pid], pid=pid).send()
                continue
            number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status)
            Report(kind="ended", worker=self._workers.pop(pid), pid=pid, signal=number).send()


def _be_a_worker(errand: Errand) -> None:
    """Never returns: what the parent has on its stack is not this process's business."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        work(errand)
        status = 0
    except BaseException:  # noqa: BLE001 - it is reported, and the process ends
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    Reaper().serve()
