"""The bank as a process of its own: it outlives the shop, remembers across its own death, and says when money moved."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from checkout_core.adapters.sandbox import BankPolicy, BankProcess, HttpSandboxPayments
from checkout_core.adapters.sandbox.durable import DurableBank
from checkout_core.errors import NotSentError, OutcomeUnknownError
from checkout_core.ports.payment import ActionNeeded, CallLimits, NotFound, Processing, Repeats, Succeeded
from tests.adapters.sandbox.requests import LIMITS, ask, charge, refund


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


@pytest.fixture
def bank(ledger: Path) -> Iterator[BankProcess]:
    with BankProcess(ledger, BankPolicy(key_window_seconds=600.0)) as running:
        yield running


def test_the_money_moves_is_announced_and_the_answer_waits_until_it_is_released(bank: BankProcess) -> None:
    bank.hold("tok_approve")
    payments = HttpSandboxPayments(bank.url)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(payments.charge, charge(), CallLimits(timeout_seconds=60.0))
        announced = bank.ledger(wait_seconds=30.0)
        assert [entry.reference for entry in announced] == ["ref-key-1"]
        assert bank.held(at_least=1, wait_seconds=30.0) == 1
        assert not answer.done()
        assert isinstance(payments.charge(charge("tok_approve+refund_decline", key="other"), LIMITS), Succeeded)
        bank.release("tok_approve")
        assert isinstance(answer.result(), Succeeded)
    assert bank.held() == 0


def test_a_shop_that_is_killed_while_its_answer_is_held_leaves_one_charge(bank: BankProcess) -> None:
    bank.hold("charge")
    program = (
        "import sys; from tests.adapters.sandbox.requests import *;"
        "from checkout_core.adapters.sandbox import HttpSandboxPayments;"
        "HttpSandboxPayments(sys.argv[1]).charge(charge(), LIMITS.__class__(timeout_seconds=600.0))"
    )
    shop = subprocess.Popen([sys.executable, "-c", program, bank.url])
    assert len(bank.ledger(wait_seconds=30.0)) == 1
    assert bank.held(at_least=1, wait_seconds=30.0) == 1
    shop.send_signal(signal.SIGKILL)
    assert shop.wait() == -signal.SIGKILL
    assert len(bank.ledger()) == 1
    bank.release("charge")
    assert isinstance(HttpSandboxPayments(bank.url).charge(charge(), LIMITS), Succeeded)
    assert len(bank.ledger()) == 1


def test_a_killed_bank_remembers_its_ledger_its_keys_and_its_clock(bank: BankProcess) -> None:
    payments = HttpSandboxPayments(bank.url)
    charged = payments.charge(charge(), LIMITS)
    assert isinstance(charged, Succeeded)
    payments.refund(refund(charged.provider_reference, minor=90), LIMITS)
    with pytest.raises(OutcomeUnknownError):
        payments.charge(charge("tok_500_with_effect", key="key-2"), LIMITS)
    bank.advance(500.0)
    before = bank.ledger()
    bank.kill()
    bank.restart()
    assert bank.ledger() == before
    assert payments.charge(charge(), LIMITS) == charged
    with pytest.raises(OutcomeUnknownError):
        payments.charge(charge("tok_500_with_effect", key="key-2"), LIMITS)
    assert bank.ledger() == before
    bank.advance(200.0)
    payments.charge(charge(), LIMITS)
    assert len(bank.ledger()) == len(before) + 1


def test_a_dead_bank_is_not_sent_to(bank: BankProcess) -> None:
    payments = HttpSandboxPayments(bank.url)
    payments.charge(charge(), LIMITS)
    bank.stop()
    with pytest.raises(NotSentError):
        payments.charge(charge(), LIMITS)


def test_operations_that_wait_are_decided_from_outside(bank: BankProcess) -> None:
    payments = HttpSandboxPayments(bank.url)
    needed = payments.charge(charge("tok_requires_action"), LIMITS)
    assert isinstance(needed, ActionNeeded)
    bank.decide(needed.provider_reference, approve=True)
    assert isinstance(payments.lookup(ask(), LIMITS), Succeeded)
    with pytest.raises(LookupError):
        bank.decide("unknown", approve=True)


def test_a_decision_whose_time_comes_is_announced(bank: BankProcess) -> None:
    payments = HttpSandboxPayments(bank.url)
    assert isinstance(payments.charge(charge("tok_decide_later:60s"), LIMITS), Processing)
    with ThreadPoolExecutor(1) as pool:
        announced = pool.submit(bank.ledger, wait_seconds=30.0)
        bank.advance(60.0)
        assert len(announced.result()) == 1


def test_it_takes_thousands_of_charges_from_many_threads(bank: BankProcess) -> None:
    payments = HttpSandboxPayments(bank.url)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: payments.charge(charge(key=f"key-{n % 1000}"), LIMITS), range(2000)))
    assert all(isinstance(answer, Succeeded) for answer in answers)
    entries = bank.ledger()
    assert [entry.entry_id for entry in entries] == list(range(1, 1001))
    assert len({entry.key for entry in entries}) == 1000
    assert bank.ledger(after=998) == entries[998:]


def test_malformed_requests_are_refused_and_leave_nothing(bank: BankProcess, ledger: Path) -> None:
    before = ledger.read_bytes()
    posted = [
        ("POST", "/charges", b"not json"),
        ("POST", "/charges", b'{"key": "k"}'),
        ("POST", "/charges", b"x" * 100_000),
        ("POST", "/nowhere", b"{}"),
        ("GET", "/lookup?operation=other&reference=r", b""),
        ("GET", "/ledger?after=x", b""),
        ("GET", "/ledger?wait_seconds=nan", b""),
        ("GET", "/held?at_least=1&wait_seconds=-1", b""),
        ("GET", "/nowhere", b""),
    ]
    for method, path, body in posted:
        connection = HTTPConnection("127.0.0.1", bank.port, timeout=30.0)
        connection.request(method, path, body)
        response = connection.getresponse()
        assert (response.status, b"invalid" in response.read()) == (400, True), path
        connection.close()
    with socket.create_connection(("127.0.0.1", bank.port)) as raw:
        raw.sendall(b"POST /charges HTTP/1.1\r\nContent-Length: -1\r\n\r\n")
        assert raw.recv(1000).startswith(b"HTTP/1.1 400")
    assert ledger.read_bytes() == before


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from checkout_core.adapters.sandbox import BankProcess;"
        "bank = BankProcess(pathlib.Path(sys.argv[1])); print(bank.port, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "l")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        port = int(starter.stdout.readline())
        connection = HTTPConnection("127.0.0.1", port, timeout=60.0)
        connection.request("GET", "/ledger?wait_seconds=60")
        starter.kill()
        with suppress(HTTPException, OSError):
            assert connection.getresponse().read() == b"[]"
        connection.close()
    assert comes_to_refuse(port)


def comes_to_refuse(port: int) -> bool:
    while True:  # the port closes a moment after the waiting answer was let go
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            return True


def test_it_ends_on_sigterm(bank: BankProcess) -> None:
    os.kill(bank.pid, signal.SIGTERM)
    bank.stop()
    assert bank.exit_status == 0


def test_a_torn_last_line_was_never_answered(ledger: Path) -> None:
    first = DurableBank(ledger, BankPolicy(), clock=lambda: 1.0)
    first.handle(charge(key="whole"))
    first.handle(charge(key="torn"))
    first.close()
    ledger.write_bytes(ledger.read_bytes()[:-10])
    again = DurableBank(ledger, BankPolicy(), clock=lambda: 2.0)
    assert [entry.key for entry in again.ledger()] == ["whole"]
    again.handle(charge(key="third"))
    again.close()
    last = DurableBank(ledger, BankPolicy(), clock=lambda: 3.0)
    assert [entry.key for entry in last.ledger()] == ["whole", "third"]
    last.close()


def test_a_file_of_a_bank_with_another_policy_is_refused(ledger: Path) -> None:
    DurableBank(ledger, BankPolicy()).close()
    with pytest.raises(ValueError, match="another policy"):
        DurableBank(ledger, BankPolicy(repeats=Repeats.NONE))


def test_the_file_is_for_its_owner_only(ledger: Path) -> None:
    DurableBank(ledger, BankPolicy()).close()
    assert ledger.stat().st_mode & 0o077 == 0


def test_a_clock_that_jumps_back_does_not_bring_a_forgotten_key_back(ledger: Path) -> None:
    now = [1000.0]
    bank = DurableBank(ledger, BankPolicy(key_window_seconds=10.0), clock=lambda: now[0])
    bank.handle(charge("tok_timeout_with_late_effect:5s"))
    now[0] = 1004.0
    assert isinstance(bank.handle(ask()).reply, NotFound)
    now[0] = 0.0
    assert bank.ledger() == ()
    now[0] = 1005.0
    assert [entry.at for entry in bank.ledger()] == [1005.0]
    bank.close()
