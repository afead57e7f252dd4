"""Would a cut-off on the breakdown value tell sound claims from unsound ones? The cells of the calibration, one breakdown value a city.

Run: python tests/studies/breakdown.py [--cities 300]; writes docs/breakdown.csv, the table that docs/METHODS.md speaks of.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
from calibrate import ROOT, SMALLEST, Cell, many_cities, the_plan  # first: it sets the import path
from calibration_page import CLAIMS
from simulated_panels import World, draw_panel

from kdx_eval.effect import robustness, staggered
from kdx_eval.evidence import assess_evidence

FIRST_SEED = 5_000_000  # apart from the calibration's own
CUT_OFFS = (0.05, 0.1, 0.2, 0.3, 0.5)
CELLS = (
    Cell(name="effect 7 %", units=60, world=World(effect_share=0.07)),
    Cell(name="effect 12 %", units=60, world=World(effect_share=0.12)),
    Cell(name="no effect", units=60, world=World()),
    Cell(name="no effect, drift -3 % a year", units=60, world=World(drift=-0.03), identified=False),
    Cell(name="no effect, drift -6 % a year", units=60, world=World(drift=-0.06), identified=False),
    Cell(name="no effect, bad half-year 8 %", units=60, world=World(shock=0.08), identified=False),
)


def one_city(seed: int, cell: Cell) -> dict[str, object]:
    """Claim of the plain interval, claim under all rules, and the breakdown value."""
    panel, truth = draw_panel(cell.world, units=cell.units, rng=np.random.default_rng([seed, cell.units]))
    question = the_plan().question("q1_bpr_hours")
    study = staggered.judged_study(panel, question, plan=the_plan())
    verdict = assess_evidence(study, question, plan=the_plan(), smallest_effect=SMALLEST).verdict
    bounds = robustness.honest_bounds(staggered._headline(panel, question, plan=the_plan()), width=3)
    return {
        "cell": cell.name,
        "plain": study.headline.conf_high < 0,
        "claim": verdict in CLAIMS,
        "outside": not study.headline.conf_low <= truth <= study.headline.conf_high,
        "breakdown": np.nan if bounds is None else bounds.breakdown,
    }


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a cell: share whose plain interval shows a fall, share claimed, quartiles of the breakdown value, share left at each cut-off."""
    found = []
    for cell, part in rows.groupby("cell", sort=False):
        shown = part[part["plain"]]
        quartiles = shown["breakdown"].quantile([0.25, 0.5, 0.75]).tolist() if len(shown) else [np.nan] * 3
        left = {f"plain_and_breakdown_above_{cut}": float((part["plain"] & (part["breakdown"] > cut)).mean()) for cut in CUT_OFFS}
        found.append({"cell": cell, "cities": len(part), "plain_shows_fall": part["plain"].mean(), "claimed_by_rules": part["claim"].mean()}
                     | dict(zip(("breakdown_q25", "breakdown_median", "breakdown_q75"), quartiles, strict=True)) | left)  # fmt: skip
    return pd.DataFrame(found).round(3)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cities", type=int, default=300)
    options.add_argument("--jobs", type=int, default=1)
    chosen = options.parse_args()
    many_cities(range(0), CELLS[0])  # remembers the weights of a design from here on
    rows: list[dict[str, object]] = []
    with ProcessPoolExecutor(chosen.jobs) as pool:
        for cell in CELLS:
            rows += pool.map(partial(one_city, cell=cell), range(FIRST_SEED, FIRST_SEED + chosen.cities), chunksize=25)
    summary(pd.DataFrame(rows)).to_csv(ROOT / "docs" / "breakdown.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
