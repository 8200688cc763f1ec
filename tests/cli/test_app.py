"""Commands over the host's own checkout, in both colours: what was begun is finished, what is parked, decided."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from checkout_core.adapters.sandbox import BankProcess, HttpSandboxPayments
from checkout_core.adapters.sql import SqlStore
from checkout_core.domain.order import OrderStatus
from checkout_core.drivers.threads import Checkout
from checkout_core.settings import Settings
from tests.cli.conftest import Cli
from tests.cli.shops import a_request

SETTINGS = Settings(call_timeout_seconds=0.2, lease_seconds=0.5, retry_first_seconds=0.01, retry_most_seconds=0.1)
WIRING = """
from checkout_core import AsyncCheckout, Checkout
from checkout_core.adapters.sandbox import AsyncHttpSandboxPayments, HttpSandboxPayments
from checkout_core.adapters.sql import SqlStore
from tests.cli.test_app import SETTINGS


def threads():
    return Checkout(SqlStore({url!r}), HttpSandboxPayments({bank!r}), settings=SETTINGS)


def tasks():
    return AsyncCheckout(SqlStore({url!r}), AsyncHttpSandboxPayments({bank!r}), settings=SETTINGS)


async def in_a_loop():
    return tasks()


async def nobody():
    return 7


def broken():
    raise ValueError("s3cret")


checkout = threads()
nothing = 7
"""


class Host:
    """A shop whose wiring is the module ``{name}`` in the working directory."""

    def __init__(self, directory: Path, name: str, bank: BankProcess) -> None:
        self.directory = directory
        self.name = name
        self.bank = bank
        self.store = SqlStore(f"sqlite:///{directory / 'shop.db'}")
        self.store.migrate()
        self.store.inventory.set_available("MUG", 10)
        self.checkout = Checkout(self.store, HttpSandboxPayments(bank.url), settings=SETTINGS)
        wiring = WIRING.format(url=f"sqlite:///{directory / 'shop.db'}", bank=bank.url)
        (directory / f"{name}.py").write_text(wiring)

    def begin(self, key: str, token: str) -> str:
        """A checkout that is not decided when its caller leaves; its order."""
        result = self.checkout.execute(a_request(key, token=token))
        assert result.status is OrderStatus.PENDING
        self.bank.advance(10)
        return result.order_id


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Host]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    name = f"wiring_{abs(hash(request.node.nodeid))}"
    with BankProcess(tmp_path / "bank.jsonl") as bank:
        made = Host(tmp_path, name, bank)
        yield made
        made.checkout.close()
        made.store.close()
    sys.modules.pop(name, None)


@pytest.mark.parametrize("colour", ["threads", "tasks", "in_a_loop"])
def test_a_pass_finishes_what_is_due(cli: Cli, host: Host, colour: str) -> None:
    order_id = host.begin("1", "tok_decide_later:9")
    report = {"finished": 0}
    while not report["finished"]:
        ran = cli("recover", "--json", "--app", f"{host.name}:{colour}", "--limit", "5")
        assert ran.status == 0
        report = ran.document
    assert host.checkout.get_order(order_id).status is OrderStatus.CONFIRMED
    assert cli("recover", "--app", f"{host.name}:tasks").out.startswith("0 checkouts were due")


@pytest.mark.parametrize("colour", ["threads", "tasks", "in_a_loop"])
def test_a_pass_of_the_relay_is_told(cli: Cli, host: Host, colour: str) -> None:
    """Without receivers nothing is due."""
    ran = cli("relay", "--json", "--app", f"{host.name}:{colour}")
    assert ran.status == 0
    assert ran.document == {"claimed": 0, "delivered": 0, "failed": 0, "dead": 0, "unfinished": 0}
    assert cli("relay", "--app", f"{host.name}:{colour}").out.startswith("0 events were due")


@pytest.mark.parametrize("colour", ["checkout", "tasks"])
def test_a_worker_finishes_orders_until_it_is_told_to_stop(host: Host, colour: str) -> None:
    order_id = host.begin("1", "tok_decide_later:9")
    command = [sys.executable, "-m", "checkout_core.cli", "worker", "--json", "--app", f"{host.name}:{colour}"]
    paths = [str(Path(__file__).parents[2]), *sys.path]  # the wiring imports this module
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as worker:
        try:
            while host.checkout.get_order(order_id).status is OrderStatus.PENDING:
                with pytest.raises(subprocess.TimeoutExpired):
                    worker.wait(timeout=0.1)
            worker.send_signal(signal.SIGTERM)
            said, _ = worker.communicate(timeout=60)
        finally:
            worker.kill()
    assert (worker.returncode, json.loads(said)) == (0, {"stopped": True})


@pytest.mark.parametrize("colour", ["threads", "tasks"])
def test_parked_orders_are_listed_and_decided(cli: Cli, host: Host, colour: str) -> None:
    app = f"{host.name}:{colour}"
    undone, forced = host.begin("1", "tok_key_mismatch"), host.begin("2", "tok_key_mismatch")
    listed = cli("parked", "--json", "--app", app).document["parked"]
    assert [(each["order_id"], each["alarms"]) for each in listed] == [
        (undone, ["key_mismatch"]),
        (forced, ["key_mismatch"]),
    ]
    assert "key_mismatch" in cli("parked", "--app", app).out

    seen = ("--note", "seen in the bank's books")
    ran = cli("parked", "--app", app, "force", forced, "not_charged", *seen)
    assert (ran.status, f"order {forced} is FAILED" in ran.out) == (0, True)
    ran = cli("parked", "--json", "--app", app, "force", undone, "charged", "--provider-reference", "ch_1", *seen)
    assert (ran.status, ran.document["status"]) == (0, "CONFIRMED")
    assert "no order waits" in cli("parked", "--app", app).out


def test_what_is_not_parked_cannot_be_decided(cli: Cli, host: Host) -> None:
    ran = cli("parked", "--app", f"{host.name}:threads", "retry", "no-such-order", "--note", "why not")
    assert (ran.status, ran.out) == (1, "")
    assert "no order no-such-order" in ran.err


@pytest.mark.parametrize(
    ("app", "said"),
    [
        ("wiring", "is expected as package.module:attribute"),
        ("no_such_module:checkout", "there is no module no_such_module here"),
        ("{name}:missing", "has no missing"),
        ("{name}:nothing", "gives a int, expected a Checkout"),
        ("{name}:nobody", "gives a int, expected a Checkout"),
        ("{name}:broken", "failed: ValueError at"),
    ],
)
def test_an_app_that_cannot_be_used(cli: Cli, host: Host, app: str, said: str) -> None:
    ran = cli("recover", "--app", app.format(name=host.name))
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err
    assert "s3cret" not in ran.err
