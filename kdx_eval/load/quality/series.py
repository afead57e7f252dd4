"""The monthly measures of a delivery as matrices: one sum a unit and month, made in SQL in whole numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from kdx_eval.load.database import name, rows, text
from kdx_eval.load.quality.types import FloatMatrix
from kdx_eval.load.quality.wording import codes_text
from kdx_eval.schema import FieldSpec, load_indicators, load_schema
from kdx_eval.units import Month

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from kdx_eval.load.dataset import Dataset

MEASURED = ("worktime", "workload", "indicators", "headcount")
UNKNOWN = "所属不明"
_UNIT_TITLES = {"hours": "時間", "minutes": "分", "yen": "円", "cases": "件", "persons": "人", "points": "点"}
_KINDS = {"process": "業務別", "staff": "職員別"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Series:
    """One measure by part and month; a part is the finest unit of a row (process, person, department) within a department.

    Attributes
    ----------
    values : ndarray, (P, T)
        Sum of the values; NaN without any.
    n_rows, n_values : ndarray, (P, T)
        Rows, and rows with a value.
    parts : ndarray, (P,)
        Codes; of persons only the pseudonym, which never leaves this package's report.
    departments : ndarray, (P,)
    months : ndarray, (T,)
        ``Month.index`` from the first to the last month of the table.
    names : mapping
        What to call departments and processes.
    """

    table: str
    measure: str
    title: str
    unit: str
    parts: npt.NDArray[np.object_]
    departments: npt.NDArray[np.object_]
    months: npt.NDArray[np.int64]
    values: FloatMatrix
    n_rows: npt.NDArray[np.int64]
    n_values: npt.NDArray[np.int64]
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Table and measure in Japanese."""
        return f"{load_schema().table(self.table).title}「{self.title}」"

    def by_department(self) -> Series:
        """The sums over the parts of each department, departments ordered."""
        units, where = np.unique(self.departments.astype(str), return_inverse=True)
        shape = (len(units), len(self.months))
        n_rows, n_values, values = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64), np.zeros(shape)
        np.add.at(n_rows, where, self.n_rows)
        np.add.at(n_values, where, self.n_values)
        np.add.at(values, where, np.nan_to_num(self.values))
        values[n_values == 0] = np.nan
        codes = units.astype(object)
        return replace(self, parts=codes, departments=codes, values=values, n_rows=n_rows, n_values=n_values)

    def by_unit(self) -> Series:
        """Processes where rows are of processes (one may be in minutes, another not), departments elsewhere."""
        return self if self.table == "workload" else self.by_department()

    def called(self, codes: Sequence[str]) -> str:
        """The first few units by name, and how many more."""
        return codes_text(codes, self.names)

    def month(self, index: int) -> Month:
        """The month of column ``index``."""
        return Month(int(self.months[index]))


def read_series(con: DuckDBPyConnection, dataset: Dataset, *, names: Mapping[str, str]) -> tuple[Series, ...]:
    """Every measure of the monthly tables that were delivered, by table and in the order of its columns; ``con`` has the views."""
    found: list[Series] = []
    for table in MEASURED:
        if dataset.has(table):
            # One pass over the rows, however many measures there are; what follows reads sums by part and month.
            con.execute(f"CREATE OR REPLACE TEMP TABLE cells AS {_cells_sql(dataset, table)}")
            found += _indicators(con, names) if table == "indicators" else _columns(con, dataset, table=table, names=names)
            con.execute("DROP TABLE cells")
    return tuple(found)


def measures(dataset: Dataset, table: str) -> tuple[FieldSpec, ...]:
    """The numeric columns of ``table`` that hold a value and measure something."""
    present = set(dataset.columns(table))
    return tuple(field for field in load_schema().table(table).kept if field.type in {"number", "integer"} and field.name in present)


def unit_title(unit: str | None) -> str:
    """A unit of the schema in Japanese; units of indicators are Japanese already."""
    return _UNIT_TITLES.get(unit or "", unit or "")


def _cells_sql(dataset: Dataset, table: str) -> str:
    """SQL: part, department, month index (indicator_id and unit_type too), n_rows, and of each measure its n_ and its sum_."""
    fields = [field.name for field in measures(dataset, table)]
    sums = [f"count({name(field)}) AS {name('n_' + field)}, CAST(sum({name(field)}) AS DOUBLE) AS {name('sum_' + field)}" for field in fields]
    kind = ["indicator_id", "unit_type"] if table == "indicators" else []
    return f"""SELECT {", ".join([*kind, "_part AS part", "_department AS department", "month", "count(*) AS n_rows", *sums])}
        FROM ({_source(dataset, table)}) WHERE month IS NOT NULL AND _part IS NOT NULL GROUP BY ALL"""


def _source(dataset: Dataset, table: str) -> str:
    """SQL: the rows of a table with part, department and month index."""
    if table == "workload":
        home = ""
        department = "coalesce(w.department_id, w.process_id)"
        if dataset.has("processes") and "department_id" in dataset.columns("processes"):
            home = "LEFT JOIN (SELECT process_id, min(department_id) AS home FROM processes GROUP BY process_id) USING (process_id)"
            department = "coalesce(w.department_id, home, w.process_id)"
        day = "coalesce(w.month, CAST(date_trunc('month', w.date) AS DATE))"
        return f"SELECT w.* EXCLUDE (month), w.process_id AS _part, {department} AS _department, {_index(day)} AS month FROM workload w {home}"
    person = {"worktime": "w.staff_id", "indicators": "CASE WHEN w.unit_type = 'staff' THEN w.unit_id END", "headcount": "NULL::VARCHAR"}[table]
    own = {"worktime": "w.department_id", "indicators": "CASE WHEN w.unit_type <> 'staff' THEN w.unit_id END", "headcount": "w.department_id"}[table]
    posted, join = text(UNKNOWN), ""
    if dataset.has("assignments") and table != "headcount":
        # Each person in the department posted on the first of the month, as the panel counts them.
        join = f"""LEFT JOIN (SELECT p.person, p.month AS day, arg_max(a.department_id, (a.valid_from, a.department_id)) AS posted
                FROM (SELECT DISTINCT {person} AS person, w.month FROM {name(table)} w WHERE {person} IS NOT NULL AND {own} IS NULL) p
                JOIN assignments a ON a.staff_id = p.person
                    AND (a.valid_from IS NULL OR a.valid_from <= p.month) AND (a.valid_to IS NULL OR p.month <= a.valid_to)
                GROUP BY ALL) ON person = {person} AND day = w.month"""
        posted = f"coalesce(posted, {text(UNKNOWN)})"
    return f"""SELECT w.* EXCLUDE (month), coalesce({person}, {own}) AS _part, coalesce({own}, {posted}) AS _department, {_index("w.month")} AS month
        FROM {name(table)} w {join}"""


def _index(day: str) -> str:
    return f"CAST(year({day}) * 12 + month({day}) - 1 AS BIGINT)"


def _columns(con: DuckDBPyConnection, dataset: Dataset, *, table: str, names: Mapping[str, str]) -> list[Series]:
    fields = measures(dataset, table)
    found = [_series(con, "true", field=field.name, labels=(table, field.name, field.title, field.unit or ""), names=names) for field in fields]
    return [series for series in found if series is not None]


def _indicators(con: DuckDBPyConnection, names: Mapping[str, str]) -> list[Series]:
    known = load_indicators()
    found = []
    for identity, kind in rows(con, "SELECT DISTINCT indicator_id, unit_type FROM cells ORDER BY ALL"):
        code, unit_type = str(identity), str(kind)
        title = known[code].title if code in known else code
        suffix = f"（{_KINDS[unit_type]}）" if unit_type in _KINDS else ""
        measure = code if unit_type == "department" else f"{code}:{unit_type}"
        labels = ("indicators", measure, title + suffix, known[code].unit if code in known else "")
        series = _series(con, f"indicator_id = {text(code)} AND unit_type = {text(unit_type)}", field="value", labels=labels, names=names)
        found += [series] if series is not None else []
    return found


def _series(con: DuckDBPyConnection, condition: str, *, field: str, labels: tuple[str, str, str, str], names: Mapping[str, str]) -> Series | None:
    """The cells of one measure as matrices over all months of its table; None without any row."""
    ((first, last),) = rows(con, "SELECT min(month), max(month) FROM cells")
    if first is None:
        return None
    months = np.arange(int(str(first)), int(str(last)) + 1, dtype=np.int64)
    con.execute(f"""CREATE OR REPLACE TEMP TABLE places AS SELECT part, department, row_number() OVER (ORDER BY department, part) - 1 AS place
        FROM (SELECT DISTINCT part, department FROM cells WHERE {condition})""")
    keys = con.execute("SELECT part, department FROM places ORDER BY place").df()
    cells = con.execute(f"""SELECT place, month - {months[0]} AS at, n_rows, {name("n_" + field)} AS n_values, coalesce({name("sum_" + field)}, 0) AS total
        FROM cells JOIN places USING (part, department) WHERE {condition}""").fetchnumpy()
    con.execute("DROP TABLE places")
    shape = (len(keys), len(months))
    n_rows, n_values, values = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64), np.zeros(shape)
    where = (np.asarray(cells["place"], dtype=np.int64), np.asarray(cells["at"], dtype=np.int64))
    n_rows[where], n_values[where], values[where] = cells["n_rows"], cells["n_values"], cells["total"]
    values[n_values == 0] = np.nan
    table, measure, title, unit = labels
    return Series(
        table=table, measure=measure, title=title, unit=unit, months=months, values=values, n_rows=n_rows, n_values=n_values, names=names,
        parts=keys["part"].to_numpy(dtype=object), departments=keys["department"].to_numpy(dtype=object),
    )  # fmt: skip
