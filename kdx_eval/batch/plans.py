"""Which plan a run uses: the one given, the one beside the data, or one proposed from the training dates."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from kdx_eval import manifest, safe
from kdx_eval.errors import DataError, PlanError
from kdx_eval.plan import Plan, plan_to_yaml, propose_plan, read_plan
from kdx_eval.units import Month

if TYPE_CHECKING:
    from kdx_eval.load import Dataset

FROZEN = "plan.frozen.json"
USUAL_REJECTED_SHARE = 0.05  # a plan's default


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenPlan:
    """The plan of a run.

    Attributes
    ----------
    origin : {"given", "proposed", "edited"}
        From the user or the data folder; proposed from the training dates; proposed for an earlier run and edited since.
    copies : mapping of file name to content
        What the run keeps of it, the plan itself first.
    """

    plan: Plan
    origin: Literal["given", "proposed", "edited"]
    copies: Mapping[str, bytes | str]

    def write(self, out: Path) -> str:
        """Write the copies into a run's folder and return the name of the plan there."""
        for name, content in self.copies.items():
            safe.write_atomic(out / name, content)
        return next(iter(self.copies))


def find_plan(data: Path) -> Path | None:
    """The plan that lies in a data folder: the frozen one first."""
    return next((path for name in (FROZEN, "plan.yaml", "plan.yml") if (path := data / name).is_file()), None)


def choose_plan(dataset: Dataset, plan: Path | None, *, out: Path, as_of: dt.date | None = None, synthetic: bool = False) -> ChosenPlan:
    """The plan given, else the data folder's, else the one proposed for an earlier run into ``out`` and edited since, else a proposal.

    Raises
    ------
    PlanError
        When the plan is missing or malformed, names a record of a lottery that is not there, or nothing can be proposed.
    DataError
        When more rows were refused than the plan allows.
    """
    source = plan or find_plan(Path(dataset.folder))
    edited = None if source else _edited_plan(out)
    if source is None and edited is None:
        _refuse_if_too_many_rejected(dataset, limit=USUAL_REJECTED_SHARE)
        chosen = proposed_plan(dataset, as_of=as_of, synthetic=synthetic)
        return ChosenPlan(plan=chosen, origin="proposed", copies={"plan.yaml": plan_to_yaml(chosen)})
    path = source or edited
    if path is None or not path.is_file():
        raise PlanError("計画のファイルがありません", place=str(path), hint="--plan の場所を確かめるか、--plan を外すと計画を自動で提案します")
    chosen = read_plan(path)
    _refuse_if_too_many_rejected(dataset, limit=chosen.max_rejected_share)
    _require_lottery_logs(chosen, (Path(dataset.folder), path.parent))
    name = FROZEN if path.suffix.lower() == ".json" else "plan.yaml"
    kept = {copy: file.read_bytes() for copy, file in ((name, path), (FROZEN, path.with_name(FROZEN))) if file.is_file()}
    return ChosenPlan(plan=chosen, origin="edited" if edited else "given", copies=kept)


def _edited_plan(out: Path) -> Path | None:
    """The plan in an output folder when it was proposed there and somebody has worked on it since."""
    found = find_plan(out)
    try:
        recorded = json.loads((out / manifest.MANIFEST).read_text(encoding="utf-8"))
        origin = recorded["parameters"]["plan_origin"]
        written = {entry["path"]: entry["sha256"] for entry in recorded["outputs"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if found is None or origin == "given":
        return None
    return found if origin == "edited" or manifest.digest_file(found) != written.get(found.name) else None


def _require_lottery_logs(plan: Plan, folders: tuple[Path, ...]) -> None:
    """The highest grade rests on a record of the lottery: a name without a file is none. What stands in brackets （） after the name says more of the draw."""
    for question in plan.questions:
        log = question.lottery_log
        if log and not any((folder / name).is_file() for folder in folders for name in (log, log.partition("（")[0].strip())):
            raise PlanError(
                "抽選の記録のファイルがありません",
                place=f"{question.question_id}.lottery_log",
                hint="抽選の記録をデータのフォルダに置くか、lottery_log を空にしてください（抽選としては格付けされません）",
            )


def _refuse_if_too_many_rejected(dataset: Dataset, *, limit: float) -> None:
    report = dataset.report
    if report.rows_rejected > limit * report.rows_read:
        raise DataError(
            f"取り込めない行が多すぎます（{report.rows_rejected:,} 行 / {report.rows_read:,} 行、限度は {limit:.1%}）",
            place=str(Path(dataset.folder).name),
            hint=f"kdx-eval check で理由の一覧を見て元のファイルを直すか、計画の max_rejected_share を見直してください（一覧: {dataset.rejected}）",
        )


def proposed_plan(dataset: Dataset, *, as_of: dt.date | None = None, synthetic: bool = False) -> Plan:
    """The plan proposed from training dates alone; data beside a ``truth.json`` is a synthetic city's and is marked so."""
    from kdx_eval.panel.reach import plan_facts

    made_up = synthetic or (Path(dataset.folder).parent / "truth.json").is_file()
    facts = plan_facts(dataset, city="合成市" if made_up else "", synthetic=made_up)
    if as_of is not None:
        known = Month.of_date(as_of) + -1
        facts = replace(facts, months={table: (first, min(last, known)) for table, (first, last) in facts.months.items()})
    return propose_plan(facts)
