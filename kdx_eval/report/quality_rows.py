"""Rows read, accepted and refused by file, as a table of the 別冊."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kdx_eval.report.blocks import Table, columns, shorten, without_empty_columns
from kdx_eval.schema import load_schema

if TYPE_CHECKING:
    from kdx_eval.results import Results


def files_table(results: Results) -> Table | None:
    """A row for each file that held any row; None where no file is recorded."""
    files = results.quality.get("files")
    if not isinstance(files, list | tuple) or not files:
        return None
    rows = []
    titles = {table.name: table.title for table in load_schema().tables.values()}
    for item in files:
        if isinstance(item, Mapping) and item.get("rows_read") != 0:
            numbers = tuple(f"{item[key]:,}" if isinstance(item.get(key), int) else "－" for key in ("rows_read", "rows_accepted", "rows_rejected"))
            table = str(item.get("table") or "")
            rows.append((shorten(item.get("file") or "", 40), shorten(item.get("sheet") or "", 20), shorten(titles.get(table, table), 20), *numbers))
    heads = columns("ファイル", "シート", "表", "読込", "採用", "除外", right=(3, 4, 5), widths=(3, 1.4, 1.4, 0.8, 0.8, 0.8))
    return without_empty_columns(Table(columns=heads, rows=tuple(rows), caption="ファイルごとの行数"))
