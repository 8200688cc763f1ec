"""Draw the pages that follow from code: ``make docs``. A test fails when a page no longer matches."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from checkout_core.checkout.transitions import TABLE, arrows

HERE = Path(__file__).parent
ROOT = HERE.parent
STATUSES = HERE / "reference" / "statuses.md"
PROOFS = HERE / "reference" / "proofs.md"
GUARANTEES = HERE / "explanation" / "guarantees.md"
ID = re.compile(r"\b(?:ORDER|MONEY|STOCK|EVENT|STATE|SAFE|LIVE)-\d+\b")


def statuses() -> str:
    """The order's state machine as a diagram and as a table, from the one table that the code runs on."""
    lines = [
        "# The statuses of an order",
        "",
        "Drawn from `checkout_core/checkout/transitions.py` by `make docs`. A pair that is not here changes nothing.",
        "",
        "```mermaid",
        "stateDiagram-v2",
    ]
    lines += [f"    {_state(source)} --> {_state(target)}: {on}" for source, on, target in arrows()]
    lines += ["```", "", "| from | on | to | cart guard | stock | event |", "|---|---|---|---|---|---|"]
    for row in TABLE:
        sources = ", ".join(source or "–" for source in row.sources)
        lines.append(
            f"| {sources} | {row.on} | {row.target or 'the same'} | {row.guard} | {row.stock} | {row.event or ''} |"
        )
    return "\n".join(lines) + "\n"


def promised() -> list[str]:
    """The ids of the properties that the page of guarantees promises, in its order."""
    return re.findall(r"^\| ([A-Z]+-\d+) \|", GUARANTEES.read_text(), flags=re.M)


def proofs() -> str:
    """Which test names which property, read from the tests' own docstrings."""
    found: dict[str, list[str]] = {each: [] for each in promised()}
    for place, text in _tests():
        for each in dict.fromkeys(ID.findall(text)):
            if each in found:
                found[each].append(place)
    lines = [
        "# Which test proves which property",
        "",
        "Read from the docstrings of the tests by `make docs`. The properties are in",
        "[guarantees.md](../explanation/guarantees.md).",
    ]
    for each, places in found.items():
        lines += ["", f"## {each}", "", *(f"- `{place}`" for place in sorted(places))]
    return "\n".join(lines) + "\n"


def _tests() -> Iterator[tuple[str, str]]:
    for folder in (ROOT / "tests", ROOT / "src" / "checkout_core" / "testing"):
        for path in sorted(folder.rglob("*.py")):
            module = ast.parse(path.read_text())
            of_all = ast.get_docstring(module) or ""
            for node in ast.walk(module):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                    where = f"{path.relative_to(ROOT)}::{node.name}"
                    yield where, f"{of_all} {ast.get_docstring(node) or ''}"


def _state(name: str) -> str:
    return "[*]" if name == "(none)" else name


if __name__ == "__main__":
    STATUSES.write_text(statuses())
    PROOFS.write_text(proofs())
