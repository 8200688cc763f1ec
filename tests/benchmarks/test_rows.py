"""How the table is made of the rounds."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.figures import Figures
from benchmarks.report import table
from benchmarks.rows import Round, results

FIGURES = Figures(
    checkouts=10,
    per_second=100.0,
    p50_ms=1.0,
    p99_ms=2.0,
    commits=2.004,
    inserted_rows=12.04,
    wal_bytes=4000.0,
    client_cpu_us=100.0,
    server_cpu_us=100.0,
    foreign_share=0.0,
    per_second_before_sold_out=None,
    per_second_after_sold_out=None,
    confirmed=10,
    refused=0,
)


def _round(ours: float, floor: float) -> Round:
    return {
        "ours, 128 tasks": replace(FIGURES, per_second=ours),
        "floor, 128 tasks": replace(FIGURES, per_second=floor, wal_bytes=2000.0),
    }


def test_a_ratio_is_taken_within_each_round_before_the_median() -> None:
    rounds = [_round(50, 100), _round(10, 10), _round(300, 1000)]
    found = {each.row.what: each for each in results(rounds)}
    rate = found["checkouts/s, 128 tasks, against the floor"]
    assert (rate.value.median, rate.value.least, rate.value.most) == (0.5, 0.3, 1.0)
    assert rate.ours.median == 50
    assert rate.verdict == "must"


def test_rows_are_judged_by_their_direction() -> None:
    alone = {"ours, alone": FIGURES}
    found = {each.row.what: each.verdict for each in results([alone])}
    assert found == {
        "durable commits per checkout, one at a time": "aim",
        "inserted rows per three-line checkout": "must",
    }
    wasteful = {"ours, alone": replace(FIGURES, commits=2.01, inserted_rows=14.1)}
    assert {each.verdict for each in results([wasteful])} == {"MISSED"}


def test_a_row_whose_runs_are_missing_is_left_out() -> None:
    assert results([{"floor, alone": FIGURES}]) == []
    sold_out_never = {"ours, sold out": FIGURES}
    assert results([sold_out_never]) == []


def test_the_table_shows_medians_and_verdicts() -> None:
    shown = table(results([_round(1200, 2000)]))
    assert "checkouts/s, 128 tasks, against the floor" in shown
    assert "1,200 [1,200 1,200]" in shown
    assert "0.60 [0.60 0.60]" in shown
