"""The screen with colours, where the extra ``cli`` (rich) is installed and standard output is a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.text import Text

from checkout_core.cli.screen import Style, aligned, columns, marked, printable, wrapped


class ColourScreen:
    """:class:`~checkout_core.cli.screen.Screen` through rich. The text is the plain one's, so both read the same."""

    def __init__(self, out: TextIO) -> None:
        self._columns = columns()
        self._console = Console(file=out, highlight=False, markup=False, emoji=False, soft_wrap=True)

    def heading(self, text: str) -> None:
        self._console.print()
        self._print(printable(text), "bold cyan")

    def say(self, text: str, style: Style = Style.PLAIN, *, indent: int = 0) -> None:
        for line in wrapped(text, self._columns, indent):
            self._print(line, style)

    def mark(self, mark: str, text: str, style: Style) -> None:
        for number, line in enumerate(marked(mark, text, self._columns)):
            shown = Text(line)
            if number == 0:
                shown.stylize(style, 0, len(mark) + 2)
            self._console.print(shown)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        head, *body = aligned(columns, rows)
        self._print(head, "bold")
        for line in body:
            self._print(line, "")

    def verbatim(self, text: str) -> None:
        self._print(f"  {printable(text)}", "")

    def _print(self, line: str, style: str) -> None:
        self._console.print(Text(line, style))
