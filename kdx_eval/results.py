"""What passes between notebooks: versioned JSON and Parquet, the same bytes for the same results.

``effects.json`` is the public table of estimates, a list with one entry for each question and estimand; numbers that do not exist
are null. The other files keep ``"nan"`` and ``"inf"`` apart from null; ``studies.json`` and the Parquet files hold the same studies
completely, so that they can be read back.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
import re
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pandas as pd

from kdx_eval.budget import BudgetCase
from kdx_eval.effect.study import EffectStudy
from kdx_eval.errors import DataError
from kdx_eval.evidence import Evidence
from kdx_eval.plan import Frozen, Plan, plan_from_dict, plan_to_dict
from kdx_eval.policy import part_of, part_types
from kdx_eval.safe import replacing, write_atomic
from kdx_eval.savings import Savings

SCHEMA_VERSION = 2  # 2: detectable range, gross hours, retention, cut lines, questions of stage B
FRAMES = ("event_study", "group_time", "series", "timing", "influence")
ENTRY_FIELDS = (
    "question_id", "outcome", "estimand", "method", "inference", "estimate", "std_error", "conf_low", "conf_high", "p_value",
    "n_units", "n_persons", "n_cohorts", "n_periods",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Results:
    """What a results folder holds; a stop that was not reached yet is empty or None.

    Attributes
    ----------
    plan : Plan or None
    studies, evidence : mapping by question_id
    savings : Savings or None
    budget : BudgetCase or None
    quality : mapping
        ``LoadReport.to_dict()`` and what else notebook 01 stored.
    reach : DataFrame or None
        ``Panels.completion``.
    policy : mapping by part
        What `study_policy` found, for each part that was studied.
    """

    plan: Plan | None
    studies: Mapping[str, EffectStudy]
    evidence: Mapping[str, Evidence]
    savings: Savings | None
    budget: BudgetCase | None
    quality: Mapping[str, Any]
    reach: pd.DataFrame | None
    policy: Mapping[str, object] = field(default_factory=dict)

    def __repr__(self) -> str:
        reached = [name for name in ("plan", "savings", "budget", "reach") if getattr(self, name) is not None]
        return f"Results({len(self.studies)} studies, {len(self.evidence)} questions; {', '.join(reached)})"


def write_results(folder: Path, results: Results) -> Path:
    """Write everything that ``results`` holds into ``folder`` and return it; each file whole or not at all."""
    if results.plan is not None:
        save_plan(folder, results.plan)
    save_quality(folder, results.quality, reach=results.reach)
    save_effects(folder, results.studies, evidence=results.evidence)
    if results.savings is not None:
        save_savings(folder, results.savings)
    if results.budget is not None:
        save_budget(folder, results.budget)
    for part in results.policy.values():
        save_policy(folder, part)
    return folder


def save_plan(folder: Path, plan: Plan) -> Path:
    """Write ``plan.json`` and return its path."""
    frozen = None if plan.frozen is None else {"at": plan.frozen.at.isoformat(), "sha256": plan.frozen.sha256}
    stored = {"plan": plan_to_dict(plan), "frozen": frozen, "changed_since_freeze": plan.changed_since_freeze}
    return _write_json(folder, "plan.json", plain=stored)


def save_quality(
    folder: Path, quality: Mapping[str, Any], *, reach: pd.DataFrame | None = None, units: Sequence[Mapping[str, str]] | None = None
) -> Path:
    """Write ``quality.json`` (and ``reach.parquet``) and return its path; ``units`` (``Panels.part_of_units``) become ``quality["units"]``."""
    if units is not None:
        quality = {**quality, "units": [dict(unit) for unit in units]}
    if reach is not None:
        _write_frames(folder, {"reach": reach})
    shapes = None if reach is None else _shape(reach)
    return _write_json(folder, "quality.json", plain={"quality": quality, "reach": shapes})


def save_effects(folder: Path, studies: Mapping[str, EffectStudy], *, evidence: Mapping[str, Evidence]) -> Path:
    """Write ``effects.json``, ``evidence.json``, ``studies.json`` and the Parquet tables; return the path of ``effects.json``."""
    ordered = [studies[key] for key in sorted(studies)]
    shapes = {study.question_id: {name: _shape(getattr(study, name)) for name in FRAMES} for study in ordered}
    _write_frames(folder, {name: _stack(ordered, name) for name in FRAMES})
    plain = [{field: value for field, value in _encode(study).items() if field not in FRAMES} for study in ordered]
    _write_json(folder, "studies.json", plain={"studies": plain, "frames": shapes})
    _write_json(folder, "evidence.json", plain={key: _encode(evidence[key]) for key in sorted(evidence)})
    return _write_json(folder, "effects.json", plain=effect_rows(studies, evidence))


def save_savings(folder: Path, savings: Savings) -> Path:
    """Write ``savings.json`` and return its path."""
    return _write_json(folder, "savings.json", plain=_encode(savings))


def save_budget(folder: Path, budget: BudgetCase) -> Path:
    """Write ``budget.json`` and return its path."""
    return _write_json(folder, "budget.json", plain=_encode(budget))


def save_policy(folder: Path, result: object) -> Path:
    """Write the result of one part of the policy (``policy_skills.json`` and so on) and return its path."""
    return _write_json(folder, f"policy_{part_of(result)}.json", plain=_encode(result))


def save_result(folder: Path, result: object) -> Path:
    """Write what a notebook found, a Savings, a BudgetCase or a part of the policy, and return its path."""
    if isinstance(result, Savings):
        return save_savings(folder, result)
    return save_budget(folder, result) if isinstance(result, BudgetCase) else save_policy(folder, result)


def read_results(folder: Path) -> Results:
    """Read back whatever a results folder holds.

    Raises
    ------
    DataError
        The folder has no results, was written by another version, or a file cannot be read.
    """
    version = _read_json(folder, "index.json")
    if version is None:
        raise DataError("計算結果がありません", place=str(folder.name), hint="先に kdx-eval run を実行するか、03 のノートを最後まで実行してください")
    if version.get("schema_version") != SCHEMA_VERSION:
        raise DataError("計算結果の形式の版が違います", place=str(folder.name), hint="同じ版の kdx-eval で計算し直してください")
    plan, quality = _read_json(folder, "plan.json"), _read_json(folder, "quality.json") or {"quality": {}, "reach": None}
    savings, budget = _read_json(folder, "savings.json"), _read_json(folder, "budget.json")
    shape = quality["reach"]
    return Results(
        plan=None if plan is None else _plan(plan),
        studies=_read_studies(folder),
        evidence={key: _decode(one, Evidence) for key, one in (_read_json(folder, "evidence.json") or {}).items()},
        savings=None if savings is None else _decode(savings, Savings),
        budget=None if budget is None else _decode(budget, BudgetCase),
        quality=quality["quality"],
        reach=None if shape is None else _restore(_read_frames(folder, ["reach"])["reach"], shape),
        policy=_read_policy(folder),
    )


def effect_rows(studies: Mapping[str, EffectStudy], evidence: Mapping[str, Evidence]) -> list[dict[str, Any]]:
    """The rows of ``effects.json``: one for each question and estimand, with the question's grades, verdict and checks.

    A question that was not estimated has one row with the estimand ``none`` and no numbers. A grade belongs to the question: rows
    of naive comparisons carry it too, and are told apart by ``inference``.
    """
    rows = []
    for key in sorted({*studies, *evidence}):
        judged = evidence.get(key)
        entries = [_encode(entry) for entry in studies[key].entries] if key in studies else [_no_entry(key, judged)]
        for entry in entries:
            row = {name: _null(entry[name]) for name in ENTRY_FIELDS}
            row["grade_maryland"] = None if judged is None else judged.maryland
            row["grade_japan"] = None if judged is None else judged.japan
            row["verdict"] = None if judged is None else judged.verdict
            row["checks"] = [] if judged is None else [{name: _null(value) for name, value in _encode(check).items()} for check in judged.checks]
            rows.append(row)
    return sorted(rows, key=lambda row: (row["question_id"], row["estimand"], row["inference"], row["method"], row["outcome"]))


def _no_entry(key: str, judged: Evidence | None) -> dict[str, Any]:
    blank: dict[str, Any] = dict.fromkeys(ENTRY_FIELDS)
    return blank | {
        "question_id": key, "outcome": "" if judged is None else judged.outcome_label, "estimand": "none", "method": "none", "inference": "none",
        "n_units": 0, "n_persons": 0, "n_cohorts": 0, "n_periods": 0,
    }  # fmt: skip


def _null(value: Any) -> Any:
    """What is not a number is null in the public table."""
    return None if value in {"nan", "inf", "-inf"} else value


def _plan(stored: Mapping[str, Any]) -> Plan:
    frozen = stored["frozen"]
    return dataclasses.replace(
        plan_from_dict(stored["plan"]),
        frozen=None if frozen is None else Frozen(at=dt.date.fromisoformat(frozen["at"]), sha256=frozen["sha256"]),
        changed_since_freeze=stored["changed_since_freeze"],
    )


def _read_studies(folder: Path) -> dict[str, EffectStudy]:
    stored = _read_json(folder, "studies.json")
    if stored is None:
        return {}
    tables = _read_frames(folder, FRAMES)
    found = {}
    for plain in stored["studies"]:
        key = plain["question_id"]
        frames = {name: _restore(tables[name][tables[name]["question_id"] == key], stored["frames"][key][name]) for name in FRAMES}
        found[key] = _decode(plain, EffectStudy, given=frames)
    return found


def _read_policy(folder: Path) -> dict[str, object]:
    stored = {name: (_read_json(folder, f"policy_{name}.json"), kind) for name, kind in part_types().items()}
    return {name: _decode(plain, kind) for name, (plain, kind) in stored.items() if plain is not None}


def _shape(frame: pd.DataFrame) -> list[list[str]]:
    """Column names and types, so that a frame stored together with others comes back as it was."""
    return [[str(name), str(dtype)] for name, dtype in frame.dtypes.items()]


def _restore(stored: pd.DataFrame, shape: Sequence[Sequence[str]]) -> pd.DataFrame:
    return pd.DataFrame({name: stored[name].astype(pd.api.types.pandas_dtype(dtype)) for name, dtype in shape}).reset_index(drop=True)


def _stack(studies: Sequence[EffectStudy], name: str) -> pd.DataFrame:
    parts = [getattr(study, name).assign(question_id=study.question_id) for study in studies]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"question_id": []})


def _write_frames(folder: Path, frames: Mapping[str, pd.DataFrame]) -> None:
    import duckdb

    with duckdb.connect(config={"threads": 1}) as connection:  # one thread writes the same bytes each time
        for name, frame in frames.items():
            numbered = frame.assign(row_number=range(len(frame)))  # a table has no order of its own
            for column in numbered.select_dtypes(["object", "str"]).columns:
                numbered[column] = numbered[column].map(lambda value: None if pd.isna(value) else str(value)).astype("str")
            columns = ", ".join(f'"{column}"' for column in frame.columns)
            connection.register("frame", numbered)
            with replacing(folder / f"{name}.parquet") as temporary:
                target = str(temporary).replace("'", "''")
                connection.execute(f"COPY (SELECT {columns} FROM frame ORDER BY row_number) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")


def _read_frames(folder: Path, names: Sequence[str]) -> dict[str, pd.DataFrame]:
    import duckdb

    # DuckDB takes a path as a pattern: 実績[R7] would be another folder.
    patterns = {name: re.sub(r"([\[*?])", r"[\1]", str(folder / f"{name}.parquet")) for name in names}
    try:
        with duckdb.connect(config={"threads": 1}) as connection:
            return {name: connection.execute("SELECT * FROM read_parquet($path)", {"path": path}).df() for name, path in patterns.items()}
    except duckdb.Error as error:
        raise DataError("計算結果の表を読めません", place=folder.name, hint="計算し直してください") from error


def _write_json(folder: Path, name: str, *, plain: object) -> Path:
    write_atomic(folder / "index.json", _dump({"schema_version": SCHEMA_VERSION}))
    return write_atomic(folder / name, _dump(plain))


def _dump(plain: object) -> str:
    return json.dumps(plain, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _read_json(folder: Path, name: str) -> Any:
    path = folder / name
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError("計算結果のファイルが壊れています", place=name, hint="計算し直してください") from error


def _encode(value: Any) -> Any:
    """Plain JSON without frames: decimals, NaN and infinity as text (``"nan"``, ``"inf"``), since null means that there is no figure."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _encode(getattr(value, field.name)) for field in dataclasses.fields(value) if field.name not in FRAMES}
    if isinstance(value, Mapping):
        return {str(key): _encode(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_encode(one) for one in value]
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value.item() if hasattr(value, "item") else value


def _decode(plain: Any, kind: Any, *, given: Mapping[str, Any] | None = None) -> Any:
    """The inverse of ``_encode`` for the annotated type ``kind``; ``given`` holds fields that JSON does not."""
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        fields = {name: _decode(value, hints[name]) for name, value in plain.items()}
        return cast("Any", kind)(**fields, **(given or {}))
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in {typing.Union, types.UnionType}:
        inner = [one for one in arguments if one is not type(None)]
        records = [one for one in inner if dataclasses.is_dataclass(one) and isinstance(plain, Mapping)]
        alike = [one for one in records if set(plain) == {part.name for part in dataclasses.fields(one)}]
        return None if plain is None else _decode(plain, inner[0] if len(inner) == 1 else alike[0] if alike else float)
    if origin is Mapping:
        return {key: _decode(one, arguments[1]) for key, one in plain.items()}
    if origin is tuple:
        each = [arguments[0]] * len(plain) if arguments[-1] is Ellipsis else arguments
        return tuple(_decode(one, item) for one, item in zip(plain, each, strict=True))
    if kind is float:
        return float(plain)
    return Decimal(plain) if kind is Decimal else plain
