"""Threads for jobs that must not queue: a job that is admitted begins at once, on a thread of its own."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from contextvars import Context
from queue import Empty, SimpleQueue
from typing import TypeAlias

from checkout_core.drivers.forking import renew_after_fork

Job: TypeAlias = Callable[[], None]

_IDLE_SECONDS = 30.0


class Pool:
    """At most ``most`` jobs at once; ``closing`` is set when no more are admitted.

    Threads are started when needed, kept warm, and end after 30 idle seconds. They are daemons: a process that ends
    without :meth:`drain` drops its jobs as a crash would. A job must not raise.
    """

    def __init__(self, most: int, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._name = name
        self._clock = clock
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Begin without threads or jobs."""
        self._changed = threading.Condition()
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._running = 0
        self._free_threads = 0
        self._waiting = 0
        self.closing = False

    def start(self, job: Job, deadline: float) -> bool:
        """Begin ``job``. False: until the monotonic ``deadline`` there was no room, or the pool is closed."""
        with self._changed:
            if not self._has_room(deadline):
                return False
            if self._free_threads:
                self._free_threads -= 1
            else:
                # An empty context: a thread outlives the caller that happened to start it.
                threading.Thread(target=Context().run, args=(self._work,), name=self._name, daemon=True).start()
            self._running += 1  # last: where the system gives no thread, the room is not lost
        self._jobs.put(job)
        return True

    def drain(self, timeout_seconds: float) -> bool:
        """Admit nothing more and wait for what runs; whether all of it ended in time."""
        with self._changed:
            self.closing = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: not self._running, timeout_seconds)

    def _has_room(self, deadline: float) -> bool:
        self._waiting += 1
        try:
            while self._running >= self._most and not self.closing:
                remaining = deadline - self._clock()
                if remaining <= 0:
                    return False
                self._changed.wait(None if math.isinf(remaining) else remaining)
        finally:
            self._waiting -= 1
        return not self.closing

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=_IDLE_SECONDS)
            except Empty:
                with self._changed:
                    if self._free_threads:
                        self._free_threads -= 1
                        return
                continue  # a job was promised to this thread in the same moment
            job()
            del job  # an idle thread must not keep a finished checkout alive
            with self._changed:
                self._running -= 1
                self._free_threads += 1
                if self._waiting or self.closing:
                    self._changed.notify_all()
