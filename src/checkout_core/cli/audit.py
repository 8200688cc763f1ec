"""``checkout-core audit``: every promise checked on a live database, and against the bank's own ledger."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import groupby

from checkout_core.checkout.audit import AuditReport
from checkout_core.cli.screen import Screen, Style
from checkout_core.cli.terminal import NOT_OK, OK


@dataclass(frozen=True, slots=True)
class AuditAnswer:
    """``with_ledger``: the provider's books were compared too."""

    report: AuditReport
    with_ledger: bool

    @property
    def status(self) -> int:
        return OK if self.report.clean else NOT_OK

    def as_dict(self) -> dict[str, object]:
        ledger = {"ledger_entries": self.report.ledger_entries if self.with_ledger else None}
        return {"clean": self.report.clean, **asdict(self.report), **ledger}

    def show(self, screen: Screen) -> None:
        report = self.report
        checked = f"{_count(report.orders, 'order')}, {_count(report.items, 'item')} of stock"
        if self.with_ledger:
            checked += f", {_count(report.ledger_entries, 'ledger entry', 'ledger entries')}"
        screen.say(f"Checked: {checked}.")
        if not self.with_ledger:
            screen.say("The bank's books were not compared; --ledger FILE_OR_URL does that.", Style.QUIET)
        not_at_rest = f"{report.unfinished} unfinished, {report.parked} parked, {report.watched} watched"
        if report.unfinished or report.parked or report.watched:
            screen.say(f"Not at rest, so not every rule applies to them yet: {not_at_rest}.")
        self._show_findings(screen)

    def _show_findings(self, screen: Screen) -> None:
        if self.report.clean:
            screen.mark("clean", "every promise that was checked holds", Style.GOOD)
            return
        screen.say(f"{_count(len(self.report.findings), 'finding')}; the ids are those of the guarantees:", Style.BAD)
        found = sorted(self.report.findings, key=lambda each: each.property_id)
        for rule, findings in groupby(found, key=lambda each: each.property_id):
            screen.say(rule, Style.STRONG)
            for each in findings:
                screen.say(f"{each.subject}: {each.text}", indent=2)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
