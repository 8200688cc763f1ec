"""The host's own checkout, as ``--app module:attribute`` names it: only the host knows its adapters."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from checkout_core.cli.failure import UsageError
from checkout_core.drivers.aio import AsyncCheckout
from checkout_core.drivers.failures import described
from checkout_core.drivers.threads import Checkout

R = TypeVar("R")
AnyCheckout: TypeAlias = Checkout | AsyncCheckout


def load_app(place: str) -> AnyCheckout:
    """The :class:`Checkout` or :class:`AsyncCheckout` at ``module:attribute``, or what a function there returns.

    Modules are looked for in the working directory too. Raises :class:`UsageError`.
    """
    module_name, separator, attribute = place.partition(":")
    if not (separator and module_name and attribute.isidentifier()):
        raise UsageError("--app is expected as package.module:attribute, for example shop.wiring:checkout")
    found = _attribute(_module(module_name), module_name, attribute)
    if callable(found):
        found = _made(found, place)
    if not isinstance(found, Checkout | AsyncCheckout):
        raise UsageError(f"--app {place} is a {type(found).__name__}, expected a Checkout or an AsyncCheckout")
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

    async def answer(checkout: AsyncCheckout) -> R:
        async with checkout:
            return await in_tasks(checkout)

    return asyncio.run(answer(checkout))


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


def _made(make: Callable[[], object], place: str) -> object:
    try:
        return make()
    except Exception as error:  # noqa: BLE001 - the host's own code: whatever it raises is told in one line
        raise UsageError(f"--app {place} failed: {described(error)}") from None
