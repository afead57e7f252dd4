"""docs/DATA.md says what data_schema/ says: ``kdx-eval templates DIR`` writes it, and this test compares."""

from __future__ import annotations

from pathlib import Path

from kdx_eval.report.data_page import data_page
from kdx_eval.schema import load_schema

PAGE = Path(__file__).resolve().parents[2] / "docs" / "DATA.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == data_page(), "run: kdx-eval templates DIR, and copy its DATA.md to docs/"


def test_every_column_stands_on_the_page() -> None:
    page = data_page()
    for table in load_schema().tables.values():
        assert f"## {table.title}（{table.name}）" in page
        assert all(f"| `{field.name}` |" in page for field in table.fields)
