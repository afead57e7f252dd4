"""The matching of people as tables: by what they were found, and who must decide on the rest. Counts and places only, no names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kdx_eval.load.dataset import Dataset
from kdx_eval.load.matching import HOW, UNSETTLED

if TYPE_CHECKING:
    import pandas as pd


def matching_table(dataset: Dataset) -> pd.DataFrame:
    """How people were found, by list and department: columns file, sheet, department, how, way (in Japanese), n_people, n_rows, settled.

    Empty when every row has an id of its own, or nobody was trained. Who stands on several lists counts on each.
    """
    import pandas as pd

    matched = dataset.report.matched
    rows = [
        (one.file, one.sheet, one.department, one.how, HOW[one.how], one.n_people, one.n_rows, one.how not in UNSETTLED)
        for one in (matched.places if matched else ())
    ]
    return pd.DataFrame(rows, columns=["file", "sheet", "department", "how", "way", "n_people", "n_rows", "settled"])


def unsettled_table(dataset: Dataset) -> pd.DataFrame:
    """Who must decide on whom: columns file, sheet, department, reason, n_rows, rows (the first physical rows, as text), ask, remedy."""
    import pandas as pd

    matched = dataset.report.matched
    rows = [
        (one.file, one.sheet, one.department, HOW[one.how], one.n_rows, row_ranges(one.rows) + ("…" if one.n_rows > len(one.rows) else ""), one.ask, one.remedy)
        for one in (matched.open if matched else ())
    ]
    return pd.DataFrame(rows, columns=["file", "sheet", "department", "reason", "n_rows", "rows", "ask", "remedy"])


def unmatched_path(dataset: Dataset) -> Path:
    """unmatched.csv beside rejected.csv: one line for each row whose person is not settled."""
    return dataset.rejected.with_name("unmatched.csv")


def row_ranges(rows: tuple[int, ...]) -> str:
    """Rows in short: 3、7–9."""
    parts: list[list[int]] = []
    for row in rows:
        if parts and row == parts[-1][-1] + 1:
            parts[-1].append(row)
        else:
            parts.append([row])
    return "、".join(str(part[0]) if len(part) == 1 else f"{part[0]}–{part[-1]}" for part in parts)
