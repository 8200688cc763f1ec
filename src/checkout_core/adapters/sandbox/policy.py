"""What the sandbox bank promises: the settings by which real banks differ."""

from __future__ import annotations

from dataclasses import dataclass

from checkout_core.ports.payment import Guarantees, Lookup, Repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class BankPolicy:
    """How the bank treats keys and questions. The defaults are those of a careful card provider.

    ``repeats``: how the same request with the same key is answered. ``REPLAY`` stores failures too, a 500 included.
    ``REPLAY_SUCCESS`` stores answers of success only: after a decline or a 500 it tries the payment again, *also where
    the 500 hid a success*. ``key_window_seconds``: keys are forgotten after it; a repeat then charges again.
    ``lookup_lag_seconds``: with ``EVENTUAL`` an operation is found only when it is so old.
    ``cancel_by_key``: a key can be ended, whether or not its request has arrived.
    """

    repeats: Repeats = Repeats.REPLAY
    key_window_seconds: float = 86400.0
    lookup_by_reference: Lookup = Lookup.STRONG
    lookup_by_provider_reference: Lookup = Lookup.STRONG
    lookup_lag_seconds: float = 0.0
    cancel_by_key: bool = False

    def __post_init__(self) -> None:
        if self.cancel_by_key and self.repeats is Repeats.NONE:
            raise ValueError("a bank that does not know keys cannot cancel by key")
        if self.key_window_seconds < 0 or self.lookup_lag_seconds < 0:
            raise ValueError("key_window_seconds and lookup_lag_seconds must not be negative")

    def guarantees(self) -> Guarantees:
        """What an honest adapter to this bank declares."""
        knows_keys = self.repeats is not Repeats.NONE
        lags = Lookup.EVENTUAL in (self.lookup_by_reference, self.lookup_by_provider_reference)
        return Guarantees(
            repeats=self.repeats,
            key_window_seconds=self.key_window_seconds if knows_keys else 0.0,
            lookup_by_reference=self.lookup_by_reference,
            lookup_by_provider_reference=self.lookup_by_provider_reference,
            lookup_lag_seconds=self.lookup_lag_seconds if lags else 0.0,
        )
