"""A shop on a SQLite file, and the command line in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import pytest

from checkout_core.adapters.sandbox import SandboxBank, SandboxPayments
from checkout_core.adapters.sql import SqlStore
from checkout_core.cli import main
from checkout_core.drivers.threads import Checkout
from tests.cli.shops import Shop


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Cli: TypeAlias = Callable[..., Ran]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.delenv("CHECKOUT_CORE_URL", raising=False)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        try:
            status = main(arguments)
        except SystemExit as stop:  # argparse
            status = int(stop.code or 0)
        said = capsys.readouterr()
        return Ran(status, said.out, said.err)

    return run


@pytest.fixture
def shop(sqlite_url: str) -> Iterator[Shop]:
    """Ten of everything, and a bank in this process."""
    store, bank = SqlStore(sqlite_url), SandboxBank()
    store.migrate()
    for item in ("MUG", "LAMP"):
        store.inventory.set_available(item, 10)
    with Checkout(store, payments=SandboxPayments(bank)) as checkout:
        yield Shop(sqlite_url, store, checkout, bank)
    store.close()
