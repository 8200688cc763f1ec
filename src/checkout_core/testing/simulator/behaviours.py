"""The banks and what they do: every combination that the exhaustive search goes through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from checkout_core.adapters.sandbox import BankPolicy
from checkout_core.domain.request import CheckoutRequest
from checkout_core.ports.payment import Lookup, Repeats
from checkout_core.settings import Settings
from checkout_core.testing.simulator.scenario import Purchase, Scenario, cart, request

WINDOW_SECONDS = 400.0

SETTINGS = Settings(
    pay_by_seconds=100.0,
    watch_seconds=600.0,
    alarm_after_seconds=60.0,
    park_after_seconds=1200.0,
    retry_first_seconds=40.0,
    retry_most_seconds=3600.0,
)
"""Shorter than a shop's, so that fewer identical tries lie between what matters."""

POLICIES: Mapping[str, BankPolicy] = {
    "replay": BankPolicy(key_window_seconds=WINDOW_SECONDS),
    "replay success": BankPolicy(repeats=Repeats.REPLAY_SUCCESS, key_window_seconds=WINDOW_SECONDS),
    "current state": BankPolicy(repeats=Repeats.CURRENT_STATE, key_window_seconds=WINDOW_SECONDS),
    "short window": BankPolicy(key_window_seconds=100.0),
    "lagging lookup": BankPolicy(
        lookup_by_reference=Lookup.EVENTUAL, lookup_lag_seconds=20.0, key_window_seconds=WINDOW_SECONDS
    ),
    "no lookup": BankPolicy(
        lookup_by_reference=Lookup.NONE, lookup_by_provider_reference=Lookup.NONE, key_window_seconds=WINDOW_SECONDS
    ),
    "cancels keys": BankPolicy(cancel_by_key=True, key_window_seconds=WINDOW_SECONDS),
    "cancels keys, no lookup": BankPolicy(
        lookup_by_reference=Lookup.NONE, cancel_by_key=True, key_window_seconds=WINDOW_SECONDS
    ),
    "no keys": BankPolicy(repeats=Repeats.NONE),
    "no keys, lagging lookup": BankPolicy(
        repeats=Repeats.NONE, lookup_by_reference=Lookup.EVENTUAL, lookup_lag_seconds=20.0
    ),
    "no keys, no lookup": BankPolicy(
        repeats=Repeats.NONE, lookup_by_reference=Lookup.NONE, lookup_by_provider_reference=Lookup.NONE
    ),
}
"""How a bank treats keys and questions."""

TOKENS: tuple[str, ...] = (
    "tok_approve",
    "tok_decline",
    "tok_decline_soft",
    "tok_decline_fix_input",
    "tok_decline_fraud",
    "tok_decide_later",
    "tok_decide_later:30s",
    "tok_decide_later_decline",
    "tok_requires_action",
    "tok_slow:5s",
    "tok_slow:12s",
    "tok_timeout_with_effect",
    "tok_timeout_without_effect",
    "tok_timeout_with_late_effect:60s",
    "tok_timeout_with_late_effect:300s",
    "tok_timeout_decline",
    "tok_500_with_effect",
    "tok_500_without_effect",
    "tok_garbage_with_effect",
    "tok_garbage_without_effect",
    "tok_busy",
    "tok_busy:9",
    "tok_refused_connection",
    "tok_refused_connection:9",
    "tok_key_mismatch",
    "tok_key_mismatch_with_effect",
    "tok_wrong_amount",
)
"""What a bank does with a charge."""

LATER_THAN_A_SHORT_WINDOW = ":300s"

RECOVERY_FROM_SECONDS: Mapping[str, float] = {"at once": 0.0, "after pay_by": 200.0, "after the key's window": 500.0}
"""When a worker first looks for what was left undone."""


def scenarios() -> Iterator[Scenario]:
    """One buyer at each bank with each token, and the purchases that the bank never sees."""
    for bank, policy in POLICIES.items():
        for token in TOKENS:
            if token.endswith(LATER_THAN_A_SHORT_WINDOW) and policy.key_window_seconds < WINDOW_SECONDS:
                continue  # a request that is under way for longer than its key is remembered: no shop can help that
            for when, seconds in RECOVERY_FROM_SECONDS.items():
                yield _bought(f"{token}, {bank}, recovery {when}", _wanted(bank_does=token), policy, seconds)
    yield _bought("zero total", _wanted(price="0"))
    yield _bought("out of stock", _wanted(qty=6))


def _bought(
    name: str, wanted: CheckoutRequest, policy: BankPolicy = POLICIES["replay"], recovery_from_seconds: float = 0.0
) -> Scenario:
    return Scenario(
        name=name,
        purchases=(Purchase(request=wanted),),
        stock={"shirt": 5},
        policy=policy,
        settings=SETTINGS,
        recovery_from_seconds=recovery_from_seconds,
    )


def _wanted(*, bank_does: str = "tok_approve", price: str = "19.90", qty: int = 2) -> CheckoutRequest:
    return request("key", bank_does, cart("cart", {"shirt": qty}, price=price, revision="1"))
