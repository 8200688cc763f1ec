"""A FastAPI application over a shop in memory, in both colours; its callers name themselves in headers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Header, HTTPException
from fastapi.testclient import TestClient

from checkout_core import AsyncCheckout, Cart, Checkout, in_threads, parse
from checkout_core.adapters.memory import MemoryStore
from checkout_core.adapters.sandbox import SandboxBank, SandboxPayments
from checkout_core.integrations.fastapi import Identity, checkout_router
from checkout_core.ports.cart_source import CartQuery, NoCart
from checkout_core.ports.payment import CallLimits

CART = {
    "cart_id": "cart-1",
    "currency": "EUR",
    "lines": [{"item_id": "MUG", "qty": 2, "price": {"minor": 750, "currency": "EUR"}}],
}
CARD = {"kind": "card", "token": "tok_approve"}


def identify(x_user: Annotated[str, Header()] = "", x_service: Annotated[str, Header()] = "") -> Identity:
    if x_user == "nobody":
        raise HTTPException(401)
    return Identity(user_id=x_user, trusted=x_service == "s3cret")


def operator(x_operator: Annotated[str, Header()] = "") -> None:
    if x_operator != "s3cret":
        raise HTTPException(403)


@dataclass
class Site:
    """``buy`` is a service of the shop's own, that buys for ``user``."""

    client: TestClient
    store: MemoryStore
    bank: SandboxBank

    def buy(self, key: str, *, user: str = "anna", token: str = "tok_approve", **changes: Any) -> Any:
        cart = {**CART, "cart_id": f"cart-{key}", **changes.pop("cart", {})}
        body = {"cart": cart, "payment_method": {**CARD, "token": token}, **changes}
        headers = {"Idempotency-Key": key, "X-User": user, "X-Service": "s3cret"}
        return self.client.post("/shop/v1/checkout", json=body, headers=headers)

    def look(self, path: str, *, user: str = "", **headers: str) -> Any:
        return self.client.get(f"/shop/v1/{path}", headers={"X-User": user, **headers})


class ShopCarts:
    """Everybody's cart "kept" holds a mug for EUR 7.50."""

    def load(self, query: CartQuery, limits: CallLimits) -> Cart | NoCart:
        return parse(Cart, json.dumps({**CART, "cart_id": query.cart_id})) if query.cart_id == "kept" else NoCart()


@pytest.fixture(params=["threads", "tasks"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A shop that believes the carts of its own services."""
    with _site(request.param, None) as made:
        yield made


@pytest.fixture(params=["threads", "tasks"])
def site_with_carts(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A shop that keeps its carts."""
    with _site(request.param, ShopCarts()) as made:
        yield made


@contextmanager
def _site(colour: str, carts: ShopCarts | None) -> Iterator[Site]:
    store, bank = MemoryStore(), SandboxBank()
    store.inventory.set_available("MUG", 10)
    payments = SandboxPayments(bank)
    made: Checkout | AsyncCheckout
    if colour == "threads":
        made = Checkout(store, payments, carts=carts)
    else:
        lent = in_threads(carts) if carts is not None else None
        made = AsyncCheckout(store, in_threads(payments), carts=lent)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> Any:
        if isinstance(made, Checkout):
            with made:
                yield
        else:
            async with made:
                yield

    app = FastAPI(lifespan=lifespan)
    app.include_router(checkout_router(made, identify=identify, operator=operator), prefix="/shop")
    with ExitStack() as stack:
        client = stack.enter_context(TestClient(app, raise_server_exceptions=False))
        yield Site(client, store, bank)
