"""How answers look: plain text everywhere, colours on a terminal, progress on standard error."""

from __future__ import annotations

import io
import re
import sys

import pytest

from checkout_core.cli.screen import PlainScreen, Screen, Style
from checkout_core.cli.terminal import Progress, open_terminal


class _Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


def _screen_on(out: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.setattr(sys, "stdout", out)
    return open_terminal(machine=False).screen


def _show(screen: Screen) -> None:
    screen.heading("Heading")
    screen.say("word " * 30, Style.QUIET, indent=3)
    screen.mark("ok", "promise " * 20, Style.GOOD)
    screen.table(("name", "units"), [("a", "1,200"), ("bcd", "-7")])
    screen.verbatim("x" * 100)


def test_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    _show(_screen_on(out, monkeypatch))
    assert "\x1b" not in out.getvalue()
    *lines, last = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert last == "  " + "x" * 100
    assert lines[-3:] == ["  name  units", "  a     1,200", "  bcd      -7"]
    assert lines[2].startswith("   word")
    assert lines[3].startswith("   word")


def test_a_terminal_gets_colours_and_the_same_text(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, coloured = io.StringIO(), _Tty()
    _show(PlainScreen(plain))
    _show(_screen_on(coloured, monkeypatch))
    assert "\x1b[" in coloured.getvalue()
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured.getvalue()) == plain.getvalue()


def test_without_rich_a_terminal_gets_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "checkout_core.cli.colour", raising=False)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert isinstance(_screen_on(_Tty(), monkeypatch), PlainScreen)


@pytest.mark.parametrize("tty", [False, True])
def test_nothing_in_a_text_steers_the_terminal(tty: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    out = _Tty() if tty else io.StringIO()
    screen = _screen_on(out, monkeypatch)
    evil = "a\x1b[2Jb\rc\x9b31md\u202ee[red]f[/red]"
    screen.heading(evil)
    screen.say(evil)
    screen.mark("ok", evil, Style.BAD)
    screen.table(("x",), [(evil,)])
    screen.verbatim(evil)
    assert re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out.getvalue()) == []
    assert out.getvalue().count("e[red]f[/red]") == 5


def test_a_name_that_the_encoding_lacks_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    open_terminal(machine=False).screen.say("Grüße 茶")
    assert raw.getvalue() == b"Gr\\xfc\\xdfe \\u8336\n"


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_progress_that_nobody_watches_is_a_line_now_and_then() -> None:
    err, clock = io.StringIO(), _Clock()
    progress = Progress(err, clock)
    for second in range(12):
        clock.now = float(second)
        progress.tell(f"{second} orders")
    progress.done()
    assert err.getvalue() == "5 orders\n10 orders\n"


def test_progress_on_a_terminal_is_one_line_that_goes_away() -> None:
    err, clock = _Tty(), _Clock()
    progress = Progress(err, clock)
    progress.tell("too soon to be of use")
    clock.now = 1.0
    progress.tell("1,000 orders")
    clock.now = 2.0
    progress.tell("50 orders")
    progress.done()
    assert err.getvalue() == "\r1,000 orders\r50 orders   \r         \r"
