"""What may stand in a request's body. It names no user, no tenant and no key: those are the host's to say."""

from __future__ import annotations

from typing import Annotated, Any, cast

from pydantic import Field, TypeAdapter

from checkout_core.domain.buyer import Address, Contact
from checkout_core.domain.cart import Cart
from checkout_core.domain.money import Money
from checkout_core.domain.payment import PaymentMethod
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.value import value
from checkout_core.integrations.fastapi.identity import Identity

MOST_BYTES = 512 * 1024
"""A cart of 500 long lines fits."""


@value
class CheckoutBody:
    """See :class:`CheckoutRequest`, whose fields these are."""

    cart: Cart
    payment_method: PaymentMethod | None = None
    contact: Contact | None = None
    shipping_address: Address | None = None
    billing_address: Address | None = None
    expected_total: Money | None = None
    previous_order_id: Annotated[str, Field(max_length=64)] = ""
    return_url: Annotated[str, Field(max_length=500, pattern=r"^(https?://[^\s]+)?$")] = ""

    def request(self, key: str, identity: Identity) -> CheckoutRequest:
        """Raises :class:`InvalidRequestError`."""
        return CheckoutRequest(
            idempotency_key=key,
            scope=identity.scope,
            user_id=identity.user_id,
            cart=self.cart,
            payment_method=self.payment_method,
            contact=self.contact,
            shipping_address=self.shipping_address,
            billing_address=self.billing_address,
            expected_total=self.expected_total,
            previous_order_id=self.previous_order_id,
            return_url=self.return_url,
        )


def body_schema() -> dict[str, Any]:
    """The body's JSON schema, self-contained."""
    schema: dict[str, Any] = TypeAdapter(CheckoutBody).json_schema()
    return cast("dict[str, Any]", _inlined(schema, schema.pop("$defs", {})))


def _inlined(node: object, definitions: dict[str, Any]) -> object:
    if isinstance(node, list):
        return [_inlined(each, definitions) for each in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    schema = cast("dict[str, Any]", node)
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    return {name: _inlined(each, definitions) for name, each in schema.items()}
