"""The whole demonstration, from the first cart to the audit."""

from __future__ import annotations

import time

from checkout_core.cli.demo.beats import AuditedAtEnd, Beats, Scene, check
from checkout_core.cli.demo.killing import play_kill
from checkout_core.cli.demo.purchases import play_purchase
from checkout_core.cli.demo.racing import play_race
from checkout_core.cli.demo.stage import Stage
from checkout_core.drivers.auditing import audit_store, every_file
from checkout_core.ports.records import Phase

_SETTLE_MOST_SECONDS = 10.0
_LOOK_AGAIN_SECONDS = 0.1


def play(stage: Stage) -> Beats:
    """Every scene of the cart file, then the audit against the bank's ledger."""
    for purchase in stage.carts.checkouts:
        yield from play_purchase(stage, purchase)
    if stage.carts.race is not None:
        yield from play_race(stage, stage.carts.race)
    if stage.carts.crash is not None:
        yield from play_kill(stage, stage.carts.crash)
    yield Scene("The audit", "Every promise is checked on the database and against the bank's own ledger.")
    _settle(stage)
    report = audit_store(stage.store, stage.ledger)
    yield AuditedAtEnd(report)
    yield check("the audit is clean", len(report.findings), 0)


def _settle(stage: Stage) -> None:
    """Let recovery finish what a cart file's tokens have left open, for a while."""
    give_up = time.monotonic() + _SETTLE_MOST_SECONDS
    while any(file.saga.phase is Phase.RUNNING for file in every_file(stage.store)) and time.monotonic() < give_up:
        stage.checkout.recover()
        time.sleep(_LOOK_AGAIN_SECONDS)
