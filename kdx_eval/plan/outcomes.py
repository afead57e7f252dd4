"""Which outcomes a plan may name: measured minutes and hours, shipped indicators, and a city's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from kdx_eval.errors import PlanError
from kdx_eval.plan.types import MEANS, POINTS, SHARE, UNIT_NAMES, Better, Outcome, OutcomeTable, Unit, choices, nearest_hint
from kdx_eval.schema import load_indicators


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measure:
    label: str
    unit: str
    better: Better
    hours_per_unit: float | None


# Minutes are estimated in hours, so that one unit of the outcome is one hour.
_MEASURES: dict[str, _Measure] = {
    "workload.minutes": _Measure(label="業務時間", unit="時間", better="lower", hours_per_unit=1.0),
    "workload.cases": _Measure(label="処理件数", unit="件", better="higher", hours_per_unit=None),
    "workload.rework": _Measure(label="手戻り件数", unit="件", better="lower", hours_per_unit=None),
    "worktime.overtime_hours": _Measure(label="時間外勤務時間", unit="時間", better="lower", hours_per_unit=1.0),
    "worktime.total_hours": _Measure(label="総勤務時間", unit="時間", better="lower", hours_per_unit=1.0),
}
_KEYS = ("table", "measure", "indicator_id", "label", "unit_label", "better", "hours_per_unit")


def resolve_outcome(raw: object, *, unit: Unit, place: str) -> Outcome:
    """The outcome named by ``raw``, a short form (``workload.minutes``) or a mapping, for one kind of unit.

    Raises
    ------
    PlanError
        For an unknown table, measure or key, or an indicator of the city's own without ``better``.
    """
    given = _as_mapping(raw, place)
    table = str(given.get("table", "indicators" if "indicator_id" in given else ""))
    if table not in choices(OutcomeTable):
        raise PlanError("成果の表の名前が違います", place=place, hint=nearest_hint(table, list(choices(OutcomeTable))))
    if table == "indicators":
        return _indicator(given, unit=unit, place=place)
    key = f"{table}.{given.get('measure', '')}"
    if key not in _MEASURES:
        raise PlanError("成果の項目の名前が違います", place=place, hint=nearest_hint(key, list(_MEASURES)))
    return _build(given, known=_MEASURES[key], unit=unit, place=place)


def _as_mapping(raw: object, place: str) -> dict[str, Any]:
    if isinstance(raw, str):
        table, dot, name = raw.strip().partition(".")
        if not dot or not name:
            known = [*_MEASURES, *(f"indicators.{name}" for name in _shipped())]
            raise PlanError("成果は「表.項目」の形で書きます", place=place, hint=nearest_hint(raw, known))
        return {"table": table, "indicator_id" if table == "indicators" else "measure": name}
    if not isinstance(raw, dict):
        raise PlanError("成果の書き方が違います", place=place, hint="outcome: workload.minutes のように書いてください")
    for key in raw:
        if key not in _KEYS:
            raise PlanError("知らないキーがあります", place=f"{place}.{key}", hint=nearest_hint(str(key), list(_KEYS)))
    return dict(raw)


def _indicator(given: dict[str, Any], *, unit: Unit, place: str) -> Outcome:
    name = given.get("indicator_id")
    if not isinstance(name, str) or not name:
        raise PlanError("指標の番号がありません", place=place, hint="indicator_id に指標の番号を書いてください")
    known = _shipped().get(name)
    if known is None and "better" not in given:
        raise PlanError(
            "この指標は用意された指標の一覧にありません",
            place=place,
            hint=f"{nearest_hint(name, list(_shipped()))}。独自の指標なら better: lower か better: higher を書き足してください",
        )
    fallback = known or _Measure(label=name, unit="単位", better="higher", hours_per_unit=None)
    return _build({**given, "measure": "value"}, known=fallback, unit=unit, place=place)


def _build(given: dict[str, Any], *, known: _Measure, unit: Unit, place: str) -> Outcome:
    better = given.get("better", known.better)
    if better not in choices(Better):
        raise PlanError("better は lower か higher です", place=f"{place}.better", hint="減ると良い成果は lower、増えると良い成果は higher です")
    hours = given.get("hours_per_unit", known.hours_per_unit)
    if isinstance(hours, bool) or not (hours is None or (isinstance(hours, (int, float)) and 0 < hours < 1e6)):
        raise PlanError("hours_per_unit は正の数です", place=f"{place}.hours_per_unit", hint="時間に換算しない成果では書かないでください")
    return Outcome(
        table=cast(OutcomeTable, given.get("table", "indicators")),
        measure=given["measure"],
        indicator_id=given.get("indicator_id"),
        label=str(given.get("label", known.label)),
        unit_label=_unit_label(str(given.get("unit_label", known.unit if known.unit in MEANS else f"{known.unit}/{UNIT_NAMES[unit]}・月"))),
        better=cast(Better, better),
        hours_per_unit=None if hours is None else float(hours),
    )


def _unit_label(given: str) -> str:
    """A share is told in points: ``0.0217割合`` says nothing to anybody."""
    return POINTS if given.partition("/")[0].strip() == SHARE else given


def _shipped() -> dict[str, _Measure]:
    """The indicators of data_schema/indicators.csv."""
    return {
        name: _Measure(label=known.title, unit=known.unit, better=known.better, hours_per_unit=known.hours_per_unit)
        for name, known in load_indicators().items()
    }
