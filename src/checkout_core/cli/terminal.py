"""How a command answers: for a human or as one JSON document on standard output; progress goes to standard error."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TextIO

from checkout_core.cli.screen import PlainScreen, Screen, printable

SAY_AGAIN_SECONDS = 5.0
"""How often progress is told where no terminal can overwrite a line."""

OK, NOT_OK, USAGE = 0, 1, 2
"""Exit statuses: as promised; findings or failure; the command itself is wrong."""


class Answer(Protocol):
    """What a command found out. ``status`` is its exit status."""

    @property
    def status(self) -> int: ...

    def as_dict(self) -> Mapping[str, object]:
        """For machines."""
        ...

    def show(self, screen: Screen) -> None:
        """For humans."""
        ...


class Progress:
    """One line on standard error that says how far long work has come; nothing for work that is done at once."""

    def __init__(self, err: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._err = err
        self._clock = clock
        self._overwrites = err.isatty()
        self._said_at = clock()
        self._width = 0

    def tell(self, text: str) -> None:
        now = self._clock()
        if now - self._said_at < (0.2 if self._overwrites else SAY_AGAIN_SECONDS):
            return
        self._said_at = now
        if self._overwrites:
            self._err.write(f"\r{text.ljust(self._width)}")
            self._width = len(text)
        else:
            self._err.write(f"{text}\n")
        self._err.flush()

    def done(self) -> None:
        """Take the line away again."""
        if self._width:
            self._err.write(f"\r{' ' * self._width}\r")
            self._err.flush()
            self._width = 0


@dataclass(frozen=True, slots=True)
class Terminal:
    """``machine``: standard output gets one JSON document and nothing else."""

    machine: bool
    screen: Screen
    progress: Progress
    out: TextIO
    err: TextIO

    def answer(self, answer: Answer) -> int:
        """Give the answer; its exit status."""
        self.progress.done()
        if self.machine:
            self._document(answer.as_dict())
        else:
            answer.show(self.screen)
        return answer.status

    def refuse(self, kind: str, message: str, status: int) -> int:
        """Say in one line why there is no answer, and what to do."""
        self.progress.done()
        line = " ".join(printable(message).split())
        if self.machine:
            self._document({"error": {"type": kind, "message": line}})
        self.err.write(f"checkout-core: {line}\n")
        return status

    def _document(self, document: Mapping[str, object]) -> None:
        json.dump(document, self.out, indent=2)
        self.out.write("\n")
        self.out.flush()


def open_terminal(*, machine: bool) -> Terminal:
    """The process's own standard streams."""
    out, err = sys.stdout, sys.stderr
    for stream in (out, err):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show is no failure
    return Terminal(machine=machine, screen=_screen(out), progress=Progress(err), out=out, err=err)


def _screen(out: TextIO) -> Screen:
    if out.isatty():
        try:
            from checkout_core.cli.colour import ColourScreen
        except ModuleNotFoundError:  # the extra `cli` is not installed
            return PlainScreen(out)
        return ColourScreen(out)
    return PlainScreen(out)
