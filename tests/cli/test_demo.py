"""The demonstration, as a stranger runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from checkout_core.cli.demo import killing
from checkout_core.cli.demo.cart_file import CartFile, read_carts
from checkout_core.domain.value import dump, parse
from tests.cli.conftest import Cli

EXAMPLES = Path(__file__).parents[2] / "examples" / "demo"


def _demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "checkout_core.cli", "demo", *arguments]
    return subprocess.run(
        command, env={**os.environ, "COLUMNS": "80"}, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_whole_demonstration() -> None:
    ran = _demo()
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    lines = ran.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    scenes = [line for line in lines if line[:1].isdigit()]
    assert [scene.split(".")[0] for scene in scenes] == [str(number) for number in range(1, 9)]
    for said in (
        "CONFIRMED, EUR 47.20",
        "FAILED, payment declined (card_declined)",
        "FAILED, out of stock (LAMP: 3 wanted, 2 there)",
        "ok     it is the same order, and says that it was replayed",
        "ok     exactly 1 of 2 is confirmed",
        "ok     the process died of SIGKILL, in the middle of the call",
        "ok     all that the database knows: PENDING, a charge is about to be sent",
        "ok     the order is CONFIRMED",
        "ok     the bank's ledger still has exactly one charge for it",
        "order PENDING -> CONFIRMED: paid",
        "clean  every promise that was checked holds",
        "22 promises kept, 0 broken",
    ):
        assert said in ran.stdout


def test_a_killed_shop_for_machines_and_what_is_left_to_look_at(cli: Cli, tmp_path: Path) -> None:
    carts = read_carts(None)
    assert carts.crash is not None
    only_the_crash = tmp_path / "carts.json"
    only_the_crash.write_text(dump(CartFile(stock=carts.stock, crash=carts.crash)))
    kept = tmp_path / "kept"
    ran = _demo("--json", "--carts", str(only_the_crash), "--dir", str(kept))
    assert ran.returncode == 0, ran.stdout
    assert all(line.startswith("scene ") for line in ran.stderr.splitlines()), ran.stderr
    document = json.loads(ran.stdout)
    assert (document["as_promised"], document["promises_broken"]) == (True, 0)
    assert document["figures"]["by_status"] == {"CONFIRMED": 1}
    assert document["figures"]["charges_at_the_bank"] == 1
    *_, traced, audited = document["scenes"]
    workers = {line["worker"] for line in traced["trace"]["lines"]}
    assert len(workers) == 2, "one process began the order, another one finished it"
    assert (audited["audit"]["clean"], audited["audit"]["ledger_entries"]) == (True, 1)

    url = f"sqlite:///{kept / 'shop.db'}"
    assert cli("audit", "--url", url, "--ledger", str(kept / "ledger.json")).status == 0
    order_id = traced["trace"]["order_id"]
    assert cli("trace", "--json", "--url", url, order_id).document == traced["trace"]
    assert cli("status", "--json", "--url", url).document["orders"] == 1


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_cart_files_of_the_examples(cli: Cli, path: Path) -> None:
    ran = cli("demo", "--carts", str(path))
    assert (ran.status, ran.err) == (0, ""), ran.out
    assert "0 broken" in ran.out


def test_a_promise_that_is_not_kept_fails_the_demonstration(cli: Cli, tmp_path: Path) -> None:
    document = json.loads((EXAMPLES / "tea_shop.json").read_text())
    bought, *_ = document["checkouts"]
    bought["expect"] = "declined"
    document["race"]["confirmed"] = 2
    path = tmp_path / "carts.json"
    path.write_text(json.dumps({**document, "checkouts": [bought]}))
    ran = cli("demo", "--carts", str(path))
    assert ran.status == 1
    said = " ".join(ran.out.split())
    assert "BROKEN the result is: declined: expected declined, found confirmed" in said
    assert "BROKEN the bank's ledger has no charge for it: expected [], found ['JPY 2160']" in said
    assert "BROKEN not a unit has left the shelves: expected {}, found {'SENCHA-100G': 2}" in said
    assert "BROKEN exactly 2 of 4 are confirmed: expected 2, found 1" in said
    assert cli("demo", "--json", "--carts", str(path)).document["as_promised"] is False


def test_a_shop_process_that_cannot_begin_is_told_and_left_nowhere(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carts = read_carts(None)
    path = tmp_path / "carts.json"
    path.write_text(dump(CartFile(stock=carts.stock, crash=carts.crash)))
    monkeypatch.setattr(killing, "DOOMED", "checkout_core.nowhere")
    ran = cli("demo", "--carts", str(path))
    assert ran.status == 1
    assert ran.err.startswith("checkout-core: the shop process did not reach the bank: ")
    assert "No module named checkout_core.nowhere" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_the_cart_file_of_the_package_survives_a_round_trip() -> None:
    carts = read_carts(None)
    assert parse(CartFile, dump(carts)) == carts
    assert carts.race is not None
    assert carts.crash is not None


def test_an_interrupted_demonstration_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "checkout_core.cli", "demo"]
    pipe, environment = subprocess.PIPE, {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, stdout=pipe, stderr=pipe, env=environment, text=True, start_new_session=True
    ) as running:
        assert running.stdout is not None
        bank = ""
        for line in running.stdout:
            if line.startswith("bank"):
                bank = line.split("process ")[1].split(",")[0]
            if "A second shop process" in line:
                break
        os.killpg(running.pid, signal.SIGINT)  # what Ctrl-C does
        _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert err == "checkout-core: interrupted\n"
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(int(bank), 0)
