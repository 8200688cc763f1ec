"""What an adapter declares is checked when the checkout is composed, before anything is sold."""

from __future__ import annotations

import math

import pytest

from checkout_core import Checkout, ConfigurationError
from checkout_core.adapters.memory import MemoryStore
from checkout_core.adapters.sandbox import SandboxPayments
from checkout_core.ports.payment import Guarantees


@pytest.mark.parametrize("seconds", [math.inf, math.nan, -1.0])
@pytest.mark.parametrize("field", ["key_window_seconds", "lookup_lag_seconds"])
def test_a_guarantee_without_a_usable_time_is_refused(field: str, seconds: float) -> None:
    """SAFE-2: each checkout would fail at its first commit."""
    payments = SandboxPayments(guarantees=Guarantees(**{field: seconds}))
    with pytest.raises(ConfigurationError, match=field):
        Checkout(MemoryStore(), payments)
