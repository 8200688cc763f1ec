"""The host's own checkout, as ``--app module:attribute`` names it: only the host knows its adapters."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from checkout_core.cli.failure import UsageError
from checkout_core.drivers.aio import AsyncCheckout
from checkout_core.drivers.failures import described
from checkout_core.drivers.threads import Checkout

R = TypeVar("R")
Making: TypeAlias = Callable[[], Awaitable[object]]
AnyCheckout: TypeAlias = Checkout | AsyncCheckout | Making
"""A function that must be awaited makes its checkout in the event loop in which it is used."""


def load_app(place: str) -> AnyCheckout:
    """The :class:`Checkout` or :class:`AsyncCheckout` at ``module:attribute``, or what a function there returns.

    Modules are looked for in the working directory too. Raises :class:`UsageError`; so does :func:`ask` for what a
    function that must be awaited does wrong.
    """
    module_name, separator, attribute = place.partition(":")
    if not (separator and module_name and attribute.isidentifier()):
        raise UsageError("--app is expected as package.module:attribute, for example shop.wiring:checkout")
    found = _attribute(_module(module_name), module_name, attribute)
    if inspect.iscoroutinefunction(found):
        return found
    if callable(found):
        found = _made(found)
    if not isinstance(found, Checkout | AsyncCheckout):
        raise _unexpected(found)
    return found


def ask(
    checkout: AnyCheckout,
    in_threads: Callable[[Checkout], R],
    in_tasks: Callable[[AsyncCheckout], Coroutine[Any, Any, R]],
) -> R:
    """The same question in the checkout's own colour; it is closed afterwards."""
    if isinstance(checkout, Checkout):
        with checkout:
            return in_threads(checkout)

    async def answer() -> R:
        async with checkout if isinstance(checkout, AsyncCheckout) else await _awaited(checkout) as made:
            return await in_tasks(made)

    return asyncio.run(answer())


def _module(name: str) -> object:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise UsageError(f"--app: there is no module {name} here; run this where it can be imported") from None
        raise UsageError(f"--app: {name} needs the module {error.name}, which is not installed") from None
    except Exception as error:  # noqa: BLE001 - the host's own code: whatever it raises is told in one line
        raise UsageError(f"--app: {name} cannot be imported: {described(error)}") from None


def _attribute(module: object, module_name: str, attribute: str) -> object:
    if not hasattr(module, attribute):
        raise UsageError(f"--app: the module {module_name} has no {attribute}")
    return getattr(module, attribute)


def _made(make: Callable[[], object]) -> object:
    try:
        return make()
    except Exception as error:  # noqa: BLE001 - the host's own code: whatever it raises is told in one line
        raise UsageError(f"--app failed: {described(error)}") from None


async def _awaited(make: Making) -> AsyncCheckout:
    try:
        made = await make()
    except Exception as error:  # noqa: BLE001 - the host's own code: whatever it raises is told in one line
        raise UsageError(f"--app failed: {described(error)}") from None
    if not isinstance(made, AsyncCheckout):
        raise _unexpected(made)
    return made


def _unexpected(found: object) -> UsageError:
    return UsageError(f"--app gives a {type(found).__name__}, expected a Checkout or an AsyncCheckout")
