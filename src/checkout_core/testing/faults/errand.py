"""What a worker process is told to do, and what it reports: lines of JSON in both directions."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal, TypeAlias

from checkout_core.adapters.sandbox import BankPolicy
from checkout_core.adapters.sql.dialects.dialect import Timeouts
from checkout_core.domain.value import dump
from checkout_core.settings import Settings
from checkout_core.testing.faults.boundaries import Role

Kind: TypeAlias = Literal["started", "answered", "failed", "met", "left", "stopped", "ended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One worker process. It works until it dies of its fate or is asked to leave with SIGTERM.

    ``name``: of the worker, and the beginning of its checkouts' keys. ``role``: what the runs do that may meet the
    fate; with :attr:`Role.BYSTANDER` there is none. ``buyers``: how many buy at once; ``bystanders``: how many others
    buy beside them. ``gather``: the least members of a batch, as long as so many are under way. ``follows``: the name
    of the dead worker whose calls are repeated.

    ``what``, ``moment``, ``nth``: the boundary and the meeting with it at which ``deed`` is done.
    """

    name: str
    database_url: str
    bank_url: str
    settings: Settings
    timeouts: Timeouts
    policy: BankPolicy
    colour: Literal["threads", "tasks"] = "threads"
    role: Role = Role.BUY
    items: tuple[str, ...]
    buyers: int = 1
    bystanders: int = 0
    gather: int = 1
    follows: str = ""
    what: str = ""
    moment: str = ""
    nth: int = 1
    deed: Literal["kill", "stop"] = "kill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """``kind``: started, answered, failed (a call raised), met (the fate; the deed follows), left, and from the process
    that reaps the workers: stopped, ended.

    ``members`` and ``batches``: what the worker had committed.
    """

    kind: Kind
    worker: str
    pid: int = 0
    key: str = ""
    order_id: str = ""
    status: str = ""
    sagas: tuple[str, ...] = ()
    members: int = 0
    batches: int = 0
    signal: int = 0

    def send(self) -> None:
        """One line, in one piece, whoever else writes: the last words of a process must arrive whole."""
        os.write(1, dump(self).encode() + b"\n")
