"""``checkout-core demo``: shows the demonstration as it happens, and says at the end whether every promise was kept."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from shlex import quote
from tempfile import TemporaryDirectory

from checkout_core.cli.audit import AuditAnswer
from checkout_core.cli.demo.beats import AuditedAtEnd, Beat, Checked, Scene, Told, Traced
from checkout_core.cli.demo.cart_file import read_carts
from checkout_core.cli.demo.stage import SETTINGS, Stage, open_stage
from checkout_core.cli.demo.tour import play
from checkout_core.cli.failure import UsageError
from checkout_core.cli.screen import Screen, Style
from checkout_core.cli.status import Figures, figures_of
from checkout_core.cli.terminal import NOT_OK, OK, Terminal
from checkout_core.cli.trace import show_trace

_LEDGER_FILE = "ledger.json"


@dataclass(slots=True)
class Programme:
    """What was shown so far, for those who read it as JSON."""

    scenes: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    kept: int = 0
    broken: int = 0

    def note(self, beat: Beat) -> None:
        match beat:
            case Scene(title, why):
                self.scenes.append({"title": title, "why": why, "told": list[str](), "promises": list[object]()})
            case Told(text):
                self._add("told", text)
            case Checked(kept=kept):
                self.kept += kept
                self.broken += not kept
                self._add("promises", asdict(beat))
            case Traced(trace):
                self.scenes[-1]["trace"] = trace.as_dict()
            case AuditedAtEnd(report):
                self.scenes[-1]["audit"] = AuditAnswer(report, with_ledger=True).as_dict()

    def _add(self, name: str, entry: object) -> None:
        entries = self.scenes[-1][name]
        assert isinstance(entries, list)
        entries.append(entry)  # pyright: ignore[reportUnknownMemberType]


@dataclass(frozen=True, slots=True)
class Closing:
    """The figures at the end."""

    programme: Programme
    figures: Figures
    charges: int
    seconds: float
    url: str
    kept_in: Path | None

    @property
    def status(self) -> int:
        return NOT_OK if self.programme.broken or not self.programme.kept else OK

    def as_dict(self) -> dict[str, object]:
        return {
            "as_promised": self.status == OK,
            "promises_kept": self.programme.kept,
            "promises_broken": self.programme.broken,
            "seconds": round(self.seconds, 3),
            "figures": {**self.figures.as_dict(), "charges_at_the_bank": self.charges},
            "scenes": self.programme.scenes,
        }

    def show(self, screen: Screen) -> None:
        figures, stock = self.figures, self.figures.stock
        screen.heading("The figures")
        orders = ", ".join(f"{count} {status}" for status, count in figures.by_status.most_common())
        screen.say(f"{figures.orders} orders: {orders}; {figures.unfinished} unfinished.", indent=2)
        screen.say(f"{self.charges} charges at the bank, {figures.outbox_events} events in the outbox.", indent=2)
        screen.say(
            f"{stock.received} units received = {stock.available} available + {stock.held} held "
            f"+ {stock.committed} sold.",
            indent=2,
        )
        said = f"{self.programme.kept} promises kept, {self.programme.broken} broken, in {self.seconds:.1f} seconds"
        good = self.status == OK
        screen.say("")
        screen.mark("ok" if good else "BROKEN", said, Style.GOOD if good else Style.BAD)
        if self.kept_in is not None:
            screen.say("Look around yourself:")
            url, ledger = quote(self.url), quote(str(self.kept_in / _LEDGER_FILE))
            screen.verbatim(f"checkout-core status --url {url}")
            screen.verbatim(f"checkout-core audit --url {url} --ledger {ledger}")


def run_demo(terminal: Terminal, *, carts: Path | None, directory: Path | None) -> int:
    """Play it all; the exit status. Raises :class:`UsageError` for a cart file or a directory that cannot be used."""
    began = time.monotonic()
    programme = Programme()
    with _place(directory) as place, open_stage(place, read_carts(carts)) as stage:
        if not terminal.machine:
            _introduce(stage, terminal.screen)
        for beat in play(stage):
            programme.note(beat)
            if terminal.machine:
                terminal.progress.tell(f"scene {len(programme.scenes)}")
            else:
                _show(beat, len(programme.scenes), terminal.screen)
        if directory is not None:
            entries = [asdict(each) for each in stage.bank.ledger()]
            (place / _LEDGER_FILE).write_text(json.dumps(entries, indent=2), "utf-8")
        figures, charges = figures_of(stage.store), len(stage.bank.ledger())
    seconds = time.monotonic() - began
    return terminal.answer(Closing(programme, figures, charges, seconds, stage.url, directory))


@contextmanager
def _place(directory: Path | None) -> Generator[Path]:
    if directory is None:
        with TemporaryDirectory(prefix="checkout-demo-") as made:
            yield Path(made)
        return
    try:
        directory.mkdir(parents=True, exist_ok=True)
        taken = any(directory.iterdir())
    except OSError as error:
        raise UsageError(f"the directory {directory} cannot be used: {error.strerror}") from None
    if taken:
        raise UsageError(f"the directory {directory} is not empty: give an empty or a new one")
    yield directory


def _introduce(stage: Stage, screen: Screen) -> None:
    screen.say("A shop that survives", Style.STRONG)
    units = ", ".join(f"{count} {item}" for item, count in stage.carts.stock.items())
    screen.say(f"shop   {stage.url}", Style.QUIET)
    screen.say(f"bank   {stage.bank.url}, process {stage.bank.pid}, with a ledger of its own", Style.QUIET)
    screen.say(f"stock  {units}", Style.QUIET)
    screen.say(f"lease  {SETTINGS.lease_seconds:g} seconds, kept short for you", Style.QUIET)


def _show(beat: Beat, number: int, screen: Screen) -> None:
    match beat:
        case Scene(title, why):
            screen.heading(f"{number}. {title}")
            if why:
                screen.say(why, Style.QUIET, indent=3)
        case Told(text):
            screen.say(text, indent=3)
        case Checked(promise, True):
            screen.mark("ok", promise, Style.GOOD)
        case Checked(promise, found=found):
            screen.mark("BROKEN", f"{promise}: {found}", Style.BAD)
        case Traced(trace):
            show_trace(trace, screen)
        case AuditedAtEnd(report):
            AuditAnswer(report, with_ledger=True).show(screen)
