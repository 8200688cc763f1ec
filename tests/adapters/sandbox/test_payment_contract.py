"""The payment contract on the sandbox: in process under each policy and over HTTP, in both colours with one body."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from checkout_core.adapters.sandbox import BankPolicy, BankProcess
from checkout_core.ports.payment import Lookup, Repeats
from checkout_core.testing.contracts.payment import PaymentContract, PaymentStage
from tests.adapters.sandbox.stages import HttpStage, InProcessStage

POLICIES = {
    "replay": BankPolicy(),
    "replay_success": BankPolicy(repeats=Repeats.REPLAY_SUCCESS, key_window_seconds=600.0),
    "current_state_cancelling": BankPolicy(repeats=Repeats.CURRENT_STATE, cancel_by_key=True),
    "lagging": BankPolicy(
        lookup_by_reference=Lookup.EVENTUAL, lookup_by_provider_reference=Lookup.EVENTUAL, lookup_lag_seconds=90.0
    ),
    "bare": BankPolicy(repeats=Repeats.NONE, lookup_by_reference=Lookup.NONE, lookup_by_provider_reference=Lookup.NONE),
}


class TestSandboxPayments(PaymentContract):
    @pytest.fixture(autouse=True, params=POLICIES)
    def _policy(self, request: pytest.FixtureRequest) -> None:
        self.policy = POLICIES[request.param]

    def stage(self) -> PaymentStage:
        return InProcessStage(self.policy)


class TestAsyncSandboxPayments(TestSandboxPayments):
    def stage(self) -> PaymentStage:
        return InProcessStage(self.policy, is_async=True)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BankProcess]:
    policy = BankPolicy(repeats=Repeats.CURRENT_STATE, cancel_by_key=True)
    directory: Path = tmp_path_factory.mktemp("bank")
    with BankProcess(directory / "ledger.jsonl", policy) as running:
        yield running


class TestHttpSandboxPayments(PaymentContract):
    @pytest.fixture(autouse=True)
    def _bank(self, bank: BankProcess) -> None:
        self.bank = bank

    def stage(self) -> PaymentStage:
        return HttpStage(self.bank, is_async=False)


class TestAsyncHttpSandboxPayments(TestHttpSandboxPayments):
    def stage(self) -> PaymentStage:
        return HttpStage(self.bank, is_async=True)
