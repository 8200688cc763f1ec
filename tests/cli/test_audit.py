from __future__ import annotations

import json
from pathlib import Path

from checkout_core.adapters.sandbox import BankProcess, HttpSandboxPayments
from checkout_core.adapters.sql import SqlStore
from checkout_core.drivers.threads import Checkout
from tests.cli.conftest import Cli
from tests.cli.shops import Shop, a_request


def test_a_shop_that_kept_its_promises(cli: Cli, shop: Shop) -> None:
    shop.buy("1")
    shop.buy("2", token="tok_decline")
    ran = cli("audit", "--url", shop.url)
    assert ran.status == 0
    assert "Checked: 2 orders, 2 items of stock." in ran.out
    assert "every promise that was checked holds" in ran.out
    assert "books were not compared" in ran.out
    said = cli("audit", "--json", "--url", shop.url)
    assert (said.status, said.err) == (0, "")
    assert said.document["clean"] is True
    assert (said.document["orders"], said.document["items"], said.document["findings"]) == (2, 2, [])
    assert said.document["ledger_entries"] is None


def test_what_is_broken_is_named_by_its_property(cli: Cli, shop: Shop) -> None:
    order_id = shop.buy("1").order_id
    shop.tamper("UPDATE checkout_orders SET total_minor = 1")
    said = cli("audit", "--json", "--url", shop.url)
    assert said.status == 1
    assert said.document["clean"] is False
    assert {(each["property_id"], each["subject"]) for each in said.document["findings"]} >= {("ORDER-4", order_id)}
    ran = cli("audit", "--url", shop.url)
    assert ran.status == 1
    assert "ORDER-4" in ran.out.splitlines()
    assert order_id in ran.out


def test_against_the_banks_ledger_in_a_file(cli: Cli, shop: Shop, tmp_path: Path) -> None:
    shop.buy("1")
    ledger = tmp_path / "ledger.json"
    ledger.write_text(json.dumps(shop.ledger()))
    ran = cli("audit", "--url", shop.url, "--ledger", str(ledger))
    assert ran.status == 0
    assert "1 ledger entry." in ran.out


def test_a_charge_that_no_order_knows(cli: Cli, shop: Shop, tmp_path: Path) -> None:
    shop.buy("1")
    stranger = {**shop.ledger()[0], "reference": "co_nobody_charge-0-1", "key": "co1_NOBODY"}
    ledger = tmp_path / "ledger.json"
    ledger.write_text(json.dumps([*shop.ledger(), stranger]))
    said = cli("audit", "--json", "--url", shop.url, "--ledger", str(ledger)).document
    assert [(each["property_id"], each["subject"]) for each in said["findings"]] == [
        ("MONEY-4", "co_nobody_charge-0-1")
    ]
    assert said["ledger_entries"] == 2


def test_an_order_that_was_charged_twice(cli: Cli, shop: Shop, tmp_path: Path) -> None:
    order_id = shop.buy("1").order_id
    ledger = tmp_path / "ledger.json"
    ledger.write_text(json.dumps(shop.ledger() * 2))
    ran = cli("audit", "--url", shop.url, "--ledger", str(ledger))
    assert ran.status == 1
    assert "MONEY-2" in ran.out
    assert order_id in ran.out


def test_against_the_ledger_of_a_running_bank(cli: Cli, sqlite_url: str, tmp_path: Path) -> None:
    with BankProcess(tmp_path / "bank.jsonl") as bank:
        store = SqlStore(sqlite_url)
        store.migrate()
        store.inventory.set_available("MUG", 1)
        with Checkout(store, payments=HttpSandboxPayments(bank.url)) as checkout:
            checkout.execute(a_request("1")).expect_confirmed()
        store.close()
        for address in (bank.url, f"{bank.url}/ledger"):
            said = cli("audit", "--json", "--url", sqlite_url, "--ledger", address)
            assert (said.status, said.document["ledger_entries"]) == (0, 1)


def test_an_order_that_is_not_finished_is_told_and_is_no_finding(cli: Cli, shop: Shop) -> None:
    shop.buy("1", token="tok_decide_later:9")
    ran = cli("audit", "--url", shop.url)
    assert ran.status == 0
    assert "1 unfinished, 0 parked, 0 watched" in " ".join(ran.out.split())
