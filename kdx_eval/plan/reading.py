"""Reading a plan from YAML or from its frozen copy, and writing it as plain values."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from kdx_eval.errors import PlanError
from kdx_eval.manifest import digest_json
from kdx_eval.plan import values
from kdx_eval.plan.outcomes import resolve_outcome
from kdx_eval.plan.types import (
    AssumedRetention,
    Audience,
    CohortWidth,
    Control,
    Design,
    Frozen,
    Interval,
    NoRow,
    Outcome,
    OutcomeTable,
    Plan,
    PriceBasis,
    Question,
    Role,
    TreatedFrom,
    Unit,
    choices,
)
from kdx_eval.units import FiscalYear, Month

FROZEN_NAME = "plan.frozen.json"
_LARGEST_PLAN_BYTES = 1_000_000


def _as_is(raw: object, _place: str) -> object:
    return raw


RETENTION_KEYS: dict[str, values.Converter] = {
    "low": values.number(0.0, 1.0),
    "central": values.number(0.0, 1.0),
    "high": values.number(0.0, 1.0),
    "reason": values.text,
}


def _retention(raw: object, place: str) -> AssumedRetention:
    """The four keys of an assumed retention, all of them, since an assumption without range and reason says nothing."""
    given = values.fields(raw, RETENTION_KEYS, place=place)
    _require(given, tuple(RETENTION_KEYS), place=place)
    if not given["low"] <= given["central"] <= given["high"]:
        raise PlanError("low・central・high の順に大きくなっていません", place=place, hint="低い場合、中ほど、高い場合の割合を 0 から 1 で書いてください")
    return AssumedRetention(**given)


QUESTION_KEYS: dict[str, values.Converter] = {
    "question_id": values.identifier,
    "title": values.text,
    "courses": values.texts,
    "unit": values.one_of(*choices(Unit)),
    "outcome": _as_is,
    "design": values.one_of(*choices(Design)),
    "control": values.one_of(*choices(Control)),
    "treated_from": values.one_of(*choices(TreatedFrom)),
    "threshold_share": values.number(0.001, 1.0),
    "cohort_width": values.one_of(*choices(CohortWidth)),
    "buffer_months": values.whole(0, 24),
    "window": values.window,
    "excluded_periods": values.periods,
    "strata": values.optional(values.one_of("department_type", "division")),
    "cluster": values.optional(values.one_of("department", "division")),
    "no_row": values.one_of(*choices(NoRow)),
    "departments": lambda raw, place: () if not raw else values.texts(raw, place),
    "interval": values.one_of(*choices(Interval)),
    "smallest_effect": values.smallest_effect,
    "role": values.one_of(*choices(Role)),
    "lottery_log": values.optional_text,
    "order_argument": values.optional_text,
    "checks": lambda raw, place: () if not raw else values.texts(raw, place),
    "note": values.free_text,
    "explanation": values.free_text,
}
PLAN_KEYS: dict[str, values.Converter] = {
    "title": values.text,
    "city": values.free_text,
    "synthetic": values.flag,
    "request_fiscal_year": values.fiscal_year,
    "evaluated_fiscal_year": values.fiscal_year,
    "evaluated_through": values.month,
    "max_rejected_share": values.number(0.0, 1.0),
    "audience": values.one_of(*choices(Audience)),
    "price_basis": values.one_of(*choices(PriceBasis)),
    "ends_fiscal_year": values.optional(values.fiscal_year),
    "continue_hours": values.optional(values.number(0.0, 1e7)),
    "retention": values.optional(_retention),
    "questions": _as_is,
}
LATER_KEYS: dict[str, Any] = {"no_row": "missing", "departments": [], "interval": "plain"}  # keys that came later, with what plans without them mean
_QUESTION_REQUIRED = ("question_id", "title", "courses", "unit", "outcome")
_PLAN_LATER = ("ends_fiscal_year", "continue_hours", "retention")
_PLAN_REQUIRED = ("request_fiscal_year", "evaluated_through", "questions")


def read_plan(path: Path) -> Plan:
    """The plan in a YAML file or in ``plan.frozen.json``.

    A YAML plan that says the same as the frozen copy beside it is frozen; one that says something else is
    marked ``changed_since_freeze``.

    Raises
    ------
    PlanError
        Naming the key, the nearest known key and the remedy.
    """
    path = Path(path)
    content = _read_text(path)
    if path.suffix.lower() == ".json":
        return _thaw(content, place=path.name)
    plan = plan_from_dict(_load_yaml(content, place=path.name))
    beside = path.with_name(FROZEN_NAME)
    if not beside.is_file():
        return plan
    frozen = _thaw(_read_text(beside), place=beside.name)
    if plan_digest(frozen) == plan_digest(plan):
        return frozen
    return replace(plan, changed_since_freeze=True)


def plan_from_dict(raw: object) -> Plan:
    """The plan behind plain values, as YAML or JSON give them; raises PlanError as :func:`read_plan`."""
    given = values.fields(raw, PLAN_KEYS, place="")
    _require(given, _PLAN_REQUIRED, place="plan")
    listed = given["questions"]
    if not isinstance(listed, list) or not listed:
        raise PlanError("問いが1つもありません", place="questions", hint="「- question_id: ...」を1つ以上書いてください")
    questions = tuple(_question(item, place=f"questions[{row}]") for row, item in enumerate(listed, start=1))
    names = [question.question_id for question in questions]
    for name in names:
        if names.count(name) > 1:
            raise PlanError("同じ番号の問いが2つあります", place=f"questions.{name}", hint="question_id を別の名前にしてください")
    through: Month = given["evaluated_through"]
    evaluated: FiscalYear = given.setdefault("evaluated_fiscal_year", _last_whole_year(through))
    if through < evaluated.first:
        raise PlanError(
            "評価する年度が始まる前に評価期間が終わっています",
            place="evaluated_through",
            hint=f"{evaluated.first} 以降の月にするか、evaluated_fiscal_year を直してください",
        )
    ends = given.get("ends_fiscal_year")
    if ends is not None and ends < given["request_fiscal_year"]:
        raise PlanError("終期が要求年度より前です", place="ends_fiscal_year", hint="年度を確かめてください")
    if given["request_fiscal_year"] < evaluated:
        raise PlanError("要求年度が評価する年度より前です", place="request_fiscal_year", hint="年度を確かめてください")
    given.setdefault("title", "研修の効果の検証")
    given.setdefault("city", "")
    return Plan(**{**given, "questions": questions})


def _question(raw: object, *, place: str) -> Question:
    if isinstance(raw, dict) and isinstance(raw.get("question_id"), str):
        place = f"questions.{raw['question_id'][:40]}"
    given = values.fields(raw, QUESTION_KEYS, place=place)
    _require(given, _QUESTION_REQUIRED, place=place)
    given["outcome"] = resolve_outcome(given["outcome"], unit=given["unit"], place=f"{place}.outcome")
    outcome: Outcome = given["outcome"]
    allowed = {"process": ("workload",), "department": choices(OutcomeTable), "staff": choices(OutcomeTable)}
    if outcome.table not in allowed[given["unit"]]:
        raise PlanError(
            "この成果はこの単位では数えられません",
            place=f"{place}.unit",
            hint="業務（process）ごとに数えられるのは業務量（workload）だけです",
        )
    if given.get("no_row") == "zero" and outcome.table != "workload":
        raise PlanError(
            "行がない月を0とみなせるのは、仕事を1件ずつ記録した業務量だけです",
            place=f"{place}.no_row",
            hint="月ごとの表では行がないのは未記入かもしれません。no_row: missing にしてください",
        )
    if given.get("interval", "plain") != "plain" and given.get("design", "staggered") == "single":
        raise PlanError(
            "一つの課の支援では幅を厳しく取る計算がありません",
            place=f"{place}.interval",
            hint="interval の行を消してください（支援前の傾きが続いた場合の点検は常に行います）",
        )
    if given.get("lottery_log") and given.get("design", "staggered") != "lottery":
        raise PlanError("抽選の記録は design: lottery のときだけ書けます", place=f"{place}.lottery_log", hint="design を確かめてください")
    return Question(**given)


def _require(given: dict[str, Any], keys: tuple[str, ...], *, place: str) -> None:
    for key in keys:
        if key not in given:
            raise PlanError(f"「{key}」がありません", place=place, hint=f"{key}: の行を書き足してください")


def _last_whole_year(through: Month) -> FiscalYear:
    year = through.fiscal_year
    return year if through == year.last else FiscalYear(year.year - 1)


def plan_to_dict(plan: Plan) -> dict[str, Any]:
    """The plan as plain values (JSON types only), everything that decides the analysis and nothing else."""
    found: dict[str, Any] = {}
    for key in PLAN_KEYS:
        found[key] = _plain(getattr(plan, key))
    for key in _PLAN_LATER:  # so that plans frozen before there was this choice keep their digest
        if found[key] is None:
            del found[key]
    found["questions"] = [question_to_dict(question) for question in plan.questions]
    return found


def question_to_dict(question: Question) -> dict[str, Any]:
    """One question as plain values."""
    found: dict[str, Any] = {key: _plain(getattr(question, key)) for key in QUESTION_KEYS if key != "outcome"}
    outcome = question.outcome
    found["outcome"] = {key: getattr(outcome, key) for key in Outcome.__dataclass_fields__}
    for key, usual in LATER_KEYS.items():
        if found[key] == usual:
            del found[key]  # so that plans frozen before there was this choice keep their digest
    return found


def _plain(value: object) -> Any:
    if isinstance(value, Month):
        return str(value)
    if isinstance(value, FiscalYear):
        return value.year
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, AssumedRetention):
        return {key: getattr(value, key) for key in RETENTION_KEYS}
    return value


def plan_digest(plan: Plan) -> str:
    """SHA-256 of the canonical plan; the same for the YAML file and its frozen copy."""
    return digest_json(plan_to_dict(plan))


def _read_text(path: Path) -> str:
    if not path.is_file():
        raise PlanError("計画のファイルがありません", place=path.name, hint="kdx-eval plan new で作れます")
    if path.stat().st_size > _LARGEST_PLAN_BYTES:
        raise PlanError("計画のファイルが大きすぎます", place=path.name, hint="別のファイルを指定していないか確かめてください")
    raw = path.read_bytes()
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise PlanError("計画のファイルの文字が読めません", place=path.name, hint="UTF-8 で保存し直してください")


def _load_yaml(content: str, *, place: str) -> object:
    import yaml

    class Loader(yaml.SafeLoader):
        """The safe loader, which also refuses a key written twice instead of keeping the last."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            keys = [self.construct_object(key, deep=True) for key, _ in node.value]
            for key in keys:
                if not isinstance(key, str):
                    raise PlanError("キーが文字ではありません", place=_line(place, node), hint="「キー: 値」の形に直してください")
                if keys.count(key) > 1:
                    raise PlanError("同じキーが2度書かれています", place=f"{_line(place, node)} {key[:40]}", hint="1つにまとめてください")
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(content, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{place} {mark.line + 1}行目" if mark else place
        raise PlanError("YAML の書き方が崩れています", place=where, hint="字下げは半角空白でそろえ、コロンの後に半角空白を入れてください") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise PlanError("YAML として読めません", place=place, hint="使えない文字や値がないか確かめてください") from None


def _line(place: str, node: Any) -> str:
    return f"{place} {node.start_mark.line + 1}行目"


def _thaw(content: str, *, place: str) -> Plan:
    try:
        raw = json.loads(content)
        stamp = Frozen(at=dt.date.fromisoformat(raw["frozen"]["at"]), sha256=str(raw["frozen"]["sha256"]))
        plan = plan_from_dict(raw["plan"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise PlanError("凍結された計画の形が崩れています", place=place, hint="kdx-eval plan freeze をやり直してください") from None
    if plan_digest(plan) != stamp.sha256:
        raise PlanError("凍結した後に書き換えられています", place=place, hint="元の写しに戻すか、凍結をやり直してください")
    return replace(plan, frozen=stamp)
