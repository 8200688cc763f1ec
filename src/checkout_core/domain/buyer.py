"""Who buys and where it goes. Personal data: hidden from every repr (SAFE-1), erasable."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from checkout_core.domain.value import Text, value

Personal = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


@value
class Address:
    """A postal address. ``country`` is ISO 3166-1 alpha-2; the rest is as the country writes it."""

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    name: Personal = Field(default="", repr=False)
    line1: Personal = Field(default="", repr=False)
    line2: Personal = Field(default="", repr=False)
    city: Personal = Field(default="", repr=False)
    postal_code: Personal = Field(default="", repr=False)
    region: Personal = Field(default="", repr=False)


@value
class Contact:
    """How the buyer is told. ``locale`` is a BCP 47 tag such as ``de-DE``."""

    email: Personal = Field(default="", repr=False)
    phone: Personal = Field(default="", repr=False)
    name: Personal = Field(default="", repr=False)
    locale: Annotated[Text, Field(max_length=35)] = ""
