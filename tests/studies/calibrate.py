"""Does the evidence rule keep its word? Simulated cities with a known truth, one cell a mechanism, judged as the annual run would judge them.

Run: python run.py calibrate [--cities 5000] [--jobs 2]; writes docs/calibration.csv, docs/calibration.png and docs/CALIBRATION.md (METHODS section 9).
Each finished cell is kept in reports/calibration/, under a name made from the code and the number of cities: a run that was stopped goes on from there.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import functools
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: matrices of 48 months gain nothing from threads, and the jobs would fight over the cores
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "studies")]

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from calibration_page import CLAIMS, summarise, write_page  # noqa: E402
from simulated_panels import World, draw_panel  # noqa: E402

from kdx_eval.effect import check_parts, check_trends, staggered  # noqa: E402
from kdx_eval.effect.cohort_moments import CohortMoments  # noqa: E402
from kdx_eval.effect.fiscal_year import fiscal_year_contrast  # noqa: E402
from kdx_eval.errors import NotIdentifiedError  # noqa: E402
from kdx_eval.evidence import assess_evidence  # noqa: E402
from kdx_eval.evidence.types import Evidence  # noqa: E402
from kdx_eval.panel.type import Panel  # noqa: E402
from kdx_eval.plan import Frozen, Plan, read_plan  # noqa: E402
from kdx_eval.safe import write_atomic  # noqa: E402
from kdx_eval.synthetic_city.delivery_plan import PLAN_TEXT  # noqa: E402

FIRST_SEED = 1_000_000  # far from the seeds of the tests: held out
SMALLEST = 8.8  # hours per department-month: what the demo city's costs ask for


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One row of the table: how many departments, how they work, and whether the comparison is identified there."""

    name: str
    units: int
    world: World
    identified: bool = True


def cells() -> list[Cell]:
    """Every switch alone and some together, without and with an effect; sizes 10, 20, 60, 300."""
    found = [Cell(name=f"no effect, {units} departments", units=units, world=World()) for units in (10, 20, 60, 300)]
    found += [Cell(name=f"effect 7 %, {units} departments", units=units, world=World(effect_share=0.07)) for units in (10, 20, 60, 300)]
    # 1.5 times what could be detected with 80 % probability: 4.2 standard errors, from the spread of estimates in the null cells.
    strong = {10: 0.24, 20: 0.142, 60: 0.075, 300: 0.034}
    found += [Cell(name=f"effect 1.5 x detectable, {units} departments", units=units, world=World(effect_share=share)) for units, share in strong.items()]
    identified = {
        "no selection on level": World(effect_share=0.07, level=0.0),
        "twice the rotation": World(effect_share=0.07, rotation=0.44),
        "three times the COVID shift": World(effect_share=0.07, covid=3.0),
        "twice the seasons": World(effect_share=0.07, season=2.0),
    }
    found += [Cell(name=f"{name}, effect 7 %", units=60, world=world) for name, world in identified.items()]
    for effect in (0.0, 0.07):
        violated = {
            "drift of those trained -1.5 % a year": World(effect_share=effect, drift=-0.015),
            "drift of those trained -3 % a year": World(effect_share=effect, drift=-0.03),
            "drift of those trained -6 % a year": World(effect_share=effect, drift=-0.06),
            "drift of those trained +3 % a year": World(effect_share=effect, drift=0.03),
            "drift of the first two starts alone -3 % a year": World(effect_share=effect, drift=-0.03, drifting=2),
            "chosen on a bad half-year, 4 %": World(effect_share=effect, shock=0.04),
            "chosen on a bad half-year, 8 %": World(effect_share=effect, shock=0.08),
        }
        if effect:
            violated |= {
                "10 % of the effect spills over": World(effect_share=effect, spillover=0.1),
                "30 % of the effect spills over": World(effect_share=effect, spillover=0.3),
                "20 % of the freed work is displaced": World(effect_share=effect, displaced=0.2),
                "half the effect comes three months early": World(effect_share=effect, anticipation=0.5),
                "everything at once": World(effect_share=effect, drift=-0.03, shock=0.04, spillover=0.2, displaced=0.1, anticipation=0.5, covid=2.0),
            }
        told = "effect 7 %" if effect else "no effect"
        found += [Cell(name=f"{name}, {told}", units=60, world=world, identified=False) for name, world in violated.items()]
    found += [Cell(name="drift of those trained -3 % a year, no effect, 20 departments", units=20, world=World(drift=-0.03), identified=False)]
    return found


@cache
def the_plan() -> Plan:
    """The demo city's plan, frozen in time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plan.yaml"
        path.write_text(PLAN_TEXT, encoding="utf-8", newline="\n")
        return dataclasses.replace(read_plan(path), frozen=Frozen(at=dt.date(2025, 3, 18), sha256="0" * 64))


def remembered(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of a design's weights, computed once for cities of the same cohort sizes: such weights do not look at outcomes.

    It is called with moments and a target, or with a headline that holds both.
    """
    known: dict[object, Any] = {}

    @functools.wraps(function)
    def call(first: Any, *rest: Any, **choices: Any) -> Any:
        m = first if isinstance(first, CohortMoments) else first.m
        target = rest[0] if rest else first.target
        key = (np.concatenate([m.cohorts, m.periods, m.size, m.mass]).tobytes(), target, tuple(sorted(choices.items())))
        if key not in known:
            try:
                known[key] = function(first, *rest, **choices)
            except NotIdentifiedError as error:
                known[key] = error
        if isinstance(known[key], NotIdentifiedError):
            raise NotIdentifiedError(known[key].reason)
        return known[key]

    return call


remembered_contrast = remembered(fiscal_year_contrast)
_BEFORE = ("event_bins", "slope_weights", "common_slope_weights", "last_season")  # weights that check_trends asks for


def judge(panel: Panel, truth: float) -> dict[str, object]:
    """What the tool says of one city, and what was true."""
    plan = the_plan()
    question = plan.question("q1_bpr_hours")
    try:
        study = staggered.judged_study(panel, question, plan=plan)
    except NotIdentifiedError:
        return {"truth": truth, "verdict": "検証対象外", "grade": 0, "bare_claim": False, "reason": ""}
    evidence = assess_evidence(study, question, plan=plan, smallest_effect=SMALLEST)
    # Without the gates: the interval alone, as a tool without checks would judge.
    bare = assess_evidence(dataclasses.replace(study, checks=()), question, plan=plan, smallest_effect=SMALLEST)
    found, naive = study.headline, study.entry("naive_before_after")
    strict = evidence.strict95 or (found.conf_low, found.conf_high)
    return {
        "truth": truth,
        "estimate": found.estimate,
        "low": found.conf_low,
        "high": found.conf_high,
        "std_error": found.std_error,
        "strict_low": strict[0],
        "strict_high": strict[1],
        "naive": None if naive is None else naive.estimate,
        "detectable": study.detectable,
        "verdict": evidence.verdict,
        "bare_claim": bare.verdict in CLAIMS,
        "reason": reason(evidence, bare) if evidence.verdict == "判定不能" else "",
        "grade": evidence.maryland or 0,
    }


def reason(evidence: Evidence, bare: Evidence) -> str:
    """Why a city is 判定不能: ``interval`` (no verdict even without checks), the first failed check's id, else ``trend``."""
    if bare.verdict == "判定不能":
        return "interval"
    return next((check.check_id for check in evidence.checks if check.outcome == "failed"), "trend")


def one_city(seed: int, cell: Cell) -> dict[str, object]:
    """The row of one simulated city."""
    panel, truth = draw_panel(cell.world, units=cell.units, rng=np.random.default_rng([seed, cell.units]))
    return {"cell": cell.name, "identified": cell.identified, "units": cell.units, "seed": seed, **judge(panel, truth)}


def many_cities(seeds: range, cell: Cell) -> list[dict[str, object]]:
    """The rows of some seeds, in one worker: the weights of a design are computed once."""
    for module in (staggered, check_parts, check_trends):
        module.fiscal_year_contrast = remembered_contrast  # type: ignore[attr-defined]
    for name in _BEFORE:
        found = getattr(check_trends, name)
        if not hasattr(found, "__wrapped__"):
            setattr(check_trends, name, remembered(found))
    return [one_city(seed, cell) for seed in seeds]


def make_table(*, cities: int, jobs: int, kept: Path, chosen: list[Cell] | None = None) -> pd.DataFrame:
    """One row a cell, each kept in the folder as it is finished and taken from there where the same code has made it before."""
    chosen, begun, made = cells() if chosen is None else chosen, time.monotonic(), 0
    folder = kept / f"{_code_digest()}-{cities}"
    folder.mkdir(parents=True, exist_ok=True)
    step = max(1, min(250, cities // jobs))
    batches = [range(FIRST_SEED + k, FIRST_SEED + min(k + step, cities)) for k in range(0, cities, step)]
    parts = []
    with ProcessPoolExecutor(jobs) as pool:
        for place, cell in enumerate(chosen, start=1):
            path = folder / f"{hashlib.sha256(repr(cell).encode()).hexdigest()[:16]}.csv"
            if not path.exists():
                rows = [row for batch in pool.map(partial(many_cities, cell=cell), batches) for row in batch]
                write_atomic(path, summarise(pd.DataFrame(rows)).round(6).to_csv(index=False, lineterminator="\n"))
                made += 1
            parts.append(pd.read_csv(path, keep_default_na=False, na_values=[""]))
            left = (time.monotonic() - begun) / max(made, 1) * (len(chosen) - place) / 60
            print(f"{place}/{len(chosen)} {cell.name}: done" + (f", about {left:.0f} minutes left" if made else " before"), flush=True)
    return pd.concat(parts, ignore_index=True)


def _code_digest() -> str:
    """Digest of all that decides a row: the package, its vocabulary and the study."""
    files = [*(ROOT / "kdx_eval").rglob("*.py"), *(ROOT / "data_schema").glob("*.*"), *(ROOT / "tests" / "studies").glob("*.py")]
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cities", type=int, default=5_000)
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--page-only", action="store_true", help="rewrite the page from docs/calibration.csv")
    options.add_argument("--real-placebo", action="store_true", help="placebos on the shared real data instead: docs/PLACEBO.md")
    options.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    chosen = options.parse_args()
    if chosen.real_placebo:
        import real_placebo

        real_placebo.run(shared=chosen.shared, draws=chosen.cities, jobs=chosen.jobs)
        return
    if not chosen.page_only:
        table = make_table(cities=chosen.cities, jobs=chosen.jobs, kept=ROOT / "reports" / "calibration")
        table.to_csv(ROOT / "docs" / "calibration.csv", index=False, lineterminator="\n")
    write_page(ROOT / "docs", command=f"python run.py calibrate --cities {chosen.cities}", first_seed=FIRST_SEED, smallest=SMALLEST)


if __name__ == "__main__":
    main()
