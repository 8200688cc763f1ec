"""What a demonstration consists of: scenes, what is told in them, and promises that it checks itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from checkout_core.checkout.audit import AuditReport
from checkout_core.checkout.trace import Trace


@dataclass(frozen=True, slots=True)
class Scene:
    """A new scene begins. ``why``: why it matters."""

    title: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """Something happened."""

    text: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A promise. ``found`` says what was there instead, where it was not kept."""

    promise: str
    kept: bool
    found: str = ""


@dataclass(frozen=True, slots=True)
class Traced:
    trace: Trace


@dataclass(frozen=True, slots=True)
class AuditedAtEnd:
    report: AuditReport


Beat: TypeAlias = Scene | Told | Checked | Traced | AuditedAtEnd
Beats: TypeAlias = Iterator[Beat]


def check(promise: str, found: object, expected: object) -> Checked:
    """``promise`` is kept if ``found`` equals ``expected``."""
    kept = found == expected
    return Checked(promise, kept, "" if kept else f"expected {expected}, found {found}")
