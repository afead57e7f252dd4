"""The benefit register: who claims which hours of which department and process, each hour counted once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from kdx_eval.savings.allocation import allocate
from kdx_eval.savings.bases import BASIS_WORDS, HEADLINE_BASES, MONTHS_A_YEAR, SavingsBasis, Survey, realised_share
from kdx_eval.savings.details import CLASS_WORDS, TRAINING, Overlap, Register, RegisterRow
from kdx_eval.savings.records import months_live
from kdx_eval.units import FiscalYear, format_hours, format_share

RULE = (
    "同じ課・同じ業務・同じ年度の時間を複数の取組が主張するときは、足しません。測った時間（研修は比較対照との差）のうち最も大きいものを、"
    "もとの業務時間を上限として全体とし（測ったものがなければ最も大きい主張）、数える順番をすべて入れ替えたときの平均（シャープレイ値。取組が多いときは主張の大きさに比例）で各取組に分けます。"
)
_BASES: dict[str, SavingsBasis] = {basis: basis for basis in BASIS_WORDS}
MEASURED, CLAIMED = "測った時間の最大", "主張の最大（測定なし）"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingHours:
    """The training's hours of the evaluated year, as far as a document may claim them.

    Attributes
    ----------
    total : float
        All questions of the total, with their sign; 0 where nothing may be claimed.
    by_key : mapping of (department_id, process_id) to float
        The same by process, with an empty process_id by department.
    whole : frozenset of str
        Departments where some of the training's hours are known for the department only.
    unplaced : bool
        Whether some of the hours are of no known department and so could not be held against other claims.
    """

    total: float = 0.0
    basis: SavingsBasis = "task_measured"
    by_key: Mapping[tuple[str, str], float] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()
    unplaced: bool = False


def build_register(
    projects: pd.DataFrame | None, training: TrainingHours, *, year: FiscalYear, baseline: pd.DataFrame | None, names: Mapping[str, str]
) -> Register:
    """The register of one fiscal year.

    Parameters
    ----------
    projects : DataFrame or None
        `records.read_projects`.
    baseline : DataFrame or None
        department_id, process_id, hours there were to save.

    Returns
    -------
    Register
        Rows ordered by department, process and kind. A claim without a process touches all processes of its department; one without a
        department cannot be held against anything and is not counted.

    Raises
    ------
    RuleError
        A survey's numbers cannot be, or a claim is negative.
    """
    drafts = [_draft(row, year=year, names=names) for row in ([] if projects is None else projects.to_dict("records"))]
    live = [row for row, is_live in drafts if is_live]
    placed = [row for row in live if row.department_id]
    rows = [replace(row, counted=False, note=_join(row.note, "所属の記入がないため、割り当てできません。")) for row in live if not row.department_id]
    hours = _baseline_hours(baseline)
    overlaps: list[Overlap] = []
    inside = 0.0
    for (department, process), members in sorted(_groups(placed, training).items()):
        key = _Key(department=department, process=process, names=names, baseline=hours.get((department, process)))
        measured = training.by_key.get((department, process))
        claimed = max(measured or 0.0, 0.0)
        inside += claimed
        overlap, divided = _divide(members, key, training=_training_row(key, claimed, basis=training.basis), place=len(overlaps))
        overlaps.append(overlap)
        rows += divided
    rest = training.total - inside
    if training.total:
        outside = "課に分けられず、重なりを確かめていない時間を含む" if training.unplaced else "ほかの取組と重ならない業務" if inside else ""
        rows.append(replace(_training_row(_Key(names=names), 0.0, basis=training.basis), hours=rest, allocated_hours=rest, note=outside))
    return _register(rows, overlaps, year=year, training=training, forecasts=[row for row, is_live in drafts if not is_live])


def _register(
    rows: Sequence[RegisterRow], overlaps: Sequence[Overlap], *, year: FiscalYear, training: TrainingHours, forecasts: Sequence[RegisterRow]
) -> Register:
    ordered = tuple(sorted(rows, key=lambda row: (row.department_id, row.process_id, row.kind, row.row_id)))
    counted = [row for row in ordered if row.counted]
    own = math.fsum(row.allocated_hours for row in counted if row.kind == TRAINING and not row.row_id)
    other = math.fsum(row.allocated_hours for row in counted if not (row.kind == TRAINING and not row.row_id))
    disputed = math.fsum(row.allocated_hours for row in ordered if not row.counted and row.group >= 0 and overlaps[row.group].measured_hours is not None)
    both = [(row.realised_hours, row.claimed_hours) for row in ordered if row.realised_hours is not None and row.claimed_hours is not None]
    share = realised_share(math.fsum(one for one, _ in both), math.fsum(two for _, two in both))
    return Register(
        fiscal_year=year.year,
        rows=ordered,
        overlaps=tuple(overlaps),
        forecasts=tuple(sorted(forecasts, key=lambda row: (row.department_id, row.process_id, row.kind, row.row_id))),
        claimed_hours=training.total + math.fsum(row.claimed_hours or 0.0 for row in ordered if row.row_id),
        counted_hours=own + other,
        training_hours=own,
        other_hours=other,
        disputed_hours=disputed,
        training_before=training.total,
        realised_of_claimed=share,
        rule=RULE,
        notes=_notes(ordered, training, own=own, share=share),
    )


def _notes(rows: Sequence[RegisterRow], training: TrainingHours, *, own: float, share: float | None) -> tuple[str, ...]:
    found = []
    if training.total and own < training.total - 0.5:
        found.append(
            f"研修の{format_hours(training.total)}のうち{format_hours(training.total - own)}は、ほかの取組も同じ業務で主張しているか、もとの業務時間を"
            f"超えるため、研修の時間から除きました。本文・単価・円の数字は、除いた後の{format_hours(own)}によります。"
        )
    if training.unplaced:
        found.append("課に分けられない問いの時間は、ほかの取組との重なりを確かめられないため、そのまま研修の時間としています。")
    asked = [row for row in rows if row.basis == "survey" and row.row_id]
    if asked:
        found.append(f"アンケートにもとづく{len(asked)}件は、答えなかった人を0時間とした下限を参考に示し、合計には入れていません。")
    guessed = [row for row in rows if row.basis == "claimed" and row.row_id]
    if guessed:
        found.append(f"見込みだけの{len(guessed)}件は、自らの測定がないため、取組の成果としては合計に入れていません。")
    if share is not None:
        found.append(f"見込みと実績の両方がある案件では、実績は見込みの{format_share(share)}です。")
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    department: str = ""
    process: str = ""
    names: Mapping[str, str]
    baseline: float | None = None


def _draft(row: Mapping[Any, Any], *, year: FiscalYear, names: Mapping[str, str]) -> tuple[RegisterRow, bool]:
    """One project as a row before the division, and whether it was in use in the year."""
    claimed, realised = _number(row["claimed_hours"]), _number(row["realised_hours"])
    months = months_live(row["live_on"], year)
    basis = _BASES.get(str(row["savings_basis"]), "claimed")
    hours, note = _competing(row, claimed=claimed, realised=realised, months=months) if months else (0.0, "")
    qualitative = claimed is None and realised is None and basis != "survey"
    text = {name: str(row[name]) if isinstance(row[name], str) else "" for name in ("project_id", "kind", "department_id", "process_id", "benefit_class")}
    found = RegisterRow(
        row_id=text["project_id"],
        kind=text["kind"] or "取組",
        group=-1,
        department_id=text["department_id"],
        department_name=names.get(text["department_id"], text["department_id"]),
        process_id=text["process_id"],
        process_name=names.get(f"/{text['process_id']}", text["process_id"]),
        benefit_class="定性的効果" if qualitative else CLASS_WORDS.get(text["benefit_class"], CLASS_WORDS["hours_freed"]),
        basis=basis,
        claimed_hours=claimed,
        realised_hours=realised,
        hours=hours,
        allocated_hours=0.0,
        counted=months > 0 and basis in HEADLINE_BASES and not qualitative,
        reduced_yen=None if pd.isna(row["reduced_yen"]) else int(row["reduced_yen"]),
        note="金額換算なし。" if qualitative else note if months else "評価年度より後に使い始めたため、見込みです。",
    )
    return found, months > 0


def _competing(row: Mapping[Any, Any], *, claimed: float | None, realised: float | None, months: int) -> tuple[float, str]:
    """Hours of the year that a project may compete with, and how they were found."""
    if realised is not None:
        return realised, ""
    part = "" if months == MONTHS_A_YEAR else f"使った{months}か月分。"
    if row["savings_basis"] == "survey":
        asked = [_number(row[name]) for name in ("survey_hours", "respondents", "population", "survey_months")]
        if any(value is None for value in asked):
            return 0.0, "回答者数・対象者数・回答時間・月数がそろわないため、下限を示せません（0時間として扱います）。"
        told, respondents, population, asked_months = (value or 0.0 for value in asked)
        survey = Survey(reported_hours=told, respondents=int(respondents), population=int(population), months=int(asked_months))
        differs = claimed is not None and abs(claimed - survey.extrapolated_hours) > 1
        doubt = f"書かれた見込み{format_hours(claimed or 0.0)}は、この計算と合いません。" if differs else ""
        return survey.lower_hours * months / MONTHS_A_YEAR, f"{survey.sentence}{doubt}{part}"
    return (claimed or 0.0) * months / MONTHS_A_YEAR, part


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _groups(rows: Sequence[RegisterRow], training: TrainingHours) -> dict[tuple[str, str], list[RegisterRow]]:
    """Claims that touch the same hours: by process, by department where a claim or the training knows no process."""
    split = {department for department, process in training.by_key if process}
    known_whole = {department for department, process in training.by_key if not process and department not in split}
    whole = training.whole | known_whole | {row.department_id for row in rows if not row.process_id}
    found: dict[tuple[str, str], list[RegisterRow]] = {}
    for row in rows:
        found.setdefault((row.department_id, "" if row.department_id in whole else row.process_id), []).append(row)
    return found


def _baseline_hours(baseline: pd.DataFrame | None) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for row in [] if baseline is None else baseline.to_dict("records"):
        for key in ((str(row["department_id"]), str(row["process_id"])), (str(row["department_id"]), "")):
            found[key] = found.get(key, 0.0) + float(row["hours"])
    return found


def _training_row(key: _Key, hours: float, *, basis: SavingsBasis) -> RegisterRow:
    return RegisterRow(
        row_id="", kind=TRAINING, group=-1, department_id=key.department, department_name=key.names.get(key.department, key.department),
        process_id=key.process, process_name=key.names.get(f"/{key.process}", key.process), benefit_class=CLASS_WORDS["hours_freed"], basis=basis,
        claimed_hours=None, realised_hours=None, hours=hours, allocated_hours=0.0, counted=True, reduced_yen=None, note="比較対照との差。",
    )  # fmt: skip


def _divide(rows: Sequence[RegisterRow], key: _Key, *, training: RegisterRow, place: int) -> tuple[Overlap, list[RegisterRow]]:
    """The claims on one key with their parts."""
    members = [*rows, *([training] if training.hours > 0 else [])]
    measured = [row.hours for row in members if row.counted]
    estate = max(measured or [row.hours for row in members])
    if key.baseline is not None:
        estate = min(estate, key.baseline)
    parts = allocate([row.hours for row in members], estate=estate)
    overlap = Overlap(
        department_id=key.department,
        department_name=key.names.get(key.department, key.department),
        process_id=key.process,
        process_name=key.names.get(f"/{key.process}", key.process) if key.process else "（課全体）",
        n_claims=len(members),
        claimed_hours=math.fsum(row.hours for row in members),
        measured_hours=max(measured) if measured else None,
        estate_hours=estate,
        baseline_hours=key.baseline,
        ground=MEASURED if measured else CLAIMED,
    )
    return overlap, [replace(row, allocated_hours=part, group=place) for row, part in zip(members, parts, strict=True)]


def _join(*parts: str) -> str:
    return "".join(part for part in parts if part)
