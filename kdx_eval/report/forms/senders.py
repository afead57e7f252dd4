"""Who is asked for data: the sections that keep it, the tables each of them keeps (as data_schema/ says), one workbook for each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args

from kdx_eval.report.forms.books import new_book
from kdx_eval.report.forms.guide import add_guide
from kdx_eval.report.forms.tables import Filling, add_table_sheet
from kdx_eval.schema import Period, load_schema

if TYPE_CHECKING:
    import datetime as dt

    from kdx_eval.load import Dataset
    from kdx_eval.schema import Sender, TableSpec

ANY_DEPARTMENT = "○○課"
_TO_PERSONNEL = "職員番号や氏名のあるシートは、DX推進課ではなく人事課へ提出してください。人事課が名簿と一緒に仮名化します。"
_NO_NAMES = "職員個人の情報は要りません。氏名や職員番号は書かないでください。"
_NOTES: dict[Sender, tuple[str, ...]] = {
    "personnel": ("職員ごとの資料は、kdx-eval pseudonymise で仮名化してからDX推進課へ渡してください（手順は照会文にあります）。",),
    "training": (
        _TO_PERSONNEL,
        "受講記録には職員番号を書いてください。番号がないときは、氏名・カナ・所属を書けば、人事課で名簿と一緒に処理するときに限り突き合わせられます。",
    ),
    "payroll": ("勤務時間は、所属ごとの月の合計でも、職員ごとでも構いません。", _TO_PERSONNEL),
    "department": (_NO_NAMES,),
    "finance": (_NO_NAMES, "金額は円で書いてください。"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One section or department that is asked: key in data_schema/, its name, to whom the letter goes, how its form is filled in."""

    sender: Sender
    name: str
    addressee: str
    filling: Filling

    @property
    def tables(self) -> tuple[TableSpec, ...]:
        """The tables it keeps: what exists now first, then what is kept by month and year, then histories; referred tables first."""
        periods = ("current", "rosters", "monthly", "fiscal_years", "history")
        assert set(periods) == set(get_args(Period))

        def place(table: TableSpec) -> tuple[int, int, str]:
            return periods.index(table.period), len(table.foreign_keys), table.name

        return tuple(sorted((table for table in load_schema().tables.values() if table.sender == self.sender), key=place))

    @property
    def about_people(self) -> bool:
        """Whether any of its tables tells staff apart."""
        return self.filling.about_people


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """A department as the delivered data know it."""

    department_id: str
    name: str


def sections(departments: tuple[Department, ...] = ()) -> tuple[Asked, ...]:
    """The sections that keep data about the whole city; their forms offer the names of ``departments`` where they are known."""
    offered = {"department_id": tuple(_codes(departments).values())} if departments else {}
    people, nobody = Filling(offered=offered), Filling(offered=offered, about_people=False)
    return (
        Asked(sender="personnel", name="人事課", addressee="人事課長", filling=people),
        Asked(sender="training", name="研修担当", addressee="研修担当課長", filling=people),
        Asked(sender="payroll", name="勤怠・給与担当", addressee="勤怠・給与担当課長", filling=people),
        Asked(sender="finance", name="財政・DX推進担当", addressee="財政課長", filling=nobody),
    )


def asked_departments(departments: tuple[Department, ...] = ()) -> tuple[Asked, ...]:
    """Every department, each with its own name in the form; one that stands for all when none is known."""
    if not departments:
        return (Asked(sender="department", name=ANY_DEPARTMENT, addressee=f"{ANY_DEPARTMENT}長", filling=Filling(about_people=False)),)
    found = []
    for one, code in _codes(departments).items():
        name = one.name if code == one.name else f"{one.name}（{one.department_id}）"
        own = {"department_id": (code,)}
        filling = Filling(heading=name, about_people=False, offered=own, examples={"department_id": code, "unit_id": code})
        found.append(Asked(sender="department", name=name, addressee=f"{one.name}長", filling=filling))
    return tuple(found)


def _codes(departments: tuple[Department, ...]) -> dict[Department, str]:
    """What each department is to write of itself: its name, or its id where another bears the same name."""
    names = Counter(one.name for one in departments)
    return {one: one.name if names[one.name] == 1 else one.department_id for one in departments}


def known_departments(dataset: Dataset, on: dt.date) -> tuple[Department, ...]:
    """The departments of ``dataset`` that exist on the day ``on``, in the order of their ids; none when the data name none."""
    if not dataset.has("departments"):
        return ()
    with dataset.connect() as con:
        rows = con.execute(
            """SELECT department_id, department_name FROM departments
               WHERE (valid_from IS NULL OR valid_from <= $on) AND (valid_to IS NULL OR valid_to >= $on) ORDER BY department_id""",
            {"on": on},
        ).fetchall()
    return tuple(Department(department_id=str(row[0]), name=str(row[1])) for row in rows)


def table_form(table: TableSpec) -> bytes:
    """The form for one table alone, with its guide."""
    form = new_book()
    add_table_sheet(form, table, filling=Filling())
    add_guide(form, (table,), title=table.title, filling=Filling())
    return form.close()


def sender_form(asked: Asked) -> bytes:
    """The workbook for one sender: the guide, then a sheet for each of its tables."""
    form = new_book()
    title = f"{asked.name}　研修の効果検証のための資料"
    add_guide(form, asked.tables, title=title, filling=asked.filling, notes=_NOTES[asked.sender])
    for table in asked.tables:
        filling = asked.filling
        if table.name == "departments":
            filling = replace(filling, offered={})
        add_table_sheet(form, table, filling=filling)
    return form.close()
