"""What a user gets wrong is told in one line that says what to do; no traceback, no secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checkout_core.cli import database
from tests.cli.conftest import Cli
from tests.cli.shops import Shop

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["status"], "give --url or set CHECKOUT_CORE_URL"),
        (["status", "--url", f"{SECRET}:nonsense"], "is no database URL"),
        (["status", "--url", f"postgresql+psycopg://u:{SECRET}@h:port/shop"], "is no database URL"),
        (
            ["status", "--url", f"oracle9://u:{SECRET}@h/shop"],
            "expected one of mariadb, mysql, postgresql, sqlite, found oracle9",
        ),
        (["status", "--url", f"mssql://u:{SECRET}@h/shop"], ""),
        (["status", "--url", "sqlite://"], "expected a SQLite file"),
        (["trace", "--url", "sqlite:///nowhere/shop.db", "x"], "`checkout-core migrate` creates one"),
        (["migrate", "--url", "sqlite:///nowhere/shop.db"], "there is no directory nowhere"),
        (["status", f"postgresql://u:{SECRET}@h/shop"], "unrecognized arguments: postgresql://***@h/shop"),
        (["trace", "--url", "sqlite:///shop.db"], "required: ORDER_ID"),
        (["recover", "--app", "a:b", "--limit", "0"], "expected a whole number, at least 1"),
        (["parked", "--app", "a:b", "retry", "x", "--note", " "], "expected a few words"),
        (["frobnicate"], "invalid choice"),
        ([], "required: COMMAND"),
        (["demo", "--carts", "nowhere.json"], "the cart file nowhere.json cannot be read: No such file"),
    ],
)
def test_wrong_usage(cli: Cli, arguments: list[str], said: str) -> None:
    ran = cli(*arguments)
    assert ran.status == 2
    assert ran.out == ""
    assert said in ran.err
    assert SECRET not in ran.err
    assert "Traceback" not in ran.err
    assert ran.err.splitlines()[-1].startswith("checkout-core")


def test_the_url_may_come_from_the_environment(cli: Cli, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHECKOUT_CORE_URL", shop.url)
    assert cli("status").status == 0


@pytest.mark.parametrize("command", [["status"], ["audit"], ["trace", "x"]])
def test_a_database_without_tables(cli: Cli, command: list[str], tmp_path: Path) -> None:
    (tmp_path / "shop.db").touch()
    ran = cli(*command, "--url", f"sqlite:///{tmp_path / 'shop.db'}")
    assert (ran.status, ran.out) == (1, "")
    assert "expected the tables of checkout-core, found none" in ran.err
    assert "checkout-core migrate" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_looking_never_creates_a_database(cli: Cli, tmp_path: Path) -> None:
    cli("status", "--url", f"sqlite:///{tmp_path / 'shop.db'}")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "shop.db").write_text("this is a letter, not a database" * 9)
    ran = cli("status", "--url", f"sqlite:///{tmp_path / 'shop.db'}")
    assert (ran.status, len(ran.err.splitlines())) == (1, 1)
    assert "NOTADB" in ran.err


def test_a_server_that_is_not_there(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 0.01)
    url = f"postgresql+psycopg://u:{SECRET}@127.0.0.1:1/shop?sslpassword={SECRET}"
    ran = cli("status", "--json", "--url", url)
    assert ran.status == 1
    assert ran.document["error"]["type"] == "StorageUnavailableError"
    assert "postgresql+psycopg://u@127.0.0.1:1/shop cannot be used" in ran.err
    assert "is the server running" in ran.err
    assert SECRET not in ran.err + ran.out


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "the document: json invalid"),
        ("{}", "the document: tuple type"),
        ('[{"kind": "charge"}]', "0.reference: missing"),
        (
            '[{"kind": "charge", "reference": "r", "key": "k", "amount": {"minor": 1.5, "currency": "EUR"}}]',
            "0.amount.minor: int type",
        ),
    ],
)
def test_a_malformed_ledger(cli: Cli, shop: Shop, tmp_path: Path, document: str, said: str) -> None:
    (tmp_path / "ledger.json").write_text(document)
    ran = cli("audit", "--url", shop.url, "--ledger", str(tmp_path / "ledger.json"))
    assert (ran.status, ran.out) == (2, "")
    assert f"the ledger is malformed ({said}" in ran.err


@pytest.mark.parametrize("place", ["nowhere.json", "http://127.0.0.1:1/ledger", "http://127.0.0.1:1"])
def test_a_ledger_that_is_not_there(cli: Cli, shop: Shop, place: str) -> None:
    ran = cli("audit", "--url", shop.url, "--ledger", place)
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert "cannot be read" in ran.err


def _cart_file(**parts: object) -> str:
    request = {
        "idempotency_key": "k",
        "cart": {
            "cart_id": "c",
            "currency": "EUR",
            "lines": [{"item_id": "MUG", "qty": 1, "price": {"minor": 1, "currency": "EUR"}}],
        },
        "payment_method": {"kind": "card", "token": "tok_approve"},
    }
    whole = {"stock": {"MUG": 1}, "checkouts": [{"title": "t", "request": request}], **parts}
    return json.dumps(whole)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("[]", "the document: "),
        ("{", "the document: json invalid"),
        (_cart_file(stock={}), "every item of a cart must be listed in 'stock'"),
        (_cart_file(stock={"MUG": -1}), "stock.(unknown field): greater than equal"),
        (_cart_file(checkouts=[{"title": "t"}]), "checkouts.0: expected either a request or the key"),
        (_cart_file(checkouts=[{"title": "t", "again": "z"}]), "'again' must be the idempotency_key of a checkout"),
        (_cart_file(checkouts=[{"title": "t", "request": {"cart": 4111111111111111}}]), "(and 1 more)"),
        (_cart_file(crash={"title": "t", "request": json.loads(_cart_file())["checkouts"][0]["request"]}), "its own"),
    ],
)
def test_a_malformed_cart_file(cli: Cli, tmp_path: Path, document: str, said: str) -> None:
    (tmp_path / "carts.json").write_text(document)
    ran = cli("demo", "--carts", str(tmp_path / "carts.json"))
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert said in ran.err
    assert "4111111111111111" not in ran.err


def test_a_directory_that_is_in_use(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "shop.db").touch()
    ran = cli("demo", "--dir", str(tmp_path))
    assert ran.status == 2
    assert "is not empty" in ran.err
