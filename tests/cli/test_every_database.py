"""Every command on PostgreSQL, MariaDB and SQLite."""

from __future__ import annotations

import json
from pathlib import Path

from checkout_core.adapters.sandbox import SandboxBank, SandboxPayments
from checkout_core.adapters.sql import SqlStore
from checkout_core.drivers.threads import Checkout
from tests.cli.conftest import Cli
from tests.cli.shops import Shop


def test_every_command(cli: Cli, sql_url: str, tmp_path: Path) -> None:
    assert cli("migrate", "--json", "--url", sql_url).document["before"] == 0
    store, bank = SqlStore(sql_url), SandboxBank()
    store.inventory.set_available("MUG", 3)
    with Checkout(store, payments=SandboxPayments(bank)) as checkout:
        shop = Shop(sql_url, store, checkout, bank)
        order_id = shop.buy("1", qty=2).expect_confirmed().order_id
        shop.buy("2", token="tok_decline")
    store.close()
    (tmp_path / "ledger.json").write_text(json.dumps(shop.ledger()))

    status = cli("status", "--json", "--url", sql_url).document
    assert status["by_status"] == {"CONFIRMED": 1, "FAILED": 1}
    assert status["stock"] == {"items": 1, "received": 3, "available": 1, "held": 0, "committed": 2}
    assert cli("trace", "--json", "--url", sql_url, order_id).document["status"] == "CONFIRMED"
    audit = cli("audit", "--json", "--url", sql_url, "--ledger", str(tmp_path / "ledger.json"))
    assert (audit.status, audit.document["ledger_entries"], audit.document["findings"]) == (0, 1, [])
