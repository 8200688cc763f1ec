"""What a caller of ``Checkout.execute`` asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias, cast

from pydantic import (
    Field,
    SerializeAsAny,
    TypeAdapter,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)

from checkout_core.domain.buyer import Address, Contact
from checkout_core.domain.cart import Cart, CartReference
from checkout_core.domain.money import Money
from checkout_core.domain.payment import PaymentMethod, holds_card_number
from checkout_core.domain.value import value
from checkout_core.errors import InvariantError

MAX_KEY = 255
_REFERENCE = TypeAdapter(CartReference)


def _cart_or_reference(given: object, validate: ValidatorFunctionWrapHandler) -> object:
    """Which of the two is told by its fields, so that an error names the field and not the attempt."""
    if isinstance(given, CartReference):
        return given
    if isinstance(given, dict):
        names = set(cast("dict[str, object]", given))
        if "cart_id" in names and names <= {"cart_id", "revision"}:
            return _REFERENCE.validate_python(given, strict=False)
    return validate(given)


if TYPE_CHECKING:
    AnyCart: TypeAlias = Cart | CartReference
else:
    AnyCart = Annotated[SerializeAsAny[Cart], WrapValidator(_cart_or_reference)]


@value
class CheckoutRequest:
    """One attempt to buy one cart.

    ``idempotency_key``: 1 to 255 printable ASCII characters, chosen by the caller, one per attempt to buy. Repeating
    a call with the same key and request gives the same order (ORDER-1); with another request it is refused (ORDER-2).
    Keys compare bytewise: ``"Abc"``, ``"abc"`` and ``"abc "`` are three keys.
    ``scope`` is the tenant in a shop of many shops. ``user_id`` is '' for guests.
    ``cart``: the cart with its prices, or a :class:`CartReference` where the checkout has a ``CartSource``.
    ``payment_method`` may be missing only where the cart's total is zero.
    ``expected_total``, where given, is what the buyer was shown: another total is refused before anything is stored.
    ``previous_order_id`` links a new try to the failed order before it.
    """

    idempotency_key: Annotated[str, Field(min_length=1, max_length=MAX_KEY, pattern=r"^[\x20-\x7e]+$")]
    cart: AnyCart
    payment_method: PaymentMethod | None = None
    scope: Annotated[str, Field(max_length=64, pattern=r"^[\x20-\x7e]*$")] = ""
    user_id: Annotated[str, Field(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    contact: Contact | None = None
    shipping_address: Address | None = None
    billing_address: Address | None = None
    expected_total: Money | None = None
    previous_order_id: Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    return_url: Annotated[str, Field(max_length=500, pattern=r"^(https?://[^\s\x00-\x1f\x7f]+)?$")] = ""

    @field_validator("idempotency_key")
    @classmethod
    def _usable_key(cls, key: str) -> str:
        if not key.strip():
            raise ValueError("expected at least one character that is not a space")
        if holds_card_number(key):
            raise ValueError("expected a random key, found what looks like a card number")
        return key

    @model_validator(mode="after")
    def _payable(self) -> CheckoutRequest:
        if isinstance(self.cart, CartReference):
            return self  # what it costs is known once the source has been asked
        payable = self.cart.payable
        if self.expected_total is not None and self.expected_total != payable:
            raise ValueError("expected_total differs from the cart's total")
        if payable.minor > 0 and self.payment_method is None:
            raise ValueError("payment_method is needed where the total is not zero")
        return self

    @property
    def priced_cart(self) -> Cart:
        """The cart with its prices; only of a request whose cart is one, or has been looked up."""
        if isinstance(self.cart, CartReference):
            raise InvariantError("the cart was not looked up")
        return self.cart
