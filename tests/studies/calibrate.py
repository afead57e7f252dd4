"""Does the evidence rule keep its word? Simulated cities with a known truth, one cell a mechanism, judged as the annual run would judge them.

Run: python run.py calibrate [--cities 5000] [--jobs 2]; writes docs/calibration.csv, docs/calibration.png and docs/CALIBRATION.md (METHODS section 9).
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import functools
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "studies")]

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from calibration_page import CLAIMS, summarise, write_page  # noqa: E402
from simulated_panels import World, draw_panel  # noqa: E402

from kdx_eval.effect import check_parts, check_trends, staggered  # noqa: E402
from kdx_eval.effect.cohort_moments import CohortMoments  # noqa: E402
from kdx_eval.effect.contrasts import Contrast  # noqa: E402
from kdx_eval.effect.fiscal_year import FiscalYearContrast, FiscalYearTarget, event_bins, fiscal_year_contrast  # noqa: E402
from kdx_eval.errors import NotIdentifiedError  # noqa: E402
from kdx_eval.evidence import assess_evidence  # noqa: E402
from kdx_eval.panel.type import Panel  # noqa: E402
from kdx_eval.plan import Frozen, Plan, read_plan  # noqa: E402
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


@functools.lru_cache(maxsize=64)
def _weights(sizes: bytes, target: FiscalYearTarget, holder: _Holder) -> FiscalYearContrast | str:
    try:
        return fiscal_year_contrast(holder.m, target)
    except NotIdentifiedError as error:
        return error.reason


class _Holder:
    """Moments that compare equal, so that they do not enter the cache's key."""

    def __init__(self, m: CohortMoments) -> None:
        self.m = m

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Holder)

    def __hash__(self) -> int:
        return 0


def remembered_contrast(m: CohortMoments, target: FiscalYearTarget) -> FiscalYearContrast:
    """`fiscal_year_contrast`, computed once for cities of the same cohort sizes: its weights do not look at outcomes."""
    key = np.concatenate([m.cohorts, m.periods, m.size, m.mass]).tobytes()
    found = _weights(key, target, _Holder(m))
    if isinstance(found, str):
        raise NotIdentifiedError(found)
    return found


@functools.lru_cache(maxsize=64)
def _bins(sizes: bytes, target: FiscalYearTarget, width: int, holder: _Holder) -> tuple[np.ndarray, Contrast, np.ndarray]:
    return event_bins(holder.m, target, width=width)


def remembered_bins(m: CohortMoments, target: FiscalYearTarget, *, width: int) -> tuple[np.ndarray, Contrast, np.ndarray]:
    """`event_bins`, remembered likewise."""
    return _bins(np.concatenate([m.cohorts, m.periods, m.size, m.mass]).tobytes(), target, width, _Holder(m))


def judge(panel: Panel, truth: float) -> dict[str, object]:
    """What the tool says of one city, and what was true."""
    plan = the_plan()
    question = plan.question("q1_bpr_hours")
    try:
        study = staggered.judged_study(panel, question, plan=plan)
    except NotIdentifiedError:
        return {"truth": truth, "verdict": "検証対象外", "grade": 0}
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
        "strict_low": strict[0],
        "strict_high": strict[1],
        "naive": None if naive is None else naive.estimate,
        "detectable": study.detectable,
        "verdict": evidence.verdict,
        "bare_claim": bare.verdict in CLAIMS,
        "grade": evidence.maryland or 0,
    }


def one_city(seed: int, cell: Cell) -> dict[str, object]:
    """The row of one simulated city."""
    panel, truth = draw_panel(cell.world, units=cell.units, rng=np.random.default_rng([seed, cell.units]))
    return {"cell": cell.name, "identified": cell.identified, "units": cell.units, "seed": seed, **judge(panel, truth)}


def many_cities(seeds: range, cell: Cell) -> list[dict[str, object]]:
    """The rows of some seeds, in one worker: the weights of a design are computed once."""
    for module in (staggered, check_parts, check_trends):
        module.fiscal_year_contrast = remembered_contrast  # type: ignore[attr-defined]
    check_trends.event_bins = remembered_bins  # type: ignore[assignment]
    return [one_city(seed, cell) for seed in seeds]


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
        rows: list[dict[str, object]] = []
        step = max(1, min(250, chosen.cities // chosen.jobs))
        batches = [range(FIRST_SEED + k, FIRST_SEED + min(k + step, chosen.cities)) for k in range(0, chosen.cities, step)]
        with ProcessPoolExecutor(chosen.jobs) as pool:
            for cell in cells():
                for batch in pool.map(partial(many_cities, cell=cell), batches):
                    rows += batch
                print(f"{cell.name}: done", flush=True)
        summarise(pd.DataFrame(rows)).round(6).to_csv(ROOT / "docs" / "calibration.csv", index=False, lineterminator="\n")
    write_page(ROOT / "docs", command=f"python run.py calibrate --cities {chosen.cities}", first_seed=FIRST_SEED, smallest=SMALLEST)


if __name__ == "__main__":
    main()
