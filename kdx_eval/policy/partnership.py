"""パートナーシップの形成: what this city would give to others, what the results of several cities say together, and cost per seat alone and jointly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kdx_eval.effect.cohort_moments import moments
from kdx_eval.errors import DataError, KdxError, NotIdentifiedError, ParameterError
from kdx_eval.panel.build import build_panel
from kdx_eval.policy.pooling import PooledEffect, combine_effects_of_cities
from kdx_eval.policy.release import Release, make_release
from kdx_eval.policy.release_preview import release_fields
from kdx_eval.policy.seats import SeatCost, seat_cost

if TYPE_CHECKING:
    import pandas as pd

    from kdx_eval.effect.study import EffectStudy
    from kdx_eval.load import Dataset
    from kdx_eval.plan import Plan
    from kdx_eval.policy.parts import SoFar

PREVIEW_CODE = "000000"  # of the preview; the real code is asked for when the file is written
ESTIMAND = "fiscal_year"


@dataclass(frozen=True, slots=True, kw_only=True)
class CityEffect:
    """One city's contrast, per unit and month in the outcome's unit; ``own`` for this city."""

    city: str
    estimate: float
    std_error: float
    n_units: int
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Partnership:
    """What working with other cities means.

    Attributes
    ----------
    preview : tuple of (item, content, what it tells others)
        Everything that a release would hold; empty where none may be given, and ``refused`` says why.
    cities : tuple of CityEffect
    together : PooledEffect or None
        None with fewer than two cities.
    seats : tuple of SeatCost
        Courses whose fee is paid by class.
    """

    question_id: str
    title: str
    unit_label: str
    better: str
    preview: tuple[tuple[str, str, str], ...]
    refused: str
    cities: tuple[CityEffect, ...]
    together: PooledEffect | None
    seats: tuple[SeatCost, ...]
    notes: tuple[str, ...]


def study_partnership(dataset: Dataset, *, plan: Plan, so_far: SoFar, partner_seats: int = 0) -> Partnership:
    """The partnership part of a run.

    Parameters
    ----------
    partner_seats : int
        Seats that the partners would take in each course, for the joint cost; 0 takes those of the table 研修の実施計画.

    Raises
    ------
    ParameterError
        ``partner_seats`` is below zero.
    """
    if partner_seats < 0:
        raise ParameterError("他団体の席数は0以上です", place="partner_seats", hint="09 のノートのパラメータを直してください")
    question = next((one for one in plan.questions if one.question_id in so_far.studies and one.role == "primary"), None)
    seats = _seats(dataset, plan=plan, reach=so_far.reach, partner_seats=partner_seats)
    if question is None:
        return Partnership(
            question_id="", title="", unit_label="", better="lower", preview=(), refused="推定できた問いがないため、他の市に渡せる結果はありません。",
            cities=(), together=None, seats=seats, notes=(),
        )  # fmt: skip
    study = so_far.studies[question.question_id]
    preview, refused = _preview(dataset, plan=plan, study=study)
    cities = (_own(study, plan=plan), *_others(dataset, question_id=question.question_id))
    usable = [one for one in cities if np.isfinite(one.estimate) and one.std_error > 0]
    together = None
    if len(usable) > 1:
        together = combine_effects_of_cities(np.array([one.estimate for one in usable]), np.array([one.std_error for one in usable]))
    return Partnership(
        question_id=question.question_id, title=question.title, unit_label=question.outcome.unit_label, better=question.outcome.better, preview=preview,
        refused=refused, cities=tuple(usable), together=together, seats=seats, notes=_notes(together, seats=seats, partner_seats=partner_seats),
    )  # fmt: skip


def city_release(dataset: Dataset, *, plan: Plan, study: EffectStudy, city: tuple[str, str], with_moments: bool) -> Release:
    """The release of one estimated question.

    Raises
    ------
    DataError
        A cell is too small to be given.
    NotIdentifiedError
        The panel cannot be built.
    """
    question = plan.question(study.question_id)
    panel = build_panel(dataset, question, plan=plan).without_gaps()
    if with_moments and panel.by_cluster() is not panel:
        # The units that count are the clusters, weighted: sizes would no longer be plain numbers of departments.
        raise DataError("課より細かい単位の問いは、対比だけを渡せます", place=study.question_id, hint="--contrast-only を付けてください")
    return make_release(city, question, study=study, moments=moments(panel.by_cluster()), with_moments=with_moments)


def _preview(dataset: Dataset, *, plan: Plan, study: EffectStudy) -> tuple[tuple[tuple[str, str, str], ...], str]:
    """Moments where they may be given, else the contrast alone, else why nothing may."""
    city, failed = (PREVIEW_CODE, plan.city), ""
    for with_moments in (True, False):
        try:
            return release_fields(city_release(dataset, plan=plan, study=study, city=city, with_moments=with_moments)), failed
        except (DataError, NotIdentifiedError) as error:
            failed = _refusal(error, with_moments=with_moments)
    return (), failed


def _refusal(error: KdxError, *, with_moments: bool) -> str:
    return f"{'開始時期ごとの値' if with_moments else '結果'}は渡せません。{error.reason}。"


def _own(study: EffectStudy, *, plan: Plan) -> CityEffect:
    head = study.headline
    return CityEffect(city=plan.city or "本市", estimate=head.estimate, std_error=head.std_error, n_units=head.n_units, own=True)


def _others(dataset: Dataset, *, question_id: str) -> list[CityEffect]:
    """Contrasts of other cities from the table 他団体の結果, for the same question and estimand."""
    if not dataset.has("partner_results"):
        return []
    rows = dataset.frame("partner_results")
    for name in ("estimand", "n_units"):
        if name not in rows.columns:
            rows[name] = None
    rows = rows[(rows["question_id"].astype(str) == question_id) & rows["estimate"].notna() & rows["std_error"].notna()]
    rows = rows[rows["estimand"].isna() | (rows["estimand"].astype(str) == ESTIMAND)].sort_values("city_id", kind="stable")
    units = rows["n_units"].fillna(0).astype(int)
    return [
        CityEffect(city=f"団体 {city}", estimate=float(estimate), std_error=float(error), n_units=int(count), own=False)
        for city, estimate, error, count in zip(rows["city_id"], rows["estimate"], rows["std_error"], units, strict=True)
    ]


def _seats(dataset: Dataset, *, plan: Plan, reach: pd.DataFrame | None, partner_seats: int) -> tuple[SeatCost, ...]:
    """Courses whose cost lines say how many classes were paid at what fee, in the evaluated year's accounts (or its budget)."""
    if reach is None or not dataset.has("costs"):
        return ()
    year = plan.evaluated_fiscal_year.year
    costs = dataset.frame("costs")
    if not {"course_id", "quantity", "unit_price", "stage", "section"} <= set(costs.columns):
        return ()
    rows = costs[(costs["fiscal_year"].astype(int) == year) & costs["course_id"].notna() & (costs["section"] == "委託料")]
    rows = rows[rows["quantity"].notna() & rows["unit_price"].notna()]
    here = reach[reach["fiscal_year"].astype(int) == year]
    people = zip(here["course_id"], here["course_name"], here["n_enrolled"], strict=True)
    enrolled = {str(course): (str(name or course), int(count)) for course, name, count in people}
    shared = _shared(dataset)
    found = []
    for course in sorted(set(rows["course_id"].astype(str)) & set(enrolled)):
        lines = rows[rows["course_id"].astype(str) == course]
        stage = next((one for one in ("決算", "決算見込", "当初") if (lines["stage"] == one).any()), None)
        lines = lines[lines["stage"] == stage]
        classes, fee = float(lines["quantity"].astype(float).sum()), float(lines["unit_price"].astype(float).max())
        name, own = enrolled[course]
        if stage is None or not (classes >= 1 and fee > 0 and own > 0):
            continue
        capacity, theirs = shared.get(course, (0, 0))
        seen = int(-(-own // classes))  # as many sat in one class, whatever the plan says
        found.append(
            seat_cost(
                name, fee_yen=int(fee), capacity=max(capacity, seen), own_seats=own, partner_seats=partner_seats or theirs, classes=int(classes)
            )
        )  # fmt: skip
    return tuple(found)


def _shared(dataset: Dataset) -> dict[str, tuple[int, int]]:
    """Capacity of a class and seats of partners by course: the last year of the table 研修の実施計画 that tells; 0 where none does."""
    if not dataset.has("course_plans"):
        return {}
    plans = dataset.frame("course_plans").sort_values("fiscal_year", kind="stable")
    columns = [name if name in plans.columns else None for name in ("class_capacity", "partner_seats")]
    told: dict[str, tuple[int, int]] = {}
    for course, rows in plans.groupby("course_id", sort=True):
        capacity, seats = (0 if name is None or rows[name].dropna().empty else int(rows[name].dropna().iloc[-1]) for name in columns)
        told[str(course)] = (capacity, seats)
    return told


def _notes(together: PooledEffect | None, *, seats: tuple[SeatCost, ...], partner_seats: int) -> tuple[str, ...]:
    found = []
    if together is None:
        found.append("他の市の結果がないため、まとめた値はありません。他の市の結果は、表「他団体の結果」または kdx-eval pool combine で加えられます。")
    else:
        found.append("市ごとに市の中だけで比べた差をまとめています。ある市の課を、別の市の課の比較相手にはしていません（変量効果、Hartung-Knapp の幅）。")
        if together.predict_low is None:
            found.append("二つの市だけなので、次の市での範囲は示せません。")
    if seats:
        source = f"09 のノートで入れた{partner_seats}席" if partner_seats else "表「研修の実施計画」の他団体の席"
        found.append(
            f"1席の費用は、1回の委託料×回数を席数で割ったものです。他団体の席は{source}で、まず空席に入り、足りなければ回数を増やします。費用は席の数で分けます。"
            "定員は表「研修の実施計画」の1回の定員で、なければ実績の1回当たりの人数です。"
        )
        if not any(one.partner_seats for one in seats):
            found.append("他団体の席の記入がないため、共同の費用は単独と同じです。表「研修の実施計画」か 09 のノートの partner_seats に席数を入れてください。")
    return tuple(found)
