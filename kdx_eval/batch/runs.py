"""What to run, in which order, and what may be skipped because nothing it depends on has changed."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from kdx_eval import manifest, resources, safe
from kdx_eval.batch.kernels import Job, Kernels, NotebookFailedError, SiteJob
from kdx_eval.batch.notebook_files import declared_parameters
from kdx_eval.batch.plans import choose_plan
from kdx_eval.batch.workspace import freeze_date
from kdx_eval.errors import KdxError
from kdx_eval.plan import Plan, plan_digest

if TYPE_CHECKING:
    from kdx_eval.load import Dataset

Progress: TypeAlias = Callable[[str, float], None]
STATE = "run.json"
FRAMES = ("event_study", "group_time", "series", "timing", "influence")  # as results.py; not imported, since it costs a second
_LOAD_SHARE = 0.3  # of the progress bar, as measured on the demo city


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of the annual run: a notebook, the site, or what may leave the office.

    Attributes
    ----------
    writes : tuple of str
        Files or folders below the output folder that it alone writes.
    needs : tuple of str
        Stages whose results it reads.
    """

    name: str
    title: str
    writes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


_STUDIES = ("plan.json", "effects.json", "evidence.json", "studies.json", *(f"{name}.parquet" for name in FRAMES))
_BEFORE_DOCUMENTS = ("02_skill_map", "05_cost_benefit", "06_training_cycle", "07_targeting", "08_rollout", "09_partnership")
STAGES: tuple[Stage, ...] = (
    Stage(name="00_start", title="はじめに"),
    Stage(name="01_data_quality", title="データの点検", writes=("results/quality.json", "results/reach.parquet")),
    Stage(
        name="02_skill_map", title="スキルマップと方針", needs=("01_data_quality", "05_cost_benefit"),
        writes=tuple(f"results/policy_{part}.json" for part in ("skills", "reach", "levels", "review")),
    ),
    Stage(name="03_training_effect", title="研修の効果", writes=tuple(f"results/{name}" for name in _STUDIES)),
    Stage(name="04_staff_hours", title="生み出した時間", writes=("results/savings.json",), needs=("01_data_quality", "03_training_effect")),
    Stage(name="05_cost_benefit", title="費用と効果", writes=("results/budget.json",), needs=("04_staff_hours",)),
    Stage(
        name="06_training_cycle",
        title="育成の循環",
        writes=tuple(f"results/policy_{part}.json" for part in ("cycle", "vision", "stage_b", "specialists")),
        needs=("05_cost_benefit",),
    ),
    Stage(name="07_targeting", title="主導すべき業務", writes=("results/policy_targeting.json",), needs=("03_training_effect",)),
    Stage(name="08_rollout", title="来年度の順番", writes=("results/policy_rollout.json",), needs=("03_training_effect",)),
    Stage(name="09_partnership", title="他の市との協力", writes=("results/policy_partnership.json",), needs=("01_data_quality", "03_training_effect")),
    Stage(name="10_budget_documents", title="予算要求の附属資料", writes=("documents",), needs=_BEFORE_DOCUMENTS),
)
DOCUMENTS = STAGES[-1]
SITE = Stage(name="site", title="閲覧用のサイト", writes=("site",), needs=tuple(stage.name for stage in STAGES))
PUBLIC = Stage(name="public", title="公表用の資料", writes=("public",), needs=("05_cost_benefit",))
_ALL = (*STAGES, SITE, PUBLIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """What became of one stage."""

    name: str
    title: str
    outcome: Literal["executed", "skipped"]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """Where everything lies after a run.

    Attributes
    ----------
    out, documents, site, public : Path
        Output folder, its documents, the first page of the site, and the one folder that may leave the office.
    plan : Plan
        As it was used.
    plan_origin : {"given", "proposed", "edited"}
        As in `ChosenPlan`.
    seconds : float
        Elapsed time on the wall.
    """

    out: Path
    documents: Path
    site: Path
    public: Path
    plan: Plan
    plan_origin: Literal["given", "proposed", "edited"]
    stages: tuple[StageResult, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """A run under way: its fixed inputs and the state that is written after every stage."""

    out: Path
    data: Path
    plan_file: str
    as_of: dt.date
    base: dict[str, str]
    progress: Progress
    state: dict[str, dict[str, Any]] = field(default_factory=dict)
    done: dict[str, StageResult] = field(default_factory=dict)
    started: dict[str, float] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)


def run_batch(
    data: Path, *, plan: Path | None = None, out: Path, progress: Progress | None = None, as_of: dt.date | None = None, synthetic: bool = False
) -> BatchResult:
    """Run the annual evaluation on a data folder.

    Parameters
    ----------
    data : Path
        Folder with the delivered files; never written to.
    plan : Path, optional
        The plan; without it ``plan.frozen.json`` or ``plan.yaml`` of the data folder, else one proposed from the training dates.
    out : Path
        Output folder; a run that was stopped goes on from there.
    progress : callable, optional
        Called with a Japanese text and a share between 0 and 1.
    as_of : date, optional
        The day on which no later month is known; bounds a proposed plan.
    synthetic : bool
        The data is the synthetic city: it may lie inside ``out``, and every page is marked 合成データ.

    Raises
    ------
    KdxError
        With place, reason and remedy; finished stages stay and are not repeated.
    """
    began = time.perf_counter()
    report: Progress = progress or (lambda _text, _share: None)
    out = safe.check_output_dir(Path(out), Path(data), data_inside=synthetic)
    data = Path(data).expanduser().resolve()
    with Kernels() as kernels, _absent_or_whole(out):  # the warm parent imports while the files are read
        from kdx_eval.load import load_dataset
        from kdx_eval.panel.build import check_questions
        from kdx_eval.report.own_forms import check_forms
        from kdx_eval.report.word_check import check_templates

        check_forms(data)
        check_templates(data)
        dataset = load_dataset(data, progress=lambda text, share: report(text, share * _LOAD_SHARE))
        chosen = choose_plan(dataset, plan, out=out, as_of=as_of, synthetic=synthetic)
        used = chosen.plan
        check_questions(dataset, used)
        safe.ensure_output_dir(out, data, data_inside=synthetic)
        plan_file = chosen.write(out)
        safe.write_atomic(out / "rejected.csv", Path(dataset.rejected).read_bytes())
        run = _Run(
            out=out, data=data, plan_file=plan_file, as_of=freeze_date(used), base=_base_digests(dataset, used), progress=report, state=_read_state(out)
        )  # fmt: skip
        _sweep(out)
        _drop_damaged(run)
        _run_stages(run, kernels)
        parameters = {"plan": plan_digest(used), "plan_origin": chosen.origin, "request_fiscal_year": used.request_fiscal_year.year}
        manifest.write_manifest(out, inputs=data, parameters=parameters, code_version=run.base["code"])
    report("できました", 1.0)
    return BatchResult(
        out=out, documents=out / "documents", site=out / "site" / "index.html", public=out / "public", plan=used, plan_origin=chosen.origin,
        stages=tuple(run.done[stage.name] for stage in _ALL), seconds=time.perf_counter() - began,
    )  # fmt: skip


@contextlib.contextmanager
def _absent_or_whole(out: Path) -> Iterator[None]:
    """A new output folder does not stay when the user has to mend something first; after a breakdown it stays, to go on from."""
    is_new = not out.exists()
    try:
        yield
    except NotebookFailedError:
        raise
    except KdxError:
        if is_new:
            shutil.rmtree(out, ignore_errors=True)
        raise


def _sweep(out: Path) -> None:
    """Remove what a killed run left half written."""
    for left in sorted(out.rglob(".tmp-*")):
        shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)


def _base_digests(dataset: Dataset, plan: Plan) -> dict[str, str]:
    # The city's own templates are no data, so that their content is not in the dataset's digest.
    folders = {"ours": resources.root_dir("templates"), "city": dataset.folder / "templates"}
    templates = {f"{whose}/{path.relative_to(folder).as_posix()}": path for whose, folder in folders.items() for path in folder.rglob("*") if path.is_file()}
    return {
        "data": dataset.digest,
        "plan": plan_digest(plan),
        "frozen": "" if plan.frozen is None else plan.frozen.at.isoformat(),
        "changed_since_freeze": str(plan.changed_since_freeze),
        "code": manifest.code_digest(),
        "templates": manifest.digest_json({name: manifest.digest_file(path) for name, path in sorted(templates.items())}),
    }


def _run_stages(run: _Run, kernels: Kernels) -> None:
    # What most others wait for comes first.
    waiting = sorted(_ALL, key=lambda stage: -sum(stage.name in _ancestors(other) for other in _ALL))
    running: set[str] = set()
    while waiting or running:
        for stage in list(waiting):
            if len(running) < 2 and all(need in run.done for need in stage.needs):
                waiting.remove(stage)
                if _start(run, stage, kernels):
                    running.add(stage.name)
        if running:
            name = kernels.wait()
            running.discard(name)
            _finish(run, next(stage for stage in _ALL if stage.name == name))


def _start(run: _Run, stage: Stage, kernels: Kernels) -> bool:
    """Submit the stage; False when it could be skipped."""
    job = _notebook_job(run, stage) if stage in STAGES else _site_job(run, stage)
    upstream = {name: run.state[name]["outputs"] for name in _ancestors(stage)}
    run.keys[stage.name] = manifest.digest_json([_content(job), _form_digests(run) if stage is DOCUMENTS else {}, run.base, upstream])
    if _is_intact(run, stage):
        run.done[stage.name] = StageResult(name=stage.name, title=stage.title, outcome="skipped", seconds=0.0)
        return False
    run.started[stage.name] = time.perf_counter()
    run.progress(f"{stage.title}（{stage.name}）", _share(run))
    if isinstance(job, Job):
        job.output.parent.mkdir(exist_ok=True)
        job.failed.unlink(missing_ok=True)
    kernels.submit(job)
    return True


def _notebook_job(run: _Run, stage: Stage) -> Job:
    source, folder = resources.root_dir("notebooks") / f"{stage.name}.ipynb", run.out / "notebooks"
    output, failed = (folder / f"{stage.name}{suffix}.ipynb" for suffix in ("", ".failed"))
    return Job(name=stage.name, source=source, output=output, failed=failed, cwd=folder, parameters=_parameters(run, source))


def _site_job(run: _Run, stage: Stage) -> SiteJob:
    if stage is PUBLIC:
        return SiteJob(name=PUBLIC.name, out=run.out, as_of=run.as_of, public=True)
    notebooks = tuple(run.out / "notebooks" / f"{stage.name}.ipynb" for stage in STAGES)
    return SiteJob(name=SITE.name, out=run.out, as_of=run.as_of, notebooks=notebooks)


def _content(job: Job | SiteJob) -> list[object]:
    """What a job depends on beside the data, plan and code of the whole run."""
    if isinstance(job, SiteJob):
        return [manifest.digest_file(path) for path in job.notebooks]
    # The same data elsewhere is the same data.
    return [manifest.digest_file(job.source), {key: value for key, value in job.parameters.items() if key != "data_dir"}]


def _form_digests(run: _Run) -> dict[str, str]:
    """The city's own forms and their mappings, which only the documents depend on."""
    from kdx_eval.report.own_forms import find_forms

    return {path.relative_to(run.data).as_posix(): manifest.digest_file(path) for pair in find_forms(run.data) for path in pair}


def _ancestors(stage: Stage) -> list[str]:
    by_name = {one.name: one for one in _ALL}
    return sorted({name for need in stage.needs for name in (need, *_ancestors(by_name[need]))})


def _parameters(run: _Run, source: Path) -> dict[str, object]:
    folder = run.out / "notebooks"
    values: dict[str, object] = {
        "data_dir": _relative(run.data, folder),
        "plan_path": f"../{run.plan_file}",
        "out_dir": "..",
    }
    declared = declared_parameters(source)
    given = {name: value for name, value in values.items() if name in declared}
    safe.check_parameters(given, {name: type(value) for name, value in declared.items()})
    return given


def _relative(path: Path, start: Path) -> str:
    """Relative where both lie under one folder, so that an executed notebook tells nothing of the machine."""
    try:
        shared = Path(os.path.commonpath([path, start]))
    except ValueError:  # two drives
        return str(path)
    return str(path) if shared == Path(shared.anchor) else Path(os.path.relpath(path, start)).as_posix()


def _drop_damaged(run: _Run) -> None:
    """Remove results that are not as they were written: a later notebook reads the whole folder."""
    for entry in run.state.values():
        for name, digest in dict(entry["outputs"]).items():
            path = run.out / name
            if path.is_file() and manifest.digest_file(path) != digest:
                path.unlink()


def _is_intact(run: _Run, stage: Stage) -> bool:
    recorded = run.state.get(stage.name)
    if recorded is None or recorded["key"] != run.keys[stage.name]:
        return False
    if stage in STAGES and not (run.out / "notebooks" / f"{stage.name}.ipynb").is_file():
        return False
    # A Word file may have been edited by hand since; only results must be as they were.
    found = _digests(run.out, stage)
    return found.keys() == dict(recorded["files"]).keys() and _results(found) == recorded["outputs"]


def _results(files: Mapping[str, str]) -> dict[str, str]:
    return {name: digest for name, digest in files.items() if name.startswith("results/")}


def _finish(run: _Run, stage: Stage) -> None:
    files = _digests(run.out, stage)
    run.state[stage.name] = {"key": run.keys[stage.name], "files": files, "outputs": _results(files)}
    safe.write_atomic(run.out / STATE, json.dumps({"schema_version": 1, "stages": run.state}, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
    seconds = time.perf_counter() - run.started[stage.name]
    run.done[stage.name] = StageResult(name=stage.name, title=stage.title, outcome="executed", seconds=seconds)
    run.progress(f"{stage.title}（{stage.name}）", _share(run))


def _share(run: _Run) -> float:
    return _LOAD_SHARE + (1 - _LOAD_SHARE) * len(run.done) / len(_ALL)


def _digests(out: Path, stage: Stage) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in stage.writes:
        target = out / name
        files = sorted(path for path in target.rglob("*") if path.is_file()) if target.is_dir() else [target] if target.is_file() else []
        found.update({path.relative_to(out).as_posix(): manifest.digest_file(path) for path in files})
    return found


def _read_state(out: Path) -> dict[str, dict[str, Any]]:
    try:
        content = json.loads((out / STATE).read_text(encoding="utf-8"))
        known: Mapping[str, dict[str, object]] = content["stages"] if content["schema_version"] == 1 else {}
        return {name: entry for name, entry in known.items() if {"key", "files", "outputs"} <= entry.keys()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # no state, or one that cannot be trusted: everything runs again
