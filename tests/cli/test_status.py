from __future__ import annotations

from datetime import timedelta

import pytest

from checkout_core.cli.status import figures_of
from checkout_core.domain.result import Pending
from checkout_core.drivers import auditing
from checkout_core.ports.outbox import Failure
from tests.cli.conftest import Cli
from tests.cli.shops import Shop


def test_an_empty_shop(cli: Cli, sqlite_url: str) -> None:
    cli("migrate", "--url", sqlite_url)
    ran = cli("status", "--json", "--url", sqlite_url)
    assert ran.status == 0
    assert ran.document == {
        "orders": 0,
        "by_status": {},
        "unfinished": 0,
        "parked": 0,
        "watched": 0,
        "oldest_unfinished": None,
        "outbox_events": 0,
        "sinks": [],
        "alarms": [],
        "stock": {"items": 0, "received": 0, "available": 0, "held": 0, "committed": 0},
    }
    assert cli("status", "--url", sqlite_url).out.startswith("\n0 orders\n")


def test_everything_is_counted(cli: Cli, shop: Shop) -> None:
    shop.buy("1", qty=2)
    shop.buy("2", token="tok_decline")
    oldest = shop.buy("3", token="tok_decide_later:9")
    shop.buy("4", token="tok_decide_later:9", item="LAMP", qty=3)
    parked = shop.buy("5", token="tok_key_mismatch")
    assert isinstance(parked, Pending)

    said = cli("status", "--json", "--url", shop.url).document
    assert (said["orders"], said["unfinished"], said["parked"], said["watched"]) == (5, 2, 1, 0)
    assert said["by_status"] == {"PENDING": 3, "CONFIRMED": 1, "FAILED": 1}
    assert said["oldest_unfinished"]["order_id"] == oldest.order_id
    assert said["oldest_unfinished"]["age_seconds"] >= 0
    assert said["outbox_events"] == 2
    assert [(each["kind"], each["order_id"]) for each in said["alarms"]] == [("key_mismatch", parked.order_id)]
    assert said["stock"] == {"items": 2, "received": 20, "available": 13, "held": 5, "committed": 2}


def test_what_waits_at_each_receiver_is_counted(cli: Cli, shop: Shop) -> None:
    """The outbox's lag."""
    shop.store.outbox.register("warehouse")
    for key in ("1", "2"):
        shop.buy(key)
    (claimed,) = shop.store.outbox.claim("warehouse", token="t", lease_seconds=60.0, limit=1)
    dead = Failure(event=claimed.event, error="no", retry_seconds=None, alarm_id="a-1")
    shop.store.outbox.fail("warehouse", [dead], token="t")
    (waiting,) = cli("status", "--json", "--url", shop.url).document["sinks"]
    assert (waiting["sink"], waiting["pending"], waiting["dead"]) == ("warehouse", 1, 1)
    assert waiting["oldest_seconds"] >= 0
    lines = [" ".join(line.split()) for line in cli("status", "--url", shop.url).out.splitlines()]
    assert any(line.startswith("warehouse 1 ") and line.endswith(" 1") for line in lines), lines


def test_for_humans(cli: Cli, shop: Shop) -> None:
    shop.buy("1", qty=2)
    open_ = shop.buy("2", token="tok_decide_later:9")
    shop.buy("3", token="tok_key_mismatch")
    ran = cli("status", "--url", shop.url)
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert "3 orders" in lines
    assert "PENDING 2" in lines
    assert "CONFIRMED 1" in lines
    assert "parked (an operator must decide) 1" in lines
    assert any(line.startswith("oldest unfinished") and line.endswith(open_.order_id) for line in lines)
    assert "items received available held committed" in lines
    assert "2 20 16 2 2" in lines
    assert "Alarms: 1" in lines
    assert max(map(len, ran.out.splitlines())) <= 80
    assert ran.err == ""


def test_ages_are_told_in_words_that_fit(shop: Shop) -> None:
    shop.buy("1", token="tok_decide_later:9")
    oldest = figures_of(shop.store).oldest_unfinished
    assert oldest is not None
    spans = {119: "119 seconds", 120: "2 minutes", 7200: "2 hours", 200_000: "2 days", -5: "0 seconds"}
    for seconds, words in spans.items():
        at = oldest.created_at + timedelta(seconds=seconds)
        said = _Said()
        figures_of(shop.store, now=lambda at=at: at).show(said)
        assert f"oldest unfinished: {words}, " in said.text


def test_orders_are_counted_over_many_pages(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditing, "PAGE", 2)
    for key in "12345":
        shop.buy(key)
    told: list[int] = []
    assert figures_of(shop.store, told.append).orders == 5
    assert told == [2, 4, 5]


class _Said:
    def __init__(self) -> None:
        self.text = ""

    def heading(self, text: str) -> None:
        self.text += f"{text}\n"

    def say(self, text: str, style: object = None, *, indent: int = 0) -> None:
        self.text += f"{text}\n"

    def mark(self, mark: str, text: str, style: object) -> None:
        self.text += f"{mark} {text}\n"

    def verbatim(self, text: str) -> None:
        self.text += f"{text}\n"

    def table(self, columns: object, rows: object) -> None:
        pass
