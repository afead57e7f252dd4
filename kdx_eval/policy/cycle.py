"""育成体系の循環: phase 1 教育, phase 2 応用・実践, phase 3 ナレッジ共有, and what comes back to phase 1 (policy p.8)."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from kdx_eval.disclosure import SMALL_CELL
from kdx_eval.panel.reach import count_completion
from kdx_eval.policy.cycle_facts import CycleFacts, cycle_facts, fiscal_year_of, instrument_word, read_costs
from kdx_eval.policy.fees import Replacement, YearHours, hours_by_year, replaced_courses
from kdx_eval.schema.policy_version import policy_on
from kdx_eval.units import FiscalYear, format_number, format_share

if TYPE_CHECKING:
    from kdx_eval.load import Dataset
    from kdx_eval.panel.tables import Tables
    from kdx_eval.plan import Plan
    from kdx_eval.policy.parts import SoFar
    from kdx_eval.schema.policy_version import PolicyVersion

DAYS_A_MONTH = 365.25 / 12
MEASURED = frozenset({"task_measured", "usage_log", "observed"})
IN_HOUSE_COURSE = "内製研修"


@dataclass(frozen=True, slots=True, kw_only=True)
class Education:
    """Phase 1 in the evaluated year, without the courses that everybody has to take.

    Attributes
    ----------
    enrolled, completed : int
        Seats taken and finished (a person in two courses counts twice).
    staff : int or None
        Staff of the city.
    trained : int
        Persons who finished at least one such course by the end of the year, in any year, and are still posted.
    gain, gain_persons, instrument : float or None, int, str
        Mean change of the score (points of the scale) of those who were assessed both in the evaluated year and in the one before with the same
        instrument; None where fewer than ten were.
    """

    enrolled: int
    completed: int
    staff: int | None
    trained: int
    gain: float | None
    gain_persons: int
    instrument: str

    @property
    def completion_share(self) -> float:
        """Finished over taken; NaN where nobody began."""
        return self.completed / self.enrolled if self.enrolled else float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """Phase 2 until the end of the evaluated year.

    Attributes
    ----------
    trained, applying : int
        Trained persons whose department is known; of these, in departments where a project began after the department's first completion.
    departments, applying_departments : int
        The same for departments.
    projects, live : int
        Projects begun, and of these in use.
    months_to_live, months_from_training : float or None
        Medians: from the start of a project, and from its department's first completion, to going live.
    claimed_hours : float
        Hours a year that all projects in use were expected to free.
    measured, measured_claimed, measured_hours : int, float, float
        Projects in use whose hours were measured: how many, what they had claimed, what was measured.
    """

    trained: int
    applying: int
    departments: int
    applying_departments: int
    projects: int
    live: int
    months_to_live: float | None
    months_from_training: float | None
    claimed_hours: float
    measured: int
    measured_claimed: float
    measured_hours: float

    @property
    def share(self) -> float:
        """Trained persons in departments that apply; NaN without any."""
        return self.applying / self.trained if self.trained else float("nan")

    @property
    def realised_share(self) -> float:
        """Measured over claimed hours of the measured projects; NaN where none is measured."""
        return self.measured_hours / self.measured_claimed if self.measured and self.measured_claimed else float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """Phase 3 until the end of the evaluated year.

    Attributes
    ----------
    kinds : tuple of (kind, assets, of these made in the evaluated year)
    authors : tuple of (tier, assets)
    assets, courses, reused, uses : int
        Assets, in-house courses among them, assets used by another department, and such uses.
    users, departments : int
        Departments that use at least one, of how many there are.
    """

    kinds: tuple[tuple[str, int, int], ...]
    authors: tuple[tuple[str, int], ...]
    assets: int
    courses: int
    reused: int
    uses: int
    users: int
    departments: int

    @property
    def spread(self) -> float:
        """横展開: departments that use at least one over all; NaN without a list of departments."""
        return self.users / self.departments if self.departments else float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """The loop of one fiscal year.

    Attributes
    ----------
    years : tuple of YearHours
        内製化率 and 委託料 by fiscal year, oldest first.
    replacements : tuple of Replacement
    avoided_yen : int
        Sum of the invoices that really fell.
    notes : tuple of str
        Japanese: what is missing and what the figures rest on.
    """

    fiscal_year: int
    education: Education
    practice: Practice
    sharing: Sharing
    years: tuple[YearHours, ...]
    replacements: tuple[Replacement, ...]
    avoided_yen: int
    notes: tuple[str, ...]


def study_cycle(dataset: Dataset, *, plan: Plan, so_far: SoFar) -> Cycle:
    """The three phases and the way back, from the records.

    Raises
    ------
    PlanError
        There is no training table.
    DataError
        A cost line is wrong.
    """
    end = plan.evaluated_fiscal_year.last.first_day
    return find_cycle(dataset, plan=plan, reach=so_far.reach, policy=policy_on(end, data=dataset.folder))


def find_cycle(tables: Tables, *, plan: Plan, reach: pd.DataFrame | None, policy: PolicyVersion) -> Cycle:
    """As `study_cycle`, from any tables; raises as it does."""
    year = plan.evaluated_fiscal_year
    facts = cycle_facts(tables, year=year, policy=policy)
    reached = count_completion(tables) if reach is None else reach
    costs = read_costs(tables)
    years = hours_by_year(reached, facts.courses, costs=costs, last=year)
    replacements = _replacements(facts, costs, reached=reached, year=year)
    return Cycle(
        fiscal_year=year.year,
        education=_education(tables, facts, reached=reached, year=year),
        practice=_practice(facts),
        sharing=_sharing(facts, year=year),
        years=years,
        replacements=replacements,
        avoided_yen=sum(one.avoided_yen for one in replacements),
        notes=(*_notes(facts, years=years, year=year), *_unfinished(plan)),
    )


def _education(tables: Tables, facts: CycleFacts, *, reached: pd.DataFrame, year: FiscalYear) -> Education:
    elective = ~reached["course_id"].map(lambda course: facts.courses.get(str(course), ("", False))[1]).astype(bool)
    rows = reached[elective & (reached["fiscal_year"].astype(int) == year.year)]
    staff = reached.loc[reached["fiscal_year"].astype(int) == year.year, "n_staff"].dropna()
    gain, persons, instrument = _gain(tables, year=year)
    return Education(
        enrolled=int(rows["n_enrolled"].sum()), completed=int(rows["n_completed"].sum()), staff=int(staff.max()) if len(staff) else None,
        trained=int(facts.trained["department"].notna().sum()), gain=gain, gain_persons=persons, instrument=instrument,
    )  # fmt: skip


def _gain(tables: Tables, *, year: FiscalYear) -> tuple[float | None, int, str]:
    """Of the instrument that most persons have in both years: the mean over persons of the change of their mean score over the areas in both."""
    if not tables.has("skills") or not {"staff_id", "skill_area", "assessed_on", "score"} <= set(tables.columns("skills")):
        return None, 0, ""
    instrument = "coalesce(instrument, '')" if "instrument" in tables.columns("skills") else "''"
    connection = tables.connect()
    try:
        found = connection.execute(
            f"""WITH by_year AS (SELECT staff_id, skill_area, {instrument} AS tool, assessed_on >= $begin AS now, avg(CAST(score AS DOUBLE)) AS score
                                 FROM skills WHERE staff_id IS NOT NULL AND score IS NOT NULL AND assessed_on >= $before AND assessed_on < $end GROUP BY ALL),
                     pairs AS (SELECT staff_id, tool, avg(a.score - b.score) AS change FROM by_year AS a JOIN by_year AS b USING (staff_id, skill_area, tool)
                               WHERE a.now AND NOT b.now GROUP BY ALL)
                SELECT tool, count(*) AS persons, avg(change ORDER BY staff_id) FROM pairs GROUP BY tool ORDER BY persons DESC, tool LIMIT 1""",
            {"before": FiscalYear(year.year - 1).first.first_day, "begin": year.first.first_day, "end": (year.last + 1).first_day},
        ).fetchall()
    finally:
        connection.close()
    if not found or found[0][1] < SMALL_CELL:
        return None, int(found[0][1]) if found else 0, instrument_word(str(found[0][0])) if found else ""
    return float(found[0][2]), int(found[0][1]), instrument_word(str(found[0][0]))


def _practice(facts: CycleFacts) -> Practice:
    posted = facts.trained[facts.trained["department"].notna()]
    first = posted.groupby("department")["first"].min()
    projects = facts.projects
    after = projects["department"].map(first.to_dict())  # a dictionary, since an empty series of dates cannot be mapped
    follows = after.notna() & (pd.to_datetime(projects["started_on"]) >= pd.to_datetime(after))
    applying = set(projects.loc[follows, "department"])
    live = projects["live_on"].notna()
    begun, went = pd.to_datetime(projects["started_on"]), pd.to_datetime(projects["live_on"])
    measured = live & projects["realised"].notna() & projects["claimed"].notna() & projects["basis"].isin(MEASURED)
    return Practice(
        trained=len(posted),
        applying=int(posted["department"].isin(applying).sum()),
        departments=len(first),
        applying_departments=len(applying & set(first.index)),
        projects=len(projects),
        live=int(live.sum()),
        months_to_live=_median_months(went - begun),
        months_from_training=_median_months((went - pd.to_datetime(after))[follows]),
        claimed_hours=float(projects.loc[live, "claimed"].sum()),
        measured=int(measured.sum()),
        measured_claimed=float(projects.loc[measured, "claimed"].sum()),
        measured_hours=float(projects.loc[measured, "realised"].sum()),
    )


def _median_months(spans: pd.Series) -> float | None:
    days = spans.dropna().dt.days if len(spans.dropna()) else []
    return statistics.median(float(one) for one in days) / DAYS_A_MONTH if len(days) else None


def _sharing(facts: CycleFacts, *, year: FiscalYear) -> Sharing:
    assets = facts.knowledge
    new = assets["created_on"].map(fiscal_year_of) == year.year
    kinds = assets["kind"].replace("", "種類の記入なし")
    authors = assets["author_tier"].replace("", "作成者の記入なし")
    return Sharing(
        kinds=tuple((str(kind), int((kinds == kind).sum()), int((new & (kinds == kind)).sum())) for kind in sorted(set(kinds))),
        authors=tuple((str(tier), int((authors == tier).sum())) for tier in sorted(set(authors))),
        assets=len(assets),
        courses=int((assets["kind"] == IN_HOUSE_COURSE).sum()),
        reused=int(facts.reuse["asset_id"].nunique()),
        uses=len(facts.reuse),
        users=int(facts.reuse.loc[facts.reuse["known"], "department"].nunique()),
        departments=facts.departments,
    )


def _replacements(facts: CycleFacts, costs: pd.DataFrame, *, reached: pd.DataFrame, year: FiscalYear) -> tuple[Replacement, ...]:
    rows = facts.knowledge[facts.knowledge["replaces"] != ""]
    made = [
        (str(asset), str(course), fiscal_year_of(day) or year.year)
        for asset, course, day in zip(rows["asset_id"], rows["replaces"], rows["created_on"], strict=True)
    ]
    persons = {
        (str(course), int(fiscal)): int(count)
        for course, fiscal, count in zip(reached["course_id"], reached["fiscal_year"], reached["n_completed"], strict=True)
    }
    return replaced_courses(made, costs, names=facts.course_names, persons=persons, year=year)


def _unfinished(plan: Plan) -> tuple[str, ...]:
    through, last = plan.evaluated_through, plan.evaluated_fiscal_year.last
    return (f"評価年度は{through.month}月までの記録です。年度の数字は、まだ増えます。",) if through < last else ()


def _notes(facts: CycleFacts, *, years: tuple[YearHours, ...], year: FiscalYear) -> tuple[str, ...]:
    found = [
        "応用は、受講した職員のいる課で、最初の修了より後に案件が始まったかどうかで数えています（だれが案件に加わったかの記録がないため）。",
        "習熟度の変化は、同じ測り方で2年続けて測った職員の平均の差で、研修の効果ではありません。",
        "減った額は、決算の委託料（委託料のない研修は支払いの全額）が置き換える前の年度より実際に減った分だけです。庁内で教える職員の時間は引いていません。",
    ]
    if not len(facts.projects):
        found.append("支援案件の記録がないため、応用・実践は数えられません。")
    if not len(facts.knowledge):
        found.append("ナレッジの記録がないため、共有は数えられません。")
    unknown = int((~facts.reuse["known"]).sum())
    if unknown:
        found.append(f"ナレッジの利用所属のうち{format_number(unknown)}件は、所属の一覧にないコードです。利用の回数には数え、課の数には数えていません。")
    now = next((one for one in years if one.fiscal_year == year.year), None)
    if now is not None and now.unknown:
        found.append(f"実施機関の書かれていない研修が受講時間の{format_share(now.unknown / now.hours)}あり、内製には数えていません。")
    strange = sorted(set(facts.knowledge["replaces"]) - {""} - set(facts.course_names) - set(facts.course_names.values()))
    if strange:
        found.append(f"置き換えた研修のうち、研修の一覧にないものがあります（{'、'.join(one[:20] for one in strange)}）。費用の表と同じ番号にしてください。")
    return tuple(found)
