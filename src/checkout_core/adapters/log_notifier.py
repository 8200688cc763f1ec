"""Notices as lines of the log: for development, and for shops that do not write to buyers."""

from __future__ import annotations

import logging

from checkout_core.ports.notifier import Notice, Notifier
from checkout_core.ports.payment import CallLimits

_log = logging.getLogger("checkout_core.notices")


class LogNotifier(Notifier):
    """Logs what is told and of which order, never to whom (SAFE-1)."""

    def send(self, notice: Notice, limits: CallLimits) -> None:
        _log.info("%s of order %s (%s)", notice.kind, notice.order_id, notice.order.status)
