"""What the linters cannot say about this project's code: each rule reads one file and names what breaks it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import TypeAlias

Rule: TypeAlias = "Callable[[ast.Module], Iterator[str]]"
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

OUTSIDE = frozenset(
    {"asyncio", "threading", "time", "random", "uuid", "secrets", "socket", "sqlalchemy", "contextvars"}
)
CLOCKS = frozenset({"now", "utcnow", "today"})
MEANINGLESS = frozenset({"util", "utils", "helper", "helpers", "base", "manager", "common", "misc"})
MOST_LINES = 400
MOST_FUNCTION_LINES = 60


def no_outside_world(module: ast.Module) -> Iterator[str]:
    """The core reads no clock, draws no randomness, does no I/O: the driver supplies all of it."""
    for node in ast.walk(module):
        for name in _imported(node):
            if name.split(".")[0] in OUTSIDE:
                yield f"line {_line(node)}: imports {name}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
            yield f"line {node.lineno}: reads a clock with {node.func.attr}()"


def no_cleanup(module: ast.Module) -> Iterator[str]:
    """A crash is the coroutine being dropped. Code that runs then would do what a dead process cannot do."""
    for node in ast.walk(module):
        if isinstance(node, ast.Try | ast.TryStar) and node.finalbody:
            yield f"line {node.lineno}: finally"
        elif isinstance(node, ast.ExceptHandler) and _catches_the_end(node.type):
            yield f"line {node.lineno}: catches the coroutine's end"
        elif isinstance(node, ast.With | ast.AsyncWith) and any(isinstance(each, ast.Await) for each in ast.walk(node)):
            yield f"line {node.lineno}: a context manager around an await"


def no_code_in_package_file(module: ast.Module) -> Iterator[str]:
    """``__init__`` files hand on names and define nothing."""
    for node in module.body:
        if not (_is_docstring(node) or isinstance(node, ast.Import | ast.ImportFrom) or _assigns_all(node)):
            yield f"line {node.lineno}: {type(node).__name__}"


def says_its_subject(module: ast.Module) -> Iterator[str]:
    if module.body and ast.get_docstring(module) is None:
        yield "line 1: no docstring that says the file's subject"


def short_functions(module: ast.Module) -> Iterator[str]:
    for function in functions(module):
        if function_lines(function) > MOST_FUNCTION_LINES:
            yield f"line {function.lineno}: {function.name} has {function_lines(function)} lines"


def errors_are_named_so(module: ast.Module) -> Iterator[str]:
    """Exceptions end in ``Error``, and nothing else does."""
    for node in ast.walk(module):
        if isinstance(node, ast.ClassDef):
            bases = [ast.unparse(base) for base in node.bases]
            raised = any(base.endswith("Error") or base in ("Exception", "BaseException") for base in bases)
            if raised != node.name.endswith("Error"):
                yield f"line {node.lineno}: {node.name}"


def meaningless_names(path: PurePath) -> list[str]:
    """The parts of ``path`` that do not say what is inside."""
    return [part for part in path.with_suffix("").parts if part.strip("_") in MEANINGLESS]


def functions(module: ast.Module) -> Iterator[Function]:
    return (node for node in ast.walk(module) if isinstance(node, Function))


def function_lines(function: Function) -> int:
    """Lines of code, without the docstring."""
    body = function.body[1:] if _is_docstring(function.body[0]) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return []


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 0)


def _catches_the_end(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(ast.unparse(kind) in ("BaseException", "GeneratorExit") for kind in kinds)


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _assigns_all(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]
