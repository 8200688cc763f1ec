"""The table for people; the same and every single run as JSON for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.rows import Result, Spread

HEAD = ("", "ours", "compared with", "ratio", "must", "aim", "")


def table(found: Sequence[Result]) -> str:
    """Medians, with least and most in brackets."""
    lines = [HEAD, *(_cells(each) for each in found)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(line, widths, strict=True)) for line in lines)
    )


def as_json(found: Sequence[Result]) -> Iterator[dict[str, object]]:
    for each in found:
        yield {
            "what": each.row.what,
            "ours": _plain(each.ours),
            "other": _plain(each.other) if each.other else None,
            "value": _plain(each.value),
            "must": each.row.must,
            "aim": each.row.aim,
            "verdict": each.verdict,
        }


def _cells(result: Result) -> tuple[str, ...]:
    sign = "<=" if result.row.lower_is_better else ">="
    ratio = _shown(result.value) if result.other else ""
    other = _shown(result.other) if result.other else ""
    bounds = (f"{sign} {result.row.must:g}", f"{sign} {result.row.aim:g}")
    return (result.row.what, _shown(result.ours), other, ratio, *bounds, result.verdict)


def _shown(spread: Spread) -> str:
    return f"{_number(spread.median)} [{_number(spread.least)} {_number(spread.most)}]"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _plain(spread: Spread) -> dict[str, float]:
    return {"median": spread.median, "least": spread.least, "most": spread.most}
