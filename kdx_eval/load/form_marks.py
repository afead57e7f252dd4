"""How the rows and sheets of an input form that are no data are marked, for who writes forms and for who reads them back.

The mark stands in the first filled cell of the row. Who types over that cell makes the row data, as they mean to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kdx_eval.load.files import Grid

EXPLANATION = "【説明】"
EXAMPLE = "【例】"
GUIDE = "【書き方】"
_WITHIN = 3  # columns that a city may have put before those of the form


def is_guide(grid: Grid) -> bool:
    """Whether a sheet explains a form and holds no data."""
    return any(cells and "".join(cells).startswith(GUIDE) for _, cells in grid.head[:1])


def is_form_row(n_columns: int) -> str:
    """SQL over the cells ``c0`` ... that is true for the explanation row and the example row of a form; cheap, for it is asked of every row."""
    tests = []
    for index in range(min(n_columns, _WITHIN)):
        blank = "".join(f"c{before} = '' AND " for before in range(index))
        tests += [f"({blank}starts_with(c{index}, '{mark}'))" for mark in (EXPLANATION, EXAMPLE)]
    return " OR ".join(tests) or "false"
