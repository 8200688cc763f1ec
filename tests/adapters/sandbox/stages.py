"""The sandbox bank, in process and over HTTP, as a stage for the payment contract."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from checkout_core.adapters.sandbox import (
    AsyncCancellingHttpSandboxPayments,
    AsyncCancellingSandboxPayments,
    AsyncHttpSandboxPayments,
    AsyncSandboxPayments,
    BankPolicy,
    BankProcess,
    CancellingHttpSandboxPayments,
    CancellingSandboxPayments,
    HttpSandboxPayments,
    LedgerEntry,
    SandboxBank,
    SandboxPayments,
)
from checkout_core.domain.money import Money
from checkout_core.testing.contracts.payment import (
    DECISION_SECONDS,
    SLOW_SECONDS,
    AnyProvider,
    Behaviour,
    Operation,
    PaymentStage,
)

TOKEN_OF = {
    Behaviour.APPROVE: "tok_approve",
    Behaviour.WRONG_AMOUNT: "tok_wrong_amount",
    Behaviour.DECLINE: "tok_decline",
    Behaviour.DECLINE_SOFT: "tok_decline_soft",
    Behaviour.DECLINE_FIX_INPUT: "tok_decline_fix_input",
    Behaviour.DECLINE_FRAUD: "tok_decline_fraud",
    Behaviour.REQUIRE_ACTION: "tok_requires_action",
    Behaviour.DECIDE_LATER: f"tok_decide_later:{DECISION_SECONDS}s",
    Behaviour.SLOW: f"tok_slow:{SLOW_SECONDS}s",
    Behaviour.SILENCE_WITH_EFFECT: "tok_timeout_with_effect",
    Behaviour.SILENCE_WITHOUT_EFFECT: "tok_timeout_without_effect",
    Behaviour.RESET_WITH_EFFECT: "tok_reset_with_effect",
    Behaviour.RESET_WITHOUT_EFFECT: "tok_reset_without_effect",
    Behaviour.SERVER_ERROR_WITH_EFFECT: "tok_500_with_effect",
    Behaviour.SERVER_ERROR_WITHOUT_EFFECT: "tok_500_without_effect",
    Behaviour.GARBAGE_WITH_EFFECT: "tok_garbage_with_effect",
    Behaviour.GARBAGE_WITHOUT_EFFECT: "tok_garbage_without_effect",
    Behaviour.BUSY: "tok_busy",
    Behaviour.REFUSED_CONNECTION: "tok_refused_connection",
    Behaviour.INVALID: "tok_that_was_never_issued",
}


class SandboxStage(PaymentStage):
    def token(self, behaviour: Behaviour, *, refund: Behaviour = Behaviour.APPROVE) -> str:
        token = TOKEN_OF[behaviour]
        return token if refund is Behaviour.APPROVE else f"{token}+refund_{TOKEN_OF[refund].removeprefix('tok_')}"

    def close(self) -> None:
        pass


class InProcessStage(SandboxStage):
    def __init__(
        self,
        policy: BankPolicy | None = None,
        *,
        is_async: bool = False,
        make: Callable[[SandboxBank], AnyProvider] | None = None,
    ) -> None:
        self.now = 1000.0
        self.bank = SandboxBank(policy, clock=lambda: self.now)
        self._make = make or _in_process(self.bank.policy, is_async)

    def provider(self) -> AnyProvider:
        return self._make(self.bank)

    def moved(self, operation: Operation, reference: str) -> Sequence[Money]:
        return _moved(self.bank.ledger(), operation, reference)

    def received(self, key: str) -> int:
        return self.bank.sends_of(key)

    def advance(self, seconds: float) -> bool:
        self.now += seconds
        return True


class HttpStage(SandboxStage):
    """One bank process serves many checks: each has keys and references of its own."""

    def __init__(self, bank: BankProcess, *, is_async: bool) -> None:
        self.bank = bank
        self._is_async = is_async

    def provider(self) -> AnyProvider:
        policy = self.bank.policy
        if self._is_async:
            return (AsyncCancellingHttpSandboxPayments if policy.cancel_by_key else AsyncHttpSandboxPayments)(
                self.bank.url, policy=policy
            )
        return (CancellingHttpSandboxPayments if policy.cancel_by_key else HttpSandboxPayments)(
            self.bank.url, policy=policy
        )

    def moved(self, operation: Operation, reference: str) -> Sequence[Money]:
        return _moved(self.bank.ledger(), operation, reference)

    def received(self, key: str) -> int:
        return self.bank.sends_of(key)

    def advance(self, seconds: float) -> bool:
        self.bank.advance(seconds)
        return True


def _in_process(policy: BankPolicy, is_async: bool) -> Callable[[SandboxBank], AnyProvider]:
    if is_async:
        return AsyncCancellingSandboxPayments if policy.cancel_by_key else AsyncSandboxPayments
    return CancellingSandboxPayments if policy.cancel_by_key else SandboxPayments


def _moved(ledger: Sequence[LedgerEntry], operation: Operation, reference: str) -> list[Money]:
    return [entry.amount for entry in ledger if entry.kind == operation and entry.reference == reference]
