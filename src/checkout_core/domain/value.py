"""How domain values are declared: pydantic dataclasses, frozen, slotted, strict, keyword-only.

Pydantic's own error keeps the rejected value, which may be a card number, in ``str(error)`` and in
``error.errors()``. :func:`value` therefore turns it into :class:`InvalidRequestError`, which is built from
location and rule only and keeps no reference to pydantic's error (SAFE-1).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields as fields_of
from dataclasses import make_dataclass
from functools import cache, wraps
from operator import attrgetter
from typing import Annotated, Any, TypeAlias, TypeVar, cast, dataclass_transform

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from checkout_core.errors import InvalidRequestError, Problem

_FIELD_NAME = re.compile(r"[a-z][a-z_]{0,39}[0-9]?")
_Anatomy: TypeAlias = tuple[Callable[[Any], tuple[Any, ...]], dict[str, int], Callable[..., Any]]
"""How to read all fields of a class at once, where each stands, and a class of the same shape that is not frozen."""

_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}

C = TypeVar("C")
T = TypeVar("T")

_STRICT = ConfigDict(strict=True, hide_input_in_errors=True, extra="forbid")

Sequenced = Field(strict=False)
"""For tuple fields: a list is accepted and stored as a tuple; the members stay strict."""

Name = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""An identifier of the host's (item, cart, user ...): 1 to 128 characters, no control characters, compared bytewise."""

Text = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""A short human text: at most 500 characters, no control characters."""


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(Field,))
def value(cls: type[C]) -> type[C]:
    """Make ``cls`` a domain value: frozen, slotted, keyword-only, strictly validated at construction."""
    made = dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)(cls)
    setattr(made, "__init__", _refusing(made.__init__))  # noqa: B010 - mypy refuses the plain assignment
    return cast("type[C]", made)


def parse(kind: type[T], document: str | bytes) -> T:
    """Build a domain value from a JSON document, for example a request body or a cart file.

    Raises :class:`InvalidRequestError` with the location of everything that is wrong.
    """
    problems: list[Problem]
    try:
        return cast("T", _adapter(kind).validate_json(document))
    except ValidationError as error:
        problems = _problems(error)
    del document  # tools that show a traceback's variables must not show a secret
    raise InvalidRequestError(problems)


def dump(value: object) -> str:
    """The JSON document that :func:`parse` turns back into an equal value."""
    return _adapter(type(value)).dump_json(value, exclude_defaults=True).decode()


def _adapter(kind: Any) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def evolve(value: T, **changes: object) -> T:
    """``value`` with other fields, not validated again: only for changes that the library itself has made.

    Does what ``dataclasses.replace`` does for slotted classes, in a sixth of the time.
    """
    kind: type = type(value)
    read, places, twin = _anatomy(kind)
    fields = list(read(value))
    for name, changed in changes.items():
        fields[places[name]] = changed
    copy = twin(*fields)
    copy.__class__ = kind  # what is frozen would have to be filled in by one call for each field
    return cast("T", copy)


@cache
def _anatomy(kind: type) -> _Anatomy:
    names = [field.name for field in fields_of(kind)]
    twin = make_dataclass(kind.__name__, names, bases=getattr(kind, "__orig_bases__", kind.__bases__), slots=True)
    return attrgetter(*names), {name: place for place, name in enumerate(names)}, twin


def _refusing(init: Callable[..., None]) -> Callable[..., None]:
    @wraps(init)
    def checked(self: Any, *args: Any, **kwargs: Any) -> None:
        problems: list[Problem] = []
        try:
            init(self, *args, **kwargs)
        except ValidationError as error:
            problems = _problems(error)
        if problems:  # raised outside the handler: the error must not drag the rejected value along as its context
            del self, args, kwargs
            raise InvalidRequestError(problems)

    return checked


def _problems(error: ValidationError) -> list[Problem]:
    found = error.errors(include_input=False, include_context=False, include_url=False)
    return [
        Problem(".".join(map(_place, each["loc"])) or "request", _rule(each), each["type"] == "value_error")
        for each in found
    ]


def _place(part: str | int) -> str:
    # The name of an unknown field is the caller's: a secret can stand there too.
    return str(part) if isinstance(part, int) or _FIELD_NAME.fullmatch(part) else "(unknown field)"


def _rule(found: Any) -> str:
    # A validator of ours raises ValueError with a fixed text; every other message is pydantic's and may quote input.
    if found["type"] == "value_error":
        return str(found["msg"]).removeprefix("Value error, ")
    return str(found["type"]).replace("_", " ")
