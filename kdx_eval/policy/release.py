"""What one city gives to others: a contrast, and where all agree on one design the cohort moments; never a record of a person."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kdx_eval.disclosure import SMALL_CELL
from kdx_eval.effect.cohort_moments import CohortMoments
from kdx_eval.errors import DataError, ParameterError
from kdx_eval.manifest import digest_json
from kdx_eval.units import Month

if TYPE_CHECKING:
    from kdx_eval.effect.study import EffectStudy
    from kdx_eval.plan import Question

SCHEMA_VERSION = 1
NEVER = "never"
SMALLEST_COHORT = 3  # units: two reveal each other (METHODS 11)
_RECOUNT = "kdx-eval pool export でもう一度書き出してもらってください"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """The headline of one question.

    Attributes
    ----------
    estimate, std_error, df : float
        Per unit and month in the outcome's unit; with training minus without.
    baseline_mean : float
        Mean of the treated before, so that cities of other sizes can be compared by shares.
    """

    estimate: float
    std_error: float
    df: float
    baseline_mean: float
    n_treated: int
    n_control: int
    persons_treated: int
    persons_control: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Release:
    """All that leaves the city.

    Attributes
    ----------
    city_id, city : str
        National code of the municipality, and its name.
    design : mapping
        What has to agree for a common design (outcome, unit, thresholds, months left out ...).
    units : frozenset of str
        Fingerprints of the departments, by which overlapping releases are refused; departments are no persons.
    moments : CohortMoments or None
        Only where the city chose to give them.
    """

    city_id: str
    city: str
    question_id: str
    title: str
    design: Mapping[str, Any]
    contrast: Contrast
    units: frozenset[str]
    moments: CohortMoments | None = None

    def __repr__(self) -> str:
        return f"Release({self.city_id}, {self.question_id}, {'moments' if self.moments is not None else 'contrast'})"


def make_release(city: tuple[str, str], question: Question, *, study: EffectStudy, moments: CohortMoments, with_moments: bool) -> Release:
    """The release of one question.

    Parameters
    ----------
    city : (code, name)
    moments : CohortMoments
        Of the panel behind ``study``.

    Raises
    ------
    ParameterError
        The code is no municipality's.
    DataError
        A cell rests on fewer than ten persons or three units: nothing is given.
    """
    code, name = city
    if not (code.isdecimal() and len(code) in (5, 6)):
        raise ParameterError("団体コードは5桁または6桁の数字です", place="--city", hint="全国地方公共団体コード（柏市は122173）を書いてください")
    treated = np.isfinite(moments.cohorts) & (moments.cohorts <= moments.periods[-1])
    release = Release(
        city_id=code, city=name, question_id=question.question_id, title=question.title, design=common_design(question, moments),
        contrast=Contrast(
            estimate=study.headline.estimate, std_error=study.headline.std_error, df=study.headline.df, baseline_mean=study.baseline_mean,
            n_treated=int(moments.size[treated].sum()), n_control=int(moments.size[~treated].sum()),
            persons_treated=int(moments.persons[treated].sum()), persons_control=int(moments.persons[~treated].sum()),
        ),
        units=frozenset(hashlib.sha256(f"{code}\n{unit}".encode()).hexdigest()[:16] for unit in moments.units), moments=moments if with_moments else None,
    )  # fmt: skip
    check_disclosure(release)
    return release


def common_design(question: Question, moments: CohortMoments) -> dict[str, Any]:
    """What two cities must have alike before their moments may be added."""
    return {
        "outcome": question.outcome.key,
        "unit": question.unit,
        "unit_label": question.outcome.unit_label,
        "better": question.outcome.better,
        "control": question.control,
        "treated_from": question.treated_from,
        "threshold_share": question.threshold_share,
        "cohort_width": question.cohort_width,
        "buffer_months": question.buffer_months,
        "excluded_periods": [[str(first), str(last)] for first, last in question.excluded_periods],
        "periods": [str(Month(round(float(period)))) for period in moments.periods],
    }


def check_disclosure(release: Release, *, place: str = "pool export") -> None:
    """Refuse what rests on few: every arm, and with moments every cohort, has at least ten persons and three units.

    Raises
    ------
    DataError
        Naming the arm or the cohort.
    """
    arm = release.contrast
    cells = [("受けた側", arm.persons_treated, arm.n_treated), ("比べる側", arm.persons_control, arm.n_control)]
    if release.moments is not None:
        m = release.moments
        cells += [(f"開始 {cohort_text(g)}", int(p), int(n)) for g, p, n in zip(m.cohorts, m.persons, m.size, strict=True)]
    small = [name for name, persons, units in cells if persons < SMALL_CELL or units < SMALLEST_COHORT]
    if small:
        raise DataError(
            f"{SMALL_CELL}人または{SMALLEST_COHORT}課に満たない区切りがあるため、外に出せません（{'、'.join(small[:5])}）", place=place,
            hint="開始時期の区切り（cohort_width）を四半期・半年に広げるか、対比だけ（--contrast-only）にしてください",
        )  # fmt: skip


def release_text(release: Release) -> str:
    """The file as it leaves the city: JSON with a digest of everything else in it."""
    content = _content(release)
    return json.dumps({**content, "digest": digest_json(content)}, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _content(release: Release) -> dict[str, Any]:
    m = release.moments
    return {
        "kind": "kdx_eval release",
        "schema_version": SCHEMA_VERSION,
        "city_id": release.city_id,
        "city": release.city,
        "question_id": release.question_id,
        "title": release.title,
        "design": dict(release.design),
        "contrast": {name: _number(getattr(release.contrast, name)) for name in Contrast.__dataclass_fields__},
        "units": sorted(release.units),
        "moments": None if m is None else {
            "cohorts": [cohort_text(g) for g in m.cohorts],
            "size": m.size.tolist(),
            "persons": m.persons.tolist(),
            "mean": m.mean.tolist(),
            "scatter": m.scatter.tolist(),
        },
    }  # fmt: skip


def _number(value: float) -> float | int | str:
    return value if isinstance(value, int) or math.isfinite(value) else str(value)


def cohort_text(cohort: float) -> str:
    """``2024-07``, or ``never``."""
    return NEVER if math.isinf(cohort) else str(Month(round(float(cohort))))


def read_release(text: str, *, place: str) -> Release:
    """The release in a file of another city.

    Raises
    ------
    DataError
        The file is no release, was changed since it was written, is incomplete, or holds a small cell.
    """

    def refuse(reason: str) -> DataError:
        return DataError(reason, place=place, hint=_RECOUNT)

    try:
        raw = json.loads(text)
        digest = raw.pop("digest")
        if raw["kind"] != "kdx_eval release" or raw["schema_version"] != SCHEMA_VERSION:
            raise refuse("この版で読める結果のファイルではありません")
        if digest_json(raw) != digest:
            raise refuse("書き出された後に変わっています（照合番号が合いません）")
        contrast = Contrast(**{name: _read_number(raw["contrast"][name]) for name in Contrast.__dataclass_fields__})
        given = raw["moments"]
        release = Release(
            city_id=str(raw["city_id"]), city=str(raw["city"]), question_id=str(raw["question_id"]), title=str(raw["title"]), design=raw["design"],
            contrast=contrast, units=frozenset(str(unit) for unit in raw["units"]), moments=None if given is None else _read_moments(given, raw),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ParameterError) as error:
        raise refuse("結果のファイルとして読めません") from error
    if not (math.isfinite(contrast.estimate) and contrast.std_error > 0):
        raise refuse("推定値または標準誤差がありません")
    check_disclosure(release, place=place)
    return release


def _read_number(value: Any) -> Any:
    return value if isinstance(value, int) and not isinstance(value, bool) else float(value)


def _read_moments(given: Mapping[str, Any], raw: Mapping[str, Any]) -> CohortMoments:
    periods = np.array([Month.parse(text).index for text in raw["design"]["periods"]], dtype=float)
    cohorts = np.array([np.inf if text == NEVER else Month.parse(text).index for text in given["cohorts"]], dtype=float)
    size, persons = (np.array(given[name], dtype=np.int64) for name in ("size", "persons"))
    mean, scatter = (np.array(given[name], dtype=float) for name in ("mean", "scatter"))
    g, t = len(cohorts), len(periods)
    shapes = (size.shape, persons.shape, mean.shape, scatter.shape)
    ordered = bool((np.diff(cohorts) > 0).all() and (np.diff(periods) > 0).all())
    if shapes != ((g,), (g,), (g, t), (g, t, t)) or not ordered or int(size.sum()) != len(raw["units"]) or not np.isfinite(scatter).all():
        raise ValueError("moments do not fit together")
    if not np.allclose(scatter, scatter.transpose(0, 2, 1), rtol=1e-9, atol=1e-9 * max(1.0, float(np.abs(scatter).max()))) or not np.isfinite(mean).all():
        raise ValueError("scatter is not symmetric")
    units = np.array([f"{raw['city_id']}/{unit}" for unit in sorted(raw["units"])], dtype=object)
    mass = size.astype(float)
    return CohortMoments(
        cohorts=cohorts, periods=periods, size=size, persons=persons, mass=mass, mass2=mass, mean=mean, drift=np.zeros_like(mean), scatter=scatter, units=units,
        monthly=True,
    )  # fmt: skip
