"""The tokens of the sandbox bank: each is a script of what the bank does with the requests that bear it.

``tok_busy:3`` gives a number to a script, ``tok_decide_later:30s`` a time; ``tok_approve+refund_decline`` gives the
refunds of the charge a script of their own. A disturbance meets the first sends of each key only, one unless the
number says otherwise; a later send of the key is then answered by the bank's policy for repeats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from checkout_core.adapters.sandbox.answers import Fault
from checkout_core.domain.result import DeclineKind

ALWAYS = 1_000_000_000
"""More sends of one key than there will ever be."""

_REFUND = "+refund_"


@dataclass(frozen=True, slots=True)
class Approve:
    """Move the money; ``short_minor`` less than was asked for."""

    short_minor: int = 0


@dataclass(frozen=True, slots=True)
class Decline:
    code: str
    kind: DeclineKind = DeclineKind.HARD


@dataclass(frozen=True, slots=True)
class DecideLater:
    """Processing first; decided by the lookup with this number, or when the time has passed."""

    approve: bool
    lookups: int | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class AskBuyer:
    """The buyer must act; the bank waits for :meth:`SandboxBank.decide`."""


Verdict: TypeAlias = Approve | Decline | DecideLater | AskBuyer


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """What the first ``times`` sends of a key meet.

    ``fault``: in place of the answer; None: only late by ``delay_seconds``. ``reaches_bank``: whether the request is
    carried out. ``arrives_after_seconds``: it is carried out by itself so much later, and nobody hears of it.
    """

    fault: Fault | None
    reaches_bank: bool
    times: int = 1
    delay_seconds: float = 0.0
    arrives_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Script:
    verdict: Verdict
    disturbance: Disturbance | None = None


@dataclass(frozen=True, slots=True)
class _Argument:
    """What follows the colon: a count, or a time if it ends in ``s``."""

    count: int | None = None
    seconds: float | None = None


_Maker: TypeAlias = Callable[[_Argument], Script]


def _plain(verdict: Verdict) -> _Maker:
    return lambda _: Script(verdict)


def _faulty(fault: Fault, *, reaches_bank: bool, verdict: Verdict | None = None, times: int = 1) -> _Maker:
    def make(argument: _Argument) -> Script:
        disturbance = Disturbance(
            fault=fault, reaches_bank=reaches_bank, times=times if argument.count is None else argument.count
        )
        return Script(verdict or Approve(), disturbance)

    return make


def _later(*, approve: bool) -> _Maker:
    def make(argument: _Argument) -> Script:
        lookups = None if argument.seconds is not None else 1 if argument.count is None else argument.count
        return Script(DecideLater(approve, lookups, argument.seconds))

    return make


def _slow(argument: _Argument) -> Script:
    delay = 0.05 if argument.seconds is None else argument.seconds
    return Script(Approve(), Disturbance(fault=None, reaches_bank=True, delay_seconds=delay))


def _late(argument: _Argument) -> Script:
    arrives = 60.0 if argument.seconds is None else argument.seconds
    return Script(Approve(), Disturbance(fault=Fault.NO_ANSWER, reaches_bank=False, arrives_after_seconds=arrives))


_MAKERS: Mapping[str, _Maker] = {
    "tok_approve": _plain(Approve()),
    "tok_wrong_amount": _plain(Approve(short_minor=1)),
    "tok_decline": _plain(Decline("card_declined")),
    "tok_decline_soft": _plain(Decline("insufficient_funds", DeclineKind.SOFT)),
    "tok_decline_fix_input": _plain(Decline("incorrect_cvc", DeclineKind.FIX_INPUT)),
    "tok_decline_fraud": _plain(Decline("suspected_fraud", DeclineKind.FRAUD)),
    "tok_decide_later": _later(approve=True),
    "tok_decide_later_decline": _later(approve=False),
    "tok_requires_action": _plain(AskBuyer()),
    "tok_slow": _slow,
    "tok_timeout_with_effect": _faulty(Fault.NO_ANSWER, reaches_bank=True),
    "tok_timeout_without_effect": _faulty(Fault.NO_ANSWER, reaches_bank=False),
    "tok_timeout_with_late_effect": _late,
    "tok_timeout_decline": _faulty(Fault.NO_ANSWER, reaches_bank=True, verdict=Decline("card_declined")),
    "tok_reset_with_effect": _faulty(Fault.RESET, reaches_bank=True),
    "tok_reset_without_effect": _faulty(Fault.RESET, reaches_bank=False),
    "tok_500_with_effect": _faulty(Fault.SERVER_ERROR, reaches_bank=True),
    "tok_500_without_effect": _faulty(Fault.SERVER_ERROR, reaches_bank=False),
    "tok_garbage_with_effect": _faulty(Fault.GARBAGE, reaches_bank=True),
    "tok_garbage_without_effect": _faulty(Fault.GARBAGE, reaches_bank=False),
    "tok_busy": _faulty(Fault.BUSY, reaches_bank=False),
    "tok_refused_connection": _faulty(Fault.CONNECTION_REFUSED, reaches_bank=False),
    "tok_key_mismatch": _faulty(Fault.KEY_MISMATCH, reaches_bank=False, times=ALWAYS),
    "tok_key_mismatch_with_effect": _faulty(Fault.KEY_MISMATCH, reaches_bank=True, times=ALWAYS),
}

TOKENS: tuple[str, ...] = tuple(_MAKERS)
"""Every token, without arguments."""


def charge_script(token: str) -> Script | None:
    """The script that ``token`` names, or None for a token that the bank never issued."""
    return _script(token.partition(_REFUND)[0]) if _script(refund_token(token)) else None


def refund_token(token: str) -> str:
    """The token that scripts the refunds of a charge that bore ``token``."""
    return "tok_" + (token.partition(_REFUND)[2] or "approve")


def _script(token: str) -> Script | None:
    name, colon, argument = token.partition(":")
    maker = _MAKERS.get(name)
    parsed = _argument(argument) if colon else _Argument()
    return None if maker is None or parsed is None else maker(parsed)


def _argument(text: str) -> _Argument | None:
    try:
        parsed = _Argument(seconds=float(text[:-1])) if text.endswith("s") else _Argument(count=int(text))
    except ValueError:
        return None
    number = parsed.count if parsed.seconds is None else parsed.seconds
    return parsed if number is not None and 0 <= number <= ALWAYS else None
