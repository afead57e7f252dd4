"""Placebos on real outcomes: nobody was trained, some are said to have been; how often does the tool see an effect?

Run: python run.py calibrate --real-placebo [--cities 1000]; writes docs/placebo.csv and docs/PLACEBO.md. Needs the shared data beside the project.

Chicago: complaints about officers before anybody was trained. Each officer keeps the training date that was really theirs, moved twelve months back, so
that who was sent early and who late stays as it was. Officers of one date are drawn into made-up units of forty.
Dutch municipality: events handled by each member of staff in fortnights; starts are drawn at random, or given to those with the fullest desks.
Known effects are taken off the outcome of the "trained" units, and none.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from calibrate import ROOT, the_plan
from calibration_page import CLAIMS

from kdx_eval.effect.staggered import judged_study
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.evidence import assess_evidence
from kdx_eval.panel.type import Panel

UNITS, OFFICERS = 60, 40
EFFECTS = (0.0, -0.2, -0.5)
_LAST_UNTRAINED = 15  # 2012-04 counted from 2011-01; seventeen officers trained before are left out
_SHIFT = 12
_SMALLEST = 0.05  # of the mean: what would matter


@cache
def officers(shared: Path) -> tuple[np.ndarray, np.ndarray]:
    """Complaints by officer and month before any training, (N, 16), and the real start moved back, (N,), in months from 2011-01."""
    folder = shared / "data" / "chicago_training"
    rows = _read(folder / "indicators.parquet")
    wide = rows.pivot_table(index="unit_id", columns="month", values="value", aggfunc="sum").sort_index(axis=1)
    training = pd.read_csv(folder / "training.csv", dtype=str)
    day = pd.to_datetime(training.groupby("staff_id")["completed_on"].min())
    start = ((day.dt.year - 2011) * 12 + day.dt.month - 1).reindex(wide.index).to_numpy(dtype=float)
    start = np.where(np.isnan(start), np.inf, start)
    keep = start > _LAST_UNTRAINED
    return wide.to_numpy()[keep, : _LAST_UNTRAINED + 1], start[keep] - _SHIFT


def _read(path: Path) -> pd.DataFrame:
    import duckdb

    return duckdb.sql(f"SELECT unit_id, month, value FROM read_parquet('{path.as_posix()}') WHERE indicator_id = 'complaints' ORDER BY ALL").df()


@cache
def desks(shared: Path) -> np.ndarray:
    """Events by member of staff and fortnight, (N, T); who handled fewer than one in ten fortnights is left out."""
    log = pd.read_csv(shared / "data" / "municipal_log" / "coselog_receipt.csv", usecols=["org:resource", "time:timestamp"])
    at = pd.to_datetime(log["time:timestamp"], utc=True, format="ISO8601")
    fortnight = (at - at.min()).dt.days // 14
    wide = log.groupby(["org:resource", fortnight]).size().unstack(fill_value=0)
    counts = wide.reindex(columns=range(2, int(fortnight.max()) - 1), fill_value=0).to_numpy(dtype=float)  # whole fortnights of the log's full run
    return counts[(counts > 0).mean(axis=1) >= 0.1]


def chicago(shared: Path, rng: np.random.Generator) -> Panel:
    """Sixty units of forty officers each; all officers of a unit have one start."""
    counts, start = officers(shared)
    shown = np.where(start <= _LAST_UNTRAINED, start, np.inf)
    dates, sizes = np.unique(shown, return_counts=True)
    enough = sizes >= OFFICERS
    chosen = rng.choice(dates[enough], size=UNITS, p=sizes[enough] / sizes[enough].sum())
    outcome, used = [], []
    for date in np.unique(chosen):
        members = rng.permutation(np.flatnonzero(shown == date))
        for k in range(min(int((chosen == date).sum()), len(members) // OFFICERS)):
            outcome.append(counts[members[k * OFFICERS : (k + 1) * OFFICERS]].sum(axis=0))
            used.append(date)
    return _panel(np.array(outcome), np.array(used))


def desks_at_random(shared: Path, rng: np.random.Generator) -> Panel:
    """Half of the staff start, in three waves, in random order."""
    counts = desks(shared)
    return _panel(counts, _waves(rng.permutation(len(counts)), counts.shape[1]))


def fullest_desks(shared: Path, rng: np.random.Generator) -> Panel:
    """Those who start are chosen for having handled most in the weeks before: what falls back would have fallen back anyway."""
    counts = desks(shared)
    begin = _first_wave(counts.shape[1])
    lately = counts[:, begin - 4 : begin].mean(axis=1) / np.maximum(counts[:, : begin - 4].mean(axis=1), 1.0)
    order = np.argsort(-lately + 0.2 * rng.standard_normal(len(counts)))
    return _panel(counts, _waves(order, counts.shape[1]))


def _first_wave(periods: int) -> int:
    return periods // 2


def _waves(order: np.ndarray, periods: int) -> np.ndarray:
    start = np.full(len(order), np.inf)
    begun = order[: len(order) // 2]
    start[begun] = _first_wave(periods) + 3 * (np.arange(len(begun)) * 3 // len(begun))
    return start


def _panel(outcome: np.ndarray, start: np.ndarray) -> Panel:
    return Panel(
        outcome=outcome.astype(float), units=np.arange(len(outcome)).astype(object), periods=np.arange(float(outcome.shape[1])), cohort=start,
        persons=np.full(len(outcome), OFFICERS),
    )  # fmt: skip


SOURCES: dict[str, Callable[[Path, np.random.Generator], Panel]] = {
    "Chicago complaints, real order of training": chicago,
    "Dutch municipality, random order": desks_at_random,
    "Dutch municipality, fullest desks first": fullest_desks,
}


def one_draw(seed: int, *, source: str, shared: Path) -> list[dict[str, object]]:
    """The verdict for each injected effect, with and without the gates."""
    panel = SOURCES[source](shared, np.random.default_rng([seed, 7]))
    plan = the_plan()
    asked = dataclasses.replace(plan.question("q1_bpr_hours"), cohort_width="month", buffer_months=0, excluded_periods=())
    on = panel.periods[None, :] >= panel.cohort[:, None]
    rows = []
    for effect in EFFECTS:
        # A share of what the unit handles in that period: an exact effect on real data.
        changed = dataclasses.replace(panel, outcome=np.where(on, panel.outcome * (1 + effect), panel.outcome))
        smallest = _SMALLEST * float(panel.outcome.mean())
        try:
            study = judged_study(changed, asked, plan=plan)
        except NotIdentifiedError:
            continue
        judged = assess_evidence(study, asked, plan=plan, smallest_effect=smallest)
        bare = assess_evidence(dataclasses.replace(study, checks=()), asked, plan=plan, smallest_effect=smallest)
        rows.append({
            "source": source, "effect": effect, "claim": judged.verdict in CLAIMS, "harm": judged.verdict == "逆効果", "bare_claim": bare.verdict in CLAIMS,
            "undecided": judged.verdict == "判定不能", "estimate": study.headline.estimate / study.baseline_mean,
        })  # fmt: skip
    return rows


def _draws(shared: Path, count: int, jobs: int) -> Iterator[dict[str, object]]:
    with ProcessPoolExecutor(jobs) as pool:
        for source in SOURCES:
            for rows in pool.map(partial(one_draw, source=source, shared=shared), range(count), chunksize=25):
                yield from rows
            print(f"{source}: done", flush=True)


def run(*, shared: Path, draws: int, jobs: int) -> None:
    """Write docs/placebo.csv and docs/PLACEBO.md."""
    rows = pd.DataFrame(_draws(shared, draws, jobs))
    table = rows.groupby(["source", "effect"], sort=False).mean().assign(draws=rows.groupby(["source", "effect"], sort=False).size()).reset_index()
    table.round(6).to_csv(ROOT / "docs" / "placebo.csv", index=False, lineterminator="\n")
    lines = [
        "# Placebos on real data", "",
        f"Made by `python run.py calibrate --real-placebo --cities {draws}`: {draws:,} draws a row, no simulated outcome. Nobody was trained in these periods;",
        "an effect of a known share is taken off what the \"trained\" units handled. A claim is 効果あり or 小さい効果; where the effect is none it is false",
        "(target: at most 5 %). How the units are made is told in `tests/studies/real_placebo.py`.", "",
        "| outcome and order | effect put in | estimate (share of the level before) | claims | claims without gates | 判定不能 | called harmful |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    lines += [
        f"| {row.source} | {row.effect:.0%} | {row.estimate:.1%} | {row.claim:.1%} | {row.bare_claim:.1%} | {row.undecided:.1%} | {row.harm:.1%} |"
        for row in table.itertuples()
    ]
    (ROOT / "docs" / "PLACEBO.md").write_text("\n".join([*lines, ""]), encoding="utf-8", newline="\n")
    print("\n".join(lines))
