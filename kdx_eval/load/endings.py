"""A file that was cut off at the end of a line: every row is whole, but the last person, department or month is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kdx_eval.load.database import name, rows
from kdx_eval.load.headers import Layout

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_TABLES = frozenset({"worktime", "workload", "headcount", "indicators"})
_UNITS = ("staff_id", "department_id", "process_id", "unit_id", "indicator_id")
_FEWEST_BLOCKS = 3
_REACH = 0.9  # of the other units have the last month: where many leave earlier, the last one may have left as well
_CUT = "ファイルが途中で切れていないか確かめてください"


def broken_off(con: DuckDBPyConnection, layout: Layout, *, key: str) -> list[str]:
    """A note where the rows of ``stage_<key>`` stop within the months of the last unit, or within the units of the last month."""
    units = [unit for unit in _UNITS if layout.has(unit)]
    if layout.table.name not in _TABLES or not layout.has("month") or not units:
        return []
    unit = f"concat_ws(chr(31), {', '.join(name(one) for one in units)})"
    return _within_a_unit(con, unit, key=key) or _within_a_month(con, unit, key=key)


def _blocks(outer: str, inner: str, *, key: str) -> str:
    """SQL: the runs of rows with the same ``outer`` value in the order of the file, with number, value and their ``inner`` values in that order."""
    return f"""WITH lines AS (SELECT {outer} AS o, {inner} AS i, _line FROM stage_{key} WHERE month IS NOT NULL),
        marked AS (SELECT *, (o IS DISTINCT FROM lag(o) OVER (ORDER BY _line))::INTEGER AS begins FROM lines),
        numbered AS (SELECT *, sum(begins) OVER (ORDER BY _line) AS block FROM marked)
        SELECT block, o, list(i ORDER BY _line) AS inside FROM numbered GROUP BY block, o"""


def _within_a_unit(con: DuckDBPyConnection, unit: str, *, key: str) -> list[str]:
    """Rows in the order of units: the last one ends before the months end that nearly all others have."""
    found = rows(
        con,
        f"""WITH blocks AS ({_blocks(unit, "month", key=key)}), ends AS (SELECT block, o, list_max(inside) AS until FROM blocks)
            SELECT count(*), count(DISTINCT o), arg_max(until, block), max(until), count(*) FILTER (until = (SELECT max(until) FROM ends)) FROM ends""",
    )[0]
    n_blocks, n_units, reaching = (int(str(found[place])) for place in (0, 1, 4))
    last, end = str(found[2])[:7], str(found[3])[:7]
    # Each unit once, or the file is in another order.
    if n_blocks < _FEWEST_BLOCKS or n_blocks != n_units or last == end or reaching < _REACH * (n_blocks - 1):
        return []
    return [f"注意: 最後に書かれた職員・所属・業務の月が{last}で終わっています（ほかは{end}まであります）。{_CUT}"]


def _within_a_month(con: DuckDBPyConnection, unit: str, *, key: str) -> list[str]:
    """Rows in the order of months: the last month begins with the same units in the same order as the month before, and then stops."""
    blocks = f"WITH blocks AS ({_blocks('month', unit, key=key)})"
    n_blocks, n_months = (int(str(count)) for count in rows(con, f"{blocks} SELECT count(*), count(DISTINCT o) FROM blocks")[0])
    if n_blocks < _FEWEST_BLOCKS or n_blocks != n_months:
        return []
    (last, lost) = rows(
        con,
        f"""{blocks}, two AS (SELECT o, inside, lag(inside) OVER (ORDER BY block) AS earlier FROM blocks ORDER BY block DESC LIMIT 1)
            SELECT strftime(o, '%Y-%m'), CASE WHEN inside = earlier[:len(inside)] THEN len(earlier) - len(inside) ELSE 0 END FROM two""",
    )[0]
    return [f"注意: 最後の月（{last}）の行が、前の月と同じ並びの途中で終わっています（{lost}行少ない）。{_CUT}"] if int(str(lost)) > 0 else []
