"""Group-time effects against the bare NumPy arithmetic they rest on and against diff-diff, CPU seconds in one run, as ratios.

Run: python tests/benchmarks/bench_effect.py [panel.parquet]. Without a file the panel is made here by the same recipe
(10 000 units x 48 periods, 8 cohorts and never treated).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from kdx_eval.effect import group_time_effects, moments
from kdx_eval.panel.type import Panel

REPEATS = 5


def cpu(action: Callable[[], object]) -> float:
    """Smallest CPU time of several runs: what the code needs, not what the machine was doing."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return min(times)


def make_frame(units: int = 10_000, periods: int = 48) -> pd.DataFrame:
    """Eight cohorts and never treated, noise with unit and period effects, effect growing with exposure."""
    rng = np.random.default_rng(0)
    cohort = rng.choice([0, 13, 16, 19, 22, 25, 28, 31, 34], units)
    period = np.arange(1, periods + 1)
    treated = (cohort[:, None] > 0) & (period[None, :] >= cohort[:, None])
    outcome = rng.normal(0, 1, (units, 1)) + rng.normal(0, 1, (1, periods)) + rng.normal(0, 1, (units, periods))
    outcome += np.where(treated, 0.1 * (period[None, :] - cohort[:, None] + 1), 0.0)
    return pd.DataFrame(
        {"id": np.repeat(np.arange(units), periods), "t": np.tile(period, units), "g": np.repeat(cohort, periods), "y": outcome.ravel()}
    )


def bare(outcome: np.ndarray, cohort: np.ndarray, periods: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least arithmetic there is: cohort means and scatters, ATT(g, t) with not yet treated controls and errors, event study with covariance."""
    groups = np.unique(cohort)
    size, mean, scatter = [], [], []
    for g in groups:
        values = outcome[cohort == g]
        size.append(len(values))
        mean.append(values.mean(axis=0))
        deviations = values - mean[-1]
        scatter.append(deviations.T @ deviations)
    n, m, s = np.array(size, dtype=float), np.array(mean), np.array(scatter)
    columns, att, error, contrast, keys = np.arange(1, len(periods)), [], [], [], []
    for i, g in enumerate(groups[:-1]):
        base = np.where(periods[1:] >= g, int(g - periods[0] - 1), columns - 1)
        controls = groups[None, :] > np.maximum(periods[1:], periods[base])[:, None]
        controls[:, i] = False
        share = np.where(controls, n, 0.0) / (controls @ n)[:, None]
        effect = -share
        effect[:, i] += 1
        att.append(np.einsum("kg,gk->k", effect, m[:, columns] - m[:, base]))
        diagonal = np.einsum("gtt->gt", s)
        spread = diagonal[:, columns] + diagonal[:, base] - 2 * s[:, columns, base]
        error.append(np.sqrt(((effect / n) ** 2 * spread.T).sum(axis=1)))
        rows = np.zeros((len(columns), len(groups), len(periods)))
        place = np.arange(len(columns))
        rows[place, :, columns] += n[i] * effect
        rows[place, :, base] -= n[i] * effect
        contrast.append(rows)
        keys.append(periods[1:] - g)
    every, events = np.concatenate(contrast), np.concatenate(keys)
    weights = np.repeat(n[:-1], len(columns))
    names = np.unique(events)
    mix = (events[None, :] == names[:, None]).astype(float)
    study = np.tensordot(mix / (mix @ weights)[:, None], every, axes=1)
    covariance = sum(study[:, k] @ s[k] @ study[:, k].T / n[k] ** 2 for k in range(len(groups)))
    return np.concatenate(att), covariance


def main() -> None:
    frame = pd.read_csv(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].endswith(".csv") else make_frame()
    if len(sys.argv) > 1 and sys.argv[1].endswith(".parquet"):
        import duckdb

        frame = duckdb.sql(f"SELECT * FROM '{Path(sys.argv[1])}'").df()
    panel = Panel.from_frame(frame, unit="id", period="t", cohort="g", outcome="y", never=0)

    def ours() -> object:
        effects = group_time_effects(moments(panel))
        return effects.table(), effects.aggregate("event_time").covariance()

    from diff_diff import CallawaySantAnna

    def library() -> object:
        model = CallawaySantAnna(control_group="not_yet_treated")
        return model.fit(frame, outcome="y", unit="id", time="t", first_treat="g").aggregate("event_study")

    bare_cpu, our_cpu, their_cpu = cpu(lambda: bare(panel.outcome, panel.cohort, panel.periods)), cpu(ours), cpu(library)
    print(f"units {panel.n_units}, periods {panel.n_periods}, effects {len(group_time_effects(moments(panel)).estimate)}")
    print(f"bare NumPy {bare_cpu * 1e3:.1f} ms; kdx_eval {our_cpu * 1e3:.1f} ms; diff-diff {their_cpu * 1e3:.1f} ms (CPU)")
    print(f"kdx_eval / bare = {our_cpu / bare_cpu:.2f} (goal at most 2); diff-diff / kdx_eval = {their_cpu / our_cpu:.1f} (goal at least 5)")


if __name__ == "__main__":
    main()
