"""What an adapter answered, looked at before it comes near the journal.

Adapters are a host's own code and repeat what a provider sent. An answer that could not be stored, or not be read back,
would hold the order for ever, whoever recovers it: it counts as no answer, so that the outcome is unknown and is asked
for again, with an alarm. Only what is shown and decides nothing is mended.
"""

from __future__ import annotations

import math
from dataclasses import replace

from checkout_core.domain.money import Money
from checkout_core.domain.payment import holds_card_number
from checkout_core.domain.result import DeclineKind
from checkout_core.ports.payment import ActionNeeded, Declined, Processing, Succeeded

_REFERENCE_MOST = 255
_CODE_MOST = 200
_URL_MOST = 4000


def readable(answer: object, secret: str) -> object | None:
    """``answer`` as it may be stored, or None for one that says something which no adapter may say.

    ``secret`` and whatever looks like a card number are left out of a decline's code (SAFE-1).
    """
    match answer:
        case Succeeded(provider_reference=reference, amount=amount):
            return answer if _is_amount(amount) and _is_text(reference, _REFERENCE_MOST) else None
        case Declined(code=code, kind=kind, provider_reference=reference):
            decides = _is_kind(kind) and _is_text(reference, _REFERENCE_MOST)
            return replace(answer, code=_shown(code, secret)) if decides else None
        case ActionNeeded(provider_reference=reference, action_url=url):
            return answer if _is_text(reference, _REFERENCE_MOST) and _is_text(url, _URL_MOST) else None
        case Processing(provider_reference=reference):
            return answer if _is_text(reference, _REFERENCE_MOST) else None
        case _:
            return answer


def pause_wished(retry_after_seconds: object) -> float | None:
    """How long a provider asks us to wait; None where it says nothing that is a number of seconds."""
    if isinstance(retry_after_seconds, int | float) and math.isfinite(retry_after_seconds):
        return float(retry_after_seconds)
    return None


def _is_text(text: object, most: int) -> bool:
    return isinstance(text, str) and len(text) <= most and (not text or text.isprintable())


def _is_amount(amount: object) -> bool:
    return isinstance(amount, Money) and amount.minor >= 0


def _is_kind(kind: object) -> bool:
    return isinstance(kind, DeclineKind)


def _shown(code: object, secret: str) -> str:
    if not isinstance(code, str) or (secret and secret in code) or holds_card_number(code):
        return ""
    return "".join(each if each.isprintable() else " " for each in code)[:_CODE_MOST].strip()
