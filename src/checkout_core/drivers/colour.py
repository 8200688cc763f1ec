"""The mix-up of colours is found when a checkout is composed, not when the first buyer pays."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

from checkout_core.errors import ConfigurationError


def refuse_coroutines(adapter: object, operations: Iterable[str]) -> None:
    """Raise :class:`ConfigurationError` if one of ``adapter``'s operations is a coroutine function."""
    for name in operations:
        if _is_coroutine_function(_operation(adapter, name)):
            raise ConfigurationError(
                f"expected a sync adapter, found that {type(adapter).__name__}.{name} is a coroutine function; "
                "use AsyncCheckout, or the adapter's sync twin"
            )


def refuse_blocking(adapter: object, operations: Iterable[str]) -> None:
    """Raise :class:`ConfigurationError` unless all of ``adapter``'s operations are coroutine functions."""
    for name in operations:
        if not _is_coroutine_function(_operation(adapter, name)):
            raise ConfigurationError(
                f"expected an async adapter, found that {type(adapter).__name__}.{name} is no coroutine function; "
                "lend a sync adapter with in_threads(adapter)"
            )


def _operation(adapter: object, name: str) -> object:
    operation = getattr(adapter, name, None)
    if not callable(operation):
        raise ConfigurationError(f"expected an adapter, found that {type(adapter).__name__} has no {name}()")
    return operation


def _is_coroutine_function(operation: object) -> bool:
    if inspect.iscoroutinefunction(operation):
        return True
    return inspect.iscoroutinefunction(getattr(operation, "__call__", None))  # noqa: B004 - the method itself is asked
