"""The provider's ledger: a JSON file, or the sandbox bank's ``GET /ledger``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from pydantic import TypeAdapter, ValidationError

from checkout_core.checkout.audit import LedgerEntry
from checkout_core.cli.failure import UsageError
from checkout_core.domain.money import Money

_TIMEOUT_SECONDS = 30.0
_SHAPE = 'a list of {"kind": "charge" or "refund", "reference", "key", "amount": {"minor", "currency"}}'


@dataclass(frozen=True, slots=True)
class Booked:
    """One entry of the document; more fields than these are allowed and not read."""

    kind: str
    reference: str
    key: str
    amount: Money


_DOCUMENT = TypeAdapter(tuple[Booked, ...])


def read_ledger(place: str) -> tuple[LedgerEntry, ...]:
    """The entries at ``place``, a file or an http(s) URL. Raises :class:`UsageError` where no such document is."""
    document = _fetched(place) if place.startswith(("http://", "https://")) else _read(place)
    return parse_ledger(document)


def parse_ledger(document: bytes) -> tuple[LedgerEntry, ...]:
    wrong = ""
    try:
        return tuple(_entry(each) for each in _DOCUMENT.validate_json(document))
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False, include_url=False)[0]
        wrong = f"{'.'.join(map(str, first['loc'])) or 'the document'}: {first['type'].replace('_', ' ')}"
    raise UsageError(f"the ledger is malformed ({wrong}); expected {_SHAPE}")


def _entry(each: Booked) -> LedgerEntry:
    return LedgerEntry(
        kind=each.kind,
        reference=each.reference,
        key=each.key,
        minor=each.amount.minor,
        currency=each.amount.currency,
    )


def _read(place: str) -> bytes:
    try:
        return Path(place).read_bytes()
    except OSError as error:
        raise UsageError(f"the ledger file {place} cannot be read: {error.strerror or type(error).__name__}") from None


def _fetched(place: str) -> bytes:
    parts = urlsplit(place)
    url = place if parts.path.strip("/") else f"{parts.scheme}://{parts.netloc}/ledger"
    try:
        with urlopen(url, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 - http and https only, checked above
            received: bytes = response.read()
            return received
    except (URLError, OSError, ValueError) as error:
        shown = f"{parts.scheme}://{parts.hostname or ''}"
        raise UsageError(f"the ledger at {shown} cannot be read: {_why(error)}; is the bank running?") from None


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", None) or type(reason).__name__)
