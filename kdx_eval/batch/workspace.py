"""Where a notebook reads and writes: plain texts in its parameters become checked folders here."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kdx_eval.budget.pay import complete_prices
from kdx_eval.errors import DataError, ParameterError, PlanError
from kdx_eval.plan import Plan, read_plan
from kdx_eval.safe import escape_html

if TYPE_CHECKING:
    import pandas as pd

    from kdx_eval.load import Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """Folders of one evaluation.

    Attributes
    ----------
    data, plan, out, results : Path
        Data folder, plan file, output folder, and the results inside it.
    as_of : date
        The data-freeze date that is printed on documents instead of today's.
    """

    data: Path
    plan: Path
    out: Path
    results: Path
    as_of: dt.date

    def _repr_html_(self) -> str:
        rows = (("データ", self.data.name), ("計画", self.plan.name), ("書き出し先", self.out.name), ("データの基準日", self.as_of.isoformat()))
        return "<table>" + "".join(f"<tr><th>{name}</th><td>{escape_html(text)}</td></tr>" for name, text in rows) + "</table>"

    def __repr__(self) -> str:
        return f"Workspace(data={self.data.name}, plan={self.plan.name}, out={self.out.name}, as_of={self.as_of})"


def open_workspace(data_dir: str, plan_path: str, *, out_dir: str, as_of: str = "") -> Workspace:
    """The folders that a notebook's parameters name.

    Parameters
    ----------
    as_of : str
        ``2026-09-30``; when empty the last day of the evaluated period.

    Raises
    ------
    DataError, PlanError
        When the data folder or the plan is missing.
    ParameterError
        When the date cannot be read.
    """
    data, plan, out = Path(data_dir).expanduser(), Path(plan_path).expanduser(), Path(out_dir).expanduser()
    if not data.is_dir():
        hint = "パラメータ data_dir を、ファイルを入れたフォルダーの場所に直してください。区切りは / で書きます（D:/人事/令和7年度）"
        raise DataError("データのフォルダーがありません", place=_printable(data_dir), hint=hint)
    if not plan.is_file():
        raise PlanError("計画のファイルがありません", place=plan.name, hint="kdx-eval plan new で作り、パラメータ plan_path を直してください")
    (out / "results").mkdir(parents=True, exist_ok=True)
    return Workspace(data=data.resolve(), plan=plan.resolve(), out=out.resolve(), results=(out / "results").resolve(), as_of=_day(as_of, plan))


def _printable(folder: str) -> str:
    """A folder as written, with the characters that Python made of a backslash (\\t of D:\\temp) shown as such."""
    return "".join(char if char.isprintable() else "〓" for char in folder)


def _day(as_of: str, plan_path: Path) -> dt.date:
    if as_of:
        try:
            return dt.date.fromisoformat(as_of)
        except ValueError as error:
            raise ParameterError("基準日の書き方が違います", place="as_of", hint="2026-09-30 のように書いてください") from error
    return freeze_date(read_plan(plan_path))


def freeze_date(plan: Plan) -> dt.date:
    """The date that documents carry: the last day that the data covers, not the day on which the plan was frozen."""
    return (plan.evaluated_through + 1).first_day - dt.timedelta(days=1)


def find_table(dataset: Dataset, table: str) -> pd.DataFrame | None:
    """The table as a frame, or None when the city did not deliver it; the step that receives None says what it lacks.

    Prices of staff hours that finance did not give are computed from the published pay table.
    """
    found = dataset.frame(table) if dataset.has(table) else None
    return complete_prices(found, pay=find_table(dataset, "pay_table")) if table == "wages" else found
