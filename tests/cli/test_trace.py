from __future__ import annotations

from tests.cli.conftest import Cli
from tests.cli.shops import Shop


def test_an_order_is_told_commit_by_commit(cli: Cli, shop: Shop) -> None:
    order_id = shop.buy("1").order_id
    ran = cli("trace", "--url", shop.url, order_id)
    assert ran.status == 0
    lines = ran.out.splitlines()
    assert lines[0].split() == ["order", order_id, "CONFIRMED"]
    assert lines[1].split()[0] == "1"
    worker = lines[1].split()[-1]
    second = next(line for line in lines[2:] if line.endswith(worker))
    assert second.split()[0] == "2"
    said = [line.strip() for line in lines]
    assert said.index("order (new) -> PENDING: opened") < lines.index(second)
    assert said.index("order PENDING -> CONFIRMED: paid") > lines.index(second)
    assert max(map(len, lines)) <= 80


def test_for_machines(cli: Cli, shop: Shop) -> None:
    order_id = shop.buy("1", token="tok_decline").order_id
    said = cli("trace", "--json", "--url", shop.url, order_id).document
    assert (said["order_id"], said["status"]) == (order_id, "FAILED")
    assert said == shop.checkout.trace(order_id).as_dict()


def test_an_unknown_order_is_an_error_in_one_line(cli: Cli, shop: Shop) -> None:
    ran = cli("trace", "--url", shop.url, "nobody")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == "checkout-core: there is no order nobody in this database\n"


def test_an_unknown_order_for_machines(cli: Cli, shop: Shop) -> None:
    ran = cli("trace", "--json", "--url", shop.url, "nobody")
    assert ran.status == 1
    assert ran.document == {
        "error": {"type": "OrderNotFoundError", "message": "there is no order nobody in this database"}
    }
