"""What a checkout is made of, whatever its colour: the store, the adapters' routes, and the programs over them."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from checkout_core.checkout.execute import Call, execute
from checkout_core.checkout.pricing import CART_SOURCE
from checkout_core.checkout.recovery import RecoveredSaga, recover_one
from checkout_core.checkout.setback import SetBack, set_back
from checkout_core.checkout.shop import Account, Shop
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.result import CheckoutResult
from checkout_core.drivers.calls import CART_ANSWERS, PAYMENT_ANSWERS, Calls, Route
from checkout_core.drivers.circuit import Circuit
from checkout_core.drivers.committer import Committer
from checkout_core.drivers.forking import renew_after_fork
from checkout_core.drivers.ids import Ids
from checkout_core.drivers.inline import InlineCommitter
from checkout_core.drivers.member import Commits
from checkout_core.effect import Program
from checkout_core.errors import ConfigurationError, InvalidRequestError, Problem
from checkout_core.ports.cart_source import AsyncCartSource, CartSource
from checkout_core.ports.payment import (
    AsyncKeyCancelling,
    AsyncPaymentProvider,
    Guarantees,
    KeyCancelling,
    PaymentProvider,
)
from checkout_core.ports.store import Store
from checkout_core.saga.context import Context
from checkout_core.settings import Settings

Provider: TypeAlias = PaymentProvider | AsyncPaymentProvider
ColourCheck: TypeAlias = Callable[[object, Iterable[str]], None]

EVERY_KIND = "*"
_OPERATIONS = ("charge", "refund", "lookup")
_LONGEST_TIMEOUT_SECONDS = 86400.0
_LONGEST_WINDOW_SECONDS = 10 * 365 * 86400.0


class Composition:
    """``payments``: one provider for every kind of payment method, or a mapping by :attr:`PaymentMethod.kind`.

    Raises :class:`ConfigurationError` for what is no provider, has the wrong colour, or claims another's name and
    account. Nothing is started.
    """

    def __init__(
        self,
        store: Store,
        payments: Provider | Mapping[str, Provider],
        settings: Settings,
        check: ColourCheck,
        carts: CartSource | AsyncCartSource | None = None,
    ) -> None:
        self.store = store
        self.settings = settings
        self.inline = store.commits_inline
        self.commits: Commits = InlineCommitter(store.commit) if self.inline else Committer(store.commit, settings)
        by_kind = payments if isinstance(payments, Mapping) else {EVERY_KIND: payments}
        if not by_kind:
            raise ConfigurationError("expected at least one payment provider")
        self._circuits: dict[str, Circuit] = {}
        self._routes: dict[str, Route] = {}
        self._accounts = {kind: self._account(provider, check) for kind, provider in by_kind.items()}
        self._has_carts = carts is not None
        if carts is not None:
            check(carts, ("load",))
            self._routes[CART_SOURCE] = Route(carts, CART_ANSWERS)
        self._ids = Ids()
        self.calls = Calls(self._routes)
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Name this process: a forked child is a worker of its own."""
        worker = f"{socket.gethostname()[:40]}-{os.getpid()}-{os.urandom(3).hex()}"
        context = Context(worker, self._ids.new)
        self.shop = Shop(self.settings, self._accounts, context, has_carts=self._has_carts)

    def execute(self, request: CheckoutRequest) -> Program[CheckoutResult]:
        """The run of one request, not yet begun."""
        method = request.payment_method
        account = self._accounts.get(method.kind, self._accounts.get(EVERY_KIND)) if method is not None else None
        open_ = account is not None and self._circuits[account.port].is_open()
        return execute(self.shop, Call(request, provider_open=open_))

    def recover_one(self, saga_id: str, token: str, claimed_at: float) -> Program[RecoveredSaga]:
        """Going on with a saga that was claimed under ``token`` at ``claimed_at`` (monotonic)."""
        return recover_one(self.shop, saga_id, token, claimed_at)

    def set_back(self, saga_id: str, token: str, where: str) -> Program[SetBack | None]:
        """What follows a run of the saga that failed in the code at ``where``: put back, told, in the end parked."""
        return set_back(self.shop, saga_id, token, where)

    def new_token(self) -> str:
        """A lease token that nobody else has."""
        return self._ids.new()

    def _account(self, provider: Provider, check: ColourCheck) -> Account:
        cancels = isinstance(provider, KeyCancelling | AsyncKeyCancelling)
        check(provider, (*_OPERATIONS, "cancel_by_key") if cancels else _OPERATIONS)
        name, account, guarantees = (getattr(provider, each, None) for each in ("name", "account", "guarantees"))
        if not (isinstance(name, str) and name and isinstance(account, str) and isinstance(guarantees, Guarantees)):
            raise ConfigurationError(
                f"expected that {type(provider).__name__} has a name, an account and its guarantees"
            )
        _check_guarantees(name, guarantees)
        port = f"payment:{name}/{account}"
        route = self._routes.get(port)
        if route is None:
            settings = self.settings
            self._circuits[port] = Circuit(settings.circuit_failures, settings.circuit_open_seconds)
            self._routes[port] = Route(provider, PAYMENT_ANSWERS, self._circuits[port])
        elif route.adapter is not provider:
            raise ConfigurationError(f"expected one adapter per account, found two for {name}/{account}")
        return Account(port=port, name=name, account=account, guarantees=guarantees, cancels_keys=cancels)


def checked_limit(limit: object) -> int:
    """How many orders are asked for, or :class:`InvalidRequestError`."""
    if isinstance(limit, int) and limit > 0:
        return limit
    raise InvalidRequestError([Problem("limit", "expected a whole number, at least 1")])


def _check_guarantees(name: str, guarantees: Guarantees) -> None:
    for field in ("key_window_seconds", "lookup_lag_seconds"):
        seconds = getattr(guarantees, field)
        if not 0 <= seconds <= _LONGEST_WINDOW_SECONDS:
            raise ConfigurationError(f"expected that {field} of {name} is a number of seconds from 0 to ten years")


def checked_deadline(request: object, timeout_seconds: object) -> float:
    """The monotonic deadline of a call, or :class:`InvalidRequestError` before any effect (SAFE-2)."""
    problems: list[Problem] = []
    if not isinstance(request, CheckoutRequest):
        problems.append(Problem("request", "expected a CheckoutRequest"))
    if isinstance(timeout_seconds, int | float) and 0 < timeout_seconds <= _LONGEST_TIMEOUT_SECONDS:
        if not problems:
            return time.monotonic() + timeout_seconds
    else:
        problems.append(Problem("timeout_seconds", "expected a number of seconds, more than 0 and at most 86400"))
    raise InvalidRequestError(problems)
