"""The notifier port: the buyer is told, by e-mail or however the shop does it.

Contract:

1. ``send(notice, limits)`` returns once the message is on its way for good; a notice that needs no message (no address,
   say) returns too. An exception means that it may not be on its way: it is sent again.
2. Errors are told apart as for publishers: :class:`RejectedError` is for good, ``NotExecutedError`` may say when to
   come back, everything else is repeated with growing pauses.
3. A notice may come again after a crash, with the same ``notice_id``: use it as the message's own id (EVENT-3).
4. Recipient and locale are the order's at the time of sending: an address that the shop has erased is None here. A
   notice is never logged, and its repr shows neither (SAFE-1).
5. The notices of one order come one after the other, in the order of its events. A confirmation comes only after
   CONFIRMED is stored. A request to act is left out once the order waits for nothing any more.
6. A call keeps to ``limits.timeout_seconds``; whatever happens in it changes no money, stock or order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

from checkout_core.domain.buyer import Contact
from checkout_core.domain.order import Order
from checkout_core.ports.payment import CallLimits

NOTICES = "notices"
"""The notifier's sink in the outbox; no publisher may have this name."""


class NoticeKind(StrEnum):
    CONFIRMATION = "confirmation"
    FAILURE = "failure"
    ACTION_REQUIRED = "action_required"
    CANCELLATION = "cancellation"
    REFUND = "refund"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """``order`` is as of the time of sending. ``locale``: a BCP 47 tag, '' where the buyer gave none."""

    notice_id: str
    kind: NoticeKind
    order_id: str
    order: Order = field(repr=False)
    recipient: Contact | None = field(repr=False)
    locale: str = ""


@runtime_checkable
class Notifier(Protocol):
    """For ``Checkout``; called from several threads at once."""

    def send(self, notice: Notice, limits: CallLimits) -> None: ...


class AsyncNotifier(Protocol):
    """For ``AsyncCheckout``: the same contract. A call that takes too long is cancelled."""

    async def send(self, notice: Notice, limits: CallLimits) -> None: ...
