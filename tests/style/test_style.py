"""The rules hold for every file of the package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from tests.style import rules

PACKAGE = Path(__file__).parents[2] / "src" / "checkout_core"
FILES = sorted(PACKAGE.rglob("*.py"))
PURE = ("effect.py", "errors.py", "domain", "ports", "saga", "checkout")
RUNS_AS_STEPS = ("effect.py", "saga", "checkout")


def _within(parts: tuple[str, ...]) -> Iterator[Path]:
    return (path for path in FILES if path.relative_to(PACKAGE).parts[0] in parts)


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def _broken(rule: rules.Rule, paths: Iterator[Path]) -> list[str]:
    return [f"{path.relative_to(PACKAGE)} {found}" for path in paths for found in rule(_parsed(path))]


def test_the_core_knows_no_outside_world() -> None:
    assert _broken(rules.no_outside_world, _within(PURE)) == []


def test_a_dropped_step_does_nothing_more() -> None:
    assert _broken(rules.no_cleanup, _within(RUNS_AS_STEPS)) == []


def test_package_files_only_hand_on_names() -> None:
    assert _broken(rules.no_code_in_package_file, (path for path in FILES if path.name == "__init__.py")) == []


@pytest.mark.parametrize("rule", [rules.says_its_subject, rules.short_functions, rules.errors_are_named_so])
def test_every_file(rule: rules.Rule) -> None:
    assert _broken(rule, iter(FILES)) == []


def test_names_say_what_is_inside() -> None:
    assert [str(path) for path in FILES if rules.meaningless_names(path.relative_to(PACKAGE))] == []


def test_files_have_one_subject() -> None:
    lengths = {str(path.relative_to(PACKAGE)): len(path.read_text().splitlines()) for path in FILES}
    written = [length for length in lengths.values() if length]
    assert {name: length for name, length in lengths.items() if length > rules.MOST_LINES} == {}
    assert sum(length > 300 for length in written) <= len(written) // 10, "rarely over 300 lines"
    assert median(written) <= 150


def test_functions_are_rarely_long() -> None:
    lengths = [rules.function_lines(function) for path in FILES for function in rules.functions(_parsed(path))]
    assert sum(length > 40 for length in lengths) <= len(lengths) // 20
