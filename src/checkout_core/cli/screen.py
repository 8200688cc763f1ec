"""What a human sees: plain text everywhere, the same with colours where rich is installed and a terminal listens."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol, TextIO

MOST_COLUMNS = 100
"""Wider lines are hard to read."""


class Style(StrEnum):
    """What a piece of text is, not how it looks."""

    PLAIN = ""
    STRONG = "bold"
    GOOD = "green"
    BAD = "bold red"
    QUIET = "dim"


class Screen(Protocol):
    """Where a command's answer is shown, line by line. Control characters in a text never reach the terminal."""

    def heading(self, text: str) -> None:
        """What follows, in one line."""
        ...

    def say(self, text: str, style: Style = Style.PLAIN, *, indent: int = 0) -> None:
        """A paragraph; it is wrapped, and further lines are indented like the first."""
        ...

    def mark(self, mark: str, text: str, style: Style) -> None:
        """A short mark and what it is about, for example ``ok  exactly one is confirmed``."""
        ...

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Rows of cells; a column of numbers stands flush right."""
        ...

    def verbatim(self, text: str) -> None:
        """A line that somebody may copy: it is never wrapped."""
        ...


class PlainScreen:
    """Text without colours, for pipes, files and machines without rich."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._columns = columns()

    def heading(self, text: str) -> None:
        self._line(f"\n{printable(text)}")

    def say(self, text: str, style: Style = Style.PLAIN, *, indent: int = 0) -> None:
        for line in wrapped(text, self._columns, indent):
            self._line(line)

    def mark(self, mark: str, text: str, style: Style) -> None:
        for line in marked(mark, text, self._columns):
            self._line(line)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        for line in aligned(columns, rows):
            self._line(line)

    def verbatim(self, text: str) -> None:
        self._line(f"  {printable(text)}")

    def _line(self, text: str) -> None:
        self._out.write(f"{text}\n")
        self._out.flush()


def columns() -> int:
    """The width to write for."""
    return min(shutil.get_terminal_size((80, 24)).columns, MOST_COLUMNS)


def printable(text: str) -> str:
    """``text`` without what could steer a terminal: item names and notes come from outside."""
    return "".join(each if each.isprintable() or each == "\n" else "?" for each in text)


def wrapped(text: str, width: int, indent: int = 0) -> list[str]:
    space = " " * indent
    return textwrap.wrap(printable(text), max(width, indent + 20), initial_indent=space, subsequent_indent=space) or [
        ""
    ]


def marked(mark: str, text: str, width: int) -> list[str]:
    head = f"  {mark:<6} "
    return textwrap.wrap(printable(text), width, initial_indent=head, subsequent_indent=" " * len(head)) or [head]


def is_number(cell: str) -> bool:
    return cell.lstrip("-").replace(",", "").isdigit()


def aligned(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table as text: two spaces between columns, numbers flush right, nothing behind the last cell."""
    shown = [[printable(cell) for cell in row] for row in rows]
    right = [bool(shown) and all(is_number(row[i]) for row in shown) for i in range(len(columns))]
    widths = [max(len(name), *(len(row[i]) for row in shown)) if shown else len(name) for i, name in enumerate(columns)]
    lines: list[str] = []
    for row in [columns, *shown]:
        cells = [
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(row, widths, right, strict=True)
        ]
        lines.append(("  " + "  ".join(cells)).rstrip())
    return lines
