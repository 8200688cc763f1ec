"""Each rule finds what it is there for, and lets pass what is right."""

from __future__ import annotations

import ast
from pathlib import PurePath

import pytest

from tests.style import rules


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (rules.no_outside_world, "import asyncio"),
        (rules.no_outside_world, "from time import monotonic"),
        (rules.no_outside_world, "def f():\n    import uuid"),
        (rules.no_outside_world, "import sqlalchemy.orm as orm"),
        (rules.no_outside_world, "at = datetime.now(UTC)"),
        (rules.no_cleanup, "try:\n    pass\nfinally:\n    pass"),
        (rules.no_cleanup, "try:\n    pass\nexcept:\n    pass"),
        (rules.no_cleanup, "try:\n    pass\nexcept BaseException:\n    raise"),
        (rules.no_cleanup, "try:\n    pass\nexcept (ValueError, GeneratorExit):\n    raise"),
        (rules.no_cleanup, "async def f():\n    with lock:\n        await effect"),
        (rules.no_code_in_package_file, "LIMIT = 3"),
        (rules.no_code_in_package_file, "def f() -> None: ..."),
        (rules.no_code_in_package_file, "if True:\n    import os"),
        (rules.says_its_subject, "import os"),
        (rules.short_functions, "def f():\n" + "    a = 1\n" * (rules.MOST_FUNCTION_LINES + 1)),
        (rules.errors_are_named_so, "class Declined(Exception): ..."),
        (rules.errors_are_named_so, "class DeclinedError: ..."),
    ],
)
def test_a_rule_finds_what_breaks_it(rule: rules.Rule, source: str) -> None:
    assert len(list(rule(ast.parse(source)))) == 1


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (rules.no_outside_world, "from datetime import datetime\nimport timeit_of_ours"),
        (rules.no_cleanup, "try:\n    pass\nexcept ValueError:\n    pass"),
        (rules.no_cleanup, "async def f():\n    with reader as r:\n        r.read()"),
        (rules.no_code_in_package_file, '"""Names."""\nfrom a import b\n\n__all__ = ["b"]'),
        (rules.says_its_subject, ""),
        (rules.says_its_subject, '"""Money."""\nimport os'),
        (rules.short_functions, 'def f():\n    """' + "a\n" * 99 + '"""\n    return 1'),
        (rules.errors_are_named_so, "class DeclinedError(errors.CheckoutError): ...\nclass Declined(Result): ..."),
    ],
)
def test_a_rule_lets_pass_what_is_right(rule: rules.Rule, source: str) -> None:
    assert list(rule(ast.parse(source))) == []


def test_a_name_that_says_nothing_is_found_in_files_and_folders() -> None:
    assert rules.meaningless_names(PurePath("saga/_helpers.py")) == ["_helpers"]
    assert rules.meaningless_names(PurePath("common/money.py")) == ["common"]
    assert rules.meaningless_names(PurePath("saga/engine.py")) == []
