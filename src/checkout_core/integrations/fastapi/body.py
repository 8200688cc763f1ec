"""What may stand in a request's body. It names no user, no tenant and no key: those are the host's to say."""

from __future__ import annotations

from typing import Annotated, Any, cast

from pydantic import Field, TypeAdapter, model_validator

from checkout_core.domain.buyer import Address, Contact
from checkout_core.domain.cart import Cart, CartReference
from checkout_core.domain.money import Money
from checkout_core.domain.payment import PaymentMethod
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.value import value
from checkout_core.integrations.fastapi.identity import Identity

MOST_BYTES = 512 * 1024
"""A cart of 500 long lines fits."""


@value
class CheckoutBody:
    """See :class:`CheckoutRequest`, whose fields these are; ``cart_id`` and ``revision`` name a cart of the shop's own
    in place of ``cart``."""

    cart: Cart | None = None
    cart_id: Annotated[str, Field(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    revision: Annotated[str, Field(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    payment_method: PaymentMethod | None = None
    contact: Contact | None = None
    shipping_address: Address | None = None
    billing_address: Address | None = None
    expected_total: Money | None = None
    previous_order_id: Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    return_url: Annotated[str, Field(max_length=500, pattern=r"^(https?://[^\s\x00-\x1f\x7f]+)?$")] = ""

    @model_validator(mode="after")
    def _one_cart(self) -> CheckoutBody:
        if (self.cart is None) == (not self.cart_id) or (self.revision and not self.cart_id):
            raise ValueError("expected either cart, or cart_id with or without revision")
        return self

    def request(self, key: str, identity: Identity) -> CheckoutRequest:
        """Raises :class:`InvalidRequestError`."""
        return CheckoutRequest(
            idempotency_key=key,
            scope=identity.scope,
            user_id=identity.user_id,
            cart=self.cart or CartReference(cart_id=self.cart_id, revision=self.revision),
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
