"""CPU seconds of the sensitivity analyses and of the randomisation test; run as a script: ``python tests/benchmarks/bench_sensitivity.py``."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from kdx_eval.effect.fixed_length import smoothness
from kdx_eval.effect.permutation import fisher_test
from kdx_eval.effect.sensitivity import relative_magnitudes
from kdx_eval.panel.type import Panel


def cpu_seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def random_study(n_pre: int, n_post: int) -> dict[str, object]:
    """Estimates of an effect of three standard errors with the correlation of differences against a common base."""
    n = n_pre + n_post
    rng = np.random.default_rng(0)
    sigma = 0.5 * (np.eye(n) + 1)
    betahat = np.linalg.cholesky(sigma) @ rng.normal(size=n) + np.r_[np.zeros(n_pre), np.full(n_post, 3.0)]
    return {"estimates": betahat, "sigma": sigma, "n_pre": n_pre, "n_post": n_post}


def lottery(units: int, periods: int) -> Panel:
    rng = np.random.default_rng(0)
    starts = np.r_[np.arange(13.0, 13 + 4 * 7, 4), np.inf]
    return Panel(
        outcome=np.cumsum(rng.normal(size=(units, periods)), axis=1),
        units=np.arange(units).astype(object),
        periods=np.arange(1.0, periods + 1),
        cohort=rng.permutation(np.resize(starts, units)),
        persons=np.ones(units, dtype=np.int64),
    )


def main() -> None:
    for n_pre, n_post in ((5, 2), (12, 12), (24, 12)):
        study = random_study(n_pre, n_post)
        ratio = cpu_seconds(lambda study=study: relative_magnitudes(**study))
        bend = cpu_seconds(lambda study=study: smoothness(**study, m=[0.0, 0.1, 0.2, 0.5]))
        print(f"event study {n_pre:2d} + {n_post:2d}: relative magnitudes, 4 values and breakdown {ratio:5.2f} s; smoothness {bend:5.2f} s")
    for estimand in ("simple", "event_time"):
        panel = lottery(60, 48)
        seconds = cpu_seconds(lambda panel=panel, estimand=estimand: fisher_test(panel, estimand=estimand, draws=2000))
        print(f"fisher test, 60 units x 48 periods, 8 cohorts, 2000 draws, {estimand}: {seconds:5.2f} s")


if __name__ == "__main__":
    main()
