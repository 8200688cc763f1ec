"""Every example of the documentation runs, every drawn page is what the code says, every link leads somewhere."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EXAMPLES = [
    pytest.param(page, number, id=f"{page.relative_to(ROOT)}:{number}")
    for page in PAGES
    for number, _ in enumerate(re.findall(r"^```python\n", page.read_text(), flags=re.M))
]


def _builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_statuses_is_drawn_from_the_table() -> None:
    builder = _builder()
    assert builder.STATUSES.read_text() == builder.statuses(), "run `make docs`"


def test_the_page_of_proofs_is_read_from_the_tests() -> None:
    builder = _builder()
    assert builder.PROOFS.read_text() == builder.proofs(), "run `make docs`"


def test_every_promised_property_has_a_test() -> None:
    builder = _builder()
    bare = re.findall(r"^## (\S+)\n\n(?!- )", builder.proofs() + "\n", flags=re.M)
    assert bare == []


@pytest.mark.parametrize(("page", "number"), EXAMPLES)
def test_an_example_runs_when_pasted(page: Path, number: int, tmp_path: Path) -> None:
    code = re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.M | re.S)[number]
    ran = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_something(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_first_example_prints_the_trace_of_a_confirmed_order(tmp_path: Path) -> None:
    code = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), flags=re.M | re.S)[0]
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "CONFIRMED" in ran.stdout
    assert "tok_approve" not in ran.stdout
